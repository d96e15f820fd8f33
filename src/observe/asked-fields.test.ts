// A name that is misspelt in a plan is said once, and does not pass for "nothing is bad".
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { askedFields } from './asked-fields.ts'
import { event, lines, planWith, watcher } from './observe-testing.ts'
import { openSource } from './registry.ts'

const metrics = {
  error_rate: { bad: 'eror.type != null', where: "aigate.segmnt == 'pro'" },
  slow: { value: 'duration_ms' },
  cost: { mean: 'cost_usd' },
  fails: { bad: "eval.groundednes.label == 'fail'" },
}
const label = (seconds: number, unit: string) => ({
  ...event(seconds, unit, 'baseline'),
  'event.name': 'gen_ai.evaluation.result',
  'gen_ai.evaluation.name': 'groundedness',
  'gen_ai.evaluation.score.label': 'ok',
})
const requests = (from: number, to: number) =>
  lines(Array.from({ length: to - from }, (_, i) => event(from + i, `u${from + i}`, 'baseline', { cost_usd: null })))
const saying = (notes: readonly string[]) =>
  notes.filter((note) => note.includes('has the field')).map((note) => note.split('. Is')[0])

it('says once which fields of a plan no event has, when there were enough to tell', async () => {
  const plan = planWith({ metrics })
  const { root, look } = watcher((folder) => openSource(plan.source, { root: folder, env: {} }), plan)
  const log = join(root, 'app.log')
  writeFileSync(log, requests(0, 99))
  expect(saying((await look(120)).notes)).toEqual([])
  appendFileSync(log, requests(120, 125))
  const found = saying((await look(200)).notes)
  expect(found).toEqual([
    'error_rate: none of 104 requests has the field eror.type',
    'error_rate: none of 104 requests has the field aigate.segmnt',
  ])
  appendFileSync(log, requests(300, 320) + lines(Array.from({ length: 100 }, (_, i) => label(320 + i, `u${i}`))))
  expect(saying((await look(600)).notes)).toEqual([
    'fails: none of 100 judgements and feedbacks has the field eval.groundednes.label',
  ])
  expect(saying((await look(700)).notes)).toEqual([])
})

it('says it of lines that DuckDB counts too', async () => {
  const plan = planWith({ metrics, source: { type: 'sql', engine: 'duckdb', from: 'app.log', lateness: '1m' } })
  const { root, look } = watcher((folder) => openSource(plan.source, { root: folder, env: {} }), plan)
  writeFileSync(join(root, 'app.log'), requests(0, 100))
  const found = saying((await look(200)).notes)
  expect(found).toEqual([
    'error_rate: none of 100 requests has the field eror.type',
    'error_rate: none of 100 requests has the field aigate.segmnt',
  ])
  expect(saying((await look(300)).notes)).toEqual([])
})

it('knows every field of a plan, and where it is looked for', () => {
  const plan = planWith({
    metrics: { a: { bad: "feedback == 'down' && tier == 'pro'" }, b: { mean: 'x', where: '!(y in [1])' } },
  })
  expect(askedFields(plan.metrics)).toEqual([
    { metric: 'a', path: 'feedback', label: true },
    { metric: 'a', path: 'tier', label: true },
    { metric: 'b', path: 'x', label: false },
    { metric: 'b', path: 'y', label: false },
  ])
})
