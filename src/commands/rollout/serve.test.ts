// aigate serve over real sockets: recorded requests of Argo Rollouts and Flagger, limits, tokens, and many clients while looks go on.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { planWith } from '../../act/act-testing.ts'
import type { Context } from '../../ports.ts'
import type { Decision, RolloutEntry } from '../../schema/rollout-journal.ts'
import { appendEntry, readRolloutJournal } from '../../store/rollout-journal.ts'
import { removeTemporary, temporary } from '../cli-testing.ts'
import { serveCommand } from './serve.ts'

const fixtures = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'serve')
const recorded = (name: string, hook = '') => readFileSync(join(fixtures, name), 'utf8').replace('HOOK', hook)
const stops: AbortController[] = []
afterAll(removeTemporary)
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()))

const decision = (outcome: Decision['outcome'], next: Decision['next']): Decision => ({
  outcome,
  reasons: [`It is ${outcome}.`],
  warnings: [],
  next,
  stage: 0,
  metrics: {
    error_rate: {
      harm: 1.5,
      harm_bound: 4.6,
      safe: null,
      safe_bound: 3,
      estimate: 1.2,
      low: 0.8,
      high: 1.7,
      baseline: 0.02,
      candidate: 0.024,
    },
  },
})

/** A project with one rollout; `look` adds a look to its journal, `at` milliseconds from now. */
function project() {
  const cwd = temporary()
  writeFileSync(join(cwd, 'aigate.yaml'), 'version: 1\nproviders: {}\nmodels: {}\nsuites: []\n')
  const folder = join(cwd, '.aigate/rollouts/support-1.3')
  mkdirSync(folder, { recursive: true })
  let journal = readRolloutJournal(folder)
  const add = (entry: RolloutEntry, at = 0) => {
    journal = appendEntry(journal, { at: new Date(Date.now() + at).toISOString(), by: 'test' }, entry).journal
  }
  const plan = planWith({ type: 'flagd', path: 'flags.json' })
  const start = () => add({ kind: 'start', plan_hash: 'abc', plan }, -7_200_000)
  const look = (outcome: Decision['outcome'], next: Decision['next'] = 'wait', at = 0) => {
    const until = new Date(Date.now() + at).toISOString()
    const counts = { events: 0, unreadable: 0, duplicates: 0, late: 0, without_arm: 0 }
    const reading = { until, newest: until, cursor: null, blocks: [], ...counts, models: [], notes: [] }
    add({ kind: 'look', reading, failure: null, plan_hash: 'abc', decision: decision(outcome, next) }, at)
  }
  return { cwd, start, look, add }
}

async function serve(cwd: string, env: Record<string, string> = {}, host = '127.0.0.1') {
  const stop = new AbortController()
  stops.push(stop)
  let said = ''
  const errors: string[] = []
  const context: Context = {
    cwd,
    env,
    stdout: { write: (text) => (said += text) },
    stderr: { write: (text) => errors.push(text) },
    now: () => new Date(),
    monotonic: () => performance.now(),
    signal: stop.signal,
    toolVersion: '0.0.0',
  }
  const ending = serveCommand(context, { host, port: 0, tokenEnv: 'SERVE_TOKEN' })
  await Promise.race([ending, expect.poll(() => said, { timeout: 10_000 }).toContain('Serving')])
  return { url: said.replace('Serving ', '').trim(), stop, ending, errors }
}

