// What an application tells of its own way to an answer: its trajectory as chat messages, and the contexts that it retrieved.
import * as z from 'zod'
import type { RetrievedContext, Step } from '../../schema/conversation.ts'
import type { ToolCall } from '../../schema/suite.ts'
import { Json } from '../../schema/values.ts'

const asText = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)
const written = Json.default({}).transform(asText)

/** `{name, arguments}`, or the form of OpenAI, `{id, function: {name, arguments}}`. */
const ToldCall = z.union([
  z.object({ id: z.string().optional(), name: z.string(), arguments: written }),
  z
    .object({ id: z.string().optional(), function: z.object({ name: z.string(), arguments: written }) })
    .transform(({ id, function: { name, arguments: args } }) => ({ id, name, arguments: args })),
])

/** Messages of roles that are no part of what happened (system, developer) are left out. */
export const Trajectory = z.array(
  z.object({
    role: z.enum(['user', 'assistant', 'tool', 'system', 'developer']),
    content: Json.optional().transform(asText),
    tool_calls: z.array(ToldCall).nullish(),
    tool_call_id: z.string().nullish(),
    name: z.string().nullish(),
    error: z.unknown().optional(),
  }),
)

/**
 * Steps from the messages of an application, all in turn 1. The answer is added where the messages do not end with it.
 * A tool message is an error where its `error` says anything but false or nothing.
 */
export function stepsOf(told: z.infer<typeof Trajectory>, answer: string): Step[] {
  const steps = told.flatMap(({ role, content, tool_calls, tool_call_id, name, error }): Step[] => {
    if (role === 'system' || role === 'developer') return []
    const step: Step = { role, turn: 1, content }
    if (tool_calls && tool_calls.length > 0) step.tool_calls = tool_calls.map(callOf)
    if (tool_call_id) step.tool_call_id = tool_call_id
    if (name) step.name = name
    if (error) step.error = true
    return [step]
  })
  const last = steps.at(-1)
  const ends = last?.role === 'assistant' && last.tool_calls === undefined
  return ends || answer === '' ? steps : [...steps, { role: 'assistant', turn: 1, content: answer }]
}

const callOf = ({ id, name, arguments: args }: z.infer<typeof ToldCall>): ToolCall => ({
  ...(id !== undefined && { id }),
  name,
  arguments: args,
})

/** The steps with the tool calls that only `tool_calls` of the answer tells: a call that stands in both is one. */
export function withCalls(steps: readonly Step[], told: readonly ToolCall[]): Step[] {
  const left = callsIn(steps)
  const missing = told.filter((call) => {
    const place = left.findIndex(
      (one) =>
        one.name === call.name &&
        (one.id === undefined || call.id === undefined ? sameArguments(one, call) : one.id === call.id),
    )
    if (place !== -1) left.splice(place, 1)
    return place === -1
  })
  if (missing.length === 0) return [...steps]
  const last = steps.at(-1)
  const place = last?.role === 'assistant' && last.tool_calls === undefined ? steps.length - 1 : steps.length
  return steps.toSpliced(place, 0, { role: 'assistant', turn: 1, content: '', tool_calls: missing })
}

function sameArguments(a: ToolCall, b: ToolCall): boolean {
  const plain = (text: string) => {
    try {
      return JSON.stringify(JSON.parse(text))
    } catch {
      return text
    }
  }
  return plain(a.arguments) === plain(b.arguments)
}

/** All tool calls in their order. */
export const callsIn = (steps: readonly Step[]): ToolCall[] => steps.flatMap(({ tool_calls = [] }) => tool_calls)

const idKeys = ['id', 'doc_id', 'document_id', 'chunk_id'] as const
const textKeys = ['text', 'content', 'page_content'] as const

/** Texts, or objects with an id, a text and a score under the names that frameworks use. */
export const Contexts = z.array(
  z.union([z.string(), z.record(z.string(), z.unknown())]).transform((one): RetrievedContext => {
    if (typeof one === 'string') return { text: one }
    const within =
      typeof one['metadata'] === 'object' && one['metadata'] !== null
        ? (one['metadata'] as Record<string, unknown>)
        : {}
    const value = (keys: readonly string[]) => {
      const found = keys.map((key) => one[key] ?? within[key]).find((x) => x !== undefined && x !== null)
      return typeof found === 'number' ? String(found) : typeof found === 'string' ? found : undefined
    }
    const id = value(idKeys)
    const text = value(textKeys)
    const score = one['score']
    return {
      ...(id !== undefined && { id }),
      ...(text !== undefined && { text }),
      ...(typeof score === 'number' && { score }),
    }
  }),
)
