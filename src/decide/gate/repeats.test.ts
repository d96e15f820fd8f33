// Answers that came twice count once, in tallies, baselines and critical cases; answers that never differ are said aloud.
import { describe, expect, it } from 'vitest'
import { criticalEvidence } from './critical.ts'
import { distinctTrials, repeatWarnings } from './repeats.ts'
import { baselineOf, casesOf, judged, observe, passesOf, policyOf } from '../run-testing.ts'
import { byCase, tally } from './tally.ts'

const cases = casesOf(40)
const warned = (observations: Parameters<typeof byCase>[0]) => repeatWarnings(byCase(observations).values())
const sentence = (text: string) => `${text}: a refund is possible within thirty days of the delivery.`

describe('an answer with the request id of an earlier trial', () => {
  const cached = [1, 2, 3].map((t) => observe('c000', t, { passed: false, request_id: t < 3 ? 'req-1' : 'req-2' }))

  it('counts once, the first of them', () => {
    expect(distinctTrials(cached).map(({ trial }) => trial)).toEqual([1, 3])
    expect(tally(cached, [cases[0]!])[0]).toMatchObject({ trials: 2, passes: 0, errors: 0, scores: [0, 0] })
  })

  it('counts in another case, and ids that are missing or empty say nothing', () => {
    const others = [1, 2].map((t) => observe('c001', t, { request_id: '' }))
    const none = [1, 2].map((t) => observe('c002', t))
    const counts = tally([...cached, observe('c003', 1, { request_id: 'req-1' }), ...others, ...none], cases)
    expect(counts.slice(0, 4).map(({ trials }) => trials)).toEqual([2, 2, 2, 1])
  })

  it('confirms no failure of a critical case', () => {
    const [evidence] = criticalEvidence([{ ...cases[0]!, critical: true }], cached.slice(0, 2))
    expect(evidence).toMatchObject({ measured: 1, failed: 1 })
  })

  it('makes a cached run as uncertain as the one pass that it is', () => {
    const failing = (i: number) => i >= 34
    const run = (id: (i: number, t: number) => string, passes: number) =>
      judged({
        cases,
        baseline: baselineOf(cases),
        trials: { min: passes, max: passes },
        policy: policyOf({ min_pass_rate: 0 }),
        observations: passesOf(cases, passes, (i, t) => ({ passed: !failing(i), request_id: id(i, t) })),
      })
    const one = run((i) => `r${i}`, 1)
    const three = run((i) => `r${i}`, 3)
    expect(three.gate('regression')).toEqual(one.gate('regression'))
    expect(three.verdict.warnings.join('\n')).toMatch(/80 answers came a second time .* count once/)
    // Fresh answers of the same kind weigh more.
    const fresh = run((i, t) => `r${i}-${t}`, 3)
    expect(fresh.gate('regression')?.p).toBeLessThan(Number(one.gate('regression')?.p) / 10)
  })
})

describe('answers that never differ', () => {
  it('are said aloud from 95 % of the cases on', () => {
    const run = (differing: number) =>
      warned(passesOf(cases, 3, (i, t) => ({ text: sentence(`case ${i}${i < differing ? ` trial ${t}` : ''}`) })))
    expect(run(0)).toEqual([expect.stringMatching(/^Answers look cached.* in 100\.0 % of 40 cases/)])
    expect(run(2)).toHaveLength(1)
    expect(run(3)).toEqual([])
  })

  it('are no wonder for labels, single trials and a handful of cases', () => {
    expect(warned(passesOf(cases, 3, () => ({ text: 'positive' })))).toEqual([])
    expect(warned(passesOf(cases, 1, () => ({ text: sentence('one') })))).toEqual([])
    expect(warned(passesOf(cases.slice(0, 4), 3, () => ({ text: sentence('few') })))).toEqual([])
  })

  it('differ by their tool calls as well', () => {
    const call = (t: number) => [{ name: 'refund', arguments: `{"order": ${t}, "reason": "it arrived in pieces"}` }]
    expect(warned(passesOf(cases, 2, (_, t) => ({ text: '', tool_calls: call(t) })))).toEqual([])
    expect(warned(passesOf(cases, 2, () => ({ text: '', tool_calls: call(1) })))).toHaveLength(1)
  })
})
