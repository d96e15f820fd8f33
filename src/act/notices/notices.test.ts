// Every action against real endpoints, real git and real flag files: failing, hanging, answering twice, repeated.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FlagdCore } from '@openfeature/flagd-core'
import { afterEach, expect, it } from 'vitest'
import { GuardAction, GuardPlan } from '../../schema/guard.ts'
import { newFolder } from '../act-testing.ts'
import { isServed, serveBreaker } from '../breaker-flag.ts'
import { switchOn } from '../kill-file.ts'
import { closeEndpoints, endpoint, gitHub, repository } from './notices-testing.ts'
import type { Notice, NoticeWorld } from './notice.ts'
import { type PlainAction, performAction } from './registry.ts'

afterEach(closeEndpoints)

const notice: Notice = {
  key: 'errors@1-page',
  incident: 'errors@1-page',
  guard: 'production',
  cause: 'errors',
  metric: 'error_rate',
  value: 0.2,
  at: new Date(Date.now() - 1000).toISOString(),
  title: 'production: errors fired',
  text: 'error_rate is 0.2 over 5m <!channel> {{ not a variable }}',
  resolve: false,
}
const worldOf = (env: Record<string, string> = {}, more: Partial<NoticeWorld> = {}): NoticeWorld => ({
  root: newFolder(),
  env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
  signal: new AbortController().signal,
  now: Date.now,
  timeoutMs: 300,
  ...more,
})
const perform = (written: object, world: NoticeWorld, told: Partial<Notice> = {}) =>
  performAction(GuardAction.parse(written) as PlainAction, { ...notice, ...told }, world)
const logger = { error() {}, warn() {}, info() {}, debug() {} }
function variants(file: string, flag: string, users = 2000): Record<string, number> {
  const core = new FlagdCore(undefined, logger)
  core.setConfigurations(readFileSync(file, 'utf8'))
  const found: Record<string, number> = {}
  for (let i = 0; i < users; i += 1) {
    const { variant = '?' } = core.resolveStringEvaluation(flag, 'code', { targetingKey: `u${i}` }, logger)
    found[variant] = (found[variant] ?? 0) + 1
  }
  return found
}

it.each([
  ['json', (body: Record<string, unknown>) => expect(body).toMatchObject({ aigate: 'notice', version: 1, value: 0.2 })],
  [
    'slack',
    (body: Record<string, unknown>) => {
      expect(body['text']).toContain('&lt;!channel&gt;')
      expect((body['blocks'] as { type: string }[]).map(({ type }) => type)).toEqual(['header', 'section', 'context'])
    },
  ],
  [
    'teams',
    (body: Record<string, unknown>) => {
      expect(body['type']).toBe('message')
      expect(JSON.stringify(body)).toContain('"type":"AdaptiveCard"')
    },
  ],
])('a webhook in the format %s', async (format, check) => {
  const at = await endpoint(() => ({ status: 200, text: 'ok' }))
  await perform({ type: 'webhook', format, url_env: 'HOOK' }, worldOf({ HOOK: at.url }))
  expect(at.requests).toHaveLength(1)
  expect(at.requests[0]?.headers['idempotency-key']).toBe(notice.key)
  check(at.requests[0]?.body as Record<string, unknown>)
})

it('an endpoint that fails twice is asked a third time, with the same key', async () => {
  const at = await endpoint((_, n) => ({ status: n < 3 ? 503 : 200, text: '' }))
  await perform({ type: 'webhook', url: at.url }, worldOf())
  expect(at.requests.map(({ headers }) => headers['idempotency-key'])).toEqual([notice.key, notice.key, notice.key])
})

it('an endpoint that hangs is left; the error shows neither address nor secret', async () => {
  const at = await endpoint(() => 'hang')
  const url = `${at.url}/services/T0/secret-part`
  const failed = perform({ type: 'webhook', url_env: 'HOOK' }, worldOf({ HOOK: url }))
  await expect(failed).rejects.toThrow(/gave no answer within 300 ms/)
  await expect(failed).rejects.not.toThrow(/secret-part/)
  expect(at.requests).toHaveLength(3)
}, 10_000)

