// The transport over real connections: kept, cut, compressed, aborted, refused, and the way around it through a proxy.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, expect, it } from 'vitest'
import { failureOfThrown } from './openai-failure.ts'
import { transportFor } from './transport.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

async function serve(listener: RequestListener) {
  const seen = { connections: 0 }
  const server = createServer(listener).on('connection', () => (seen.connections += 1))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((done) => server.close(done))
  })
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` }
}
const post = (body: string, signal?: AbortSignal) => ({ method: 'POST', headers: { 'x-one': '1' }, body, signal })

it('sends method, headers and body as they are, and keeps its connection', async () => {
  const { seen, url } = await serve((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method, headers } = request
      response.setHeader('x-twice', ['a', 'b'])
      response.end(JSON.stringify({ method, headers, body: Buffer.concat(chunks).toString() }))
    })
  })
  const send = transportFor({})
  for (let i = 0; i < 20; i++) {
    const { status, headers, text } = await send(`${url}/x?y=1`, post('{"q":"äöü 🎉"}'))
    expect(status).toBe(200)
    expect(headers.get('x-twice')).toBe('a, b')
    expect(JSON.parse(text)).toMatchObject({
      method: 'POST',
      body: '{"q":"äöü 🎉"}',
      headers: { 'x-one': '1', 'content-length': String(Buffer.byteLength('{"q":"äöü 🎉"}')) },
    })
  }
  expect(seen.connections).toBe(1)
})
it.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
])('reads a body that comes as %s, in pieces', async (coding, compress) => {
  const whole = 'compressed 🎉 '.repeat(5000)
  const { url } = await serve((_, response) => {
    const bytes = compress(whole)
    response.writeHead(200, { 'content-encoding': coding })
    response.write(bytes.subarray(0, 10))
    setTimeout(() => response.end(bytes.subarray(10)), 20)
  })
  expect((await transportFor({})(url, post(''))).text).toBe(whole)
})
it('does not follow a redirect, and gives empty answers as they are', async () => {
  const { url } = await serve((request, response) => {
    response.writeHead(request.url === '/v1' ? 307 : 204, { location: '/elsewhere' }).end()
  })
  const send = transportFor({})
  expect(await send(url, post('x'))).toMatchObject({ status: 307, text: '' })
  expect(await send(`${url}/empty`, post('x'))).toMatchObject({ status: 204, text: '' })
})
it('a connection that is refused, cut before or within the answer, or torn in its coding is worth another attempt', async () => {
  const { url } = await serve((request, response) => {
    if (request.url === '/v1/before') return void request.socket.destroy()
    if (request.url === '/v1/coding')
      return void response.writeHead(200, { 'content-encoding': 'gzip' }).end('this is no gzip')
    response.writeHead(200, { 'content-length': 100 }).write('half')
    return void setTimeout(() => request.socket.destroy(), 20)
  })
  const send = transportFor({})
  for (const address of [`${url}/before`, `${url}/within`, `${url}/coding`, 'http://127.0.0.1:1/v1']) {
    const error = await send(address, post('x')).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(failureOfThrown(error), address).toMatchObject({ completion: { error: { kind: 'connection' } }, retry: {} })
  }
})
it('ends with the signal: before, while it waits, and within the answer', async () => {
  const { url } = await serve((request, response) => {
    if (request.url === '/v1/within') response.writeHead(200).write('half')
  })
  const send = transportFor({})
  await expect(send(url, post('x', AbortSignal.abort()))).rejects.toThrow(/aborted/)
  for (const path of ['/silent', '/within']) {
    await expect(send(url + path, post('x', AbortSignal.timeout(60)))).rejects.toMatchObject({ name: 'AbortError' })
  }
})
it('asks through fetch where Node was told of a proxy', async () => {
  const { url } = await serve((request, response) => response.end(request.headers['sec-fetch-mode'] ?? 'own'))
  expect((await transportFor({})(url, post('x'))).text).toBe('own')
  expect((await transportFor({ NODE_USE_ENV_PROXY: '1' })(url, post('x'))).text).toBe('cors')
  expect((await transportFor({ NODE_OPTIONS: '--use-env-proxy' })(url, post('x'))).text).toBe('cors')
})
