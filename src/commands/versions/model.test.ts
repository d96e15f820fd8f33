// aigate model through the built program, with a real list of models on the loopback.
import { createServer, type RequestListener, type Server } from 'node:http'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { aigate, removeTemporary, temporary } from '../cli-testing.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})
afterAll(removeTemporary)

async function listen(reply: RequestListener): Promise<number> {
  const server = createServer(reply)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}
const json =
  (body: unknown): RequestListener =>
  (_, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
const listOf = (...models: object[]) => json({ object: 'list', data: models })

const KEY = 'canary-key-0123456789'
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)

function project(port: number, models: string): string {
  const folder = temporary()
  const api = `{type: openai, base_url: "http://127.0.0.1:${port}/v1/", api_key_env: MODEL_KEY}`
  writeFileSync(
    join(folder, 'aigate.yaml'),
    `version: 1\nproviders: {api: ${api}, silent: {type: replay}}\nmodels:\n${models}`,
  )
  return folder
}
const main = '  main: {provider: api, id: test-2026-01-01}\n'
const check = (folder: string, args: string[] = []) => aigate(['model', 'check', ...args], folder, { MODEL_KEY: KEY })

describe('check', () => {
  it('asks GET /models with the key, and passes what is listed', async () => {
    const seen: string[] = []
    const port = await listen((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization}`)
      listOf({ id: 'test-2026-01-01' })(request, response)
    })
    const { code, stdout } = await check(project(port, `${main}  twin: {provider: api, id: test-2026-01-01}\n`))
    expect(stdout).toContain('The provider lists it')
    expect(code).toBe(0)
    expect(seen).toEqual([`GET /v1/models Bearer ${KEY}`])
  })

  const ends: [what: string, entry: object[], code: number, says: RegExp][] = [
    ['gone', [{ id: 'other' }], 1, /no longer lists test-2026-01-01/],
    ['shut down', [{ id: 'test-2026-01-01', shutdown_date: '2020-05-01' }], 1, /shut it down on 2020-05-01/],
    ['soon', [{ id: 'test-2026-01-01', shutdown_date: inDays(20) }], 1, /in (20|19) days/],
    ['later', [{ id: 'test-2026-01-01', shutdown_date: inDays(90) }], 0, /in (90|89) days/],
    ['in seconds', [{ id: 'test-2026-01-01', shutdown_date: 1_588_291_200 }], 1, /shut it down on 2020-05-01/],
    ['in milliseconds', [{ id: 'test-2026-01-01', shutdown_date: 1_588_291_200_000 }], 1, /shut it down on 2020-05-01/],
    ['in seconds as text', [{ id: 'test-2026-01-01', shutdown_date: '1588291200' }], 1, /shut it down on 2020-05-01/],
    ['as no day', [{ id: 'test-2026-01-01', shutdown_date: 'soon' }], 4, /an end that cannot be read as a day/],
    ['as zero', [{ id: 'test-2026-01-01', shutdown_date: 0 }], 4, /an end that cannot be read as a day/],
    [
      'by another name',
      [{ id: 'test-2026-01-01', deprecation: '2020-05-01T00:00:00Z' }],
      1,
      /shut it down on 2020-05-01/,
    ],
    ['deprecated', [{ id: 'test-2026-01-01', deprecated: true }], 3, /calls it deprecated, without a day/],
    ['not active', [{ id: 'test-2026-01-01', active: false }], 3, /calls it deprecated, without a day/],
    ['not deprecated', [{ id: 'test-2026-01-01', deprecated: false, deprecation: null, active: true }], 0, /lists it/],
    ['without a day', [{ id: 'test-2026-01-01', shutdown_date: null }], 0, /without a day of shutdown/],
  ]
  it.each(ends)('%s', async (_, entry, code, says) => {
    const found = await check(project(await listen(listOf(...entry)), main))
    expect(found.stdout).toMatch(says)
    expect(found.code).toBe(code)
  })

  it('follows the pages', async () => {
    const port = await listen((request, response) => {
      const last = request.url?.includes('after_id=a-1')
      const page = last
        ? { data: [{ id: 'test-2026-01-01' }] }
        : { data: [{ id: 'a-1' }], has_more: true, last_id: 'a-1' }
      json(page)(request, response)
    })
    expect((await check(project(port, main))).code).toBe(0)
  })

  const failures: [what: string, reply: RequestListener, says: RegExp][] = [
    ['401', (_, response) => void response.writeHead(401).end(`bad key ${KEY}`), /HTTP 401/],
    [
      'a redirect',
      (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
      /HTTP 302/,
    ],
    ['no JSON', (_, response) => void response.end('<html>'), /no JSON/],
    ['no list', json({ models: [] }), /no list of models/],
    ['a broken line', (request) => void request.socket.destroy(), /could not be reached/],
    ['pages without end', json({ data: [{ id: 'a' }], has_more: true }), /more than 50 pages/],
  ]
  it.each(failures)('%s is exit 4, and gives no key away', async (_, reply, says) => {
    const { code, stdout, stderr } = await check(project(await listen(reply), main))
    expect(stdout).toMatch(says)
    expect(code).toBe(4)
    expect(stdout + stderr).not.toContain(KEY)
  })

  it('names the variable of a key that is missing, and asks nobody', async () => {
    const { code, stdout } = await aigate(['model', 'check'], project(9, main), { MODEL_KEY: '' })
    expect(code).toBe(4)
    expect(stdout).toContain('MODEL_KEY is not set')
  })

  it('cannot ask behind recordings of nobody', async () => {
    const { code, stdout } = await check(project(9, '  main: {provider: silent, id: test-2026-01-01}\n'))
    expect(code).toBe(4)
    expect(stdout).toContain('recordings of nobody')
  })

  it('wants a way back: the model of rollback_to is asked too, and must be kept', async () => {
    const models = (back: string) =>
      `  main: {provider: api, id: test-2026-01-01, rollback_to: prev}\n  prev: {provider: api, id: test-2025-01-01${back}}\n`
    const both = await listen(listOf({ id: 'test-2026-01-01' }, { id: 'test-2025-01-01' }))
    const ok = await check(project(both, models(', status: rollback_ready, keep_until: 2999-12-31')), ['main'])
    expect(ok.stdout).toContain('Rollback to prev: rollback_ready, kept until 2999-12-31.')
    expect(ok.code).toBe(0)
    expect((await check(project(both, models(', status: archived')), ['main'])).code).toBe(1)
    expect((await check(project(both, models(', keep_until: 2020-01-01')), ['main'])).code).toBe(1)
    const one = await listen(listOf({ id: 'test-2026-01-01' }))
    expect((await check(project(one, models('')), ['main'])).code).toBe(1)
    expect((await check(project(one, models(', status: archived')), ['prev'])).code).toBe(0)
  })
})

describe('list and show', () => {
  const registry =
    '  main: {provider: api, id: gpt-4o, status: production, rollback_to: prev, allow_unpinned: "on trial"}\n' +
    '  prev: {provider: api, id: gpt-4o-2024-08-06, status: rollback_ready, base_model: gpt-4o, dataset: tickets-3}\n'

  it('lists pin state, status and rollback_to', async () => {
    const folder = project(9, registry)
    const { code, stdout } = await aigate(['model', 'list'], folder)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^main +alias +gpt-4o +api +production +prev$/m)
    expect(stdout).toMatch(/^prev +pinned +gpt-4o-2024-08-06 +api +rollback_ready +–$/m)
    const data = JSON.parse((await aigate(['model', 'list', '--json'], folder)).stdout)
    expect(data.models.map((one: { state: string }) => one.state)).toEqual(['alias', 'pinned'])
  })

  it('shows one model in full', async () => {
    const folder = project(9, registry)
    expect((await aigate(['model', 'show', 'prev'], folder)).stdout).toMatch(/dataset +tickets-3/)
    expect((await aigate(['model', 'show', 'main'], folder)).stdout).toMatch(/allow_unpinned +on trial/)
    const unknown = await aigate(['model', 'show', 'mian'], folder)
    expect(unknown.code).toBe(2)
    expect(unknown.stderr).toContain('did you mean "main"?')
  })
})
