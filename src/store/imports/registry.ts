// The formats of other tools that can be read: one line each.
import { ctrf } from './ctrf.ts'
import type { FormatReader } from './foreign.ts'
import { inspect } from './inspect.ts'
import { junit } from './junit.ts'
import { openaiEvals } from './openai-evals.ts'
import { promptfoo } from './promptfoo.ts'
import { csv, jsonl } from './rows.ts'

export const formats = {
  promptfoo,
  inspect,
  junit,
  ctrf,
  jsonl,
  csv,
  'openai-evals': openaiEvals,
} as const satisfies Record<string, FormatReader>

export type ImportFormat = keyof typeof formats
export const formatNames = Object.keys(formats) as ImportFormat[]
