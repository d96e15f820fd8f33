// A rollback is for the release that its trigger fired for: never for what was released since, nor when it is over.
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { closeEndpoints, endpoint } from '../../act/notices/notices-testing.ts'
import { appendRecord } from '../../store/ledger-append.ts'
import { removeTemporary } from '../cli-testing.ts'
import { flagFile, manifest, place } from './rollback-testing.ts'
import { contextOf, eventLines, look, MINUTE, NOW } from './watch-testing.ts'

afterEach(closeEndpoints)
afterAll(removeTemporary)

const START = Math.floor(NOW / MINUTE) * MINUTE

/** A guard that rolls the prompt back within a minute, and pages where it cannot. */
async function guarded() {
  const pager = await endpoint(() => ({ status: 202, text: '' }))
  const at = await place({ prompt: '{type: flagd, path: deploy/flags.json, flag: prompt}' })
  const plan = {
    guard: 'production',
    source: { type: 'jsonl', path: 'logs/*.jsonl', lateness: '1s', freshness: '10m' },
    metrics: { error_rate: { bad: 'error.type != null' } },
    triggers: [{ id: 'errors', metric: 'error_rate', above: '5%', window: '1m', cooldown: '1h', do: ['back'] }],
    actions: { back: { type: 'rollback', components: ['prompt'] }, page: { type: 'webhook', url: pager.url } },
    on_failure: ['page'],
  }
  writeFileSync(join(at.folder, 'guard.yaml'), JSON.stringify(plan))
  const file = join(at.folder, 'logs/app.jsonl')
  mkdirSync(dirname(file), { recursive: true })
  const add = (from: number, to: number, bad: boolean) => appendFileSync(file, eventLines(START, from, to, bad))
  const clock = { now: START + 2000 }
  const made = contextOf(at.folder, {}, clock)
  const told = () => pager.requests.map(({ body }) => (body as { text: string }).text)
  const release = (n: number, time: number) => {
    const one = manifest(n, { at: new Date(time).toISOString(), id: `2026-11-21.${n}` })
    return appendRecord(join(at.folder, 'releases'), { at: one.at, by: one.by }, () => ({
      kind: 'release',
      manifest: one,
    }))
  }
  const rolledBack = () => at.ledger().flatMap((one) => (one.rollback ? [one.rollback] : []))
  return { at, add, ...made, told, release, rolledBack }
}

it('a rollback that failed is not tried again when its trigger is over, nor after a person mended it', async () => {
  const { at, add, clock, context, out, err, told, release, rolledBack } = await guarded()
  at.write('deploy/flags.json', '{')
  add(-10, -3, false)
  add(-3, 0, true)
  expect(await look(context)).toBe('action_failed')
  add(0, 10, false)
  clock.now = START + 10 * MINUTE + 2000
  expect(await look(context)).toBe('action_failed')
  expect(err.join('')).toMatch(/not done any more: errors was over at .*aigate rollback prompt --plan/)
  expect(told().at(-1)).toContain('not done any more')
  const pages = told().length
  at.write('deploy/flags.json', flagFile('answer@1.3.0'))
  await release(3, START + 60 * MINUTE)
  add(10, 61, false)
  for (const minute of [61, 64]) {
    clock.now = START + minute * MINUTE + 2000
    if (minute === 64) add(61, 64, false)
    const ending = await look(context)
    if (minute === 64) expect(ending).toBe('pass')
  }
  expect(rolledBack()).toEqual([])
  expect(at.read('deploy/flags.json')).toBe(flagFile('answer@1.3.0'))
  expect(told()).toHaveLength(pages)
  expect(out.join('')).not.toContain('done: errors@')
})

it('what happened before the release that runs does not take it back', async () => {
  const { add, context, clock, out, release, rolledBack } = await guarded()
  add(-30, -10, false)
  add(-10, 0, true)
  await release(3, START)
  expect(await look(context)).toBe('invalid')
  expect(out.join('')).toMatch(/Nothing was counted yet for errors since the release of /)
  add(0, 3, false)
  clock.now = START + 3 * MINUTE + 2000
  expect(await look(context)).toBe('pass')
  expect(rolledBack()).toEqual([])
})

it('a newer release supersedes a rollback that failed: said, paged, never done', async () => {
  const { at, add, clock, context, err, told, release, rolledBack } = await guarded()
  at.write('deploy/flags.json', '{')
  add(-10, -3, false)
  add(-3, 0, true)
  expect(await look(context)).toBe('action_failed')
  await release(3, START + MINUTE)
  at.write('deploy/flags.json', flagFile('answer@1.3.0'))
  add(0, 4, true)
  clock.now = START + 4 * MINUTE + 2000
  expect(await look(context)).toBe('action_failed')
  expect(err.join('')).toContain('2026-11-21.3 was released after it fired for 2026-11-02.1')
  expect(told().at(-1)).toContain('would take that back')
  clock.now += 2 * MINUTE
  expect(await look(context)).toBe('fail')
  expect(rolledBack()).toEqual([])
})

it('goes back to what was good when it fired', async () => {
  const { add, context, rolledBack } = await guarded()
  add(-10, -3, false)
  add(-3, 0, true)
  expect(await look(context)).toBe('fail')
  expect(rolledBack()).toMatchObject([{ from: '2026-11-02.1', to: '2026-11-01.1', components: ['prompt'] }])
})
