// From the spans of traces to completions: the conversation, the tools that were called, what was retrieved, what it took.
import type { RetrievedContext, Step } from '../../schema/conversation.ts'
import type { Completion, Usage } from '../../schema/run.ts'
import type { Message } from '../../schema/suite.ts'
import { withLogEvents } from './log-events.ts'
import { type SpanMessage, structured } from './messages.ts'
import { readTelemetry, type Span } from './otlp.ts'
import { goesOn, isModel, isRetrieval, isTool, mainOf, otherCalls, saidIn, type Spoken, splitLead, spokenIn, textOf } from './talk.ts' // biome-ignore format: one list
import { stepsOf, withCalls, withToolSpans } from './trace-steps.ts'

export type Trace = {
  /** Of the trace, or of the conversation that several traces are. */
  id: string
  kind: 'trace' | 'conversation'
  /** Milliseconds since 1970. */
  start: number
  /** What the attribute that names cases says; undefined: nothing. */
  case: string | undefined
  /** What stands before the conversation, system messages above all. */
  asked: Message[]
  completion: Completion
}
export type Traces = { traces: Trace[]; notes: string[] }

/** The spans of one trace, by their start. */
type Group = { trace: string; spans: Span[]; case: string | undefined; conversation: string | undefined }

/**
 * The traces of some files, by their start. Traces of one conversation (`gen_ai.conversation.id`) are one. Traces without a
 * GenAI span are left out and counted; one whose messages were not recorded stays, as an answer that could not be measured.
 * Throws as `readTelemetry` does.
 * @param attribute which names the case of a trace, on any of its spans
 */
