// From the spans of one trace to a completion: the conversation, the tools that were called, what was retrieved, what it took.
import type { RetrievedContext, Step } from '../../schema/conversation.ts'
import type { Completion, Usage } from '../../schema/run.ts'
import type { Message } from '../../schema/suite.ts'
import { spanMessages, type SpanMessage, structured } from './messages.ts'
import { readSpans, type Span } from './otlp.ts'

export type Trace = {
  id: string
  /** Milliseconds since 1970. */
  start: number
  /** What the attribute that names cases says; undefined: nothing. */
  case: string | undefined
  /** What stands before the conversation, system messages above all. */
  asked: Message[]
  completion: Completion
}
export type Traces = { traces: Trace[]; notes: string[] }

const modelOperations = new Set(['chat', 'text_completion', 'generate_content', 'completion', 'invoke_agent'])

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const operation = ({ attributes }: Span): string => textOf(attributes['gen_ai.operation.name']) ?? ''
const isModel = (span: Span): boolean =>
  modelOperations.has(operation(span)) ||
  (operation(span) === '' &&
    (span.attributes['gen_ai.system'] ?? span.attributes['gen_ai.request.model']) !== undefined)
const isTool = (span: Span): boolean =>
  operation(span) === 'execute_tool' || span.attributes['gen_ai.tool.name'] !== undefined
const isRetrieval = (span: Span): boolean =>
  operation(span) === 'retrieval' || span.attributes['gen_ai.retrieval.documents'] !== undefined

/**
 * The traces of some files, by their start. Traces without a GenAI span are left out and counted; one whose messages were
 * not recorded stays, as an answer that could not be measured. Throws as `readSpans` does.
 * @param attribute which names the case of a trace, on any of its spans
 */
