// A report as one text, for tests.
import { reporterNames, reporterOf } from './registry.ts'

const loaded = await Promise.all(reporterNames.map(async (name) => [name, await reporterOf(name)] as const))
const reporters = new Map(loaded)
type Given = Parameters<Awaited<ReturnType<typeof reporterOf>>>

export const pieces = (name: (typeof reporterNames)[number], ...given: Given): Iterable<string> =>
  reporters.get(name)?.(...given) ?? []
export const written = (...args: Parameters<typeof pieces>): string => [...pieces(...args)].join('')