export async function readTraces(files: readonly string[], attribute: string): Promise<Traces> {
  const { spans, events, unread } = await readTelemetry(files)
  const groups = groupsOf(withLogEvents(spans, events), attribute)
  const told = groups.filter((group) => group.spans.some(isModel))
  const joined = conversations(told)
  const traces = joined.map(traceOf).sort((a, b) => a.start - b.start || (a.id < b.id ? -1 : 1))
  const blind = traces.filter(({ completion }) => completion.outcome === 'error').length
  const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`
  const several = joined.filter((list) => list.length > 1)
  const parts = several.reduce((sum, list) => sum + list.length, 0)
  return {
    traces,
    notes: [
      ...(unread > 0 ? [`${count(unread, 'line')} or spans could not be read.`] : []),
      ...(groups.length > told.length
        ? [`${count(groups.length - told.length, 'trace')} without a GenAI span left out.`]
        : []),
      ...(parts > 0
        ? [`${parts} traces are ${count(several.length, 'conversation')} (gen_ai.conversation.id), each graded as one.`]
        : []),
      ...(blind > 0 ? [`${count(blind, 'trace')} of ${traces.length} without an answer: not measured.`] : []),
    ],
  }
}

function groupsOf(spans: readonly Span[], attribute: string): Group[] {
  const groups = new Map<string, Map<string, Span>>()
  for (const span of spans) {
    const group = groups.get(span.trace) ?? new Map<string, Span>()
    // Exporters retry: the same span may come twice.
    group.set(span.id, span)
    groups.set(span.trace, group)
  }
  return [...groups].map(([trace, found]) => {
    const all = [...found.values()].sort((a, b) => a.start - b.start)
    const said = (name: string) =>
      all.map(({ attributes }) => textOf(attributes[name])).find((one) => one !== undefined)
    return { trace, spans: all, case: said(attribute), conversation: said('gen_ai.conversation.id') }
  })
}

/** Groups of one conversation together, each list by time. Two names of cases in one conversation are two. */
function conversations(groups: readonly Group[]): Group[][] {
  const names = new Map<string, Set<string>>()
  for (const { conversation, case: named } of groups)
    if (conversation !== undefined && named !== undefined)
      names.set(conversation, (names.get(conversation) ?? new Set()).add(named))
  const lists = new Map<string, Group[]>()
  for (const group of groups) {
    const { conversation, case: named, trace } = group
    const apart = conversation !== undefined && (names.get(conversation)?.size ?? 0) > 1 ? (named ?? '') : ''
    const key = JSON.stringify(conversation === undefined ? [trace] : [conversation, apart])
    lists.set(key, [...(lists.get(key) ?? []), group])
  }
  return [...lists.values()].map((list) => list.sort((a, b) => startOf(a.spans) - startOf(b.spans)))
}

const startOf = (spans: readonly Span[]): number => spans.reduce((least, { start }) => Math.min(least, start), Infinity)
const endOf = (spans: readonly Span[]): number => spans.reduce((most, { end }) => Math.max(most, end), -Infinity)

/** What one trace adds to its conversation. */
type Part = { spans: Span[]; spoken: Spoken[]; main: Spoken | undefined }

function traceOf(groups: readonly Group[]): Trace {
  const parts = groups.map(({ spans }): Part => {
    const spoken = spokenIn(spans)
    return { spans, spoken, main: mainOf(spoken) }
  })
  const spans = parts.flatMap((part) => part.spans)
  const models = spans.filter(isModel)
  const first = parts.find(({ main }) => main !== undefined)?.main
  const { steps, contexts } = stepsIn(parts)
  const usage = usageOf(models, spans)
  const latency_ms = latencyOf(parts)
  const model = models
    .map(({ attributes }) => attributes['gen_ai.response.model'])
    .findLast((one) => typeof one === 'string')
  const [{ trace, conversation } = { trace: '', conversation: undefined }] = groups
  const named = groups.find((group) => group.case !== undefined)?.case
  return {
    id: groups.length > 1 ? [conversation, named].filter((one) => one !== undefined).join('/') : trace,
    kind: groups.length > 1 ? 'conversation' : 'trace',
    start: startOf(spans),
    case: named,
    asked: first ? splitLead(first.input).lead.map(({ role, content }) => ({ role, content })) : [],
    completion: {
      ...answerOf(parts),
      tool_calls: steps.flatMap(({ tool_calls = [] }) => tool_calls),
      ...(latency_ms !== undefined && { latency_ms }),
      ...firstToken(parts.at(-1)?.main?.span),
      attempts: 0,
      ...(usage && { usage }),
      ...(typeof model === 'string' && { response_model: model }),
      ...(first && { conversation: { steps, calls: innermost(models, spans).length, ended: 'answered' as const } }),
      ...(contexts && { contexts }),
    },
  }
}

/** All parts in their order; each goes on from those before, whether it repeats them or not. */
function stepsIn(parts: readonly Part[]): { steps: Step[]; contexts: RetrievedContext[] | undefined } {
  const steps: Step[] = []
  const contexts: RetrievedContext[] = []
  let said: SpanMessage[] = []
  let retrieved = false
  for (const { spans, spoken, main } of parts) {
    const fresh = main ? [...goesOn(said, splitLead(main.input).talk), ...main.output] : []
    said = [...said, ...fresh]
    const known = fresh.flatMap(({ tool_calls = [] }) => tool_calls)
    const before = steps.at(-1)?.turn ?? 0
    const own = withCalls(stepsOf(fresh, before), otherCalls(spoken, known))
    steps.push(...withToolSpans(own, spans.filter(isTool)))
    const found = spans.filter(isRetrieval)
    retrieved ||= found.length > 0
    const turn = Math.max(1, steps.at(-1)?.turn ?? 1)
    contexts.push(...contextsOf(found).map((one) => (parts.length > 1 ? { ...one, turn } : one)))
  }
  return { steps, contexts: retrieved ? contexts : undefined }
}

/** From the first start to the last end of each trace; what a user thinks in between is no latency. */
function latencyOf(parts: readonly Part[]): number | undefined {
  const timed = parts.map(({ spans }) => spans.filter(({ untimed }) => !untimed))
  if (timed.some((spans) => spans.length === 0)) return undefined
  return timed.reduce((sum, spans) => sum + Math.max(0, endOf(spans) - startOf(spans)), 0)
}

/** Of the last answer; the conventions tell it in seconds. */
function firstToken(span: Span | undefined): { first_token_ms?: number } {
  const seconds = span?.attributes['gen_ai.response.time_to_first_chunk']
  return typeof seconds === 'number' && seconds >= 0 ? { first_token_ms: seconds * 1000 } : {}
}

function answerOf(parts: readonly Part[]): Pick<Completion, 'outcome' | 'text' | 'error' | 'finish_reason'> {
  const failureIn = ({ spans }: Part) =>
    spans.filter(isModel).find((span) => span.failed !== undefined || span.attributes['error.type'] !== undefined)
  // A turn of which nothing is known could have been anything; one that failed was no answer, and was perhaps asked again.
  const dark = parts.find((part) => part.main === undefined && failureIn(part) === undefined)
  const last = parts.at(-1)
  if (dark ?? (last && last.main === undefined)) {
    const failed = dark ? undefined : last && failureIn(last)
    const message = failed
      ? `The call failed: ${failed.failed ?? textOf(failed.attributes['error.type']) ?? 'unknown'}.`
      : 'The trace does not hold what was said: record the content of messages (gen_ai.output.messages).'
    return { outcome: 'error', text: '', error: { kind: failed ? 'server_error' : 'malformed', message } }
  }
  const { span, output } = last?.main ?? { span: undefined, output: [] }
  const listed = structured(span?.attributes['gen_ai.response.finish_reasons'])
  const reason =
    output.at(-1)?.finish ?? (Array.isArray(listed) ? listed.find((one) => typeof one === 'string') : undefined)
  if (reason === 'error') {
    const message = 'The model broke off (finish_reason: error).'
    return { outcome: 'error', text: '', error: { kind: 'server_error', message } }
  }
  const outcome =
    reason === 'content_filter' ? 'refused' : reason === 'length' || reason === 'max_tokens' ? 'truncated' : 'answered'
  return { outcome, text: saidIn(output), ...(reason !== undefined && { finish_reason: reason }) }
}

function contextsOf(spans: readonly Span[]): RetrievedContext[] {
  return spans.flatMap(({ attributes }) => {
    const value = structured(attributes['gen_ai.retrieval.documents'])
    return (Array.isArray(value) ? value : []).flatMap((one: unknown): RetrievedContext[] => {
      if (typeof one === 'string') return [{ text: one }]
      if (typeof one !== 'object' || one === null) return []
      const { id, text, content, score } = one as Record<string, unknown>
      const said = text ?? content
      return [
        {
          ...((typeof id === 'string' || typeof id === 'number') && { id: String(id) }),
          ...(typeof said === 'string' && { text: said }),
          ...(typeof score === 'number' && { score }),
        },
      ]
    })
  })
}

/** Those that hold none of the others among `all`: an agent, or a second instrumentation, sums up what is within. */
function innermost(spans: readonly Span[], all: readonly Span[]): Span[] {
  const keyOf = (trace: string, id: string) => `${trace} ${id}`
  const byId = new Map(all.map((span) => [keyOf(span.trace, span.id), span]))
  const around = new Set<Span>()
  for (const { trace, parent } of spans)
    for (let above = parent; above !== undefined; ) {
      const span = byId.get(keyOf(trace, above))
      if (span === undefined || around.has(span)) break
      around.add(span)
      above = span.parent
    }
  return spans.filter((span) => !around.has(span))
}

const inputNames = ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens'] as const
const outputNames = ['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens'] as const

/** The sum over the calls of the model; undefined where none tells. */
function usageOf(models: readonly Span[], all: readonly Span[]): Usage | undefined {
  const tokens = ({ attributes }: Span, names: readonly string[]) => {
    const value = Number(names.map((name) => attributes[name]).find((one) => one !== undefined) ?? 0)
    return Number.isInteger(value) && value > 0 ? value : 0
  }
  const telling = innermost(
    models.filter((one) => tokens(one, inputNames) + tokens(one, outputNames) > 0),
    all,
  )
  if (telling.length === 0) return undefined
  const sum = (names: readonly string[]) => telling.reduce((all, one) => all + tokens(one, names), 0)
  return { input_tokens: sum(inputNames), output_tokens: sum(outputNames) }
}
