// What events leave out: the arm, the unit, a field, a sensible number; and labels that come before their answer is old.
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Block } from '../schema/rollout-journal.ts'
import { event, lines, planWith, START, watcher } from './observe-testing.ts'
import { openSource } from './registry.ts'

function logged(more: Record<string, unknown> = {}, request = {}) {
  const plan = planWith(more)
  const seen = watcher((root) => openSource(plan.source, { root, env: {} }), plan, request)
  return { ...seen, log: join(seen.root, 'app.log') }
}
const candidate = (blocks: readonly Block[], metric: string) => {
  const all = blocks.map(({ arms }) => arms.candidate.metrics[metric])
  return {
    n: all.reduce((sum, one) => sum + (one?.n ?? 0), 0),
    bad: all.reduce((sum, one) => sum + (one?.bad ?? 0), 0),
  }
}

it('counts what says no arm, and knows who was served in this generation', async () => {
  const { log, look } = logged({}, { changes: [{ at: START, generation: 1, ppm: 500_000 }] })
  const bad = { 'error.type': 'timeout' }
  const events = [
    event(0, 'a', 'candidate'),
    event(1, 'a', null, bad),
    event(2, 'b', null, bad),
    event(3, 'c', null),
    event(4, 'd', null, { ...bad, 'feature_flag.result.variant': 'off' }),
    event(5, 'e', null, { ...bad, 'aigate.rollout': 'another' }),
  ]
  writeFileSync(log, lines(events))
  const { blocks } = await look(180)
  expect(blocks[0]?.armless).toEqual({ requests: 2, bad: { error_rate: 1 } })
  expect(candidate(blocks, 'error_rate')).toEqual({ n: 2, bad: 1 })
})

it('does not know who was served under another share', async () => {
  const changes = [
    { at: START, generation: 1, ppm: 100_000 },
    { at: START + 60_000, generation: 2, ppm: 500_000 },
  ]
  const { log, look } = logged({}, { changes })
  writeFileSync(log, lines([event(0, 'a', 'baseline'), event(61, 'a', null, { 'error.type': 'x' })]))
  const { blocks } = await look(240)
  expect(blocks[1]).toMatchObject({ generation: 2, armless: { requests: 1, bad: { error_rate: 1 } } })
})

it('says nothing of arms outside of the segments', async () => {
  const { log, look } = logged({ segments: { first: ['beta'], exclude: ['staff'] } })
  const events = [
    event(0, 'a', 'candidate', { 'aigate.segment': 'beta' }),
    event(1, 'b', null, { 'aigate.segment': 'free' }),
    event(2, 'c', null, { 'aigate.segment': 'staff' }),
  ]
  writeFileSync(log, lines(events))
  expect((await look(180)).blocks[0]?.armless).toBeUndefined()
})

it('counts bad events without a unit, and events without the field', async () => {
  const { log, look } = logged({ metrics: { error_rate: { bad: 'error.type != null' }, cost: { mean: 'cost_usd' } } })
  const events = [
    event(0, 'a', 'candidate', { 'feature_flag.context.id': undefined, 'error.type': 'x', cost_usd: 1 }),
    event(1, 'b', 'candidate', { 'error.type': null, cost_usd: 2 }),
    event(2, 'c', 'candidate'),
  ]
  writeFileSync(log, lines(events))
  const { blocks } = await look(180)
  expect(blocks[0]?.arms.candidate.metrics).toMatchObject({
    error_rate: { n: 3, bad: 1, first: 0, unitless: 1, blank: 1 },
    cost: { n: 2, sum: 3, blank: 1 },
  })
})

it('passes over numbers that are none', async () => {
  const metrics = {
    cost: { mean: 'cost_usd' },
    score: { mean: 'score', range: [0, 1] },
    slow: { value: 'duration_ms' },
  }
  const { log, look } = logged({ metrics })
  const events = [
    event(0, 'a', 'candidate', { cost_usd: 1e200, score: 1.5 }),
    event(1, 'b', 'candidate', { cost_usd: -1e300, score: -0.1, duration_ms: 100 }),
    event(2, 'c', 'candidate', { cost_usd: 0.5, score: 1 }),
  ]
  writeFileSync(log, `${lines(events)}${lines([event(3, 'd', 'candidate', { cost_usd: 7 })]).replace('7', '1e999')}`)
  const reading = await look(180)
  expect(reading.blocks[0]?.arms.candidate.metrics).toMatchObject({
    cost: { n: 1, sum: 0.5, squares: 0.25 },
    score: { n: 1, sum: 1 },
  })
  expect(reading.unreadable).toBe(5)
  expect(reading.notes.join()).toMatch(/cost: numbers .* passed over/)
})

const metrics = { down: { bad: "feedback == 'down'", delay: '30m' } }
const feedback = (seconds: number, reply: string, said: 'up' | 'down') => ({
  ts: new Date(START + seconds * 1000).toISOString(),
  'event.name': 'aigate.feedback',
  'gen_ai.response.id': reply,
  'aigate.feedback': said,
})

it('counts a label when its answer is as old as the delay, soon or late', async () => {
  const { log, look } = logged({ metrics })
  writeFileSync(log, lines([event(0, 'a', 'candidate'), event(1, 'b', 'candidate'), feedback(30, 'a-0', 'up')]))
  expect(candidate((await look(20 * 60)).blocks, 'down').n).toBe(0)
  appendFileSync(log, lines([feedback(25 * 60, 'b-1', 'down'), feedback(40 * 60, 'b-1', 'up')]))
  const reading = await look(32 * 60 + 30)
  expect(reading.blocks.map(({ start }) => start)).toEqual([START + 30 * 60_000])
  expect(candidate(reading.blocks, 'down')).toEqual({ n: 2, bad: 1 })
  // A label that was kept back is no sign of life.
  expect(reading.newest).toBe(new Date(START + 25 * 60_000).toISOString())
})

it('keeps labels back alike however often somebody looks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(5400), fc.nat(4000), fc.boolean()), { minLength: 1, maxLength: 30 }),
      fc.array(fc.integer({ min: 60, max: 12_000 }), { maxLength: 5 }),
      async (answers, looks) => {
        const all = answers.flatMap(([at, late, down], index) => [
          { ...event(at, `u${index}`, 'candidate'), at },
          { ...feedback(at + late, `u${index}-${at}`, down ? 'down' : 'up'), at: at + late },
        ])
        const sorted = all.toSorted((a, b) => a.at - b.at)
        const [once, often] = [logged({ metrics }), logged({ metrics })]
        writeFileSync(once.log, lines(sorted))
        await once.look(15_000)
        let written = 0
        for (const until of [...looks.toSorted((a, b) => a - b), 15_000]) {
          const more = sorted.slice(written).filter(({ at }) => at <= until)
          appendFileSync(often.log, lines(more))
          written += more.length
          await often.look(until)
        }
        expect(often.blocks).toEqual(once.blocks)
        expect(candidate(once.blocks, 'down').n).toBe(answers.length)
      },
    ),
    { numRuns: 25 },
  )
})