it('a refusal is not repeated, and a token that the answer repeats is hidden', async () => {
  const at = await endpoint(({ body }) => ({ status: 400, text: `bad key ${String((body as never)['routing_key'])}` }))
  const action = { type: 'pagerduty', routing_key_env: 'PD_KEY', url: at.url }
  const failed = perform(action, worldOf({ PD_KEY: 'r0uting-key' }))
  await expect(failed).rejects.toThrow(/HTTP 400 \(bad key \[redacted\]\)/)
  expect(at.requests).toHaveLength(1)
  await expect(perform(action, worldOf())).rejects.toThrow(/PD_KEY is not set/)
})

it('PagerDuty: repeated it is one incident, and what resolves has its key', async () => {
  const at = await endpoint(() => ({ status: 202, text: '{}' }))
  const action = { type: 'pagerduty', routing_key_env: 'PD_KEY', url: at.url }
  const world = worldOf({ PD_KEY: 'k' })
  await perform(action, world)
  await perform(action, world)
  await perform(action, world, { key: 'errors@1-page-resolve', resolve: true })
  const bodies = at.requests.map(({ body }) => body as Record<string, unknown>)
  expect(bodies.map((one) => one['event_action'])).toEqual(['trigger', 'trigger', 'resolve'])
  expect(new Set(bodies.map((one) => one['dedup_key'])).size).toBe(1)
  expect(bodies[0]).toMatchObject({ routing_key: 'k', payload: { severity: 'critical', class: 'error_rate' } })
})

it('a GitHub issue is opened once, also where the answer was lost', async () => {
  const hub = await gitHub({ loseFirstAnswer: true })
  const world = worldOf({ GITHUB_TOKEN: 't0ken' })
  const action = { type: 'github-issue', repo: 'a/b', api_url: hub.url, labels: ['llm'] }
  expect(await perform(action, world)).toMatchObject({ found: true, issue: 1 })
  expect(await perform(action, world)).toMatchObject({ found: true, issue: 1 })
  expect(hub.issues).toHaveLength(1)
  expect(hub.issues[0]).toMatchObject({ labels: ['aigate', 'llm'] })
  await perform(action, world, { key: 'other' })
  expect(hub.issues).toHaveLength(2)
  expect(hub.requests.every(({ headers }) => headers['authorization'] === 'Bearer t0ken')).toBe(true)
})

it('a revert is pushed and asked for once; the checkout stays as it is', async () => {
  const hub = await gitHub()
  const { root, git, show } = repository()
  writeFileSync(join(root, 'prompts/answer.md'), 'work in progress\n')
  const world = worldOf({ GITHUB_TOKEN: 't' }, { root })
  const action = { type: 'revert-pull-request', repo: 'a/b', api_url: hub.url }
  const first = await perform(action, world)
  expect(first).toMatchObject({ pull_request: 1, found: false })
  const branch = `aigate/revert-${notice.key.replace('@', '-')}`
  expect(first['branch']).toBe(branch)
  expect(show(`${branch}:prompts/answer.md`)).toBe('version 1\n')
  expect(show(`${branch}:README.md`)).toBe('later\n')
  expect(git('log', '-1', '--format=%B', branch)).toContain(`Aigate-Action: ${notice.key}`)
  expect(readFileSync(join(root, 'prompts/answer.md'), 'utf8')).toBe('work in progress\n')
  expect(await perform(action, world)).toMatchObject({ pull_request: 1, found: true })
  expect(hub.pulls).toHaveLength(1)
  expect(execFileSync('git', ['worktree', 'list'], { cwd: root, encoding: 'utf8' }).trim().split('\n')).toHaveLength(1)
})

it('a command runs without a shell, and not again where its check says that it is done', async () => {
  const world = worldOf()
  const script = "require('fs').appendFileSync('done', process.argv[1] + '\\n')"
  const argv = [process.execPath, '-e', script, '{{trigger}} $(id)']
  const check = [process.execPath, '-e', "process.exit(require('fs').existsSync('done') ? 0 : 1)"]
  expect(await perform({ type: 'command', argv, check }, world)).toEqual({ done: 'now' })
  expect(await perform({ type: 'command', argv, check }, world)).toEqual({ done: 'before' })
  expect(readFileSync(join(world.root, 'done'), 'utf8')).toBe('errors $(id)\n')
  const failing = { type: 'command', argv: [process.execPath, '-e', 'process.exit(3)'] }
  await expect(perform(failing, world)).rejects.toThrow(/exit code 3/)
  const hanging = { type: 'command', argv: [process.execPath, '-e', 'setInterval(() => {}, 1000)'], timeout: '300ms' }
  await expect(perform(hanging, world)).rejects.toThrow(/did not end within 300 ms/)
})

