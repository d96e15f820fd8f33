// What was said in one trace, and in several that are one conversation: the call whose answer it was, and what it goes on from.
import type { ToolCall } from '../../schema/suite.ts'
import { spanMessages, type SpanMessage, structured } from './messages.ts'
import type { Span } from './otlp.ts'

/** A call of a model, or of a whole agent, whose answer is known. */
export type Spoken = { span: Span; input: SpanMessage[]; output: SpanMessage[] }

const modelOperations = new Set(['chat', 'text_completion', 'generate_content', 'completion'])
const agentOperations = new Set(['invoke_agent', 'invoke_workflow'])

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const operation = ({ attributes }: Span): string => textOf(attributes['gen_ai.operation.name']) ?? ''
export const isTool = (span: Span): boolean =>
  operation(span) === 'execute_tool' || span.attributes['gen_ai.tool.name'] !== undefined
export const isRetrieval = (span: Span): boolean =>
  operation(span) === 'retrieval' || span.attributes['gen_ai.retrieval.documents'] !== undefined
/** A span around calls of models, which tells what the whole agent was asked and answered. */
export const isAgent = (span: Span): boolean => agentOperations.has(operation(span))
export const isModel = (span: Span): boolean =>
  !isTool(span) &&
  (isAgent(span) ||
    modelOperations.has(operation(span)) ||
    (operation(span) === '' &&
      (span.attributes['gen_ai.system'] ?? span.attributes['gen_ai.request.model']) !== undefined))

export const spokenIn = (spans: readonly Span[]): Spoken[] =>
  spans
    .filter(isModel)
    .map((span) => ({ span, ...spanMessages(span) }))
    .filter(({ output }) => output.length > 0)

const lastOf = (all: readonly Spoken[]): Spoken | undefined =>
  all.reduce<Spoken | undefined>(
    (best, one) => (best === undefined || one.span.end >= best.span.end ? one : best),
    undefined,
  )

export const saidIn = (messages: readonly SpanMessage[]): string =>
  messages
    .map(({ content }) => content)
    .filter((one) => one !== '')
    .join('\n')

/**
 * The call whose answer people saw. An agent tells its answer itself, and the call of a model with that answer has the
 * whole way to it; without agents it is the last call, which has the conversation before it.
 */
export function mainOf(spoken: readonly Spoken[]): Spoken | undefined {
  const chats = spoken.filter(({ span }) => !isAgent(span))
  const agents = spoken.filter(({ span }) => isAgent(span))
  // The outermost ones: what an agent inside of another says goes to that.
  const outer = agents.filter(({ span }) => !agents.some((other) => other.span !== span && isWithin(span, other.span)))
  const root = lastOf(outer)
  if (root === undefined) return lastOf(chats)
  const answer = saidIn(root.output)
  if (answer === '') return lastOf(chats) ?? root
  return lastOf(chats.filter(({ output }) => saidIn(output) === answer)) ?? root
}

const isWithin = (inner: Span, outer: Span): boolean =>
  inner.start >= outer.start && inner.end <= outer.end && (inner.end - inner.start < outer.end - outer.start || inner.parent === outer.id) // biome-ignore format: one condition

/**
 * Tool calls that other calls in the trace made (agents below the first, side calls) and that `known` does not tell. A call
 * that two instrumentations tell has one id.
 */
export function otherCalls(spoken: readonly Spoken[], known: readonly ToolCall[]): { call: ToolCall; at: number }[] {
  const ids = new Set(known.flatMap(({ id }) => id ?? []))
  const left = [...known]
  const found: { call: ToolCall; at: number }[] = []
  const isTold = (call: ToolCall, list: ToolCall[]): boolean => {
    if (call.id !== undefined && ids.has(call.id)) return true
    const place = list.findIndex(
      (one) =>
        (one.id === undefined || call.id === undefined) &&
        one.name === call.name &&
        sameText(one.arguments, call.arguments),
    )
    if (place !== -1) list.splice(place, 1)
    return place !== -1
  }
  const take = (agents: boolean, list: ToolCall[]) => {
    for (const { span, output } of spoken.filter((one) => isAgent(one.span) === agents))
      for (const call of output.flatMap(({ tool_calls = [] }) => tool_calls)) {
        if (isTold(call, list)) continue
        found.push({ call, at: span.end })
        if (call.id !== undefined) ids.add(call.id)
      }
  }
  take(false, left)
  // What an agent tells of its calls is mostly what the calls of its model told.
  take(true, [...known, ...found.map(({ call }) => call)])
  return found
}

const sameText = (a: string, b: string): boolean =>
  a === b || JSON.stringify(structured(a)) === JSON.stringify(structured(b))

const isLead = ({ role }: SpanMessage): boolean => role === 'system' || role === 'developer'

/** System messages at the head, and the rest. */
export function splitLead(messages: readonly SpanMessage[]): { lead: SpanMessage[]; talk: SpanMessage[] } {
  const end = messages.findIndex((one) => !isLead(one))
  const cut = end === -1 ? messages.length : end
  return { lead: messages.slice(0, cut), talk: messages.slice(cut) }
}

const isText = ({ role, content }: SpanMessage): boolean =>
  (role === 'user' || role === 'assistant') && content.trim() !== ''

/**
 * The part of `next` that goes on from `before`: an application sends all of the conversation again, the end of it, or
 * only what is new. What both have is found by the texts of user and assistant; the last of them is an answer.
 */
export function goesOn(before: readonly SpanMessage[], next: readonly SpanMessage[]): SpanMessage[] {
  const known = before.filter(isText)
  const places = next.flatMap((one, index) => (isText(one) ? [index] : []))
  for (let shared = Math.min(known.length, places.length); shared > 0; shared--) {
    const end = places[shared - 1] ?? 0
    if (next[end]?.role !== 'assistant') continue
    const tail = known.slice(-shared)
    const same = tail.every((one, i) => {
      const other = next[places[i] ?? 0]
      return other?.role === one.role && other.content.trim() === one.content.trim()
    })
    if (same) return next.slice(end + 1)
  }
  return [...next]
}
