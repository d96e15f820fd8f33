// Coverage: was enough measured, and alike on both sides? Where it was not, nothing else counts.
import type { CaseTally } from '../../schema/baseline.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import { fisherExact } from '../../statistics/fisher.ts'
import { type Judged, result } from './gate.ts'
import type { Pairing } from './pairing.ts'
import { counted, names, percent, pText } from '../words.ts'

type Input = {
  tallies: readonly CaseTally[]
  /** The same cases on both sides, measured or not; null: nothing is compared. */
  partners: Pairing['partners'] | null
  /** Cases of the baseline that results of another tool lack: they count as not measured. */
  undelivered: readonly string[]
  policy: GatePolicy
  passes: number
  min: number
  stopped: string | undefined
}

/** Errors fall unevenly when a test this strict says so and the shares differ by more than this. */
const UNEVEN = { p: 0.01, difference: 0.02 }

/** The gate `coverage`: `invalid` or `pass`, never anything else, since a failed measurement says nothing about quality. */
export function coverageGate(input: Input): Judged {
  const { tallies, policy } = input
  const measured = tallies.filter(({ trials }) => trials > 0).length
  const wanted = tallies.length + input.undelivered.length
  const share = wanted > 0 ? measured / wanted : 0
  const uneven = unevenErrors(input.partners)
  const errors = tallies.reduce((sum, tally) => sum + tally.errors, 0)
  const kept = measuredTrials(input)
  const problem = problemOf(input, measured, share) ?? lostProblem(input, kept) ?? shortProblem(input) ?? uneven.problem
  const lost =
    errors > 0
      ? ` ${counted(errors, 'trial')} could not be measured and ${errors === 1 ? 'enters' : 'enter'} no rate.`
      : ''
  return {
    result: result({
      id: 'coverage',
      kind: 'coverage',
      outcome: problem === null ? 'pass' : 'invalid',
      estimate: Math.min(share, kept.share),
      limit: policy.min_coverage,
      unit: 'share',
      test: uneven.p === null ? 'count' : 'count, and Fisher on the errors of both sides',
      n: measured,
      p: uneven.p,
      sentence: problem ?? `Measured ${measured} of ${counted(wanted, 'case')}.${lost}`,
      needed: null,
    }),
    open: false,
  }
}

/**
 * Trials that were asked and measured. An answer that came twice counts once in a tally and is no loss: what was asked is told
 * by the passes, and a loss is an error.
 */
export function measuredTrials({ tallies, passes }: Pick<Input, 'tallies' | 'passes'>) {
  const errors = tallies.reduce((sum, tally) => sum + tally.errors, 0)
  const trials = tallies.reduce((sum, tally) => sum + tally.trials, 0)
  const asked = Math.max(tallies.length * passes, trials + errors)
  const measured = asked - errors
  return { asked, measured, share: asked > 0 ? measured / asked : 0 }
}

function lostProblem({ policy }: Input, { asked, measured, share }: ReturnType<typeof measuredTrials>): string | null {
  if (share >= policy.min_coverage) return null
  return `Only ${measured} of ${counted(asked, 'trial')} could be measured (${percent(share)}, wanted ${percent(policy.min_coverage)}).`
}

function problemOf({ tallies, undelivered, policy, stopped }: Input, measured: number, share: number): string | null {
  if (stopped !== undefined) return `The run was stopped: ${stopped}`
  if (tallies.length === 0) return 'There is no case to measure.'
  if (share < policy.min_coverage) {
    const missing = tallies.filter(({ trials }) => trials === 0).map(({ id }) => id)
    return `Only ${measured} of ${counted(tallies.length + undelivered.length, 'case')} could be measured (${percent(share)}, wanted ${percent(policy.min_coverage)}): ${lacking(missing, undelivered)}.`
  }
  return null
}

function shortProblem({ passes, min }: Input): string | null {
  if (passes >= min) return null
  return `The run is not finished: ${passes} of at least ${min} ${min === 1 ? 'pass' : 'passes'} over the suite.`
}

/** Which cases have no answer, and which of the baseline the results do not even name. */
function lacking(missing: readonly string[], undelivered: readonly string[]): string {
  const said = missing.length > 0 ? [`no answer for ${names(missing)}`] : []
  if (undelivered.length > 0) {
    said.push(`the results lack ${names(undelivered)} of the baseline (if that is meant, accept a new one)`)
  }
  return said.join('; ')
}

/** Errors that fall more often on one side would be a difference by themselves. */
function unevenErrors(partners: Pairing['partners'] | null): { p: number | null; problem: string | null } {
  if (!partners || partners.length === 0) return { p: null, problem: null }
  const now = count(partners.map(({ candidate }) => candidate))
  const before = count(partners.map(({ baseline }) => baseline))
  const test = fisherExact(now.errors, now.measured, before.errors, before.measured)
  const p = Math.min(test.greater, test.less)
  const difference = now.share - before.share
  if (p >= UNEVEN.p || Math.abs(difference) <= UNEVEN.difference) return { p, problem: null }
  const more = difference > 0 ? 'this run' : 'the baseline'
  const mend = difference > 0 ? '' : ' Record the baseline again.'
  return {
    p,
    problem: `Errors fall unevenly: ${percent(now.share)} of the trials of this run could not be measured, ${percent(before.share)} of the baseline's (${pText(p)}). What ${more} lost could be the difference.${mend}`,
  }
}

function count(tallies: readonly CaseTally[]) {
  const errors = tallies.reduce((sum, tally) => sum + tally.errors, 0)
  const measured = tallies.reduce((sum, tally) => sum + tally.trials, 0)
  return { errors, measured, share: errors + measured > 0 ? errors / (errors + measured) : 0 }
}
