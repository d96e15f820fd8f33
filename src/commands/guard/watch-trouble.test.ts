// aigate watch where the world is against it: endpoints that hang, Ctrl-C, damaged journals, a faulty guard, late logs.
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { closeEndpoints, endpoint } from '../../act/notices/notices-testing.ts'
import { removeTemporary } from '../cli-testing.ts'
import { watchGuardCommand } from './watch.ts'
import { actions, contextOf, eventLines, guard, log, look, MINUTE, NOW, project } from './watch-testing.ts'

afterEach(closeEndpoints)
afterAll(removeTemporary)

const START = Math.floor(NOW / MINUTE) * MINUTE
const JOURNAL = '.aigate/actions/journal.jsonl'
const GUARD_JOURNAL = '.aigate/guards/production/journal.jsonl'
const bad = () => log(20, (ago) => ago < 8)
/** A guard whose one trigger does all of these. */
const doing = (all: Record<string, object>, more: object = {}) => {
  const plan = JSON.parse(guard({ type: 'command', argv: ['true'] })) as { triggers: { do: string[] }[] }
  plan.triggers[0]!.do = Object.keys(all)
  return JSON.stringify({ ...plan, actions: all, ...more })
}
const until = async (is: () => boolean) => {
  while (!is()) await new Promise((go) => setTimeout(go, 20))
}

it('an endpoint that hangs holds up neither the kill nor other notices, and is tried one round a look', async () => {
  const order: string[] = []
  const slack = await endpoint(() => (order.push('slack'), 'hang'))
  const pager = await endpoint(() => (order.push('pager'), { status: 202, text: '' }))
  const text = doing(
    {
      slack: { type: 'webhook', url: slack.url },
      page: { type: 'pagerduty', routing_key_env: 'PD', url: pager.url },
      stop: { type: 'kill', path: 'flags.json', feature: 'answers' },
    },
    { on_failure: ['page'] },
  )
  const root = project(text, bad())
  writeFileSync(join(root, 'flags.json'), '{"flags": {}}')
  const { context } = contextOf(root, { PD: 'k' })
  expect(await look(context)).toBe('action_failed')
  expect(slack.requests).toHaveLength(3)
  // The page of the incident, while Slack still hangs; that of the failure afterwards.
  expect(order.indexOf('pager')).toBeLessThan(2)
  expect(pager.requests).toHaveLength(2)
  const done = actions(root).map((one) => `${one.kind} ${'id' in one ? one.id.replace(/^errors@\d+-/, '') : ''}`)
  expect(done.slice(0, 2)).toEqual(['intent stop', 'applied stop'])
  expect(await look(context)).toBe('action_failed')
  expect(slack.requests).toHaveLength(3)
}, 60_000)

it('interrupted in the middle of an act: 130, no trace, and the next look goes on', async () => {
  let hangs = true
  const hook = await endpoint(() => (hangs ? 'hang' : { status: 200, text: '' }))
  const root = project(doing({ tell: { type: 'webhook', url: hook.url } }), bad())
  const stop = new AbortController()
  const { context, err } = contextOf(root)
  const running = watchGuardCommand({ ...context, signal: stop.signal }, 'guard.yaml', { once: true, every: MINUTE })
  await until(() => hook.requests.length > 0)
  stop.abort()
  expect(await running).toBe('interrupted')
  expect(err.join('')).toBe('')
  expect(actions(root).map(({ kind }) => kind)).toEqual(['intent'])
  hangs = false
  expect(await look(context)).toBe('fail')
  expect(actions(root).map(({ kind }) => kind)).toEqual(['intent', 'intent', 'applied'])
  const keys = hook.requests.map(({ headers }) => headers['idempotency-key'])
  expect(new Set(keys).size).toBe(1)
})

it('a damaged journal of actions is put aside, told of, and the guard goes on without doing things twice', async () => {
  const hook = await endpoint(() => ({ status: 200, text: '' }))
  const script = "require('fs').appendFileSync('ran', 'x')"
  const text = doing(
    {
      tell: { type: 'webhook', url: hook.url },
      run: { type: 'command', argv: [process.execPath, '-e', script] },
      stop: { type: 'kill', path: 'flags.json', feature: 'answers' },
    },
    { on_failure: ['page'] },
  )
  const pager = await endpoint(() => ({ status: 200, text: '' }))
  const plan = JSON.parse(text) as { actions: Record<string, object> }
  plan.actions['page'] = { type: 'webhook', url: pager.url }
  const root = project(JSON.stringify(plan), bad())
  writeFileSync(join(root, 'flags.json'), '{"flags": {}}')
  const { context, err } = contextOf(root)
  expect(await look(context)).toBe('fail')
  const lines = readFileSync(join(root, JOURNAL), 'utf8').trim().split('\n')
  // That the program was run is what the damage hides; all else behind it can still be trusted.
  const hidden = lines.map((line) => (line.includes('-run"') ? line.replace('"kind"', '"kinb"') : line))
  writeFileSync(join(root, JOURNAL), `${hidden.join('\n')}\n`)
  expect(await look(context)).toBe('action_failed')
  expect(err.join('')).toMatch(/Record \d+ of the journal of the actions was damaged: .*journal\.damaged-1\.jsonl/)
  expect(err.join('')).toMatch(/-run: whether it was done before is unknown/)
  expect(readFileSync(join(root, '.aigate/actions/journal.damaged-1.jsonl'), 'utf8')).toBe(`${hidden.join('\n')}\n`)
  expect(readFileSync(join(root, 'ran'), 'utf8')).toBe('x')
  expect(hook.requests).toHaveLength(1)
  expect(pager.requests.map(({ body }) => (body as { text: string }).text).join('\n')).toContain('was damaged')
  expect(await look(context)).toBe('fail')
  expect(readFileSync(join(root, 'ran'), 'utf8')).toBe('x')
})

