// aigate watch with real logs, journals, endpoints, flag files and git; and with its process killed in the middle of an act.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { closeEndpoints, endpoint } from '../../act/notices/notices-testing.ts'
import { removeTemporary } from '../cli-testing.ts'
import { watchGuardCommand } from './watch.ts'
import {
  actions,
  bundleWatch,
  contextOf,
  guard,
  kinds,
  log,
  look,
  MINUTE,
  project,
  startChild,
} from './watch-testing.ts'

afterEach(closeEndpoints)
afterAll(removeTemporary)
it('all is well: pass, and nothing is done', async () => {
  const root = project(
    guard({ type: 'command', argv: ['false'] }),
    log(20, () => false),
  )
  const { context, out } = contextOf(root)
  expect(await look(context)).toBe('pass')
  expect(out.join('')).toMatch(/production: pass\. Nothing fires\.\n {2}errors {2}quiet {4}error_rate 0/)
  expect(existsSync(join(root, '.aigate/actions/journal.jsonl'))).toBe(false)
})

it('shows what is killed', async () => {
  const root = project(
    guard({ type: 'kill', path: 'flags.json', feature: 'answers' }),
    log(20, (ago) => ago < 8),
  )
  writeFileSync(join(root, 'aigate.yaml'), 'version: 1\nkill: {path: flags.json}\n')
  const { context, out } = contextOf(root)
  expect(await look(context)).toBe('fail')
  expect(out.join('')).toMatch(/ {2}KILLED: feature answers \(aigate watch production, .*error_rate is \d+(\.\d+)?%/)
})

it('events need not say any arm, and no log is invalid', async () => {
  const root = project(
    guard({ type: 'command', argv: ['false'] }),
    log(20, () => false),
  )
  const { context } = contextOf(root)
  writeFileSync(join(root, 'logs/app.jsonl'), '')
  expect(await look(context)).toBe('invalid')
})

it('fires once: told once however often one looks; then it is over and goes on in a new journal', async () => {
  const at = await endpoint(() => ({ status: 200, text: '' }))
  const root = project(
    guard({ type: 'webhook', url_env: 'HOOK' }),
    log(20, (ago) => ago < 8),
  )
  const { context } = contextOf(root, { HOOK: `${at.url}/s3cret` })
  expect([await look(context), await look(context)]).toEqual(['fail', 'fail'])
  expect(at.requests).toHaveLength(1)
  expect(kinds(root)).toEqual(['intent', 'applied'])
  const written = readFileSync(join(root, '.aigate/actions/journal.jsonl'), 'utf8')
  const journal = join(root, '.aigate/guards/production/journal.jsonl')
  expect(written + readFileSync(journal, 'utf8')).not.toContain('s3cret')
  const { rotateGuard } = await import('../../store/guard-journal.ts')
  rotateGuard(dirname(journal))
  expect(await look(context)).toBe('fail')
  expect(readFileSync(journal, 'utf8')).toContain('"kind":"carry"')
  expect(at.requests).toHaveLength(1)
})

it('an action that fails is exit 5 at every look, pages every time, and is done in the end', async () => {
  let well = false
  const hook = await endpoint(() => ({ status: well ? 200 : 400, text: '' }))
  const pager = await endpoint(() => ({ status: 202, text: '' }))
  const text = guard({ type: 'webhook', url: hook.url }, { on_failure: ['page'] })
  const plan = JSON.parse(text) as { actions: Record<string, object> }
  plan.actions['page'] = { type: 'pagerduty', routing_key_env: 'PD', url: pager.url }
  const root = project(
    JSON.stringify(plan),
    log(20, (ago) => ago < 8),
  )
  const { context, clock, err } = contextOf(root, { PD: 'k' })
  for (let i = 0; i < 3; i += 1) {
    expect(await look(context)).toBe('action_failed')
    clock.now += MINUTE
  }
  expect(err.join('')).toContain('answered HTTP 400')
  const paged = pager.requests.map(({ body }) => (body as Record<string, string>)['dedup_key'])
  expect(paged.length).toBeGreaterThanOrEqual(3)
  well = true
  expect(await look(context)).toBe('fail')
  expect(kinds(root).at(-1)).toBe('applied')
})

it('looks again and again until it is interrupted, also over looks that fail', async () => {
  const root = project(
    guard({ type: 'command', argv: ['false'] }),
    log(20, () => false),
  )
  const { context, out, err } = contextOf(root)
  const stop = new AbortController()
  const watching = watchGuardCommand({ ...context, signal: stop.signal }, 'guard.yaml', { every: 20 })
  const until = async (seen: () => boolean) => {
    while (!seen()) await new Promise((go) => setTimeout(go, 10))
  }
  await until(() => out.length >= 2)
  const text = readFileSync(join(root, 'guard.yaml'), 'utf8')
  writeFileSync(join(root, 'guard.yaml'), 'guard: [')
  await until(() => err.length > 0)
  writeFileSync(join(root, 'guard.yaml'), text)
  const before = out.length
  await until(() => out.length > before)
  stop.abort()
  expect(await watching).toBe('interrupted')
}, 20_000)

it('a faulty guard is one sentence with its place', async () => {
  const root = project(guard({ type: 'command', argv: ['a'] }).replace('"act"]', '"akt"]'), '')
  await expect(look(contextOf(root).context)).rejects.toThrow(/there is no action "akt" under actions/)
})

it('a breaker that opens flips its flag, and a person closes it', async () => {
  const breakers = [
    {
      id: 'model',
      when: [{ metric: 'error_rate', above: '10%', window: '5m' }],
      flag: { path: 'flags.json', name: 'model', variants: { main: 'a', previous: 'b' }, field: 'served' },
    },
  ]
  const served = log(20, (ago) => ago < 8).replaceAll('"duration_ms"', '"served":"main","duration_ms"')
  const root = project(guard({ type: 'command', argv: ['a'] }, { triggers: [], breakers }), served)
  const { context } = contextOf(root)
  expect(await look(context)).toBe('fail')
  expect(readFileSync(join(root, 'flags.json'), 'utf8')).toContain('"defaultVariant": "previous"')
  const close = { every: MINUTE, close: 'model', reason: 'mended' }
  expect(await watchGuardCommand(context, 'guard.yaml', close)).toBe('pass')
  expect(readFileSync(join(root, 'flags.json'), 'utf8')).toContain('"defaultVariant": "main"')
})

beforeAll(bundleWatch, 60_000)

it.each([
  ['kill', { type: 'kill', path: 'flags.json' }],
  ['disable-flag', { type: 'disable-flag', path: 'flags.json', flag: 'search', variant: 'off' }],
])(
  'kill -9 at any moment: %s comes out the same',
  async (_, action) => {
    const root = project(
      guard(action),
      log(20, (ago) => ago < 8),
    )
    const flag = { state: 'ENABLED', variants: { on: 'a', off: 'b' }, defaultVariant: 'on', targeting: {} }
    writeFileSync(join(root, 'flags.json'), JSON.stringify({ flags: { search: flag } }))
    for (let round = 0; round < 8; round += 1) {
      const { running, ended } = startChild(root, {})
      setTimeout(() => running.kill('SIGKILL'), 150 + round * 40)
      await ended
      JSON.parse(readFileSync(join(root, 'flags.json'), 'utf8'))
    }
    expect(await startChild(root, {}).ended).toBe('fail')
    const applied = actions(root).filter(({ kind }) => kind === 'applied')
    expect(applied).toHaveLength(1)
    const text = readFileSync(join(root, 'flags.json'), 'utf8')
    expect(text).toContain(action.type === 'kill' ? 'aigate watch production' : '"defaultVariant":"off"')
    expect(await startChild(root, {}).ended).toBe('fail')
    expect(readFileSync(join(root, 'flags.json'), 'utf8')).toBe(text)
  },
  60_000,
)
