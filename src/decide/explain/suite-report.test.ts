// The report: cases worst first, totals, and the joined whole.
import { describe, expect, it } from 'vitest'
import type { Observation } from '../../schema/run.ts'
import { Report, Totals } from '../../schema/verdict.ts'
import { caseReports } from '../gate/cases.ts'
import { baselineOf, casesOf, judged, observe, passesOf, runOf } from '../run-testing.ts'
import { reportOf, suiteReport } from './suite-report.ts'
import { runTotals } from '../gate/totals.ts'

const cases = casesOf(9, (i) => (i === 4 ? { hash: 'other' } : i === 5 ? { id: 'new' } : {}))
const baseline = baselineOf(casesOf(9), (i) => ({
  ...(i === 2 ? { passes: 0, answer: 'bad before' } : {}),
  ...(i === 8 ? { passes: 4 } : {}),
}))
const observations = passesOf(cases, 3, (i, t) => {
  if (i === 0) return { passed: false, latency: t * 100, cost: 0.01 * t }
  if (i === 1) return { passed: t !== 2 }
  if (i === 3) return { passed: null }
  return {}
})

describe('cases', () => {
  const reports = caseReports({ cases, observations, baseline })
  const of = (id: string) => reports.find((one) => one.id === id)

  it('stand worst first', () => {
    expect(reports.map(({ id, status }) => `${id} ${status}`)).toEqual([
      'c000 regressed', 'c001 regressed', 'c003 not_measured', 'c002 improved', 'c004 changed', 'new added', 'c005 removed',
      'c006 unchanged', 'c007 unchanged', 'c008 unchanged',
    ]) // biome-ignore format: a list reads better short
  })

  it('show what failed, before and after', () => {
    expect(of('c000')).toMatchObject({
      passes: 0,
      trials: 3,
      baseline: { passes: 5, trials: 5 },
      failures: [{ assertion: 'contains', reason: '"right" is missing', trials: 3 }],
      before: 'good',
      after: 'bad',
      latency_ms: 200,
      score: 0,
    })
    expect(of('c000')?.cost_usd).toBeCloseTo(0.02, 12)
    expect(of('c001')).toMatchObject({ after: 'bad', passes: 2, failures: [{ trials: 1 }] })
    expect(of('c002')).toMatchObject({ before: 'bad before', after: 'good', failures: [] })
    expect(of('c003')).toMatchObject({ errors: 3, error: 'server_error: HTTP 500', latency_ms: null, after: null })
    expect(of('c004')).toMatchObject({ baseline: null, before: null })
    expect(of('c005')).toMatchObject({ file: null, line: null, baseline: { passes: 5, trials: 5 }, before: 'good' })
  })

  it('name no removed case in a partial run', () => {
    const some = caseReports({ cases: cases.slice(0, 1), observations, baseline, partial: true })
    expect(some.map(({ id }) => id)).toEqual(['c000'])
  })

  it('are failing or passing where there is no baseline', () => {
    const alone = caseReports({ cases, observations, baseline: null })
    expect(alone.slice(0, 4).map(({ id, status }) => [id, status])).toEqual([
      ['c000', 'failing'],
      ['c001', 'failing'],
      ['c003', 'not_measured'],
      ['c002', 'passing'],
    ])
  })

  it('two failed assertions of one name stay two', () => {
    const one = observe('c000', 1, { passed: false })
    const both = { ...one, scores: [...one.scores, { ...one.scores[0]!, reason: '"left" is missing' }] }
    const [first] = caseReports({ cases: cases.slice(0, 1), observations: [both], baseline: null })
    expect(first?.failures.map(({ reason }) => reason)).toEqual(['"right" is missing', '"left" is missing'])
  })
})

describe('totals', () => {
  const totals = (all: readonly Observation[]) => {
    const sums = runTotals()
    for (const one of all) sums.add(one)
    return sums.of(new Set(all.map((one) => one.case)).size)
  }

  it('count calls, tokens, money, and what was not measured by kind', () => {
    const usage = { input_tokens: 10, output_tokens: 2 }
    const found = totals([
      observe('a', 1, { usage, cost: 0.5, attempts: 3 }),
      observe('a', 2, { usage, cost: 0.25, replayed: true, attempts: 1 }),
      observe('b', 1, { outcome: 'refused' }),
      observe('b', 2, { outcome: 'truncated' }),
      observe('c', 1, { passed: null, attempts: 5 }),
      observe('c', 2, { passed: null, outcome: 'timeout', error: { kind: 'connection', message: 'slow' } }),
      { ...observe('d', 1), passed: null, score: null, grader_error: 'crashed' },
    ])
    expect(found).toEqual({
      cases: 4,
      observations: 7,
      calls: 12,
      replayed: 1,
      answered: 3,
      refused: 1,
      truncated: 1,
      errors: { connection: 1, grader_error: 1, server_error: 1 },
      input_tokens: 20,
      output_tokens: 4,
      cost_usd: 0.75,
      unpriced: 3,
    })
    expect(() => Totals.parse(found)).not.toThrow()
    expect(totals([]).cost_usd).toBeNull()
  })
})

describe('report', () => {
  it('fits its schema and has the worst outcome', () => {
    const run = runOf(cases, observations)
    const { verdict } = judged({ cases, observations, baseline })
    const one = suiteReport({ run, runFile: 'runs/r1/s.jsonl', baseline, baselineFile: 'baselines/s.json', verdict })
    const good = suiteReport({
      run,
      runFile: 'x',
      baseline: null,
      baselineFile: null,
      verdict: { ...verdict, outcome: 'pass' },
    })
    const report = reportOf([good, one], '0.1.0')
    expect(Report.parse(report)).toEqual(report)
    expect(report.outcome).toBe('invalid')
    expect(reportOf([good], '0.1.0').outcome).toBe('pass')
    const stopped = { run: runOf(cases, observations.slice(0, 1)), runFile: 'x', baseline, baselineFile: null, verdict }
    expect(suiteReport(stopped).totals).toMatchObject({ cases: cases.length, observations: 1 })
    expect(one.baseline).toMatchObject({ trials: 5, commit: null, file: 'baselines/s.json' })
    expect(good.baseline).toBeNull()
  })
})