it('a damaged journal of the guard is put aside, told of, and the guard goes on from what is sound', async () => {
  const hook = await endpoint(() => ({ status: 200, text: '' }))
  const root = project(doing({ tell: { type: 'webhook', url: hook.url } }, { on_failure: ['tell'] }), bad())
  const { context, err } = contextOf(root)
  expect(await look(context)).toBe('fail')
  const lines = readFileSync(join(root, GUARD_JOURNAL), 'utf8').trim().split('\n')
  writeFileSync(
    join(root, GUARD_JOURNAL),
    `${lines.map((line, i) => (i === 1 ? line.replace('fail', 'fill') : line)).join('\n')}\n`,
  )
  expect(await look(context)).toBe('fail')
  expect(err.join('')).toMatch(
    /Record 2 of the journal of the guard was damaged: .*production\/journal\.damaged-1\.jsonl/,
  )
  expect(readdirSync(join(root, '.aigate/guards/production'))).toContain('journal.damaged-1.jsonl')
  const told = hook.requests.map(({ body }) => (body as { title: string }).title)
  expect(told).toEqual(['production: errors fired', 'production: a journal was damaged'])
  expect(await look(context)).toBe('fail')
  expect(hook.requests).toHaveLength(2)
})

it('a guard that becomes faulty is said once with its place, and the last good one goes on looking', async () => {
  const root = project(
    guard({ type: 'command', argv: ['true'] }),
    log(20, () => false),
  )
  const good = readFileSync(join(root, 'guard.yaml'), 'utf8')
  const stop = new AbortController()
  const { context, out, err } = contextOf(root)
  const looks = () => out.filter((text) => text.includes('production: pass')).length
  const running = watchGuardCommand({ ...context, signal: stop.signal }, 'guard.yaml', { every: 20 })
  await until(() => looks() > 0)
  writeFileSync(join(root, 'guard.yaml'), 'guard: production\nbogus: 1\n')
  await until(() => err.join('').includes('bogus'))
  const before = looks()
  await until(() => looks() > before + 2)
  writeFileSync(join(root, 'guard.yaml'), good)
  await until(() => err.join('').includes('can be read again'))
  stop.abort()
  expect(await running).toBe('interrupted')
  const said = err.join('')
  expect(said.match(/unknown key "bogus"/g)).toHaveLength(1)
  expect(said).toMatch(/guard\.yaml:2:\d+/)
  expect(said).toContain('| bogus: 1')
  expect(said).toContain('the guard looks by what it read before')
}, 30_000)

it('logs that come later than `lateness` are no pass, whatever happens in them', async () => {
  const plan = JSON.parse(guard({ type: 'command', argv: ['true'] })) as { source: object }
  plan.source = { type: 'jsonl', path: 'logs/*.jsonl', lateness: '60s', freshness: '10m' }
  const root = project(JSON.stringify(plan), eventLines(START, -20, -3, false))
  const clock = { now: START + 1000 }
  const { context, out } = contextOf(root, {}, clock)
  const endings: string[] = [await look(context)]
  for (let minute = 1; minute <= 6; minute += 1) {
    appendFileSync(join(root, 'logs/app.jsonl'), eventLines(START, minute - 4, minute - 3, true))
    clock.now = START + minute * MINUTE + 1000
    endings.push(await look(context))
  }
  expect(endings.slice(1)).not.toContain('pass')
  expect(out.at(-1)).toMatch(/events were not counted: they came more than .*`source\.lateness`/)
  expect(existsSync(join(root, JOURNAL))).toBe(false)
})

it('a clock that is two hours ahead for one look blinds no later one', async () => {
  const root = project(guard({ type: 'command', argv: ['true'] }), eventLines(START, -20, 0, false))
  const clock = { now: START + 2000 }
  const { context, out } = contextOf(root, {}, clock)
  expect(await look(context)).toBe('pass')
  clock.now += 120 * MINUTE
  await look(context)
  appendFileSync(join(root, 'logs/app.jsonl'), eventLines(START, 0, 3, false))
  clock.now = START + 3 * MINUTE + 2000
  expect(await look(context)).toBe('pass')
  expect(out.at(-1)).toMatch(/The clock of the last look was .* ahead/)
  appendFileSync(join(root, 'logs/app.jsonl'), eventLines(START, 3, 8, true))
  clock.now = START + 8 * MINUTE + 2000
  expect(await look(context)).toBe('fail')
})
