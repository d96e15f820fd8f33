// Log files as they really behave: growing, torn, renamed, cut off, packed, out of order, several at once.
import { appendFileSync, copyFileSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Reading } from '../schema/rollout-journal.ts'
import { RolloutPlan } from '../schema/rollout.ts'
import { event, lines, planWith, START, watcher } from './observe-testing.ts'
import { openSource } from './registry.ts'

const opener = (plan: RolloutPlan) => (root: string) => openSource(plan.source, { root, env: {} })
function logged(more: Record<string, unknown> = {}, request = {}) {
  const plan = planWith(more)
  const seen = watcher(opener(plan), plan, request)
  return { ...seen, log: join(seen.root, 'app.log') }
}
const requests = (blocks: readonly { arms: { baseline: { requests: number }; candidate: { requests: number } } }[]) =>
  blocks.reduce((sum, { arms }) => sum + arms.baseline.requests + arms.candidate.requests, 0)

it('counts requests, units and bad events of each arm by the minute', async () => {
  const { log, look } = logged()
  const events = [
    event(0, 'a', 'baseline'),
    event(1, 'a', 'baseline', { 'error.type': 'timeout' }),
    event(2, 'b', 'candidate', { 'error.type': 'timeout', duration_ms: 2500 }),
    event(61, 'b', 'candidate', { 'error.type': 'timeout' }),
    event(62, 'c', null),
  ]
  writeFileSync(log, `${lines(events)}no event\n[1]\n`)
  const reading = await look(180, { limits: { latency_p95: [90, 2400] } })
  expect(Reading.parse(reading)).toEqual(reading)
  expect(reading).toMatchObject({ events: 5, unreadable: 2, without_arm: 1, late: 0, duplicates: 0 })
  expect(reading.newest).toBe('2026-11-21T10:01:02.000Z')
  expect(reading.blocks).toMatchObject([
    {
      start: START,
      length: 60_000,
      both: 0,
      arms: {
        baseline: {
          requests: 2,
          units: 1,
          metrics: { error_rate: { n: 2, bad: 1, first: 1 }, hallucination: { n: 0 } },
        },
        candidate: {
          requests: 1,
          units: 1,
          metrics: { error_rate: { n: 1, bad: 1, first: 1 }, latency_p95: { n: 1, bad: 1, sum: 2500, over: [1, 1] } },
        },
      },
    },
    { start: START + 60_000, arms: { candidate: { units: 0, metrics: { error_rate: { n: 1, bad: 1, first: 0 } } } } },
  ])
})

it('closes blocks of the interval that the plan says, and gives the same counts', async () => {
  const events = Array.from({ length: 240 }, (_, i) => event(i, `u${i % 90}`, i % 4 === 0 ? 'candidate' : 'baseline'))
  const [short, usual] = [logged({ source: { type: 'jsonl', path: 'app.log', interval: '5s' } }), logged()]
  for (const { log } of [short, usual]) writeFileSync(log, lines(events))
  const early = await short.look(70)
  expect(early.until).toBe('2026-11-21T10:00:10.000Z')
  expect(early.blocks.map(({ start, length }) => [start - START, length])).toEqual([
    [0, 5000],
    [5000, 5000],
  ])
  const blocks = [...early.blocks, ...(await short.look(300)).blocks]
  const whole = (await usual.look(300)).blocks
  expect([blocks.length, whole.length]).toEqual([48, 4])
  const units = (all: typeof blocks) => all.map(({ arms }) => arms.baseline.units).reduce((a, b) => a + b, 0)
  expect([requests(blocks), units(blocks)]).toEqual([requests(whole), units(whole)])
})

it('takes what says no arm as the baseline where it is asked about the past', async () => {
  const metrics = { latency_p95: { value: 'duration_ms' } }
  const { log, look } = logged({ metrics })
  writeFileSync(log, lines(Array.from({ length: 120 }, (_, i) => event(i, `u${i}`, null, { duration_ms: i % 60 }))))
  const { blocks: armless, without_arm } = await look(300)
  expect(without_arm).toBe(120)
  expect(requests(armless)).toBe(0)
  expect(armless.map((block) => block.armless?.requests)).toEqual([60, 60])
  const again = logged({ metrics })
  writeFileSync(
    again.log,
    lines(Array.from({ length: 120 }, (_, i) => event(i, `u${i}`, null, { duration_ms: i % 60 }))),
  )
  const { blocks } = await again.look(300, { past: true })
  const tails = blocks.map(({ arms }) => arms.baseline.metrics.latency_p95)
  expect(tails).toMatchObject([
    { n: 60, bad: 0 },
    { n: 60, bad: 3 },
  ])
})

