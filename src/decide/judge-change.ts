// Judges a run as the base of its change would: nothing passes that hides behind cases which the change took away.
import type { CaseInfo, GuardRecord, Observation } from '../schema/run.ts'
import type { Verdict } from '../schema/verdict.ts'
import type { JudgeInput, Judgement } from './judge.ts'
import { judgeCounted, type Quarantine } from './quarantine.ts'
import { byText, counted, names } from './words.ts'

/** What of a run's header says how it is judged besides the policy. */
export type Standing = Quarantine & { guard?: GuardRecord | undefined }

/**
 * As `judgeCounted`. Where the change is held (`guard.holds`) a pass becomes inconclusive. So it does when the verdict
 * would be `fail` if every removed or rewritten case had failed: the worst that it can hide. Removing cases
 * therefore never turns a proven regression into a pass (bounds for missing data: Manski, Partial Identification of
 * Probability Distributions, 2003, chapter 1).
 */
export function judgeChange({ quarantine, ...input }: JudgeInput & { quarantine: Standing }): Judgement {
  const { guard, ...listed } = quarantine
  const judgement = judgeCounted({ ...input, quarantine: listed })
  if (!guard) return judgement
  const { verdict } = judgement
  const holds = [...guard.holds, ...hiddenLoss(input, listed, guard.hidden, verdict)]
  return { ...judgement, verdict: guarded(verdict, guard.warnings, holds) }
}

function guarded(verdict: Verdict, warnings: readonly string[], holds: readonly string[]): Verdict {
  const said = { ...verdict, warnings: [...warnings, ...verdict.warnings] }
  if (holds.length === 0) return said
  if (verdict.outcome !== 'pass') return { ...said, warnings: [...holds, ...said.warnings] }
  const measured = verdict.measured === 'pass' ? 'inconclusive' : verdict.measured
  return { ...said, outcome: 'inconclusive', measured, reasons: [...holds, ...verdict.reasons] }
}

function hiddenLoss(
  input: JudgeInput,
  quarantine: Quarantine,
  hidden: readonly CaseInfo[],
  verdict: Verdict,
): string[] {
  if (hidden.length === 0 || input.partial || verdict.outcome !== 'pass' || verdict.passes === 0) return []
  const worst = judgeCounted({ ...asIfFailed(input, hidden, verdict.passes), quarantine }).verdict
  if (worst.outcome !== 'fail') return []
  const ids = names(hidden.map(({ id }) => id).sort(byText))
  return [
    `${counted(hidden.length, 'case')} of the base ${hidden.length === 1 ? 'is' : 'are'} removed or rewritten (${ids}). If ${hidden.length === 1 ? 'it' : 'they'} had failed, this would be a regression: ${worst.reasons[0] ?? ''} Change cases in a pull request of their own.`,
  ]
}

/** The run with the hidden cases as the base has them, each failed in every pass. */
function asIfFailed(input: JudgeInput, hidden: readonly CaseInfo[], passes: number): JudgeInput {
  const out = new Set(hidden.map(({ id }) => id))
  // Not critical here: an invented failure proves no break.
  const cases = [
    ...input.cases.filter(({ id }) => !out.has(id)),
    ...hidden.map((info) => ({ ...info, critical: false })),
  ]
  const trials = Array.from({ length: passes }, (_, index) => index + 1)
  const failures = hidden.flatMap(({ id }) => trials.map((trial) => failure(id, trial)))
  return {
    ...input,
    cases,
    observations: [...input.observations.filter((one) => !out.has(one.case)), ...failures],
    trials: { min: Math.min(input.trials.min, passes), max: passes },
  }
}

const failure = (id: string, trial: number): Observation => ({
  case: id,
  trial,
  purpose: 'pass',
  completion: { outcome: 'answered', text: '', tool_calls: [], attempts: 0 },
  scores: [],
  passed: false,
  score: 0,
})
