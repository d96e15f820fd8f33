// What cases did before: the bounded history in the baseline, and who is called flaky.
import { describe, expect, it } from 'vitest'
import type { Baseline } from '../../schema/baseline.ts'
import type { Run } from '../../schema/run.ts'
import { addToBaseline, baselineFrom } from '../baseline/accept-baseline.ts'
import { flakyReport } from './flaky.ts'
import { flakyText, historyText } from './flaky-text.ts'
import { MOST_RUNS, sightingsOf, stampOf } from '../baseline/history.ts'
import { casesOf, observe, passesOf, runOf, target } from '../run-testing.ts'

const accepted = { at: '2026-01-03T00:00:00.000Z', by: 'Ada', reason: 'r' }
const cases = casesOf(4)

/** Run number k, of day k; `fails` says which trials of which case fail. */
function runNo(
  k: number,
  fails: (i: number, t: number) => boolean,
  changes: Partial<Run['header']> = {},
  trials = 5,
): Run {
  const day = String(k).padStart(2, '0')
  const observations = passesOf(cases, trials, (i, t) => ({ passed: !fails(i, t) }))
  return runOf(cases, observations, {
    id: `202601${day}T000000000Z-abcd`,
    started_at: `2026-01-${day}T00:00:00.123Z`,
    ...changes,
  })
}
const historyIn = (baseline: Baseline, i = 0) => baseline.cases[i]?.history

describe('history', () => {
  it('goes on over baselines that replace each other, oldest first, and forgets beyond ten', () => {
    let baseline = baselineFrom({ run: runNo(1, (i, t) => i === 0 && t === 2), accepted })
    expect(historyIn(baseline)).toEqual(['20260101T000000000Z:4/5'])
    for (let k = 2; k <= 13; k++) baseline = baselineFrom({ run: runNo(k, () => false), accepted, before: baseline })
    expect(historyIn(baseline)).toHaveLength(MOST_RUNS)
    expect(historyIn(baseline)?.[0]).toBe('20260104T000000000Z:5/5')
    expect(historyIn(baseline)?.at(-1)).toBe('20260113T000000000Z:5/5')
    expect(baseline.cases[0]).toMatchObject({ passes: 5, trials: 5 })
  })

  it('counts a run once, and starts anew with the content of the case', () => {
    const first = baselineFrom({ run: runNo(1, () => false), accepted })
    expect(baselineFrom({ run: runNo(1, () => false), accepted, before: first })).toEqual(first)
    const other = casesOf(4, (i) => (i === 0 ? { hash: 'other' } : {}))
    const next = baselineFrom({ run: runNo(2, () => false, { cases: other }), accepted, before: first })
    expect([historyIn(next, 0)?.length, historyIn(next, 1)?.length]).toEqual([1, 2])
  })

  it('keeps every trial of an added run, also those for which the tally has no room', () => {
    const full = baselineFrom({ run: runNo(1, () => false, {}, 18), accepted })
    const after = addToBaseline(
      full,
      runNo(2, (i, t) => i === 0 && t > 2),
    )
    expect(after.cases[0]).toMatchObject({ passes: 20, trials: 20 })
    expect(historyIn(after)).toEqual(['20260101T000000000Z:18/18', '20260102T000000000Z:2/5'])
  })

  it('takes a replay of the same configuration for no new trials, and one of another for trials', () => {
    const first = baselineFrom({ run: runNo(1, (i, t) => i === 0 && t > 3), accepted })
    const again = (k: number, changes: Partial<Run['header']> = {}, trials = 5): Run => {
      const run = runNo(k, (i, t) => i === 0 && t > 3, changes, trials)
      const observations = run.observations.map((one) => ({
        ...one,
        completion: { ...one.completion, replayed: true },
      }))
      return { ...run, observations }
    }
    const next = (run: Run) => historyIn(baselineFrom({ run, accepted, before: first }))
    expect(next(again(2))).toEqual(['20260102T000000000Z:3/5'])
    expect(next(runNo(2, (i, t) => i === 0 && t > 3))).toHaveLength(2)
    expect(next(again(2, { target: { ...target, hash: 't2' } }))).toHaveLength(2)
  })

  it('takes what a baseline without history knows as one entry under its last run', () => {
    const { cases: tallies, ...rest } = baselineFrom({ run: runNo(1, (i) => i === 0), accepted })
    const old: Baseline = { ...rest, cases: tallies.map((tally) => ({ ...tally, history: undefined })) }
    const next = baselineFrom({ run: runNo(2, () => false), accepted, before: old })
    expect(historyIn(next)).toEqual(['20260101T000000000Z:0/5', '20260102T000000000Z:5/5'])
    expect(sightingsOf(next, 'c000', 'h-c000')[0]).toEqual({
      run: '20260101T000000000Z',
      at: '2026-01-01T00:00:00.000Z',
      passes: 0,
      trials: 5,
    })
    expect(sightingsOf(next, 'c000', 'other')).toEqual([])
  })

  it('has no entry for a case that was not measured, and reads a moment from any run', () => {
    const many = casesOf(40)
    const run = runOf(
      many,
      passesOf(many, 5, (i) => ({ passed: i === 0 ? null : true })),
    )
    const baseline = baselineFrom({ run, accepted })
    expect(baseline.cases[0]).not.toHaveProperty('history')
    expect(stampOf({ id: 'r1', at: '2026-01-02T03:04:05Z' })).toBe('20260102T030405Z')
    expect(sightingsOf(baseline, 'c001', 'h-c001')[0]?.at).toBe('2026-01-02T00:00:00.000Z')
  })

  it('an unmeasured case in quarantine does not keep a run from being accepted', () => {
    const observations = passesOf(cases, 5, (i) => ({ passed: i === 0 ? null : true }))
    expect(() => baselineFrom({ run: runOf(cases, observations), accepted })).toThrow(/could not measure/)
    const run = runOf(cases, observations, { quarantined: ['c000'] })
    expect(baselineFrom({ run, accepted }).cases).toHaveLength(4)
  })
})

