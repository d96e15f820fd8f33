// A day of production in a minute: traffic with its tides, one incident, a guard that looks every ten minutes, nobody else.
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { closeEndpoints, endpoint } from '../../act/notices/notices-testing.ts'
import { readLedger, releasesFolder } from '../../store/ledger.ts'
import { loadProject } from '../../store/project.ts'
import { removeTemporary } from '../cli-testing.ts'
import { manifest, place } from './rollback-testing.ts'
import { contextOf, look, MINUTE } from './watch-testing.ts'

afterEach(closeEndpoints)
afterAll(removeTemporary)

const DAY = Date.parse('2026-11-20T00:00:00.000Z')
const EVERY = 10
/** The prompt that is released breaks in the afternoon: what it asks for is not there any more. */
const BREAKS = 14 * 60

/** So many a minute: few at night, many at noon. */
const traffic = (minute: number) => Math.round(8 + 6 * Math.sin(((minute - 360) / 1440) * 2 * Math.PI))
/** The same at every run; the constant is that of Knuth's multiplicative hash. */
const draw = (n: number) => ((n * 2_654_435_761) % 4_294_967_296) / 4_294_967_296

/** The events of one minute, as the application logs them while this prompt is served. */
function minuteOf(minute: number, broken: boolean): string {
  let lines = ''
  for (let i = 0; i < traffic(minute); i += 1) {
    const n = minute * 20 + i
    const [luck, other] = [draw(n), draw(n + 7_000_003)]
    const event = {
      ts: new Date(DAY + minute * MINUTE + i * 3000).toISOString(),
      'gen_ai.response.id': `r-${n}`,
      'feature_flag.context.id': `u-${n % 900}`,
      'error.type': luck < (broken ? 0.4 : 0.01) ? 'timeout' : null,
      duration_ms: 400 + 800 * other,
      'aigate.cost_usd': 0.002 + 0.002 * other,
    }
    const judged = {
      ts: event.ts,
      'event.name': 'gen_ai.evaluation.result',
      'gen_ai.response.id': event['gen_ai.response.id'],
      'gen_ai.evaluation.name': 'quality',
      'gen_ai.evaluation.score.value': 0.8 + 0.2 * other,
    }
    lines += `${JSON.stringify(event)}\n${JSON.stringify(judged)}\n`
  }
  return lines
}

const guardOf = (hook: string, pager: string) =>
  JSON.stringify({
    guard: 'production',
    source: { type: 'jsonl', path: 'logs/*.jsonl', lateness: '1s', freshness: '30m' },
    metrics: {
      error_rate: { bad: 'error.type != null' },
      latency_p95: { value: 'duration_ms', tail_at: 'baseline.p95' },
      quality_score: { mean: 'eval.quality.score', range: [0, 1] },
      cost: { mean: 'cost_usd' },
      complaints: { bad: "feedback == 'down'" },
    },
    reference: { quality_score: { n: 5000, mean: 0.9, deviation: 0.06 } },
    triggers: [
      { id: 'errors', metric: 'error_rate', above: '10%', window: '15m', for: '5m', do: ['prompt', 'tell'] },
      { id: 'slow', metric: 'latency_p95', above: '3s', window: '15m', do: ['model', 'tell'] },
      { id: 'quality', metric: 'quality_score', below_baseline: 0.1, window: '30m', do: ['model', 'tell'] },
      { id: 'budget', metric: 'cost', sum_above: '$100', window: '1d', do: ['stop', 'page'] },
      { id: 'harm', metric: 'error_rate', above: '80%', window: '5m', do: ['stop', 'page'] },
      { id: 'silence', no_data_for: '40m', do: ['page'] },
    ],
    actions: {
      prompt: { type: 'rollback', components: ['prompt'] },
      model: { type: 'rollback', components: ['model'] },
      stop: { type: 'kill', path: 'deploy/flags.json' },
      tell: { type: 'webhook', url: hook },
      page: { type: 'pagerduty', routing_key_env: 'PD', url: pager },
    },
    on_failure: ['page'],
  })

it('a day with an incident: one trigger fires once, one component goes back, nothing else', async () => {
  const hook = await endpoint(() => ({ status: 200, text: '' }))
  const pager = await endpoint(() => ({ status: 202, text: '' }))
  const at = await place(
    {
      prompt: '{type: flagd, path: deploy/flags.json, flag: prompt}',
      model: '{type: git, path: deploy/values.yaml, pointer: /model}',
    },
    [manifest(1), manifest(2)],
  )
  at.write('guard.yaml', guardOf(hook.url, pager.url))
  at.write('logs/app.jsonl', '')
  const before = { values: at.read('deploy/values.yaml'), head: at.git('rev-parse', 'HEAD') }
  const other = () => JSON.stringify(JSON.parse(at.read('deploy/flags.json')).flags.other)
  const untouched = other()
  const served = () => JSON.parse(at.read('deploy/flags.json')).flags.prompt.defaultVariant as string
  const { context, err, clock } = contextOf(at.folder, { PD: 'key' }, { now: DAY })

  const seen: { minute: number; ending: string; served: string }[] = []
  for (let minute = 0; minute < 1440; minute += EVERY) {
    let lines = ''
    for (let one = minute; one < minute + EVERY; one += 1) lines += minuteOf(one, one >= BREAKS && served() === 'new')
    appendFileSync(join(at.folder, 'logs/app.jsonl'), lines)
    clock.now = DAY + (minute + EVERY) * MINUTE
    seen.push({ minute: minute + EVERY, ending: await look(context), served: served() })
  }

  const failed = seen.filter(({ ending }) => ending !== 'pass')
  const [first] = failed
  expect(failed.map(({ ending }) => ending).every((one) => one === 'fail')).toBe(true)
  expect(first?.minute).toBeGreaterThan(BREAKS)
  expect(first?.minute).toBeLessThanOrEqual(BREAKS + 30)
  // Back at once, and well as soon as the window holds nothing of it.
  expect(seen.find((one) => one.served === 'old')?.minute).toBe(first?.minute)
  expect(failed.at(-1)?.minute).toBeLessThanOrEqual((first?.minute ?? 0) + 20)
  expect(seen.at(-1)?.ending).toBe('pass')

  const { records } = readLedger(releasesFolder(await loadProject({ cwd: at.folder })))
  const back = records.flatMap((one) => (one.kind === 'release' && one.manifest.rollback ? [one.manifest] : []))
  expect(back.map(({ rollback }) => rollback?.components)).toEqual([['prompt']])
  expect(Date.parse(back[0]?.at ?? '')).toBe(DAY + (first?.minute ?? 0) * MINUTE)
  const own = at.actions().filter((one) => one['run'] === 'watch-production')
  expect(own.filter(({ kind }) => kind === 'applied').map(({ id }) => String(id).replace(/@.*:/, ' '))).toHaveLength(2)
  expect(own.filter(({ kind }) => kind === 'failed')).toEqual([])
  expect(new Set(own.map(({ id }) => String(id).split('@')[0]?.split(':').at(-1)))).toEqual(new Set(['errors']))
  expect(hook.requests.map(({ body }) => JSON.stringify(body))).toEqual([expect.stringContaining('errors')])
  expect(pager.requests).toEqual([])
  expect(at.read('deploy/values.yaml')).toBe(before.values)
  expect(at.git('rev-parse', 'HEAD')).toBe(before.head)
  expect(other()).toBe(untouched)
  expect(at.read('deploy/flags.json')).not.toContain('aigate-kill')
  expect(err).toEqual([])
}, 600_000)
