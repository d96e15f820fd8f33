// Quarantine: on which days it holds, what it says, and that it takes out its case and changes nothing else.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AigateError } from '../../errors.ts'
import type { QuarantineEntry } from '../../schema/quarantine.ts'
import { RunHeader } from '../../schema/run.ts'
import { Verdict } from '../../schema/verdict.ts'
import { judge } from '../gate/judge.ts'
import { dayOf, daysAfter, isExpired, judgeCounted, latestDay, quarantineOf, withQuarantine } from './quarantine.ts'
import { quarantineEffect, quarantinePlan } from './quarantine-plan.ts'
import { baselineOf, casesOf, observe, passesOf, policyOf, runOf } from '../run-testing.ts'

const now = new Date('2026-11-21T12:00:00Z')
const entry = (changes: Partial<QuarantineEntry> = {}): QuarantineEntry => ({
  suite: 's',
  case: 'c000',
  owner: 'Ada',
  reason: 'flaky upstream',
  until: '2026-12-01',
  ...changes,
})

describe('days', () => {
  it('holds to the end of its last day in UTC', () => {
    expect(isExpired(entry({ until: '2026-11-21' }), new Date('2026-11-21T23:59:59.999Z'))).toBe(false)
    expect(isExpired(entry({ until: '2026-11-21' }), new Date('2026-11-22T00:00:00Z'))).toBe(true)
    expect([dayOf(now), daysAfter(now, 14), latestDay(now)]).toEqual(['2026-11-21', '2026-12-05', '2027-02-19'])
    expect(daysAfter(new Date('2028-02-28T23:00:00Z'), 1)).toBe('2028-02-29')
  })
})

describe('which cases', () => {
  const cases = casesOf(4, (i) => ({ critical: i === 3 }))

  it('only those of this suite that were asked; nothing to say adds nothing to the run', () => {
    const entries = [entry({ suite: 'other' }), entry({ case: 'c900' })]
    expect(quarantineOf(entries, { suite: 's', cases, now })).toEqual({})
    const two = [entry({ case: 'c002' }), entry()]
    expect(quarantineOf(two, { suite: 's', cases, now })).toEqual({ quarantined: ['c000', 'c002'] })
  })

  it('expired ones count again, critical ones are named', () => {
    const entries = [entry({ until: '2026-11-20' }), entry({ case: 'c003', allow_critical: true })]
    expect(quarantineOf(entries, { suite: 's', cases, now })).toEqual({
      quarantined: ['c003'],
      quarantine_notes: [
        'The quarantine of c000 expired on 2026-11-20 (owner Ada): it counts again.',
        'Critical case c003 is quarantined until 2026-12-01 (owner Ada): a break of it would not block.',
      ],
    })
  })

  it('of today take the place of those of the run', () => {
    const { header } = runOf(cases, [], { quarantined: ['c001'], quarantine_notes: ['old'] })
    expect(withQuarantine(header, {})).toEqual(runOf(cases, []).header)
    const today = withQuarantine(header, { quarantined: ['c002'] })
    expect(RunHeader.parse(today)).toMatchObject({ quarantined: ['c002'] })
    expect(today).not.toHaveProperty('quarantine_notes')
  })
})

const world = fc
  .record({
    cases: fc.array(
      fc.record({
        base: fc.integer({ min: 0, max: 5 }),
        ends: fc.array(fc.constantFrom(true, true, true, false, null), { minLength: 2, maxLength: 2 }),
        category: fc.constantFrom('a', 'b', undefined),
        critical: fc.constantFrom(false, false, false, true),
      }),
      { minLength: 2, maxLength: 30 },
    ),
    compared: fc.boolean(),
    out: fc.array(fc.nat(29), { minLength: 1, maxLength: 3 }),
  })
  .map((made) => {
    const cases = casesOf(made.cases.length, (i) => {
      const { category, critical } = made.cases[i]!
      return { critical, ...(category && { category }) }
    })
    const baseline = made.compared ? baselineOf(cases, (i) => ({ passes: made.cases[i]!.base })) : null
    const observations = passesOf(cases, 2, (i, t) => ({ passed: made.cases[i]!.ends[t - 1] ?? null, latency: 50 + i }))
    const categories = { a: { min_pass_rate: 0.5 }, b: { max_regression: 0.2 } }
    const policy = policyOf({ min_coverage: 0.5, latency_p95: { max: 500, max_increase: 0.1 }, categories })
    const out = [...new Set(made.out.map((i) => cases[i % cases.length]!.id))].sort()
    return { frame: { cases, baseline, observations, policy, trials: { min: 1, max: 2 }, partial: false }, out }
  })