export async function readTraces(files: readonly string[], attribute: string): Promise<Traces> {
  const { spans, unread } = await readSpans(files)
  const groups = new Map<string, Map<string, Span>>()
  for (const span of spans) {
    const group = groups.get(span.trace) ?? new Map<string, Span>()
    // Exporters retry: the same span may come twice.
    group.set(span.id, span)
    groups.set(span.trace, group)
  }
  const all = [...groups.values()].map((group) => [...group.values()].sort((a, b) => a.start - b.start))
  const told = all.filter((group) => group.some((span) => isModel(span)))
  const traces = told
    .map((group) => traceOf(group, attribute))
    .sort((a, b) => a.start - b.start || (a.id < b.id ? -1 : 1))
  const blind = traces.filter(({ completion }) => completion.outcome === 'error').length
  const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`
  return {
    traces,
    notes: [
      ...(unread > 0 ? [`${count(unread, 'line')} or spans could not be read.`] : []),
      ...(all.length > told.length
        ? [`${count(all.length - told.length, 'trace')} without a GenAI span left out.`]
        : []),
      ...(blind > 0 ? [`${count(blind, 'trace')} of ${traces.length} without an answer: not measured.`] : []),
    ],
  }
}

function traceOf(spans: Span[], attribute: string): Trace {
  const named = spans.map(({ attributes }) => attributes[attribute]).find((value) => typeof value === 'string')
  const models = spans.filter((span) => isModel(span) && !isTool(span))
  const speaking = models.map((span) => ({ span, ...spanMessages(span) })).filter(({ output }) => output.length > 0)
  // The last call of the model has the whole conversation before it.
  const last = speaking.reduce<(typeof speaking)[number] | undefined>(
    (best, one) => (best === undefined || one.span.end >= best.span.end ? one : best),
    undefined,
  )
  const start = Math.min(...spans.map((span) => span.start))
  const latency_ms = Math.max(0, Math.max(...spans.map((span) => span.end)) - start)
  const talk = last ? [...last.input, ...last.output] : []
  const lead = talk.findIndex(({ role }) => role !== 'system' && role !== 'developer')
  const asked = talk.slice(0, lead === -1 ? talk.length : lead).map(({ role, content }) => ({ role, content }))
  const steps = withToolSpans(stepsOf(talk.slice(asked.length)), spans.filter(isTool))
  const contexts = contextsOf(spans.filter(isRetrieval))
  const usage = usageOf(models)
  const model = models
    .map(({ attributes }) => attributes['gen_ai.response.model'])
    .findLast((one) => typeof one === 'string')
  return {
    id: spans[0]?.trace ?? '',
    start,
    case: typeof named === 'string' ? named : undefined,
    asked,
    completion: {
      ...answerOf(last, models),
      tool_calls: steps.flatMap(({ tool_calls = [] }) => tool_calls),
      latency_ms,
      attempts: 0,
      ...(usage && { usage }),
      ...(typeof model === 'string' && { response_model: model }),
      ...(last && { conversation: { steps, calls: models.length, ended: 'answered' } }),
      ...(contexts && { contexts }),
    },
  }
}

function answerOf(
  last: { span: Span; output: SpanMessage[] } | undefined,
  models: readonly Span[],
): Pick<Completion, 'outcome' | 'text' | 'error' | 'finish_reason'> {
  if (!last) {
    const failed = models.find((span) => span.failed !== undefined || span.attributes['error.type'] !== undefined)
    const message = failed
      ? `The call failed: ${failed.failed ?? textOf(failed.attributes['error.type']) ?? 'unknown'}.`
      : 'The trace does not hold what was said: record the content of messages (gen_ai.output.messages).'
    return { outcome: 'error', text: '', error: { kind: failed ? 'server_error' : 'malformed', message } }
  }
  const listed = structured(last.span.attributes['gen_ai.response.finish_reasons'])
  const reason =
    last.output.at(-1)?.finish ?? (Array.isArray(listed) ? listed.find((one) => typeof one === 'string') : undefined)
  const outcome =
    reason === 'content_filter' ? 'refused' : reason === 'length' || reason === 'max_tokens' ? 'truncated' : 'answered'
  const text = last.output
    .map(({ content }) => content)
    .filter((one) => one !== '')
    .join('\n')
  return { outcome, text, ...(reason !== undefined && { finish_reason: reason }) }
}

/** A turn begins with each message of the user. */
function stepsOf(talk: readonly SpanMessage[]): Step[] {
  const names = new Map<string, string>()
  let turn = 0
  return talk.flatMap(({ role, content, tool_calls, tool_call_id, name }): Step[] => {
    if (role === 'system' || role === 'developer') return []
    if (role === 'user') turn += 1
    for (const call of tool_calls ?? []) if (call.id !== undefined) names.set(call.id, call.name)
    const known = name ?? names.get(tool_call_id ?? '')
    return [
      {
        role,
        turn: Math.max(1, turn),
        content,
        ...(tool_calls && { tool_calls }),
        ...(tool_call_id !== undefined && { tool_call_id }),
        ...(role === 'tool' && known !== undefined && { name: known }),
      },
    ]
  })
}

/** Tools whose spans are there but that no message tells of, and errors that only their span knows. */
function withToolSpans(steps: Step[], tools: readonly Span[]): Step[] {
  const all = [...steps]
  const unmatched = steps.flatMap(({ tool_calls = [] }) => tool_calls)
  const last = all.at(-1)
  // Before the answer, where there is one.
  let place = last?.role === 'assistant' && last.tool_calls === undefined ? all.length - 1 : all.length
  for (const { attributes, failed, name: label } of tools) {
    const name = textOf(attributes['gen_ai.tool.name']) ?? label.replace(/^execute_tool /, '')
    const id = attributes['gen_ai.tool.call.id']
    const broken = failed !== undefined || attributes['error.type'] !== undefined
    const match = unmatched.findIndex(
      (call) => call.name === name && (id === undefined || call.id === undefined || call.id === id),
    )
    if (match !== -1) {
      const [call] = unmatched.splice(match, 1)
      const answer = all.find((step) => step.role === 'tool' && call?.id !== undefined && step.tool_call_id === call.id)
      if (answer && broken) answer.error = true
      continue
    }
    const key = typeof id === 'string' ? { id } : {}
    const written = attributes['gen_ai.tool.call.arguments'] ?? {}
    const args = typeof written === 'string' ? written : JSON.stringify(written)
    const result = attributes['gen_ai.tool.call.result']
    const content = failed ?? (typeof result === 'string' ? result : (JSON.stringify(result) ?? ''))
    const turn = all[place - 1]?.turn ?? last?.turn ?? 1
    const called: Step = { role: 'assistant', turn, content: '', tool_calls: [{ ...key, name, arguments: args }] }
    const answered: Step = { role: 'tool', turn, content, name }
    if (typeof id === 'string') answered.tool_call_id = id
    if (broken) answered.error = true
    all.splice(place, 0, called, answered)
    place += 2
  }
  return all
}

function contextsOf(spans: readonly Span[]): RetrievedContext[] | undefined {
  if (spans.length === 0) return undefined
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

/** The sum over the calls of the model; undefined where none tells. */
function usageOf(models: readonly Span[]): Usage | undefined {
  const sum = (...names: string[]) =>
    models.reduce((all, { attributes }) => {
      const value = Number(names.map((name) => attributes[name]).find((one) => one !== undefined) ?? 0)
      return all + (Number.isInteger(value) && value > 0 ? value : 0)
    }, 0)
  const input_tokens = sum('gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens')
  const output_tokens = sum('gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens')
  return input_tokens + output_tokens === 0 ? undefined : { input_tokens, output_tokens }
}
