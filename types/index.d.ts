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

/** One thing that happened in a conversation. `turn` counts from 1; `error`: the tool answered with an error. */
export type Step = {
  role: 'user' | 'assistant' | 'tool'
  turn: number
  content: string
  tool_calls?: ToolCall[] | undefined
  tool_call_id?: string | undefined
  name?: string | undefined
  error?: true | undefined
}

/** A piece of text that a retrieval found. */
export type RetrievedContext = {
  id?: string | undefined
  text?: string | undefined
  score?: number | undefined
  turn?: number | undefined
}

/** What a `module` assertion is called with, and a `command` assertion reads from stdin (without `options`). */
export type AssertionInput<Options = unknown> = {
  /** The text of the answer; empty where the model only called tools. */
  answer: string
  tool_calls: ToolCall[]
  vars: Record<string, Json>
  case: Case
  /** As they were sent before the last answer; absent where nobody knows them. */
  messages?: Message[] | undefined
  /** Of a conversation: all that was said and called, with the answers of the tools. */
  steps?: Step[] | undefined
  /** What was retrieved, best first; absent where nobody told. */
  contexts?: RetrievedContext[] | undefined
  /** What the tools or the application left at the end; absent where nobody told. */
  state?: Json | undefined
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

type ToldCall =
  | { id?: string | undefined; name: string; arguments?: Json | undefined }
  | { id?: string | undefined; function: { name: string; arguments?: Json | undefined } }

/** What it answers: text, or an object with more. */
export type Answer =
  | string
  | {
      text?: string | undefined
      tool_calls?: { id?: string | undefined; name: string; arguments?: Json | undefined }[] | undefined
      usage?: { input_tokens: number; output_tokens: number } | undefined
      model?: string | undefined
      cost_usd?: number | undefined
      /** Messages in between, as chat APIs have them: tool calls and what the tools answered. */
      trajectory?:
        | {
            role: 'user' | 'assistant' | 'tool' | 'system' | 'developer'
            content?: Json | undefined
            tool_calls?: ToldCall[] | null | undefined
            tool_call_id?: string | null | undefined
            name?: string | null | undefined
            error?: unknown
          }[]
        | undefined
      contexts?: (string | { id?: string | undefined; text?: string | undefined; score?: number | undefined })[] | undefined
      state?: Json | undefined
    }

/** A `module` target: an exported function that answers one case. */
export type Target = (input: TargetInput) => Answer | Promise<Answer>
