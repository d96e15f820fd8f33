// A streamed answer of the chat completions API: read to its end, timed at its first piece, and judged like one in one piece.
import type { Attempt } from '../../ports.ts'
import { failureInside, readBody } from '../providers/openai-answer.ts'
import { failed, isRecord, requestId } from '../providers/openai-failure.ts'
import { linesOf, textOf, tooLong } from './lines.ts'
import { chunks } from './openai-chunks.ts'
import { eventsOf } from './sse.ts'

/** Enough of a broken chunk to see what it is. */
const SHOWN = 200

/**
 * The params as they are sent: a streamed answer tells its tokens only when asked to (`stream_options.include_usage`).
 * What the user wrote stands; `stream_options: null` leaves the option out, for servers that do not know it.
 */
export function streamParams(params: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (params['stream'] !== true) return { ...params }
  const { stream_options: written, ...rest } = params
  if (written === null) return rest
  return { ...rest, stream_options: isRecord(written) ? { include_usage: true, ...written } : { include_usage: true } }
}

/** true when the server streams; some answer in one piece whatever was asked. */
export const isEventStream = ({ headers }: { headers: Pick<Headers, 'get'> }): boolean =>
  /^\s*text\/event-stream\b/i.test(headers.get('content-type') ?? '')

/**
 * Reads an answer that comes as server-sent events. An error among them is the error of the attempt, whatever came before
 * it; a stream that ends before the answer does is a failed connection: both are worth another attempt where they would be
 * elsewhere. Throws what reading the body throws (the connection broke, the signal aborted).
 * @param elapsed milliseconds since the request was sent
 * @param redact for the quote of a broken chunk
 */
export async function readStream(
  response: Response,
  elapsed: () => number,
  redact: (text: string) => string,
): Promise<Attempt> {
  const { status, headers } = response
  const request_id = requestId(headers)
  const known = request_id === undefined ? {} : { request_id }
  const whole = chunks()
  let first: number | undefined
  let done = false
  const broken = (what: string) => failed('malformed', what, { status, retry: {}, completion: known })
  try {
    for await (const { event, data } of eventsOf(linesOf(textOf(response.body)))) {
      // Read on to the end all the same: a connection that was read empty can be used again.
      if (data.trim() === '[DONE]') done = true
      if (done) continue
      const chunk = parsed(data)
      if (chunk === undefined) {
        return broken(
          `A chunk of the stream is not JSON. It begins with ${JSON.stringify(redact(data).slice(0, SHOWN))}`,
        )
      }
      const error = errorOf(event, chunk)
      if (error) return failureInside(error, headers)
      if (whole.add(chunk)) first ??= elapsed()
    }
  } catch (error) {
    if (error instanceof Error && error.message === tooLong) return broken(tooLong)
    if (!done) throw error
  }
  // Proxies send [DONE] also when the connection behind them broke: half an answer would pass as a short one.
  if (!whole.finished()) {
    const what = done ? 'The stream was closed without a finish_reason' : 'The stream ended before the answer did'
    return failed('connection', `${what}.`, { retry: {}, completion: known })
  }
  const { completion, ...how } = readBody(whole.body(), response)
  return {
    ...how,
    completion: first === undefined || completion.error ? completion : { ...completion, first_token_ms: first },
  }
}

function parsed(data: string): Record<string, unknown> | undefined {
  try {
    const chunk: unknown = JSON.parse(data)
    return isRecord(chunk) ? chunk : undefined
  } catch {
    return undefined
  }
}

/** An error that the server tells in the middle of an answer, in one of the forms in use. */
function errorOf(event: string, chunk: Record<string, unknown>): Record<string, unknown> | undefined {
  const { error } = chunk
  if (isRecord(error)) return error
  if (typeof error === 'string' && error !== '') return { message: error }
  if (event === 'error') return chunk
  const choices: unknown[] = Array.isArray(chunk['choices']) ? chunk['choices'] : []
  const [choice] = choices
  return isRecord(choice) && isRecord(choice['error']) ? choice['error'] : undefined
}
