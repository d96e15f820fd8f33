// `fetch` for API calls over connections that are kept: a call costs a small part of the CPU that Node's own takes.
import { Agent, type IncomingMessage, type RequestOptions, request as plain } from 'node:http'
import { Agent as TlsAgent, request as tls } from 'node:https'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { urlToHttpOptions } from 'node:url'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { aborted, CONNECT_MS, keptConnections, lost, tooLate } from './kept-connections.ts'
import type { Fields, Raw } from './response-reader.ts'

type Env = Readonly<Record<string, string | undefined>>
type Sent = {
  method: string
  headers: Record<string, string>
  body?: string | undefined
  signal?: AbortSignal | undefined
}
/** A whole response. */
export type Reply = { status: number; statusText: string; headers: Fields; text: string }

/** Sends one request. Redirects are not followed. Rejects as fetch does, with the cause's `code`. */
export type Transport = (url: string, sent: Sent) => Promise<Reply>

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
  const exchange = keptConnections()
  let last: { url: string; parsed: URL } | undefined
  // One address is asked for as long as a run lasts.
  const parsed = (url: string): URL => {
    if (last?.url !== url) last = { url, parsed: new URL(url) }
    return last.parsed
  }
  const whole = (options: RequestOptions, body: string | undefined, signal: AbortSignal | undefined) =>
    exchanged((done) => (options.protocol === 'https:' ? tls : plain)(options, done), body, signal)
  return async (written, { method, headers, body, signal }) => {
    if (signal?.aborted) throw aborted()
    const url = parsed(written)
    const strange = (socket: Socket, first: Buffer) =>
      whole({ method, headers, createConnection: () => continued(socket, first) }, undefined, signal)
    const isPlain = body !== undefined && url.username === '' && url.password === ''
    const answer = isPlain
      ? await exchange({ url, method, headers, body }, signal, strange)
      : await whole(
          {
            ...urlToHttpOptions(url),
            method,
            headers: { 'accept-encoding': 'gzip, deflate, br', ...headers },
            agent: url.protocol === 'https:' ? tlsAgent : agent,
          },
          body,
          signal,
        )
    const { status, statusText, headers: said } = answer
    const coding = said.get('content-encoding')
    const bytes = coding === null || answer.bytes.length === 0 ? answer.bytes : await decoded(answer.bytes, coding)
    return { status, statusText, headers: said, text: withoutMark(bytes) }
  }
}

/** A connection whose request is out already, for a parser that wants to send it: what it writes goes nowhere. */
function continued(socket: Socket, first: Buffer): Duplex {
  const duplex = new Duplex({
    read: () => void socket.resume(),
    write: (_chunk, _encoding, done) => done(),
    destroy: (error, done) => {
      socket.destroy()
      done(error)
    },
  })
  duplex.push(first)
  socket.on('data', (piece: Buffer) => {
    if (!duplex.push(piece)) socket.pause()
  })
  socket.on('error', (error) => duplex.destroy(error))
  socket.on('end', () => duplex.push(null))
  socket.on('close', () => duplex.destroy())
  return duplex
}

/** Sends the body and reads the answer to its end. An answer that breaks off is an error, whatever came before. */
function exchanged(
  open: (done: (message: IncomingMessage) => void) => ReturnType<typeof plain>,
  body: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const request = open((message) => {
      const chunks: Buffer[] = []
      message.on('data', (chunk: Buffer) => chunks.push(chunk))
      message.on('error', failed)
      message.on('end', () => {
        signal?.removeEventListener('abort', abort)
        resolve(rawOf(message, chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
      })
    })
    const failed = (cause: unknown) => {
      signal?.removeEventListener('abort', abort)
      reject(signal?.aborted ? aborted() : lost(cause))
    }
    const abort = () => void request.destroy()
    signal?.addEventListener('abort', abort, { once: true })
    request.on('error', failed)
    request.on('socket', (socket) => {
      if (!socket.connecting) return
      const timer = setTimeout(() => request.destroy(tooLate()), CONNECT_MS).unref()
      const end = () => clearTimeout(timer)
      socket.once('connect', end).once('close', end)
    })
    request.end(body)
  })
}

/** The body as it was before it was compressed for the way. Rejects on a body that is not what its header says. */
async function decoded(bytes: Buffer, coding: string): Promise<Buffer> {
  try {
    if (coding === 'gzip' || coding === 'x-gzip') return await promisify(gunzip)(bytes)
    if (coding === 'br') return await promisify(brotliDecompress)(bytes)
    if (coding === 'deflate') return await promisify(inflate)(bytes)
  } catch (error) {
    throw lost(error)
  }
  return bytes
}

function rawOf({ statusCode = 0, statusMessage = '', rawHeaders }: IncomingMessage, bytes: Buffer): Raw {
  const headers = new Headers()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '')
  return { status: statusCode, statusText: statusMessage, headers, bytes, stays: 0 }
}

/** As fetch reads a text. */
const withoutMark = (body: Buffer): string => body.toString().replace(/^\ufeff/, '')