it('waits for the rest of a torn line and for minutes that are still open', async () => {
  const { log, look } = logged()
  const text = lines([event(0, 'a', 'baseline'), event(10, 'b', 'candidate')])
  writeFileSync(log, text.slice(0, -20))
  expect((await look(90)).blocks).toEqual([])
  appendFileSync(log, text.slice(-20))
  const reading = await look(130)
  expect(requests(reading.blocks)).toBe(2)
  expect(reading.unreadable).toBe(0)
  appendFileSync(log, lines([event(30, 'c', 'baseline')]))
  expect(await look(200)).toMatchObject({ late: 1, blocks: [] })
})

it('says of which arm those are that came too late', async () => {
  const { log, look } = logged()
  writeFileSync(log, lines([event(10, 'a', 'baseline'), event(11, 'b', 'candidate')]))
  expect((await look(200)).late_arms).toBeUndefined()
  appendFileSync(
    log,
    lines([event(12, 'c', 'candidate'), event(13, 'd', 'candidate'), event(14, 'e', 'baseline'), event(15, 'f', null)]),
  )
  expect(await look(260)).toMatchObject({ late: 4, late_arms: { baseline: 1, candidate: 2 } })
})

it('knows an event by its own id before that of its answer, which a cache may give to many', async () => {
  const { log, look } = logged()
  const cached = (unit: string, id?: string) =>
    event(10, unit, 'baseline', { 'gen_ai.response.id': 'cached', ...(id && { 'event.id': id }) })
  writeFileSync(log, lines([cached('a', '1'), cached('b', '2'), cached('b', '2'), cached('c'), cached('d')]))
  expect(await look(200)).toMatchObject({ events: 5, duplicates: 2 })
})

it('takes a last line without its end where it is whole', async () => {
  const { log, look } = logged()
  writeFileSync(log, lines([event(0, 'a', 'baseline'), event(1, 'b', 'baseline')]).trimEnd())
  expect(requests((await look(130)).blocks)).toBe(2)
  appendFileSync(log, '\n')
  expect(await look(200)).toMatchObject({ events: 0, unreadable: 0 })
})

describe('rotation', () => {
  it('follows a file that was renamed, with lines that came before and after', async () => {
    const { log, look, blocks } = logged()
    writeFileSync(log, lines([event(0, 'a', 'baseline')]))
    await look(5)
    appendFileSync(log, lines([event(10, 'b', 'baseline')]))
    renameSync(log, `${log}.1`)
    writeFileSync(log, lines([event(20, 'c', 'baseline')]))
    await look(30)
    renameSync(`${log}.1`, `${log}.2`)
    appendFileSync(log, lines([event(25, 'd', 'baseline')]))
    expect(await look(130)).toMatchObject({ events: 1, duplicates: 0 })
    expect(requests(blocks)).toBe(4)
  })

  it('follows a file that was copied and cut off', async () => {
    const { log, look, blocks } = logged()
    writeFileSync(log, lines([event(0, 'a', 'baseline'), event(1, 'b', 'baseline')]))
    await look(5)
    appendFileSync(log, lines([event(10, 'c', 'baseline')]))
    copyFileSync(log, `${log}.1`)
    truncateSync(log, 0)
    appendFileSync(log, lines([event(20, 'd', 'baseline')]))
    const reading = await look(130)
    expect(reading).toMatchObject({ events: 2, duplicates: 0 })
    expect(requests(blocks)).toBe(4)
  })

  it('goes on in the packed file', async () => {
    const { log, look, blocks } = logged()
    const text = lines([event(0, 'a', 'baseline'), event(1, 'b', 'baseline')])
    writeFileSync(log, text)
    await look(5)
    writeFileSync(`${log}.1.gz`, gzipSync(text + lines([event(10, 'c', 'baseline')])))
    rmSync(log)
    writeFileSync(log, lines([event(20, 'd', 'baseline')]))
    expect(await look(30)).toMatchObject({ events: 2, duplicates: 0 })
    expect(await look(130)).toMatchObject({ events: 0 })
    expect(requests(blocks)).toBe(4)
  })

  it('reads no copy twice', async () => {
    const { root, log, look } = logged({ source: { type: 'jsonl', path: ['*.log', '*.log.*'] } })
    writeFileSync(log, lines([{ ...event(0, 'a', 'baseline'), 'gen_ai.response.id': undefined }]))
    await look(5)
    copyFileSync(log, join(root, 'app.log.bak'))
    const reading = await look(130)
    expect(requests(reading.blocks)).toBe(1)
    expect(reading.notes.join()).toContain('app.log.bak begins like')
  })
})

