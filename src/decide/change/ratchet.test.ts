// The chain of accepted baselines: links, a slow slide, age.
import { describe, expect, it } from 'vitest'
import type { Baseline } from '../../schema/baseline.ts'
import { defaultPolicy } from '../../schema/gate.ts'
import { baselineWarnings, chained, MOST_ACCEPTANCES, passRate, requireFresh } from './ratchet.ts'
import { target } from '../run-testing.ts'

const DAY = 86_400_000
function baseline(passes: number, at: string): Baseline {
  const tally = { hash: 'h', errors: 0, scores: [], latencies_ms: [], costs_usd: [] }
  const cases = Array.from({ length: 100 }, (_, i) => ({
    id: `c${i}`,
    passes: i < passes ? 1 : 0,
    trials: 1,
    ...tally,
  }))
  const runs = [{ id: at, at, trials: 1, git: null, tool_version: '1.0.0' }]
  const accepted = { at, by: 'Ada', reason: 'agreed' }
  return {
    aigate: 'baseline',
    version: 1,
    suite: 's',
    suite_version: '1.0.0',
    target,
    response_models: [],
    accepted,
    runs,
    cases,
  }
}
const month = (i: number) => `2026-${String(i).padStart(2, '0')}-05T00:00:00.000Z`

describe('chained', () => {
  it('links each baseline to the file before it and says a slow ratchet', () => {
    let link: Baseline | null = null
    for (let i = 0; i < 6; i++) link = chained(baseline(96 - i, month(3 + i)), link, i === 0 ? null : `digest-${i}`)
    expect(link?.previous).toBe('digest-5')
    expect(link?.history?.map(({ pass_rate }) => pass_rate)).toEqual([0.96, 0.95, 0.94, 0.93, 0.92, 0.91])
    const said = baselineWarnings(link as Baseline, defaultPolicy, new Date(month(8)))
    expect(said).toEqual([expect.stringContaining('6 accepted baselines, -5.0 points since March 2026')])
  })
  it('says nothing of ups and downs that end where they began', () => {
    let link: Baseline | null = null
    for (const [i, passes] of [95, 90, 96, 95].entries()) link = chained(baseline(passes, month(i + 1)), link, 'd')
    expect(baselineWarnings(link as Baseline, defaultPolicy, new Date(month(4)))).toEqual([])
  })
  it('keeps the last 20 acceptances, and a baseline without a chain as its first link', () => {
    let link: Baseline = baseline(90, month(1))
    for (let i = 0; i < 25; i++) link = chained(baseline(90, month(2)), link, 'd')
    expect(link.history).toHaveLength(MOST_ACCEPTANCES)
    const second = chained(baseline(80, month(2)), baseline(90, month(1)), 'd')
    expect(second.history?.[0]).toMatchObject({ pass_rate: 0.9, previous: null })
  })
})

describe('age', () => {
  const at = new Date(Date.parse(month(1)) + 100 * DAY)
  it('warns after 90 days unless the policy says otherwise, and stops only where it says so', () => {
    const old = baseline(90, month(1))
    expect(baselineWarnings(old, defaultPolicy, at)).toEqual([expect.stringContaining('100 days old')])
    const lenient = { ...defaultPolicy, baseline_max_age: { warn: 200 * DAY } }
    expect(baselineWarnings(old, lenient, at)).toEqual([])
    expect(() => requireFresh(old, defaultPolicy, at)).not.toThrow()
    const strict = { ...defaultPolicy, baseline_max_age: { stop: 99 * DAY } }
    expect(() => requireFresh(old, strict, at)).toThrow(/100 days old.*none older than 99 days/)
  })
  it('counts the mean over cases, without those that were not measured', () => {
    const one = baseline(50, month(1))
    expect(passRate({ cases: one.cases.map((each, i) => (i < 50 ? each : { ...each, trials: 0 })) })).toBe(1)
  })
})
