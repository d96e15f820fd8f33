// What the body of a successful response says: answered, refused, truncated, or no answer at all.
import type { Attempt } from '../../ports.ts'
import type { Completion, Usage } from '../../schema/run.ts'
import type { ToolCall } from '../../schema/suite.ts'
import type { FieldReader } from '../pacing/limit-headers.ts'
import { failed, failureOfStatus, isRecord, requestId } from './openai-failure.ts'

/** Enough of a broken body to see what it is. */
const SHOWN = 200

/**
 * Reads the body of an HTTP 2xx response. A body that is no chat completion is `malformed`, which is worth another
 * attempt. `redact` is for the quote of a broken body: cut short, half a key would no longer be found.
 */
export function readAnswer(
  text: string,
  response: { status: number; headers: FieldReader },
  redact: (text: string) => string,
): Attempt {
  const { status, headers } = response
  const request_id = requestId(headers)
  const known: Partial<Completion> = request_id === undefined ? {} : { request_id }
  const broken = (what: string) => failed('malformed', what, { status, retry: {}, completion: known })
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    const start = JSON.stringify(redact(text).slice(0, SHOWN))
    return broken(`HTTP ${status}, but the body is not JSON. It begins with ${start}`)
  }
  if (!isRecord(body)) return broken(`HTTP ${status}, but the body is not a JSON object.`)
  return readBody(body, response)
}

/** As `readAnswer`, with the body parsed: a streamed answer is put together to one. */
export function readBody(body: Record<string, unknown>, response: { status: number; headers: FieldReader }): Attempt {
  const { status, headers } = response
  const request_id = requestId(headers)
  const known: Partial<Completion> = request_id === undefined ? {} : { request_id }
  const broken = (what: string) => failed('malformed', what, { status, retry: {}, completion: known })
  if (isRecord(body['error']) && !Array.isArray(body['choices'])) return failureInside(body['error'], headers)
  Object.assign(known, provenance(body))
  const choice: unknown = Array.isArray(body['choices']) ? body['choices'][0] : undefined
  if (!isRecord(choice)) return broken('The answer has no choices.')
  if (typeof choice['finish_reason'] === 'string') known.finish_reason = choice['finish_reason']
  if (isRecord(choice['error'])) return failureInside(choice['error'], headers)
  const message = choice['message']
  if (!isRecord(message)) return broken('The first choice of the answer has no message.')
  const tool_calls = toolCalls(message)
  if (!tool_calls) return broken('The answer has a tool call without a name.')
  return judge(message, tool_calls, known, status)
}

function judge(
  message: Record<string, unknown>,
  tool_calls: ToolCall[],
  known: Partial<Completion>,
  status: number,
): Attempt {
  const refusal = typeof message['refusal'] === 'string' ? message['refusal'] : ''
  const text = contentOf(message['content'])
  const completion = { text, tool_calls, latency_ms: 0, attempts: 1, ...known }
  if (refusal !== '') return { completion: { ...completion, outcome: 'refused', text: refusal } }
  const reason = known.finish_reason ?? ''
  // Routers say so when the provider behind them broke off, with what had come until then.
  if (reason === 'error') {
    const what = 'The provider broke off (finish_reason: error).'
    return failed('server_error', what, { status, retry: {}, completion: known })
  }
  if (reason === 'content_filter') return { completion: { ...completion, outcome: 'refused' } }
  // Mistral and proxies of other vendors have their own words for "length".
  if (['length', 'model_length', 'max_tokens'].includes(reason)) {
    return { completion: { ...completion, outcome: 'truncated' } }
  }
  if (tool_calls.length > 0 || text.trim() !== '') return { completion: { ...completion, outcome: 'answered' } }
  const what = `The model answered with nothing (finish_reason: ${reason || 'none'}).`
  return failed('empty_answer', what, { status, retry: {}, completion: known })
}

/** An error inside of an HTTP 200, as routers send it: its code may be the status that it should have been. */
export function failureInside(error: Record<string, unknown>, headers: FieldReader): Attempt {
  const message = typeof error['message'] === 'string' ? error['message'] : JSON.stringify(error)
  const code = Number(error['code'])
  const status = Number.isInteger(code) && code >= 400 && code <= 599 ? code : 500
  return failureOfStatus(status, `HTTP 200 with an error inside: ${message}`, error, headers)
}

function provenance(body: Record<string, unknown>): Partial<Completion> {
  const usage = usageOf(body['usage'])
  return {
    ...(usage && { usage }),
    ...(typeof body['model'] === 'string' && { response_model: body['model'] }),
    ...(typeof body['system_fingerprint'] === 'string' && { fingerprint: body['system_fingerprint'] }),
  }
}

/** Tokens as they are billed: input includes cached tokens, output includes reasoning. */
function usageOf(usage: unknown): Usage | undefined {
  if (!isRecord(usage)) return undefined
  const input_tokens = count(usage['prompt_tokens'])
  const output_tokens = count(usage['completion_tokens'])
  if (input_tokens === undefined || output_tokens === undefined) return undefined
  const inputDetails = usage['prompt_tokens_details']
  const outputDetails = usage['completion_tokens_details']
  const cached_input_tokens = isRecord(inputDetails) ? count(inputDetails['cached_tokens']) : undefined
  const reasoning_tokens = isRecord(outputDetails) ? count(outputDetails['reasoning_tokens']) : undefined
  return {
    input_tokens,
    output_tokens,
    ...(cached_input_tokens !== undefined && { cached_input_tokens }),
    ...(reasoning_tokens !== undefined && { reasoning_tokens }),
  }
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined
}

/** Text, or the text parts of a list (Mistral puts its reasoning in other parts). */
export function contentOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content
    .filter(isRecord)
    .map(({ type, text }) => (type === 'text' && typeof text === 'string' ? text : ''))
    .join('')
}

/** The tool calls of a message, the old single function_call too; undefined when one cannot be read. */
function toolCalls(message: Record<string, unknown>): ToolCall[] | undefined {
  const list: unknown[] = Array.isArray(message['tool_calls']) ? message['tool_calls'] : []
  const legacy = isRecord(message['function_call']) ? [{ function: message['function_call'] }] : []
  const calls: ToolCall[] = []
  for (const call of list.length > 0 ? list : legacy) {
    if (!isRecord(call)) return undefined
    const called = isRecord(call['function']) ? call['function'] : call['custom']
    if (!isRecord(called) || typeof called['name'] !== 'string') return undefined
    const args = called['arguments'] ?? called['input'] ?? ''
    calls.push({
      ...(typeof call['id'] === 'string' && { id: call['id'] }),
      name: called['name'],
      // Some servers send the arguments as an object.
      arguments: typeof args === 'string' ? args : JSON.stringify(args),
    })
  }
  return calls
}