it('merges writers by time, packed ones too, without calling one of them late', async () => {
  const { root, look } = logged({ source: { type: 'jsonl', path: 'pod-*' } })
  const pod = (name: string, step: number) =>
    lines(Array.from({ length: 4000 }, (_, i) => event(i * step, `${name}${i}`, 'baseline', { pad: 'x'.repeat(200) })))
  writeFileSync(join(root, 'pod-1.log'), pod('a', 1))
  writeFileSync(join(root, 'pod-2.log'), pod('b', 1))
  writeFileSync(join(root, 'pod-3.log.gz'), gzipSync(pod('c', 1)))
  const reading = await look(5000)
  expect(reading).toMatchObject({ events: 12_000, late: 0, duplicates: 0 })
  expect(requests(reading.blocks)).toBe(12_000)
})

it('reads everything again where its table was lost, and gives no block twice', async () => {
  const { folder, log, look, blocks, forget } = logged()
  writeFileSync(log, lines([event(0, 'a', 'baseline', { 'error.type': 'x' })]))
  await look(130)
  for (const name of readdirSync(folder)) truncateSync(join(folder, name), 10)
  appendFileSync(log, lines([event(130, 'a', 'baseline', { 'error.type': 'x' }), event(131, 'b', 'baseline')]))
  const reading = await look(300)
  expect(reading.notes.join()).toContain('lost or damaged')
  expect(blocks.map(({ start }) => (start - START) / 60_000)).toEqual([0, 2])
  expect(blocks[1]?.arms.baseline).toMatchObject({
    requests: 2,
    units: 1,
    metrics: { error_rate: { bad: 1, first: 0 } },
  })
  forget()
  expect((await look(400)).blocks).toEqual([])
})

it('joins late labels with their answers and counts each once', async () => {
  const { log, look } = logged()
  const label = (seconds: number, id: string, verdict: string) => ({
    ts: new Date(START + seconds * 1000).toISOString(),
    'event.name': 'gen_ai.evaluation.result',
    'gen_ai.response.id': id,
    'gen_ai.evaluation.name': 'groundedness',
    'gen_ai.evaluation.score.label': verdict,
  })
  writeFileSync(
    log,
    lines([
      event(0, 'a', 'candidate'),
      event(1, 'b', 'baseline'),
      label(70, 'a-0', 'fail'),
      label(70, 'a-0', 'fail'),
      label(71, 'b-1', 'ok'),
      label(72, 'nobody', 'fail'),
    ]),
  )
  const reading = await look(200)
  expect(reading).toMatchObject({ duplicates: 1, without_arm: 1 })
  expect(reading.blocks[1]?.arms.candidate).toMatchObject({
    requests: 0,
    metrics: { hallucination: { n: 1, bad: 1, first: 1 } },
  })
  expect(reading.blocks[1]?.arms.baseline.metrics.hallucination).toMatchObject({ n: 1, bad: 0 })
})

it('splits blocks where the share changes, leaves out what settles, and labels of another share', async () => {
  const changes = [
    { at: START, generation: 1, ppm: 10_000 },
    { at: START + 90_000, generation: 2, ppm: 50_000 },
  ]
  const { log, look } = logged({ control: { type: 'flagd', path: 'f.json', settle: '10s' } }, { changes })
  const fail = {
    'event.name': 'gen_ai.evaluation.result',
    'gen_ai.evaluation.name': 'groundedness',
    'gen_ai.evaluation.score.label': 'fail',
  }
  writeFileSync(
    log,
    lines([
      event(5, 'a', 'baseline', { 'error.type': 'x' }),
      event(20, 'a', 'baseline', { 'error.type': 'x' }),
      event(89, 'b', 'baseline'),
      event(91, 'b', 'candidate'),
      event(101, 'b', 'candidate'),
      event(102, 'c', 'candidate'),
      event(103, 'c', 'baseline'),
      { ...event(110, 'b', 'baseline'), ...fail, 'gen_ai.response.id': 'b-89' },
    ]),
  )
  const { blocks } = await look(300)
  expect(blocks.map(({ start, length, generation }) => [(start - START) / 1000, length / 1000, generation])).toEqual([
    [0, 60, 1],
    [60, 30, 1],
    [90, 30, 2],
  ])
  expect(blocks[0]?.arms.baseline).toMatchObject({
    requests: 1,
    units: 0,
    metrics: { error_rate: { bad: 1, first: 0 } },
  })
  expect(blocks[2]).toMatchObject({
    both: 1,
    arms: { candidate: { requests: 2, metrics: { hallucination: { n: 0 } } } },
  })
  expect(blocks[2]?.arms.baseline.metrics.hallucination?.n).toBe(0)
})

