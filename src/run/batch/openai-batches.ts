// The Batch API of OpenAI, which others speak too: a file of questions goes up, a batch is made of it, and files of answers come down.
import { randomBytes } from 'node:crypto'
import type { AskRequest, Attempt, BatchDoor, BatchLook, Failure } from '../../ports.ts'
import type { OpenAiProvider } from '../../schema/config.ts'
import { providerKey } from '../address.ts'
import { bodyOf, headersOf, keyNameOf, unusable } from '../providers/openai.ts'
import { readAnswer } from '../providers/openai-answer.ts'
import {
  failed,
  failureOfReply,
  failureOfStatus,
  failureOfThrown,
  isRecord,
  shorten,
} from '../providers/openai-failure.ts'
import { type Reply, transportFor } from '../providers/transport.ts'
import { namesIn, redactCompletion, redactor } from '../redact.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Pages of the list of batches that are looked through, of 100 each, the newest first. */
const MOST_PAGES = 10
const ENDPOINT = '/v1/chat/completions'
const ended: ReadonlySet<string> = new Set(['completed', 'failed', 'expired', 'cancelled'])

/** The door of a provider to `/files` and `/batches` (platform.openai.com/docs/api-reference/batch). */
export function openaiBatches(name: string, config: OpenAiProvider, { env }: { env: Env }): BatchDoor {
  const keyName = keyNameOf(config)
  const names = [...(keyName ? [keyName] : []), ...Object.values(config.headers).flatMap(namesIn)]
  const redactError = redactor(env, names)
  const redactAnswer = redactor(env, names, { patterns: false })
  const key = keyName ? (env[keyName] ?? '').trim() : 'none'
  const transport = transportFor(env)

  /** The body of a 2xx reply, or why there is none. */
  async function call(
    method: string,
    path: string,
    signal: AbortSignal,
    sent?: { type: string; body: string },
  ): Promise<{ text: string } | Failure> {
    const problem = unusable(names, env)
    if (problem) return { failure: failed('no_key', problem) }
    if (config.api_version !== undefined)
      return {
        failure: failed(
          'bad_request',
          `${name} is a deployment of Azure, whose batches aigate does not know: run it without --batch.`,
        ),
      }
    const own = [
      ['authorization', `Bearer ${key}`],
      ['accept', 'application/json'],
      ['user-agent', 'aigate'],
      ...(sent ? [['content-type', sent.type]] : []),
      ...headersOf(config, env),
    ] as [string, string][]
    try {
      const headers = Object.fromEntries(new Headers(own))
      const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.max(config.timeout, 60_000))])
      const reply: Reply = await transport(`${config.base_url.replace(/\/$/, '')}${path}`, {
        method,
        headers,
        body: sent?.body,
        signal: limit,
      })
      if (reply.status >= 200 && reply.status <= 299) return { text: reply.text }
      return { failure: cleared(failureOfReply(reply)) }
    } catch (thrown) {
      return { failure: cleared(failureOfThrown(thrown)) }
    }
  }
  const cleared = (attempt: Attempt): Attempt => {
    const { error, ...rest } = redactCompletion(attempt.completion, redactError)
    return {
      ...attempt,
      completion: { ...rest, ...(error && { error: { ...error, message: shorten(error.message) } }) },
    }
  }
  const json = async (
    method: string,
    path: string,
    signal: AbortSignal,
    body?: unknown,
  ): Promise<{ value: Record<string, unknown> } | Failure> => {
    const reply = await call(
      method,
      path,
      signal,
      body === undefined ? undefined : { type: 'application/json', body: JSON.stringify(body) },
    )
    return 'failure' in reply ? reply : parsed(reply.text)
  }

  return {
    address: providerKey(config),
    submit: async (questions, mark, signal) => {
      const lines = questions.map(({ id, request }) => JSON.stringify(lineOf(id, request)))
      const upload = await call('POST', '/files', signal, multipart(`${lines.join('\n')}\n`, mark))
      if ('failure' in upload) return upload
      const file = parsed(upload.text)
      if ('failure' in file) return file
      const made = await json('POST', '/batches', signal, {
        input_file_id: file.value['id'],
        endpoint: ENDPOINT,
        completion_window: '24h',
        metadata: { aigate: mark },
      })
      return 'failure' in made ? made : idOf(made.value)
    },
    find: async (mark, signal) => {
      let after = ''
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const listed = await json('GET', `/batches?limit=100${after}`, signal)
        if ('failure' in listed) return listed
        const { data, has_more, last_id } = listed.value
        const batches = Array.isArray(data) ? data.filter(isRecord) : []
        const found = batches.find(({ metadata }) => isRecord(metadata) && metadata['aigate'] === mark)
        if (found) return idOf(found)
        const last = typeof last_id === 'string' ? last_id : batches.at(-1)?.['id']
        if (has_more !== true || typeof last !== 'string') break
        after = `&after=${encodeURIComponent(last)}`
      }
      return { batch: null }
    },
    look: async (batch, signal) => {
      const found = await json('GET', `/batches/${encodeURIComponent(batch)}`, signal)
      return 'failure' in found ? found : lookOf(found.value)
    },
    answers: async (files, signal) => {
      const answers = new Map<string, Attempt>()
      for (const file of files) {
        const reply = await call('GET', `/files/${encodeURIComponent(file)}/content`, signal)
        if ('failure' in reply) return reply
        for (const line of reply.text.split('\n')) {
          const entry = line.trim() === '' ? undefined : answerOf(line, redactError)
          if (!entry) continue
          const { completion, ...how } = entry.attempt.completion.error ? cleared(entry.attempt) : entry.attempt
          const { latency_ms: _unknown, ...told } = redactCompletion(completion, redactAnswer)
          answers.set(entry.id, { ...how, completion: told })
        }
      }
      return { answers }
    },
  }
}

