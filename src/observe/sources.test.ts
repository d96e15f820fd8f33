// OTLP lines, programs, mappings and times: other forms of the same events.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { RolloutPlan } from '../schema/rollout.ts'
import { fieldsOf, timeOf } from './events.ts'
import { event, lines, planWith, START, watcher } from './observe-testing.ts'
import { openSource } from './registry.ts'

const watch = (plan: RolloutPlan, env: Record<string, string | undefined> = {}) =>
  watcher((root) => openSource(plan.source, { root, env }), plan)
const nano = (seconds: number) => `${START + seconds * 1000}000000`

it('reads spans, judgements and log records of OTLP', async () => {
  const attributes = (all: Record<string, unknown>) => Object.entries(all).map(([key, value]) => ({ key, value }))
  const text = (stringValue: string) => ({ stringValue })
  const own = { 'aigate.arm': text('candidate'), 'user.id': text('u1'), 'gen_ai.response.id': text('c-1') }
  const judgement = { 'gen_ai.evaluation.name': text('groundedness'), 'gen_ai.evaluation.score.label': text('fail') }
  const spans = [
    {
      traceId: 't',
      spanId: 's1',
      startTimeUnixNano: nano(1),
      endTimeUnixNano: Number(nano(4)),
      status: { code: 2 },
      attributes: attributes({ ...own, 'gen_ai.operation.name': text('chat'), tokens: { intValue: '812' } }),
      events: [{ name: 'gen_ai.evaluation.result', timeUnixNano: nano(5), attributes: attributes(judgement) }],
    },
    { spanId: 's2', endTimeUnixNano: nano(4), attributes: attributes({ 'http.route': text('/') }) },
  ]
  const logRecords = [
    { timeUnixNano: nano(6), attributes: attributes({ 'aigate.arm': text('baseline'), tokens: { intValue: 700 } }) },
  ]
  const plan = planWith({
    source: { type: 'otlp', path: 'otel.jsonl', mapping: 'otel-genai' },
    metrics: {
      error_rate: { bad: 'error.type != null' },
      slow: { value: 'duration_ms', tail_at: '2s' },
      tokens: { mean: 'tokens' },
      hallucination: { bad: "eval.groundedness.label == 'fail'" },
    },
  })
  const { root, look } = watch(plan)
  const exports = [
    { resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ spans }] }] },
    { resourceLogs: [{ scopeLogs: [{ logRecords }] }] },
    { resourceMetrics: [] },
    { other: 1 },
  ]
  writeFileSync(join(root, 'otel.jsonl'), lines(exports))
  const reading = await look(200)
  expect(reading).toMatchObject({ events: 3, unreadable: 1 })
  expect(reading.blocks).toMatchObject([
    {
      arms: {
        candidate: {
          requests: 1,
          units: 1,
          metrics: {
            error_rate: { bad: 1 },
            slow: { bad: 1, sum: 3000 },
            tokens: { sum: 812 },
            hallucination: { n: 1, bad: 1 },
          },
        },
        baseline: { requests: 1, metrics: { tokens: { n: 1, sum: 700 } } },
      },
    },
  ])
})

