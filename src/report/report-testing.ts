// A report as one text, for tests.
import { piecesOf } from './registry.ts'

export const written = (...args: Parameters<typeof piecesOf>): string => [...piecesOf(...args)].join('')