it('a flag that is disabled serves the variant that is off, through flagd', async () => {
  const world = worldOf()
  const file = join(world.root, 'flags.json')
  const flag = { state: 'ENABLED', variants: { on: 'new', off: 'old' }, defaultVariant: 'on', targeting: {} }
  writeFileSync(file, JSON.stringify({ flags: { search: flag, other: flag } }))
  const action = { type: 'disable-flag', path: 'flags.json', flag: 'search', variant: 'off' }
  await perform(action, world)
  expect(variants(file, 'search')).toEqual({ off: 2000 })
  expect(variants(file, 'other')).toEqual({ on: 2000 })
  const text = readFileSync(file, 'utf8')
  await perform(action, world)
  expect(readFileSync(file, 'utf8')).toBe(text)
  await expect(perform({ ...action, variant: 'of' }, world)).rejects.toThrow(/no flag search with a variant of/)
})

it('a kill goes into the flag file that the action names, with its reason', async () => {
  const world = worldOf()
  const first = await perform({ type: 'kill', path: 'flags.json', feature: 'search', expires: '1h' }, world)
  expect(first).toMatchObject({ note: expect.stringContaining('no flag asks for it') })
  const text = readFileSync(join(world.root, 'flags.json'), 'utf8')
  expect(text).toContain('aigate watch production')
  await perform({ type: 'kill', path: 'flags.json', feature: 'search', expires: '1h' }, world)
  expect(readFileSync(join(world.root, 'flags.json'), 'utf8')).toBe(text)
  await expect(perform({ type: 'kill' }, world)).rejects.toThrow(/no flag file is named/)
  const flag = { state: 'ENABLED', variants: { on: 'new', off: 'old' }, defaultVariant: 'on' }
  writeFileSync(join(world.root, 'asked.json'), JSON.stringify({ flags: { search: flag } }))
  const reached = await perform(
    { type: 'kill', path: 'asked.json', feature: 'search' },
    { ...world, killed: { search: 'off' } },
  )
  expect(reached).toEqual({ killed: expect.any(String), files: 1 })
})

it('the flag of a breaker serves the fallback, lets a small share probe, and keeps its kill switch', async () => {
  const root = newFolder()
  const file = join(root, 'flags.json')
  mkdirSync(root, { recursive: true })
  const [breaker] = GuardPlan.parse({
    guard: 'g',
    source: { type: 'jsonl', path: 'x' },
    metrics: { e: { bad: 'error.type != null' } },
    breakers: [
      {
        id: 'model',
        when: [{ metric: 'e', above: '10%' }],
        flag: { path: 'flags.json', name: 'model', variants: { main: 'a', previous: 'b', human: 'c' } },
      },
    ],
  }).breakers
  if (!breaker) throw new Error('no breaker')
  await serveBreaker(breaker, { serving: 'main', ppm: 0, generation: 0 }, root)
  expect(variants(file, 'model')).toEqual({ main: 2000 })
  await serveBreaker(breaker, { serving: 'previous', ppm: 50_000, generation: 1 }, root)
  const found = variants(file, 'model', 20_000)
  expect(found['main']).toBeGreaterThan(800)
  expect(found['main']).toBeLessThan(1200)
  expect(await isServed(breaker, { serving: 'previous', ppm: 0, generation: 1 }, root)).toBe(false)
  const kill = { scope: {}, reason: 'r', by: 'b', at: new Date().toISOString(), until: null, flags: [] }
  await switchOn(file, kill, { flags: { model: 'human' } }, Date.now())
  expect(variants(file, 'model')).toEqual({ human: 2000 })
  await serveBreaker(breaker, { serving: 'main', ppm: 0, generation: 2 }, root)
  expect(variants(file, 'model')).toEqual({ human: 2000 })
})