/** Sends the bytes of a recorded request; the answer's status and body. */
async function replay(url: string, text: string): Promise<{ status: number; body: string }> {
  const [head = '', body = ''] = text.trimEnd().split('\n\n')
  const length = `Content-Length: ${Buffer.byteLength(body)}`
  const lines = [...head.replace(/Content-Length: \d+/, length).split('\n'), 'Connection: close']
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  // Not `end`: a client that says it is gone gets no answer.
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`)
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  return { status: Number(answer.split(' ')[1]), body: answer.slice(answer.indexOf('\r\n\r\n') + 4) }
}

describe('Argo Rollouts', () => {
  it('gets 200 with a verdict that its conditions can read, whatever the verdict is', async () => {
    const { cwd, start, look } = project()
    start()
    const { url } = await serve(cwd)
    const asked = async () => {
      const { status, body } = await replay(url, recorded('argo-web.http'))
      expect(status).toBe(200)
      return (JSON.parse(body) as { verdict: string }).verdict
    }
    expect(await asked()).toBe('inconclusive')
    look('pass', 'wait', -3_600_000)
    expect(await asked()).toBe('invalid')
    for (const outcome of ['pass', 'inconclusive', 'invalid'] as const) {
      look(outcome)
      expect(await asked()).toBe(outcome)
    }
    look('fail', 'rollback')
    expect(await asked()).toBe('fail')
    look('pass')
    expect(await asked()).toBe('fail')
  })

  it('can ask for one stage, which has passed only when it is to be left', async () => {
    const { cwd, start, look } = project()
    start()
    look('pass', 'wait')
    const { url } = await serve(cwd)
    const stage = async (query: string) => (await (await fetch(`${url}/verdict/support-1.3${query}`)).json()) as object
    expect(await stage('')).toMatchObject({ verdict: 'pass', stage: 0, share: 0, reasons: ['It is pass.'] })
    expect(await stage('?stage=0')).toMatchObject({ verdict: 'inconclusive' })
    expect(await stage('?stage=1')).toMatchObject({ verdict: 'inconclusive' })
    expect((await fetch(`${url}/verdict/support-1.3?stage=x`)).status).toBe(400)
    expect((await fetch(`${url}/verdict/other`)).status).toBe(404)
    expect((await fetch(`${url}/verdict/..%2f..%2fetc`)).status).toBe(404)
    expect((await fetch(`${url}/verdict/%zz`)).status).toBe(404)
  })
})

it('answers the hooks of Flagger: rollback only on fail, the others only on pass', async () => {
  const { cwd, start, look } = project()
  start()
  const { url } = await serve(cwd)
  const hooks = ['rollback', 'confirm-traffic-increase', 'confirm-promotion']
  const asked = () =>
    Promise.all(hooks.map(async (hook) => (await replay(url, recorded('flagger-hook.http', hook))).status))
  expect(await asked()).toEqual([409, 409, 409])
  look('pass')
  expect(await asked()).toEqual([409, 200, 200])
  look('inconclusive')
  expect(await asked()).toEqual([409, 409, 409])
  look('fail', 'rollback')
  expect(await asked()).toEqual([200, 409, 409])
  expect((await replay(url, recorded('flagger-hook.http', 'rollout'))).status).toBe(404)
  expect((await fetch(`${url}/flagger/rollback`)).status).toBe(405)
  const post = (body: string) => fetch(`${url}/flagger/rollback`, { method: 'POST', body })
  expect((await post('[1')).status).toBe(400)
  expect((await post('{"name": "other", "metadata": null}')).status).toBe(404)
  expect((await post('x'.repeat(70_000)).catch(() => ({ status: 413 }))).status).toBe(413)
})

it('gives Prometheus what it can read, and no sample for what is not known', async () => {
  const { cwd, start, look } = project()
  start()
  look('pass')
  const { url } = await serve(cwd)
  const answer = await fetch(`${url}/metrics`)
  const text = await answer.text()
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(text).toContain('aigate_rollout_verdict{rollout="support-1.3",verdict="pass"} 1\n')
  expect(text).toContain('aigate_rollout_harm_log_evidence{rollout="support-1.3",metric="error_rate"} 1.5\n')
  expect(text).not.toContain('safe_log_evidence')
  const line = /^(# (HELP|TYPE) \w+ .+|\w+\{\w+="[^"]*"(,\w+="[^"]*")*\} (\S+))$/
  expect(
    text
      .trimEnd()
      .split('\n')
      .filter((one) => !line.test(one)),
  ).toEqual([])
})

describe('who may ask', () => {
  it('listens beyond this machine only with a token', async () => {
    const { cwd } = project()
    await expect(serve(cwd, {}, '0.0.0.0')).rejects.toThrow('a token is needed, and SERVE_TOKEN is not set')
    const { url } = await serve(cwd, { SERVE_TOKEN: 'serve-token' }, '0.0.0.0')
    expect(url).toMatch(/^http:\/\/0\.0\.0\.0:\d+$/)
  })

  it('asks for the token where there is one, except for /healthz', async () => {
    const { cwd, start, look } = project()
    start()
    look('pass')
    const { url } = await serve(cwd, { SERVE_TOKEN: 'serve-token' })
    const status = async (path: string, authorization?: string) =>
      (await fetch(`${url}${path}`, { headers: authorization ? { authorization } : {} })).status
    expect(await status('/healthz')).toBe(200)
    expect(await status('/metrics')).toBe(401)
    expect(await status('/metrics', 'Bearer serve-toke')).toBe(401)
    expect(await status('/metrics', 'Bearer serve-token')).toBe(200)
    expect((await replay(url, recorded('argo-web.http'))).status).toBe(200)
    expect((await replay(url, recorded('flagger-hook.http', 'confirm-promotion'))).status).toBe(200)
  })

  it('answers no page of the web that points its name here, no odd path and no other method', async () => {
    const { cwd } = project()
    const { url } = await serve(cwd)
    expect((await replay(url, 'GET /metrics HTTP/1.1\nHost: evil.example\n')).status).toBe(403)
    expect((await replay(url, 'GET http://127.0.0.1/metrics HTTP/1.1\nHost: 127.0.0.1\n')).status).toBe(400)
    expect((await fetch(`${url}/${'x'.repeat(2_000)}`)).status).toBe(414)
    expect((await fetch(`${url}/`)).status).toBe(404)
    const refused = await fetch(`${url}/metrics`, { method: 'DELETE' })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET'])
  })
})

it('answers 50 clients at once without an error while looks go on, and ends when it is asked to', async () => {
  const { cwd, start, look } = project()
  start()
  look('pass')
  const { url, stop, ending, errors } = await serve(cwd)
  let looks = 0
  const ticks = setInterval(() => {
    look('pass')
    looks++
  }, 5)
  const statuses = await Promise.all(
    Array.from({ length: 50 }, async (_, client) => {
      const seen: number[] = []
      for (let n = 0; n < 10; n++) {
        const path = ['/verdict/support-1.3', '/metrics', '/healthz'][(client + n) % 3] ?? ''
        const answer = await fetch(url + path)
        await answer.text()
        seen.push(answer.status)
      }
      return seen
    }),
  )
  clearInterval(ticks)
  expect(new Set(statuses.flat())).toEqual(new Set([200]))
  expect(looks).toBeGreaterThan(5)
  expect(errors).toEqual([])
  stop.abort()
  expect(await ending).toBe('pass')
  await expect(fetch(`${url}/healthz`)).rejects.toThrow()
}, 30_000)

it('says that it could not read a damaged journal, and goes on with the rest', async () => {
  const { cwd, start } = project()
  start()
  const file = join(cwd, '.aigate/rollouts/support-1.3/journal.jsonl')
  writeFileSync(file, readFileSync(file, 'utf8').replace('abc', 'abd'))
  const { url, errors } = await serve(cwd)
  const answer = await fetch(`${url}/verdict/support-1.3`)
  expect(answer.status).toBe(500)
  expect(await answer.text()).not.toContain(cwd)
  expect(errors.join('')).toContain('error: ')
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  const other = join(cwd, '.aigate/rollouts/other')
  mkdirSync(other)
  const entry: RolloutEntry = {
    kind: 'start',
    plan_hash: 'abc',
    plan: { ...planWith({ type: 'flagd', path: 'other.json' }), rollout: 'other' },
  }
  appendEntry(readRolloutJournal(other), { at: new Date().toISOString(), by: 'test' }, entry)
  const metrics = await fetch(`${url}/metrics`)
  expect(metrics.status).toBe(200)
  const text = await metrics.text()
  expect(text).toContain('aigate_rollout_verdict{rollout="other",verdict="inconclusive"} 1\n')
  expect(text).toContain('aigate_rollout_readable{rollout="other"} 1\n')
  expect(text).toContain('aigate_rollout_readable{rollout="support-1.3"} 0\n')
  expect(text).not.toContain('verdict{rollout="support-1.3"')
})

it('says no pass while a person must approve, to nobody', async () => {
  const { cwd, start, look } = project()
  start()
  look('pass', 'hold')
  const { url } = await serve(cwd)
  const answer = (await (await fetch(`${url}/verdict/support-1.3`)).json()) as object
  expect(answer).toMatchObject({ verdict: 'inconclusive', reasons: ['It is pass.'] })
  for (const hook of ['confirm-traffic-increase', 'confirm-promotion'])
    expect((await replay(url, recorded('flagger-hook.http', hook))).status).toBe(409)
})
