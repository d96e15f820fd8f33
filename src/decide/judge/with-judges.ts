// The verdict with what is known of the judges: one that moved makes it invalid, a weak one only warns, all is said aloud.
import type { Baseline } from '../../schema/baseline.ts'
import type { Judging } from '../../schema/judge.ts'
import type { Observation } from '../../schema/run.ts'
import type { Verdict } from '../../schema/verdict.ts'
import { byText, counted, names } from '../words.ts'
import { movedJudges } from './answered-by.ts'
import { judgesOf } from './corrected-rate.ts'

/** Votes of a judge, or judges of a jury, that end on both sides are shown from this spread on. */
const APART = 0.5

/** A judge that moved measures with another ruler than the baseline and the calibration did: nothing is proven then. */
export function withJudges(
  verdict: Verdict,
  judging: Judging | undefined,
  observations: readonly Observation[],
  baseline: Baseline | null = null,
): Verdict {
  if (!judging) return verdict
  const moved = movedJudges(judging, observations, baseline)
  const warnings = [
    ...moved.flatMap(({ decides, sentence }) => (decides ? [] : [sentence])),
    ...judging.notes,
    ...judging.uses.flatMap(({ note }) => note ?? []),
    ...unasked(judging),
    ...advice(observations),
    ...disagreement(observations),
    ...verdict.warnings,
  ]
  const said = { ...verdict, warnings }
  const deciding = moved.filter(({ decides }) => decides)
  if (deciding.length === 0) return said
  const reasons = [...deciding.map(({ sentence }) => sentence), ...verdict.reasons]
  return { ...said, outcome: 'invalid', measured: 'invalid', reasons }
}

const unasked = ({ gold }: Judging): string[] =>
  gold
    .filter(({ asked, failed }) => failed * 2 > asked)
    .map(
      ({ judge, type, asked, failed }) =>
        `${failed} of ${counted(asked, 'calibrated answer')} could not be judged again: whether the judge ${judge} (${type}) moved is not known.`,
    )

/** What a weak judge would have failed, and what it said nothing to. */
function advice(observations: readonly Observation[]): string[] {
  const silent = new Set<string>()
  const found = new Map<string, Set<string>>()
  for (const { scores, case: id } of observations)
    for (const score of scores)
      if (score.judged?.failed) silent.add(id)
      else if (score.judged?.advisory !== undefined && !score.passed) {
        const name = `${judgesOf(score)} (${score.type})`
        found.set(name, (found.get(name) ?? new Set()).add(id))
      }
  const said = [...found].map(
    ([judge, ids]) =>
      `The judge ${judge} would fail ${counted(ids.size, 'case')}: ${names([...ids].sort(byText))}. It may not block.`,
  )
  if (silent.size === 0) return said
  return [
    ...said,
    `A judge that may not block gave no verdict on ${counted(silent.size, 'case')}: ${names([...silent].sort(byText))}.`,
  ]
}

function disagreement(observations: readonly Observation[]): string[] {
  const apart = new Set<string>()
  const all = new Set<string>()
  for (const { scores, case: id } of observations)
    for (const { judged } of scores) {
      if (!judged || judged.votes.length < 2) continue
      all.add(id)
      if (judged.spread >= APART) apart.add(id)
    }
  if (apart.size === 0) return []
  return [
    `The votes of judges lie far apart in ${apart.size} of ${counted(all.size, 'case')}: ${names([...apart].sort(byText))}.`,
  ]
}
