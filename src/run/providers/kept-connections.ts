// Connections to a host that are kept from call to call, each with one request at a time: what node:http does, for a third of its work.
import { connect, isIP, type Socket } from 'node:net'
import { type Raw, type Reader, responseReader } from './response-reader.ts'

/** A request as it goes out. */
export type Wire = { url: URL; method: string; headers: Readonly<Record<string, string>>; body: string }

/** Goes on with a response that `responseReader` does not read: the connection, and the first piece that it brought. */
type Strange = (socket: Socket, first: Buffer) => Promise<Raw>

/** Sends a request and gives its response. Rejects as fetch does. */
type Exchange = (wire: Wire, signal: AbortSignal | undefined, strange: Strange) => Promise<Raw>

/** An address that takes no connection within this time takes none later. */
export const CONNECT_MS = 10_000

/** What fetch throws for a connection that fails, so that one place can read both. */
export const lost = (cause: unknown) => new TypeError('fetch failed', { cause })
export const aborted = () => new DOMException('The call was aborted.', 'AbortError')
export const tooLate = () => Object.assign(new Error('no connection within 10 s'), { code: 'ETIMEDOUT' })
const hungUp = () => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })

type Busy = { piece: (piece: Buffer) => void; broken: (error: unknown) => void }
/** `until`: milliseconds of the clock until which it may be used again. `leave`: it is somebody else's from now on. */
type Kept = { socket: Socket; busy: Busy | undefined; open: boolean; until: number; leave: () => void }

/** How many calls go out at once is decided before: here none waits. Idle connections hold no process open. */
export function keptConnections(): Exchange {
  const idle = new Map<string, Kept[]>()
  /** By host: what shortens the next handshake. */
  const sessions = new Map<string, Buffer>()
  const reused = (list: Kept[]): Kept | undefined => {
    for (let kept = list.pop(); kept; kept = list.pop()) {
      if (kept.open && performance.now() < kept.until) return kept
      kept.socket.destroy()
    }
    return undefined
  }
  const release = (kept: Kept, list: Kept[], stays: number) => {
    const { socket } = kept
    // An answer may come before all of the request is out.
    if (stays > 0 && kept.open && socket.writableLength === 0) {
      kept.until = performance.now() + stays
      socket.unref()
      list.push(kept)
    } else socket.destroy()
  }
  return async (wire, signal, strange) => {
    if (signal?.aborted) throw aborted()
    const head = headFor(wire)
    const { origin } = wire.url
    const list = idle.get(origin) ?? []
    idle.set(origin, list)
    const kept = reused(list) ?? opened(await socketTo(wire.url, sessions))
    kept.socket.ref()
    return new Promise((resolve, reject) => {
      const read = responseReader()
      const end = () => {
        kept.busy = undefined
        signal?.removeEventListener('abort', abort)
      }
      const fail = (error: unknown) => {
        end()
        kept.socket.destroy()
        reject(error)
      }
      const abort = () => fail(aborted())
      const piece = (bytes: Buffer) => {
        const said = readBy(read, bytes)
        if (said === undefined) return
        if ('torn' in said) return fail(lost(said.torn))
        end()
        if ('raw' in said) {
          release(kept, list, said.raw.stays)
          return resolve(said.raw)
        }
        kept.leave()
        strange(kept.socket, bytes).then(resolve, reject)
      }
      kept.busy = { piece, broken: (error) => fail(lost(error)) }
      if (signal?.aborted) return abort()
      signal?.addEventListener('abort', abort, { once: true })
      sendTo(kept.socket, head, wire.body)
    })
  }
}

function readBy(read: Reader, piece: Buffer): { raw: Raw } | { torn: unknown } | { strange: true } | undefined {
  try {
    const raw = read(piece)
    return raw === 'strange' ? { strange: true } : raw && { raw }
  } catch (torn) {
    return { torn }
  }
}

type Head = { of: string; text: string; latin: boolean }
/** The head of a request is the same from call to call, but for the length of the body. */
const heads = new WeakMap<Wire['headers'], Head>()

/** Throws TypeError for what cannot be sent in a header. */
function headFor({ url, method, headers }: Wire): Head {
  const of = `${method} ${url.href}`
  const before = heads.get(headers)
  if (before?.of === of) return before
  const own = new Set(Object.keys(headers).map((name) => name.toLowerCase()))
  const added = { 'accept-encoding': 'gzip, deflate, br', host: url.host, connection: 'keep-alive' }
  const all = [...Object.entries(headers), ...Object.entries(added).filter(([name]) => !own.has(name))]
  let text = `${method} ${url.pathname}${url.search} HTTP/1.1\r\n`
  for (const [name, value] of all) {
    requireSendable(name, value)
    if (name.toLowerCase() !== 'content-length') text += `${name}: ${value}\r\n`
  }
  const made = { of, text, latin: /[^\0-\x7f]/.test(text) }
  heads.set(headers, made)
  return made
}

/** As fetch says it: without a code, which a broken connection would have. */
function requireSendable(name: string, value: string): void {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
    throw new TypeError(`There is an invalid character in the header ${JSON.stringify(name)}.`)
}

function sendTo(socket: Socket, { text, latin }: Head, body: string): void {
  const head = `${text}content-length: ${Buffer.byteLength(body)}\r\n\r\n`
  if (!latin) return void socket.write(head + body)
  socket.cork()
  socket.write(head, 'latin1')
  socket.write(body)
  socket.uncork()
}

async function socketTo(url: URL, sessions: Map<string, Buffer>): Promise<Socket> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const options = { host, noDelay: true, keepAlive: true, keepAliveInitialDelay: 1000 }
  if (url.protocol !== 'https:') return connect({ ...options, port: Number(url.port || 80) })
  const tls = await import('node:tls')
  const session = sessions.get(host)
  const socket = tls.connect({
    ...options,
    ...(isIP(host) === 0 && { servername: host }),
    port: Number(url.port || 443),
    ALPNProtocols: ['http/1.1'],
    ...(session && { session }),
  })
  socket.on('session', (made: Buffer) => sessions.set(host, made))
  socket.once('error', () => sessions.delete(host))
  return socket
}

/** One set of listeners for as long as it lives: they cost more than most of a call. */
function opened(socket: Socket): Kept {
  const timer = setTimeout(() => socket.destroy(tooLate()), CONNECT_MS).unref()
  const connected = () => clearTimeout(timer)
  const broken = (error: unknown) => {
    kept.open = false
    kept.busy?.broken(error)
  }
  const listeners = {
    // What nobody asked for belongs to no answer.
    data: (piece: Buffer) => void (kept.busy ? kept.busy.piece(piece) : socket.destroy()),
    error: broken,
    end: () => void (kept.open = false),
    close: () => {
      connected()
      broken(hungUp())
    },
  }
  const kept: Kept = {
    socket,
    busy: undefined,
    open: true,
    until: Infinity,
    leave: () => {
      for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener as () => void)
    },
  }
  socket.once('connect', connected)
  for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener as () => void)
  return kept
}
