// What the three kinds of applications have in common: what they are given, and how their answers and failures are read.
import * as z from 'zod'
import type { AskRequest, Attempt } from '../../ports.ts'
import { type ErrorKind, Usage } from '../../schema/run.ts'
import { Json } from '../../schema/values.ts'
import { callsIn, Contexts, stepsOf, Trajectory, withCalls } from '../agents/told.ts'

export type AppOptions = {
  /** Absolute folder of the suite. */
  dir: string
  env: Readonly<Record<string, string | undefined>>
  clock: { monotonic(): number }
}

/** No application may answer with more: 10 million bytes or characters. */
export const LONGEST_ANSWER = 10_000_000

/** What an application is told of a case. */
export function question({ case: { id, vars, turns, user }, messages, trial }: AskRequest) {
  const told = { id, vars, messages, trial }
  // Of a conversation the newest message of the user, for applications that keep the thread themselves.
  const last = turns || user ? messages.findLast(({ role }) => role === 'user')?.content : undefined
  return last === undefined ? told : { ...told, message: last }
}

/** An answer with more than text, see `readAnswer`. `arguments` may be an object; it is kept as JSON text. */
const Envelope = z.object({
  text: z.string().default(''),
  tool_calls: z
    .array(
      z.object({
        id: z.string().optional(),
        name: z.string(),
        arguments: Json.default({}).transform((value) => (typeof value === 'string' ? value : JSON.stringify(value))),
      }),
    )
    .default([]),
  usage: Usage.optional(),
  model: z.string().optional(),
  cost_usd: z.number().nonnegative().optional(),
  trajectory: Trajectory.optional(),
  contexts: Contexts.optional(),
  state: Json.optional(),
})

/**
 * The object that an application may answer with; `types/index.d.ts` is held equal to it.
 * @public
 */
export type AppAnswer = z.input<typeof Envelope>

/** `toolCalls` for `tool_calls`: read over, it would look as if no tool was called. */
function misspelt(answer: object): string | undefined {
  const plain = (key: string) => key.toLowerCase().replace(/[_-]|s$/g, '')
  const known = Object.keys(Envelope.shape)
  for (const key of Object.keys(answer)) {
    const meant = known.includes(key) ? undefined : known.find((one) => plain(one) === plain(key))
    if (meant !== undefined && !(meant in answer)) return `the key "${key}" means nothing here; write "${meant}"`
  }
  return undefined
}

/** True for an object that is an answer with `text` or `tool_calls`, and not itself the text. */
function isEnvelope(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { text, tool_calls } = value as { text?: unknown; tool_calls?: unknown }
  return typeof text === 'string' || Array.isArray(tool_calls)
}

/**
 * Reads what an application gave back: text, or an object {text, tool_calls?, usage?, model?, cost_usd?, trajectory?, contexts?, state?}. An answer
 * without text and tool calls is the error `empty_answer`, a torn object is `malformed`.
 */
export function readAnswer(answer: unknown, latency_ms: number): Attempt {
  if (typeof answer !== 'string' && !isEnvelope(answer)) {
    return failed('malformed', 'The answer is neither text nor an object with `text`.', latency_ms)
  }
  const strange = typeof answer === 'object' && answer !== null ? misspelt(answer) : undefined
  if (strange !== undefined) return failed('malformed', `The answer is torn: ${strange}.`, latency_ms)
  const read = Envelope.safeParse(typeof answer === 'string' ? { text: answer } : answer)
  if (!read.success) {
    const [issue] = read.error.issues
    return failed('malformed', `The answer is torn: ${issue?.path.join('.')}: ${issue?.message}`, latency_ms)
  }
  const { text, usage, model, cost_usd, trajectory, contexts, state } = read.data
  const steps = trajectory && withCalls(stepsOf(trajectory, text), read.data.tool_calls)
  const tool_calls = steps ? callsIn(steps) : read.data.tool_calls
  if (text.trim() === '' && tool_calls.length === 0) return failed('empty_answer', 'The answer is empty.', latency_ms)
  return {
    completion: {
      outcome: 'answered',
      text,
      tool_calls,
      latency_ms,
      attempts: 1,
      ...(usage && { usage }),
      ...(model !== undefined && { response_model: model }),
      ...(cost_usd !== undefined && { cost_usd }),
      ...(steps && { conversation: { steps, calls: 1, ended: 'answered' } }),
      ...(contexts && { contexts }),
      ...(state !== undefined && { state }),
    },
  }
}

/** Reads text that may be an answer object as JSON; any other text is the answer itself. */
export function readText(text: string, latency_ms: number): Attempt {
  if (!/^\s*\{/.test(text)) return readAnswer(text, latency_ms)
  try {
    const parsed: unknown = JSON.parse(text)
    return readAnswer(isEnvelope(parsed) ? parsed : text, latency_ms)
  } catch {
    return readAnswer(text, latency_ms)
  }
}

/** A failed attempt. `more.retry` makes it a transient one. */
export function failed(
  kind: ErrorKind,
  message: string,
  latency_ms: number,
  more: { status?: number; retry?: NonNullable<Attempt['retry']> } = {},
): Attempt {
  const { status, retry } = more
  const error = { kind, message, ...(status !== undefined && { status }) }
  return {
    completion: { outcome: 'error', text: '', tool_calls: [], error, latency_ms, attempts: 1 },
    ...(retry && { retry }),
  }
}

/** The sentence of whatever was thrown. */
export function sentenceOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