const lineOf = (id: string, request: AskRequest) => ({
  custom_id: id,
  method: 'POST',
  url: ENDPOINT,
  body: request.model ? bodyOf(request, request.model) : {},
})

function multipart(content: string, mark: string): { type: string; body: string } {
  const boundary = `aigate-${randomBytes(16).toString('hex')}`
  const part = (head: string, body: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`
  const file = `name="file"; filename="aigate-${mark}.jsonl"\r\nContent-Type: application/jsonl`
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    body: `${part('name="purpose"', 'batch')}${part(file, content)}--${boundary}--\r\n`,
  }
}

function parsed(text: string): { value: Record<string, unknown> } | Failure {
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return { value }
  } catch {
    // Said below.
  }
  return {
    failure: failed('malformed', 'The Batch API answered with something that is no JSON object.', { retry: {} }),
  }
}

function idOf({ id }: Record<string, unknown>): { batch: string } | Failure {
  if (typeof id === 'string') return { batch: id }
  return { failure: failed('malformed', 'The Batch API told no id of the batch.', { retry: {} }) }
}

function lookOf(batch: Record<string, unknown>): BatchLook {
  const status = String(batch['status'])
  const counts = isRecord(batch['request_counts']) ? batch['request_counts'] : {}
  const count = (name: string) => (typeof counts[name] === 'number' ? counts[name] : 0)
  const files = [batch['output_file_id'], batch['error_file_id']].filter((id) => typeof id === 'string')
  const errors = isRecord(batch['errors']) && Array.isArray(batch['errors']['data']) ? batch['errors']['data'] : []
  const said = errors.filter(isRecord).flatMap(({ message }) => (typeof message === 'string' ? [message] : []))
  const problem = status === 'completed' || !ended.has(status) ? undefined : [status, ...said.slice(0, 3)].join(': ')
  return {
    status,
    done: count('completed') + count('failed'),
    total: count('total'),
    ended: ended.has(status),
    files,
    problem,
  }
}

/** One line of a file of answers or errors; undefined for one that names no question. */
function answerOf(line: string, redact: (text: string) => string): { id: string; attempt: Attempt } | undefined {
  const read = parsed(line)
  if ('failure' in read) return undefined
  const { custom_id: id, response, error } = read.value
  if (typeof id !== 'string') return undefined
  if (!isRecord(response)) {
    const { code, message } = isRecord(error) ? error : {}
    const said = `The batch did not answer this: ${typeof message === 'string' ? message : 'it does not say why'}${typeof code === 'string' ? ` (${code})` : ''}`
    return {
      id,
      attempt: code === 'batch_expired' ? failed('server_error', said, { retry: {} }) : failed('bad_request', said),
    }
  }
  const status = Number(response['status_code'])
  const headers = new Headers(
    typeof response['request_id'] === 'string' ? { 'x-request-id': response['request_id'] } : {},
  )
  const body = response['body']
  if (status >= 200 && status <= 299)
    return { id, attempt: readAnswer(JSON.stringify(body ?? null), { status, headers }, redact) }
  const inner = isRecord(body) && isRecord(body['error']) ? body['error'] : {}
  const said = typeof inner['message'] === 'string' ? inner['message'] : JSON.stringify(body ?? null)
  return { id, attempt: failureOfStatus(status, `${status} ${said}`, inner, headers) }
}