describe('judging', () => {
  it('without a quarantine is judging', () => {
    fc.assert(
      fc.property(world, ({ frame }) => {
        expect(judgeCounted({ ...frame, quarantine: {} })).toEqual(judge(frame))
      }),
      { numRuns: 30, seed: 7 },
    )
  })

  it('gives every gate the numbers of a suite that never had the case', () => {
    fc.assert(
      fc.property(world, ({ frame, out }) => {
        const held = judgeCounted({ ...frame, quarantine: { quarantined: out } })
        const without = judge({
          ...frame,
          cases: frame.cases.filter(({ id }) => !out.includes(id)),
          observations: frame.observations.filter((one) => !out.includes(one.case)),
          baseline: frame.baseline && {
            ...frame.baseline,
            cases: frame.baseline.cases.filter(({ id }) => !out.includes(id)),
          },
        })
        expect(held.verdict.gates).toEqual(without.verdict.gates)
        expect(held.verdict.outcome).toBe(without.verdict.outcome)
        expect(held.next).toEqual(without.next)
        expect(() => Verdict.parse(held.verdict)).not.toThrow()
        // The critical gates of the other cases stand as they stood before.
        const others = (gates: Verdict['gates']) =>
          gates.filter(({ id, kind }) => kind === 'critical' && !out.includes(id.slice('critical/'.length)))
        expect(others(held.verdict.gates)).toEqual(others(judge(frame).verdict.gates))
      }),
      { numRuns: 150, seed: 7 },
    )
  })

  it('does not depend on how the quarantined cases end', () => {
    fc.assert(
      fc.property(world, fc.constantFrom(true, false, null), ({ frame, out }, passed) => {
        const quarantine = { quarantined: out }
        const turned = frame.observations.map((one) =>
          out.includes(one.case) ? observe(one.case, one.trial, { passed }) : one,
        )
        expect(judgeCounted({ ...frame, observations: turned, quarantine })).toEqual(
          judgeCounted({ ...frame, quarantine }),
        )
      }),
      { numRuns: 100, seed: 7 },
    )
  })

  const cases = casesOf(40, (i) => (i < 2 ? { category: 'safety' } : {}))
  const frame = {
    cases,
    baseline: baselineOf(cases),
    observations: passesOf(cases, 1, (i) => ({ passed: i > 1 })),
    policy: policyOf({ categories: { safety: { min_pass_rate: 1 } } }),
    trials: { min: 1, max: 1 },
    partial: false,
  }

  it('says which cases are out, and that a category is left without guard', () => {
    expect(judge(frame).verdict.outcome).toBe('fail')
    const { verdict } = judgeCounted({
      ...frame,
      quarantine: { quarantined: ['c000', 'c001'], quarantine_notes: ['n'] },
    })
    expect(verdict.outcome).toBe('pass')
    expect(verdict.warnings.slice(-3)).toEqual([
      '2 cases are quarantined and do not count: c000, c001.',
      'Every case of the category safety is quarantined: nothing guards it.',
      'n',
    ])
    expect(verdict.warnings.join()).not.toMatch(/no longer in the suite|no case belongs/)
  })

  it('a suite that is quarantined as a whole is not measured, and never passes', () => {
    const { verdict } = judgeCounted({ ...frame, quarantine: { quarantined: cases.map(({ id }) => id) } })
    expect(verdict.outcome).toBe('invalid')
    expect(verdict.reasons[0]).toBe('Every case is quarantined, so nothing counts.')
  })
})

describe('the plan', () => {
  const wanted = {
    suite: 's',
    case: 'c000',
    owner: 'Ada',
    reason: 'r',
    until: '14d',
    critical: false,
    allowCritical: false,
    before: null,
    now,
  }
  const refusal = (changes: Partial<Parameters<typeof quarantinePlan>[0]>) => {
    try {
      return quarantinePlan({ ...wanted, ...changes }).entry.until
    } catch (error) {
      if (error instanceof AigateError) return `${error.outcome}: ${error.message}`
      throw error
    }
  }

  it('reads days and dates', () => {
    expect(refusal({})).toBe('2026-12-05')
    expect(refusal({ until: '2027-02-19' })).toBe('2027-02-19')
    expect(refusal({ until: '0d' })).toBe('2026-11-21')
    expect(refusal({ until: '90d' })).toBe('2027-02-19')
  })

  it.each([
    [{ until: '91d' }, /^usage: 2027-02-20 is more than 90 days ahead/],
    [{ until: '2026-11-20' }, /^usage: 2026-11-20 is over/],
    [{ until: 'soon' }, /^usage: "soon" is no day/],
    [{ critical: true }, /^usage: s\/c000 is critical/],
    [{ before: entry() }, /^usage: s\/c000 is already quarantined until 2026-12-01 \(owner Ada\)/],
    [{ owner: '  ' }, /^usage: --owner/],
    [{ reason: 'a\u001b[31mb' }, /^usage: --reason/],
  ])('refuses %j', (changes, says) => {
    expect(refusal(changes)).toMatch(says)
  })

  it('renews what has expired, and allows a critical case only when told', () => {
    const renewed = quarantinePlan({ ...wanted, before: entry({ until: '2026-11-20' }) })
    expect(renewed).toMatchObject({ action: 'renewed', days: 14 })
    expect(renewed.entry).not.toHaveProperty('allow_critical')
    const critical = quarantinePlan({ ...wanted, critical: true, allowCritical: true })
    expect(critical.entry.allow_critical).toBe(true)
    expect(quarantineEffect(critical, 'quarantine.yaml')).toMatch(/a break of c000 blocks nothing/)
  })
})
