// Curtailment: no further pass is asked once no answer whatever could change the outcome.
import type { CaseTally } from '../../schema/baseline.ts'
import type { GateResult, Outcome } from '../../schema/verdict.ts'

/** What rates alone decide: more passes of a case never make these gates worse, more failures never better. */
const decidedByPasses: ReadonlySet<GateResult['kind']> = new Set(['floor', 'regression', 'coverage', 'harmful'])

/** The tallies after `more` further trials of every case that was measured, all of which pass or all of which fail. */
export function completed(tallies: readonly CaseTally[], more: number, ends: 'pass' | 'fail'): CaseTally[] {
  return tallies.map((tally) => ({
    ...tally,
    trials: tally.trials + more,
    passes: tally.passes + (ends === 'pass' ? more : 0),
  }))
}

/**
 * true when no answers of the passes that are left could change the outcome: every ending lies between the one in which
 * everything passes and the one in which everything fails, and at every later look both end as it stands now. The verdict is
 * the same as if the ladder had been climbed to its end. For `scope: suite` only: the bounds for new cases hang on the spread
 * between the cases, which more passes may widen.
 * @param gates as they stand; gates on scores, latency, cost or one critical case are not bounded by passes: with one nothing is curtailed
 * @param outcomeAt the outcome after so many whole passes with these tallies, by the rule itself
 */
export function cannotChange(input: {
  tallies: readonly CaseTally[]
  gates: readonly GateResult[]
  now: Outcome
  passes: number
  max: number
  outcomeAt: (tallies: CaseTally[], passes: number) => Outcome
}): boolean {
  const { tallies, gates, now, passes, max, outcomeAt } = input
  if (gates.some(({ kind, decides }) => decides && !decidedByPasses.has(kind))) return false
  // An error is no failure: a case without a trial could still get one, and change sides, weights and coverage.
  if (tallies.some(({ trials, errors }) => trials === 0 || errors > 0)) return false
  // The last look first: it is the one that differs.
  for (let look = max; look > passes; look--) {
    for (const ends of ['fail', 'pass'] as const) {
      if (outcomeAt(completed(tallies, look - passes, ends), look) !== now) return false
    }
  }
  return true
}
