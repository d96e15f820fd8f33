// `fetch` for API calls over node:http: connections are kept, and a call costs less CPU than Node's own fetch.
import { Agent, type IncomingMessage, type RequestOptions, request as plain } from 'node:http'
import { Agent as TlsAgent, request as tls } from 'node:https'
import { urlToHttpOptions } from 'node:url'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'

type Env = Readonly<Record<string, string | undefined>>
type Sent = {
  method: string
  headers: Record<string, string>
  body?: string | undefined
  signal?: AbortSignal | undefined
}
/** A whole response. */
export type Reply = { status: number; statusText: string; headers: Headers; text: string }

/** Sends one request. Redirects are not followed. Rejects as fetch does, with the cause's `code`. */
export type Transport = (url: string, sent: Sent) => Promise<Reply>

/** An address that takes no connection within this time takes none later. */
const CONNECT_MS = 10_000

/**
 * The transport for this environment. Where Node was told to use a proxy, or a program set a dispatcher of its own, that is
 * what asks: only `fetch` knows of them. Apart from that a wait has no end but the caller's signal (fetch gives up after
 * 300 s).
 */
export function transportFor(env: Env): Transport {
  return usesProxy(env) ? nodeFetch : keepAlive()
}

const nodeFetch: Transport = async (url, { body, signal, ...sent }) => {
  const rest = { ...(body !== undefined && { body }), ...(signal && { signal }) }
  const response = await fetch(url, { ...sent, redirect: 'manual', ...rest })
  const { status, statusText, headers } = response
  return { status, statusText, headers, text: await response.text() }
}

/** True where calls are to go another way than straight to the host. */
function usesProxy(env: Env): boolean {
  if (env['NODE_USE_ENV_PROXY'] === '1' || process.execArgv.includes('--use-env-proxy')) return true
  if (/--use-env-proxy\b/.test(env['NODE_OPTIONS'] ?? '')) return true
  const set: unknown = Reflect.get(globalThis, Symbol.for('undici.globalDispatcher.1'))
  // Node's own is an Agent.
  return typeof set === 'object' && set !== null && set.constructor.name !== 'Agent'
}

function keepAlive(): Transport {
  // How many calls go out at once is decided before: here none waits. Idle connections hold no process open.
  const agent = new Agent({ keepAlive: true })
  const tlsAgent = new TlsAgent({ keepAlive: true })
  let last: { url: string; address: RequestOptions } | undefined
  // One address is asked for as long as a run lasts.
  const addressOf = (url: string): RequestOptions => {
    if (last?.url !== url) last = { url, address: urlToHttpOptions(new URL(url)) }
    return last.address
  }
  return async (url, { method, headers, body, signal }) => {
    signal?.throwIfAborted()
    const address = addressOf(url)
    const secure = address.protocol === 'https:'
    const options: RequestOptions = {
      ...address,
      method,
      headers: { 'accept-encoding': 'gzip, deflate, br', ...headers },
      agent: secure ? tlsAgent : agent,
    }
    const answer = await exchange((done) => (secure ? tls : plain)(options, done), body, signal)
    const bytes = await decoded(answer.bytes, answer.message.headers['content-encoding'])
    return replyOf(answer.message, bytes)
  }
}

type Answer = { message: IncomingMessage; bytes: Buffer }

/** Sends the body and reads the answer to its end. An answer that breaks off is an error, whatever came before. */
function exchange(
  open: (done: (message: IncomingMessage) => void) => ReturnType<typeof plain>,
  body: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = open((message) => {
      const chunks: Buffer[] = []
      message.on('data', (chunk: Buffer) => chunks.push(chunk))
      message.on('error', failed)
      message.on('end', () => {
        signal?.removeEventListener('abort', abort)
        resolve({ message, bytes: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks) })
      })
    })
    const failed = (cause: unknown) => {
      signal?.removeEventListener('abort', abort)
      reject(signal?.aborted ? new DOMException('The call was aborted.', 'AbortError') : lost(cause))
    }
    const abort = () => void request.destroy()
    signal?.addEventListener('abort', abort, { once: true })
    request.on('error', failed)
    request.on('socket', (socket) => {
      if (!socket.connecting) return
      const late = Object.assign(new Error('no connection within 10 s'), { code: 'ETIMEDOUT' })
      const timer = setTimeout(() => request.destroy(late), CONNECT_MS).unref()
      const end = () => clearTimeout(timer)
      socket.once('connect', end).once('close', end)
    })
    request.end(body)
  })
}

/** What fetch throws for a connection that fails, so that one place can read both. */
const lost = (cause: unknown) => new TypeError('fetch failed', { cause })

/** The body as it was before it was compressed for the way. Rejects on a body that is not what its header says. */
async function decoded(bytes: Buffer, coding: string | undefined): Promise<Buffer> {
  if (bytes.length === 0) return bytes
  try {
    if (coding === 'gzip' || coding === 'x-gzip') return await promisify(gunzip)(bytes)
    if (coding === 'br') return await promisify(brotliDecompress)(bytes)
    if (coding === 'deflate') return await promisify(inflate)(bytes)
  } catch (error) {
    throw lost(error)
  }
  return bytes
}

function replyOf({ statusCode = 0, statusMessage = '', rawHeaders }: IncomingMessage, body: Buffer): Reply {
  const headers = new Headers()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '')
  return { status: statusCode, statusText: statusMessage, headers, text: withoutMark(body) }
}

/** As fetch reads a text. */
const withoutMark = (body: Buffer): string => body.toString().replace(/^\ufeff/, '')
