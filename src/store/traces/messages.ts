// The messages of a GenAI span: as attributes or events, in the words of today's conventions and of those before them.
// Conventions: github.com/open-telemetry/semantic-conventions-genai; older: gen_ai.prompt/completion, message events.
import type { Message, ToolCall } from '../../schema/suite.ts'
import type { Span } from './otlp.ts'

/** A message of a tool may say which tool it was of. */
export type SpanMessage = Message & { name?: string | undefined; finish?: string | undefined }

type Rec = Record<string, unknown>
const isRec = (value: unknown): value is Rec => typeof value === 'object' && value !== null && !Array.isArray(value)
const asText = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)

/** Structured values come as they are, or as JSON text. */
export function structured(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value) as unknown
  } catch {
    return value
  }
}

const roles: Readonly<Record<string, Message['role']>> = {
  system: 'system', developer: 'developer', user: 'user', human: 'user', assistant: 'assistant', ai: 'assistant',
  model: 'assistant', tool: 'tool', function: 'tool',
} // biome-ignore format: two rows

function callOf(call: unknown): ToolCall[] {
  if (!isRec(call)) return []
  const inner = isRec(call['function']) ? call['function'] : call
  if (typeof inner['name'] !== 'string') return []
  const id = call['id']
  return [{ ...(typeof id === 'string' && { id }), name: inner['name'], arguments: asText(inner['arguments'] ?? {}) }]
}

/** One message in either form: `{role, parts: [{type, content}]}`, or `{role, content, tool_calls}` as chat APIs have it. */
function messagesOf(one: unknown, fallback: Message['role']): SpanMessage[] {
  if (typeof one === 'string') return [{ role: fallback, content: one }]
  if (!isRec(one)) return []
  const inner = isRec(one['message']) ? one['message'] : one
  const role = roles[asText(inner['role'] ?? one['role'])] ?? fallback
  const finish = one['finish_reason']
  const parts = Array.isArray(inner['parts']) ? inner['parts'].filter(isRec) : undefined
  if (!parts) {
    const { content } = inner
    const text = Array.isArray(content)
      ? content.map((part) => (isRec(part) ? asText(part['text'] ?? part['content']) : asText(part))).join('')
      : asText(content)
    const calls = (Array.isArray(inner['tool_calls']) ? inner['tool_calls'] : []).flatMap(callOf)
    const id = inner['tool_call_id'] ?? (role === 'tool' ? inner['id'] : undefined)
    return [message(role, text, calls, { id, name: inner['name'], finish })]
  }
  const answers = parts.filter(({ type }) => type === 'tool_call_response' || type === 'server_tool_call_response')
  const text = parts.filter(({ type }) => type === 'text').map((part) => asText(part['content'] ?? part['text']))
  // A tool that the provider runs itself (a web search) is called as well.
  const calls = parts.flatMap((part) =>
    part['type'] === 'tool_call'
      ? callOf(part)
      : part['type'] === 'server_tool_call'
        ? callOf({ ...part, arguments: part['server_tool_call'] ?? part['arguments'] })
        : [],
  )
  const tools = answers.map((part) => {
    const said = part['response'] ?? part['result'] ?? part['server_tool_call_response']
    return message('tool', asText(said), [], { id: part['id'], name: part['name'] })
  })
  return text.length + calls.length > 0 || tools.length === 0
    ? [...tools, message(role, text.join(''), calls, { finish })]
    : tools
}

function message(
  role: Message['role'],
  content: string,
  calls: ToolCall[],
  { id, name, finish }: { id?: unknown; name?: unknown; finish?: unknown },
): SpanMessage {
  return {
    role,
    content,
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(typeof id === 'string' && { tool_call_id: id }),
    ...(typeof name === 'string' && { name }),
    ...(typeof finish === 'string' && { finish }),
  }
}

/** What of these attributes are messages, under whichever name they stand. */
function among(attributes: Rec, names: readonly string[], fallback: Message['role']): SpanMessage[] {
  for (const name of names) {
    if (attributes[name] === undefined) continue
    const value = structured(attributes[name])
    return (Array.isArray(value) ? value : [value]).flatMap((one) => messagesOf(one, fallback))
  }
  // gen_ai.prompt.0.content, gen_ai.prompt.0.role, gen_ai.completion.0.tool_calls.0.name, …
  for (const name of names) {
    const found: SpanMessage[] = []
    for (let i = 0; i < 1000; i++) {
      const at = (key: string) => attributes[`${name}.${i}.${key}`]
      const calls: ToolCall[] = []
      for (let c = 0; at(`tool_calls.${c}.name`) !== undefined; c++)
        calls.push(
          ...callOf({
            id: at(`tool_calls.${c}.id`),
            name: at(`tool_calls.${c}.name`),
            arguments: at(`tool_calls.${c}.arguments`),
          }),
        )
      if (at('content') === undefined && at('role') === undefined && calls.length === 0) break
      const role = roles[asText(at('role'))] ?? fallback
      found.push(message(role, asText(at('content')), calls, { id: at('tool_call_id'), finish: at('finish_reason') }))
    }
    if (found.length > 0) return found
  }
  return []
}

const inputNames = ['gen_ai.input.messages', 'gen_ai.prompt'] as const
const outputNames = ['gen_ai.output.messages', 'gen_ai.completion'] as const

/** What went into the model and what came out, as far as the span tells. */
export function spanMessages({ attributes, events }: Span): { input: SpanMessage[]; output: SpanMessage[] } {
  const sources = [attributes, ...events.map((event) => event.attributes)]
  const first = (names: readonly string[], fallback: Message['role']) =>
    sources.map((source) => among(source, names, fallback)).find((found) => found.length > 0) ?? []
  let input = first(inputNames, 'user')
  let output = first(outputNames, 'assistant')
  const told = events.flatMap(({ name, attributes: own }) => {
    const role = /^gen_ai\.(system|user|assistant|tool)\.message$/.exec(name)?.[1]
    const body = { ...own, ...(isRec(structured(own['message'])) && { message: structured(own['message']) }) }
    if (role !== undefined)
      return messagesOf(withCalls(body), roles[role] ?? 'user').map((one) => ({ one, out: false }))
    return name === 'gen_ai.choice' ? messagesOf(withCalls(body), 'assistant').map((one) => ({ one, out: true })) : []
  })
  if (input.length === 0) input = told.filter(({ out }) => !out).map(({ one }) => one)
  if (output.length === 0) output = told.filter(({ out }) => out).map(({ one }) => one)
  const system = sources.map((source) => source['gen_ai.system_instructions']).find((value) => value !== undefined)
  if (system !== undefined && !input.some(({ role }) => role === 'system')) {
    const parts = structured(system)
    input = [...messagesOf(Array.isArray(parts) ? { role: 'system', parts } : asText(parts), 'system'), ...input]
  }
  return { input, output }
}

const withCalls = (body: Rec): Rec =>
  body['tool_calls'] === undefined ? body : { ...body, tool_calls: structured(body['tool_calls']) }