describe('flaky', () => {
  const of = (
    runs: Run[],
    baseline: Baseline | null = null,
    changes: Partial<Parameters<typeof flakyReport>[0]> = {},
  ) =>
    flakyReport({
      suite: 's',
      suite_version: '1.0.0',
      cases,
      baseline,
      runs,
      quarantine: [],
      now: new Date('2026-01-20T00:00:00Z'),
      ...changes,
    })
  const found = (report: ReturnType<typeof of>, id = 'c000') => report.cases.find((one) => one.id === id)

  it('is who passed and failed under one configuration, in one run or over several', () => {
    const one = (fails: boolean, k: number) => runNo(k, (i) => i === 1 && fails, {}, 1)
    const report = of([one(false, 1), one(true, 2), one(false, 3)])
    expect(found(report, 'c001')).toMatchObject({ steadiness: 'flaky', passes: 2, trials: 3 })
    expect(found(report, 'c001')?.since).toBe('2026-01-02T00:00:00.123Z')
    expect(report.cases.map(({ id }) => id)).toEqual(['c001', 'c000', 'c002', 'c003'])
    expect(report.stored_runs).toBe(3)
    expect(found(of([runNo(1, (i, t) => i === 0 && t === 3)]))?.steadiness).toBe('flaky')
  })

  it('is not who broke with a change, was always so, or was not asked', () => {
    const broken = runNo(2, (i) => i < 2, { target: { ...target, hash: 't2' } })
    const report = of([runNo(1, (i) => i === 1), broken])
    expect(report.cases.map(({ id, steadiness }) => `${id} ${steadiness}`)).toEqual([
      'c000 moved',
      'c001 always_failed',
      'c002 never_failed',
      'c003 never_failed',
    ])
    expect(report.cases.every(({ since }) => since === null)).toBe(true)
    expect(found(of([]))).toMatchObject({ steadiness: 'unknown', rate: null, interval: null })
    const other = casesOf(4, () => ({ hash: 'now' }))
    expect(found(of([runNo(1, () => true)], null, { cases: other }))?.steadiness).toBe('unknown')
    expect(found(of([runNo(1, () => true, { suite: 'another' })]))?.steadiness).toBe('unknown')
  })

  it('counts an accepted run once, also when it is stored as well', () => {
    const run = runNo(1, (i, t) => i === 0 && t > 3)
    const baseline = baselineFrom({ run, accepted })
    const report = of([run, runNo(2, () => false)], baseline)
    expect(found(report)).toMatchObject({ passes: 8, trials: 10, steadiness: 'flaky' })
    expect(found(report)?.runs.map(({ source }) => source)).toEqual(['accepted', 'stored'])
    expect([report.accepted_runs, report.stored_runs]).toEqual([1, 2])
    // Wilson 90 % for 8 of 10, by Wilson's formula with z = 1.644854.
    expect(found(report)?.interval?.low).toBeCloseTo(0.541, 3)
    expect(found(report)?.interval?.high).toBeCloseTo(0.9315, 3)
  })

  it('takes a run that the baseline still names as one of its configuration', () => {
    const baseline = baselineFrom({ run: runNo(1, (i) => i === 0), accepted })
    expect(found(of([runNo(2, () => false)], baseline))?.steadiness).toBe('flaky')
    const other = { ...baseline, target: { ...target, hash: 't0' } }
    expect(found(of([runNo(2, () => false)], other))?.steadiness).toBe('moved')
  })

  it('counts a replayed answer once', () => {
    const replay = (k: number) =>
      runOf(
        cases,
        cases.flatMap(({ id }) => [1, 2].map((t) => observe(id, t, { passed: t === 1, replayed: true }))),
        { id: `r${k}`, started_at: `2026-01-0${k}T00:00:00.000Z` },
      )
    expect(found(of([replay(1), replay(2), replay(3)]))).toMatchObject({ passes: 1, trials: 2, steadiness: 'flaky' })
    const baseline = baselineFrom({ run: runNo(1, () => false, {}, 1), accepted })
    expect(found(of([replay(2), replay(3)], baseline))).toMatchObject({ passes: 1, trials: 2 })
    const all = baselineFrom({ run: runNo(1, () => false), accepted })
    expect(found(of([replay(2), replay(3)], all))).toMatchObject({ passes: 5, trials: 5, steadiness: 'never_failed' })
  })

  it('says so in words, with the quarantine', () => {
    const quarantine = [{ suite: 's', case: 'c000', owner: 'Ada', reason: 'r', until: '2026-01-25' }]
    const runs = [runNo(1, (i, t) => (i === 0 && t > 3) || i === 2)]
    const report = of(runs, null, {
      quarantine: [...quarantine, { ...quarantine[0]!, case: 'c001', until: '2026-01-10' }],
    })
    expect(flakyText(report)).toBe(
      [
        's 1.0.0 · 4 cases · 0 accepted runs, 1 stored run',
        '1 flaky case: passed and failed under one configuration',
        '  c000  3/5  60.0 % (90 % interval 27.2 % to 85.7 %)  since 2026-01-01  quarantined until 2026-01-25 (Ada)',
        '2 never failed · 1 always failed',
        'In the quarantine list, but not flaky: c001  quarantine expired on 2026-01-10 (Ada)',
        '',
      ].join('\n'),
    )
    expect(historyText('s', report.cases[0]!)).toMatch(
      /^s\/c000: flaky since 2026-01-01, 3\/5 .*\n {2}2026-01-01 00:00 {2}3\/5 {2}stored {2}20260101T000000000Z\n$/,
    )
    expect(flakyText(of([]))).toMatch(/No flaky case.*\n.*4 not measured with this content/)
  })
})
