// What commander hands to the commands: the options that several verbs share.
import type { Project } from '../ports.ts'
import type { Budget } from '../schema/config.ts'

export type AskOptions = {
  config?: string
  tag?: string[]
  case?: string[]
  model?: string
  prompt?: string
  seed?: number
  record?: boolean
  offline?: boolean
  out?: string
  /** false: --no-cache. */
  cache?: boolean
  refresh?: boolean
  cacheDir?: string
  maxCost?: number
  maxCalls?: number
  maxTokens?: number
  /** Milliseconds. */
  maxDuration?: number
  batch?: boolean
  /** `2/8`. */
  shard?: string
  /** A shard asks so many passes. */
  passes?: number
}

/** The options of `limited`: every verb that asks models has them. */
export type Limited = Pick<AskOptions, 'maxCost' | 'maxCalls' | 'maxTokens' | 'maxDuration'>

/** What may be spent: as the command line says, else aigate.yaml, each limit by itself. */
export function budgetOf({ config }: Project, options: Limited): Budget {
  const { maxCost, maxCalls, maxTokens, maxDuration } = options
  return {
    ...config.budget,
    ...(maxCost !== undefined && { max_cost_usd: maxCost }),
    ...(maxCalls !== undefined && { max_calls: maxCalls }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(maxDuration !== undefined && { max_duration: maxDuration }),
  }
}

export type ReportOptions = { reporter: string }
