// The transport over raw sockets: answers that only a full parser reads, connections that end, and TLS.
import { createSign, generateKeyPairSync } from 'node:crypto'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { failureOfThrown } from './openai-failure.ts'
import { transportFor } from './transport.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(closing.splice(0).map((close) => close()))
})

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((done) => server.close(done))
  })
  return (server.address() as AddressInfo).port
}

/** A server that answers each request (its body is one line) with what `answer` does. */
async function raw(answer: (socket: Socket, nth: number) => void) {
  const seen = { connections: 0, requests: [] as string[] }
  const server = createServer((socket) => {
    seen.connections += 1
    socket.on('data', (piece) => {
      if (!String(piece).endsWith('\n')) return
      seen.requests.push(String(piece))
      answer(socket, seen.requests.length)
    })
  })
  return { seen, url: `http://127.0.0.1:${await listening(server)}/v1` }
}
const post = (body = '{}\n', headers: Record<string, string> = { 'x-one': '1' }) => ({ method: 'POST', headers, body })
const later = (ms: number, work: () => void) => void setTimeout(work, ms)

it.each<[string, (socket: Socket) => void, string]>([
  ['ends with the connection', (socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nwhole'), 'whole'],
  ['is of HTTP/1.0', (socket) => void socket.end('HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nwhole'), 'whole'],
  [
    'comes after an interim one',
    (socket) => {
      socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      later(20, () => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole'))
    },
    'whole',
  ],
  [
    'has its head in pieces',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Le')
      later(20, () => void socket.write('ngth: 5\r\n\r\nwh'))
      later(40, () => void socket.write('ole'))
    },
    'whole',
  ],
  ['has no content', (socket) => void socket.write('HTTP/1.1 204 No Content\r\n\r\n'), ''],
])('reads an answer that %s, and asks once for it', async (_, answer, text) => {
  const { seen, url } = await raw(answer)
  const send = transportFor({})
  expect((await send(url, post())).text).toBe(text)
  expect((await send(url, post())).text).toBe(text)
  expect(seen.requests).toHaveLength(2)
})

it('sends a head and a body as they are, also beyond ASCII', async () => {
  const { seen, url } = await raw((socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
  const send = transportFor({})
  await send(`${url}/a?b=c`, post('{"q":"ä"}\n', { 'X-Name': 'plain' }))
  const { host } = new URL(url)
  expect(seen.requests[0]?.split('\r\n')).toEqual([
    'POST /v1/a?b=c HTTP/1.1',
    'X-Name: plain',
    'accept-encoding: gzip, deflate, br',
    `host: ${host}`,
    'connection: keep-alive',
    'content-length: 11',
    '',
    '{"q":"ä"}\n',
  ])
  for (const value of ['a\r\nx-other: 1', 'a\u0000', '\u20ac'])
    await expect(send(url, post('{}\n', { 'x-one': value }))).rejects.toThrow(/invalid character/i)
  const thrown: unknown = await send(url, post('{}\n', { 'x one': '1' })).catch((error: unknown) => error)
  expect(failureOfThrown(thrown).completion.error).toMatchObject({ kind: 'bad_request' })
  expect(seen.requests).toHaveLength(1)
  const latin = vi.fn<(bytes: Buffer) => void>()
  const port = await listening(
    createServer((socket) =>
      socket.on('data', (piece) => {
        latin(piece)
        if (piece.at(-1) === 10) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      }),
    ),
  )
  await send(`http://127.0.0.1:${port}/`, post('ä\n', { 'x-name': 'ä' }))
  const sent = Buffer.concat(latin.mock.calls.map(([bytes]) => bytes))
  expect(sent.includes(Buffer.from('x-name: \u00e4\r\n', 'latin1'))).toBe(true)
  expect(sent.subarray(-3).equals(Buffer.from('ä\n'))).toBe(true)
})

it('leaves a connection that the server ends, or that it said to end, and asks on a new one', async () => {
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n'
  for (const [answer, wait] of [
    [(socket: Socket) => void socket.write(`${ok}Connection: close\r\n\r\n`), 0],
    [(socket: Socket) => void socket.write(`${ok}Keep-Alive: timeout=1\r\n\r\n`), 0],
    [(socket: Socket) => void socket.end(`${ok}\r\n`), 30],
    [(socket: Socket) => void socket.write(`${ok}\r\nHTTP/1.1 408 Request Timeout\r\n\r\n`), 0],
  ] as const) {
    const { seen, url } = await raw(answer)
    const send = transportFor({})
    for (let i = 0; i < 3; i++) {
      expect((await send(url, post())).status).toBe(200)
      await new Promise((done) => setTimeout(done, wait))
    }
    expect(seen).toMatchObject({ connections: 3, requests: { length: 3 } })
  }
})

it('a torn answer is a failed connection, and never half of an answer', async () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  for (const answer of [
    (socket: Socket) => void socket.end(`${chunked}2\r\nok\r\n`),
    (socket: Socket) => void socket.write(`${chunked}2\r\nokay\r\n0\r\n\r\n`),
    (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
    (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-'),
    (socket: Socket) => void socket.end('nothing of HTTP\r\n\r\n'),
  ]) {
    const { url } = await raw(answer)
    const thrown: unknown = await transportFor({})(url, post()).catch((error: unknown) => error)
    expect(failureOfThrown(thrown)).toMatchObject({ completion: { error: { kind: 'connection' } }, retry: {} })
  }
})

/** A certificate that signs itself (RFC 5280), made anew each time: no key lies in the repository. */
function certificate() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const der = (tag: number, ...parts: (Buffer | string)[]) => {
    const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part)))
    const { length } = content
    const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
    return Buffer.concat([Buffer.from([tag, ...size]), content])
  }
  const text = (tag: number, value: string) => der(tag, Buffer.from(value))
  const ecdsaWithSha256 = der(0x30, der(0x06, '2a8648ce3d040302'))
  const name = der(0x30, der(0x31, der(0x30, der(0x06, '550403'), text(0x0c, 'localhost'))))
  const valid = der(0x30, text(0x17, '200101000000Z'), text(0x17, '491231235959Z'))
  const key = publicKey.export({ type: 'spki', format: 'der' })
  const body = der(0x30, der(0xa0, der(0x02, '02')), der(0x02, '01'), ecdsaWithSha256, name, valid, name, key)
  const signature = createSign('sha256').update(body).sign(privateKey)
  const whole = der(0x30, body, ecdsaWithSha256, der(0x03, '00', signature)).toString('base64')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: `-----BEGIN CERTIFICATE-----\n${whole}\n-----END CERTIFICATE-----\n`,
  }
}

it('asks over TLS on one connection, and nobody whose certificate is not trusted', async () => {
  let connections = 0
  const server = createTlsServer(certificate(), (request, response) => {
    request.resume().on('end', () => response.end(request.headers.host))
  }).on('secureConnection', () => (connections += 1))
  const port = await listening(server)
  const send = transportFor({})
  const thrown: unknown = await send(`https://localhost:${port}/`, post()).catch((error: unknown) => error)
  const failure = failureOfThrown(thrown)
  expect(failure.completion.error).toMatchObject({ kind: 'connection' })
  expect(failure.retry).toBeUndefined()
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  connections = 0
  for (let i = 0; i < 5; i++) expect((await send(`https://localhost:${port}/`, post())).text).toBe(`localhost:${port}`)
  expect(connections).toBe(1)
})
