// A streamed answer of an application: server-sent events, JSON lines or plain text, timed at its first piece.
import type { Attempt } from '../../ports.ts'
import type { HttpTarget } from '../../schema/suite.ts'
import type { Json } from '../../schema/values.ts'
import { failed, readAnswer, sentenceOf } from '../providers/app.ts'
import { besideIn, besides, noTrajectory } from '../providers/besides.ts'
import { linesOf, textOf, tooLong } from './lines.ts'
import { eventsOf } from './sse.ts'
import type * as z from 'zod'

type Http = z.infer<typeof HttpTarget>['http']
type Form = NonNullable<Http['stream']>
/** One message of the stream: `error` when the application says so. */
type Part = { data: string; error: boolean }
type Query = (json: Json, path: string) => unknown[]
type Heard = { text: string; besides: Record<string, unknown>; first: number | undefined }

const SHOWN = 200

const parts: Record<Form, (body: AsyncIterable<string>) => AsyncIterable<Part>> = {
  sse: async function* (body) {
    for await (const { event, data } of eventsOf(linesOf(body))) yield { data, error: event === 'error' }
  },
  ndjson: async function* (body) {
    for await (const data of linesOf(body)) if (data.trim() !== '') yield { data, error: false }
  },
  text: async function* (body) {
    for await (const data of body) yield { data, error: false }
  },
}

/**
 * Reads an answer as it comes. With `sse` and `ndjson` the path `answer` is looked up in each message, and what it finds is
 * put together in order; `$` takes the messages themselves as text. `contexts`, `trajectory` and `state` are those of the
 * last message that has them. An error message is `server_error`, a message that is no JSON `malformed`; both are worth
 * another attempt. Throws what reading the body throws.
 * @param elapsed milliseconds since the request was sent
 */
export async function readAppStream(response: Response, http: Http, elapsed: () => number): Promise<Attempt> {
  const form = http.stream ?? 'text'
  const type = response.headers.get('content-type') ?? 'no content type'
  if (form === 'sse' && !/^\s*text\/event-stream\b/i.test(type)) {
    return failed('malformed', `Server-sent events were expected, and the answer is ${type.slice(0, 100)}.`, 0)
  }
  const { query } = await import('jsonpath-rfc9535')
  const heard: Heard = { text: '', besides: {}, first: undefined }
  try {
    for await (const part of parts[form](textOf(response.body))) {
      if (form === 'sse' && part.data.trim() === '[DONE]') break
      const problem = form === 'text' ? void (heard.text += part.data) : hear(heard, part, http, query)
      if (problem) return problem
      if (heard.text !== '') heard.first ??= elapsed()
    }
  } catch (error) {
    if (error instanceof Error && error.message === tooLong) return failed('malformed', tooLong, 0)
    throw error
  }
  const { text, first } = heard
  if (form !== 'text' && http.trajectory !== undefined && !('trajectory' in heard.besides))
    return failed('malformed', noTrajectory(http.trajectory), 0, { retry: {} })
  const { completion, ...how } = readAnswer(
    Object.keys(heard.besides).length > 0 ? { text, ...heard.besides } : text,
    0,
  )
  const timed = first !== undefined && completion.outcome === 'answered'
  return { ...how, completion: timed ? { ...completion, first_token_ms: first } : completion }
}

/** Takes one message; what it makes of the attempt when it is no piece of an answer. */
function hear(heard: Heard, { data, error }: Part, http: Http, query: Query): Attempt | undefined {
  const again = (kind: 'server_error' | 'malformed', said: string) =>
    failed(kind, `${said}: ${JSON.stringify(data.slice(0, SHOWN))}`, 0, { retry: {} })
  if (error) return again('server_error', 'The stream ended with an error')
  const asks = besides.filter((name) => http[name] !== undefined)
  const whole = http.answer === '$'
  if (whole && asks.length === 0) {
    heard.text += data
    return undefined
  }
  let json: Json
  try {
    json = JSON.parse(data) as Json
  } catch {
    return again('malformed', 'A message of the stream is not JSON')
  }
  try {
    const found = whole ? [data] : query(json, http.answer)
    if (found.length === 0 && saysError(json)) return again('server_error', 'The stream ended with an error')
    for (const piece of found) {
      if (piece !== null) heard.text += typeof piece === 'string' ? piece : JSON.stringify(piece)
    }
    for (const name of asks) {
      const told = besideIn(json, name, http[name] ?? '', query)
      if (told) heard.besides[name] = told.value
    }
  } catch (thrown) {
    return failed('bad_request', `A path of the target is no JSONPath: ${sentenceOf(thrown)}`, 0)
  }
  return undefined
}

/** `{"error": …}` without a piece of the answer beside it. */
const saysError = (json: Json): boolean =>
  typeof json === 'object' && json !== null && !Array.isArray(json) && Boolean(json['error'])
