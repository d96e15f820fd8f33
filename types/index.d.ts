// What functions are given and may return that you write for aigate in TypeScript. Types only: nothing is imported at run time.

/** Any JSON value. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** A tool call as the model wrote it: `arguments` is JSON text, not always valid. */
export type ToolCall = { id?: string | undefined; name: string; arguments: string }

/** A message that was sent. */
export type Message = {
  role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  content: string
  tool_calls?: ToolCall[] | undefined
  tool_call_id?: string | undefined
}

/** The case behind an answer, without its assertions and its variables, which are given apart. */
export type Case = {
  id: string
  description?: string | undefined
  category?: string | undefined
  tags: string[]
  critical: boolean
  messages?: Message[] | undefined
  [key: string]: unknown
}

/** What a `module` assertion is called with, and a `command` assertion reads from stdin (without `options`). */
export type AssertionInput<Options = unknown> = {
  /** The text of the answer; empty where the model only called tools. */
  answer: string
  tool_calls: ToolCall[]
  vars: Record<string, Json>
  case: Case
  /** `options` of the assertion, as they stand in the suite. */
  options: Options
}

/**
 * What it found: true or false, a score from 0 to 1, or both with a reason. A score without `passed` passes from 0.5 on, or
 * from the `threshold` of the assertion. What throws, and anything else, is a grader error: never a failed answer.
 */
export type Verdict =
  | boolean
  | number
  | { score: number; passed?: boolean | undefined; reason?: string | undefined }
  | { score?: number | undefined; passed: boolean; reason?: string | undefined }

/** A `module` assertion: an exported function that grades one answer. */
export type Assertion<Options = unknown> = (input: AssertionInput<Options>) => Verdict | Promise<Verdict>

/** What a `module` target is called with. */
export type TargetInput = {
  id: string
  vars: Record<string, Json>
  messages: Message[]
  trial: number
  /** In conversations: the newest message of the user. */
  message?: string | undefined
  /** Aborted when the time is up or the run stops. */
  signal: AbortSignal
}

/** What it answers: text, or an object with more. */
export type Answer =
  | string
  | {
      text?: string | undefined
      tool_calls?: { id?: string | undefined; name: string; arguments?: Json | undefined }[] | undefined
      usage?: { input_tokens: number; output_tokens: number } | undefined
      model?: string | undefined
      cost_usd?: number | undefined
      contexts?: (string | { id?: string | undefined; text?: string | undefined; score?: number | undefined })[] | undefined
      state?: Json | undefined
    }

/** A `module` target: an exported function that answers one case. */
export type Target = (input: TargetInput) => Answer | Promise<Answer>
