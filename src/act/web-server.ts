// A small web server with limits on everything that comes in, and a token where it listens beyond this machine.
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { saying } from './failure.ts'

export type WebRequest = { method: string; path: string; query: URLSearchParams; body: string }
export type WebAnswer = { status: number; type: string; text: string; allow?: string }
export type WebOptions = {
  host: string
  /** 0: any that is free. */
  port: number
  /** undefined: nobody is asked for one, and only names of this machine are answered. */
  token: string | undefined
  /** Paths that need no token. */
  open: readonly string[]
  signal: AbortSignal
  answer: (request: WebRequest) => WebAnswer | Promise<WebAnswer>
  /** Hears of an answer that could not be made; the caller is told no more than 500. */
  onError: (sentence: string) => void
}

const LONGEST_BODY = 65_536
const LONGEST_PATH = 1_024
const REQUEST_MS = 10_000

/** true for addresses that only this machine can reach. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

/**
 * Listens until the signal aborts; `closed` settles when the last connection is gone. The token comes as `Bearer`, or as the
 * password of `Basic` from clients that only know a URL. Rejects with the error of the system where it cannot listen.
 */
export async function listen(options: WebOptions): Promise<{ url: string; closed: Promise<void> }> {
  const server = createServer(
    { maxHeaderSize: 16_384, requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      void handle(request, response, options)
    },
  )
  server.keepAliveTimeout = 5_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo
  const name = options.host.includes(':') ? `[${options.host}]` : options.host
  return { url: `http://${name}:${port}`, closed: untilClosed(server, options.signal) }
}

function untilClosed(server: Server, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      server.close(() => resolve())
      server.closeIdleConnections()
      // Whoever is in the middle of an answer gets it; nobody keeps the process alive for longer.
      setTimeout(() => server.closeAllConnections(), 1_000).unref()
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

async function handle(request: IncomingMessage, response: ServerResponse, options: WebOptions): Promise<void> {
  const send = ({ status, type, text, allow }: WebAnswer) => {
    if (response.headersSent || response.destroyed) return
    const headers = {
      'content-type': type,
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(allow === undefined ? {} : { allow }),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      // What is left of a request that was refused is not read.
      ...(request.complete ? {} : { connection: 'close' }),
    }
    response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : text)
  }
  try {
    send(await answerOf(request, options))
  } catch (error) {
    options.onError(saying(error))
    send(refusal(500, 'The answer could not be made; the log of aigate says why.'))
  }
}

const refusal = (status: number, error: string): WebAnswer => ({
  status,
  type: 'application/json; charset=utf-8',
  text: `${JSON.stringify({ error })}\n`,
})

async function answerOf(request: IncomingMessage, { token, open, answer }: WebOptions): Promise<WebAnswer> {
  const { url = '/', method = 'GET', headers } = request
  if (url.length > LONGEST_PATH) return refusal(414, 'The address is too long.')
  if (!url.startsWith('/')) return refusal(400, 'The address is no path.')
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  if (token === undefined && !isLoopback(nameOf(headers.host ?? '')))
    return refusal(403, 'Only names of this machine are answered here.')
  if (token !== undefined && !open.includes(path) && !allows(headers.authorization, token))
    return refusal(401, 'The token is missing or wrong.')
  const body = await bodyOf(request)
  if (body === undefined) return refusal(413, `The body is longer than ${LONGEST_BODY} bytes.`)
  return answer({ method, path, query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)), body })
}

/** A page on the web can point a name of its own at this machine; its name then stands in the Host header. */
function nameOf(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}

function allows(authorization: string | undefined, token: string): boolean {
  const [scheme = '', given = ''] = authorization?.split(' ') ?? []
  const basic = () =>
    Buffer.from(given, 'base64')
      .toString('utf8')
      .replace(/^[^:]*:/, '')
  const secret = scheme.toLowerCase() === 'basic' ? basic() : scheme.toLowerCase() === 'bearer' ? given : ''
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(secret), digest(token))
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  if (Number(request.headers['content-length'] ?? 0) > LONGEST_BODY) return undefined
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > LONGEST_BODY) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