it("takes the tail from the baseline's past alone", async () => {
  const metrics = { latency: { value: 'duration_ms', tail_at: 'baseline.p90' } }
  const { log, look } = logged({ metrics })
  const past = Array.from({ length: 100 }, (_, i) => event(i - 200, `p${i}`, null, { duration_ms: i + 1 }))
  writeFileSync(
    log,
    lines([...past, event(1, 'a', 'candidate', { duration_ms: 85 }), event(2, 'b', 'baseline', { duration_ms: 95 })]),
  )
  const reading = await look(200)
  expect(reading.blocks).toHaveLength(1)
  expect(reading.blocks[0]?.arms.candidate.metrics.latency).toMatchObject({ n: 1, bad: 0 })
  expect(reading.blocks[0]?.arms.baseline.metrics.latency).toMatchObject({ n: 1, bad: 1, first: 1 })
})

const stream = fc.array(
  fc.record({
    second: fc.integer({ min: -60, max: 400 }),
    unit: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    arm: fc.constantFrom('baseline', 'candidate', null),
    bad: fc.boolean(),
    duration: fc.double({ min: 0, max: 5000, noNaN: true }),
    delay: fc.integer({ min: 0, max: 59 }),
  }),
  { maxLength: 60 },
)
const written = (
  all: { second: number; unit: string; arm: string | null; bad: boolean; duration: number; delay: number }[],
) =>
  all.map(({ second, unit, arm, bad, duration, delay }, index) => {
    const more = { 'gen_ai.response.id': `r${index}`, duration_ms: duration, ...(bad && { 'error.type': 'x' }) }
    return { at: second + delay, text: lines([event(second, unit, arm, more)]) }
  })
const plans = {
  metrics: {
    error_rate: { bad: 'error.type != null' },
    mean: { mean: 'duration_ms' },
    tail: { value: 'duration_ms', tail_at: 'baseline.p50' },
  },
}
const ended = 600

it('gives the same blocks however the stream is split into looks and lines are shuffled within lateness', async () => {
  await fc.assert(
    fc.asyncProperty(stream, fc.array(fc.integer({ min: 1, max: 590 }), { maxLength: 6 }), async (events, looks) => {
      const all = written(events)
      const whole = logged(plans)
      writeFileSync(
        whole.log,
        all
          .toSorted((a, b) => a.at - b.at)
          .map(({ text }) => text)
          .join(''),
      )
      await whole.look(ended)
      const parts = logged(plans)
      const order = written(events)
        .toSorted((a, b) => a.at - b.at)
        .map((one, index) => ({ ...one, index }))
      writeFileSync(parts.log, '')
      let from = Number.NEGATIVE_INFINITY
      for (const at of [...new Set([...looks, ended])].toSorted((a, b) => a - b)) {
        const fresh = order.filter((one) => one.at > from && one.at <= at)
        appendFileSync(parts.log, fresh.map(({ text }) => text).join(''))
        await parts.look(at)
        from = at
      }
      expect(parts.blocks).toEqual(whole.blocks)
      const sorted = logged(plans)
      writeFileSync(
        sorted.log,
        events
          .map((one, i) => ({ one, i }))
          .toSorted((a, b) => a.one.second - b.one.second)
          .map(({ i }) => all[i]!.text)
          .join(''),
      )
      await sorted.look(ended)
      expect(sorted.blocks).toEqual(whole.blocks)
    }),
    { numRuns: 40 },
  )
})

it('counts who is at risk: once a block, and not after a bad event', async () => {
  const plan = planWith({ metrics: { error_rate: { bad: 'error.type != null' } } })
  const { root, look } = watcher((folder) => openSource(plan.source, { root: folder, env: {} }), plan)
  const bad = { 'error.type': 'timeout' }
  writeFileSync(
    join(root, 'app.log'),
    lines([
      event(1, 'a', 'candidate'),
      event(2, 'a', 'candidate', bad),
      event(3, 'a', 'candidate'),
      event(4, 'b', 'candidate'),
      event(5, 'c', 'baseline', bad),
      event(61, 'a', 'candidate', bad),
      event(62, 'b', 'candidate'),
      event(63, 'c', 'baseline'),
    ]),
  )
  const { blocks } = await look(400)
  const risk = blocks.map(({ arms }) => [arms.baseline, arms.candidate].map((arm) => arm.metrics.error_rate?.at_risk))
  expect(risk).toEqual([
    [1, 2],
    [0, 1],
  ])
})