describe('a program', () => {
  const program = (code: string, more: object = {}) =>
    planWith({
      source: { type: 'command', argv: [process.execPath, '-e', code, '{{since}}', '{{until}}'], ...more },
    })

  it('is asked for adjoining spans, and what lies outside of them is left out', async () => {
    const code = `const [since, until] = process.argv.slice(1).map(Date.parse)
      for (let at = ${START}; at < until + 60000; at += 10000) if (at >= since - 30000)
        console.log(JSON.stringify({ts: at, 'aigate.arm': 'baseline', duration_ms: 1}))
      process.stdout.write('{"ts":' + (until - 1) + ',"aigate.arm":"candidate"}')`
    const { look, blocks } = watch(program(code))
    await look(170)
    await look(185)
    await look(300)
    expect(blocks.map(({ arms }) => arms.baseline.requests)).toEqual([6, 6, 6, 6])
    expect(blocks.map(({ arms }) => arms.candidate.requests)).toEqual([0, 1, 1, 1])
  })

  it('finds the answers of labels however long the span is', async () => {
    const code = `for (let at = ${START}; at < ${START} + 8 * 3600000; at += 60000) {
        const id = {ts: at, 'gen_ai.response.id': 'r' + at}
        console.log(JSON.stringify({...id, 'aigate.arm': 'candidate', 'user.id': 'u' + at}))
        console.log(JSON.stringify({...id, 'event.name': 'aigate.feedback', 'aigate.feedback': 'down'}))
      }`
    const { look } = watch(program(code, {}))
    const plan = RolloutPlan.parse({ ...program(code), metrics: { down: { bad: "feedback == 'down'", delay: '10m' } } })
    const { blocks, without_arm, notes } = await look(9 * 3600, { plan })
    const down = blocks.map(({ arms }) => arms.candidate.metrics.down)
    expect(down.reduce((sum, one) => sum + (one?.first ?? 0), 0)).toBe(480)
    expect([without_arm, notes]).toEqual([0, []])
  })

  it('that fails is no data: its words are shown, its secrets are not', async () => {
    const code = `console.log('{"ts":1}'); console.error('no access with ' + process.env.STORE_TOKEN); process.exit(3)`
    const { look } = watch(program(code), { STORE_TOKEN: 'abc-secret-1' })
    const error: unknown = await look(200).catch((one: unknown) => one)
    expect(error).toMatchObject({ code: 'source_failed' })
    expect(String(error)).toMatch(/ended with code 3, saying: no access with \[redacted\]/)
  })

  it('that hangs is stopped; one that is missing is named', async () => {
    await expect(watch(program('setInterval(() => {}, 1000)', { timeout: 300 })).look(200)).rejects.toThrow(
      'did not end within 300 ms',
    )
    const missing = planWith({ source: { type: 'command', argv: ['./no-such-program'] } })
    await expect(watch(missing).look(200)).rejects.toThrow('could not be run (ENOENT)')
  })
})

it('refuses a cursor of a newer format', async () => {
  const plan = planWith()
  const { look } = watch(plan)
  await expect(look(100, { cursor: { version: 2 } })).rejects.toMatchObject({ code: 'newer_file' })
  await expect(look(100, { cursor: { odd: true } })).rejects.toMatchObject({ code: 'source_failed' })
})

it('finds fields under other names', async () => {
  const plan = planWith({
    metrics: { error_rate: { bad: 'error.type != null', where: "tier == 'pro'" }, slow: { value: 'duration_ms' } },
    source: {
      type: 'jsonl',
      path: '*.log',
      mapping: { ts: 'when', 'error.type': 'fault.kind', duration_ms: 'ms', 'user.id': 'uid' },
      arm: { field: 'version', baseline: 'v1', candidate: 'v2' },
    },
    segments: { exclude: ['bank'] },
  })
  const { root, look } = watch(plan)
  const one = { when: START / 1000 + 1, fault: { kind: 'x' }, ms: 7, uid: 'u', tier: 'pro', version: 'v2' }
  writeFileSync(join(root, 'a.log'), lines([one, { ...one, tier: 'free' }, { ...one, 'aigate.segment': 'bank' }]))
  const { blocks } = await look(200)
  expect(blocks[0]?.arms.candidate).toMatchObject({
    requests: 2,
    units: 1,
    metrics: { error_rate: { n: 1, bad: 1 }, slow: { n: 2, sum: 14 } },
  })
  const phoenix = fieldsOf('openinference')
  expect(phoenix('gen_ai.request.model')({ llm: { model_name: 'm' } })).toBe('m')
})

it('takes no events of another rollout for its own', async () => {
  const { root, look } = watch(planWith())
  writeFileSync(join(root, 'app.log'), lines([event(1, 'a', 'candidate', { 'aigate.rollout': 'other' })]))
  expect(await look(200)).toMatchObject({ blocks: [], without_arm: 1 })
})

it.each([
  ['2026-11-21T10:00:00Z', START],
  ['2026-11-21T10:00:00.120Z', START + 120],
  ['2026-11-21T10:00:00.120999Z', START + 120],
  ['2026-11-21T11:00:00+01:00', START],
  ['2026-11-21 10:00:00', START],
  [START, START],
  [START / 1000, START],
  [START * 1e6, START],
  [nano(0), START],
  ['2026-11-21T10:00:0x.120Z', Number.NaN],
  ['soon 1', Number.NaN],
  ['2026-13-41T10:00:00Z', Number.NaN],
  [null, Number.NaN],
  [-5, Number.NaN],
])('reads the time %s', (written, expected) => {
  expect(timeOf(written)).toBe(expected)
})
