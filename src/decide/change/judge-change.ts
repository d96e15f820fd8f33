// Judges a run as the base of its change would: nothing passes that hides behind cases which the change took away.
import type { CaseInfo, GuardRecord, Observation, Run, RunHeader } from '../../schema/run.ts'
import { type Verdict, worst } from '../../schema/verdict.ts'
import { movedJudges } from '../judge/answered-by.ts'
import { sampleName } from '../judge/corrected-rate.ts'
import { withJudges } from '../judge/with-judges.ts'
import { withAnchors } from './anchors.ts'
import type { JudgeInput, Judgement } from '../gate/judge.ts'
import { judgeCounted, type Quarantine } from '../flaky/quarantine.ts'
import { byText, counted, names } from '../words.ts'

/** What of a run's header says how it is judged besides the policy. */
export type Standing = Quarantine &
  Partial<Pick<RunHeader, 'suite' | 'anchors' | 'target' | 'selection' | 'judging'>> & {
    guard?: GuardRecord | undefined
  }
/** `anchors`: the run in which they were asked. */
type ChangeInput = JudgeInput & { quarantine: Standing; anchors?: Run | undefined }

/**
 * As `judgeCounted`. Where the change is held (`guard.holds`) a pass becomes inconclusive. So it does when the verdict
 * would be `fail` if every removed or rewritten case had failed: the worst that it can hide. Removing cases
 * therefore never turns a proven regression into a pass (bounds for missing data: Manski, Partial Identification of
 * Probability Distributions, 2003, chapter 1). What anchors prove about the provider comes last.
 */
export function judgeChange({ anchors: asked, ...input }: ChangeInput): Judgement {
  const { baseline, cases, observations, quarantine } = input
  const { suite = '', anchors, target, judging } = quarantine
  const population = target && sampleName(suite, target.hash)
  const known = { ...input, ...(judging && { judging, target: population }) }
  const judgement = withJudgement(judgeGuarded(known), { judging, observations, baseline })
  if (!anchors || !target || !baseline) return judgement
  const evidence = { anchors, baseline, cases, target: target.hash, observations, asked }
  return { ...judgement, verdict: withAnchors(judgement.verdict, evidence) }
}

/** A judge that moved makes everything invalid: nothing more is asked. */
function withJudgement(
  judgement: Judgement,
  { judging, observations, baseline }: Pick<JudgeInput, 'observations' | 'baseline'> & Pick<Standing, 'judging'>,
): Judgement {
  const verdict = withJudges(judgement.verdict, judging, observations, baseline)
  const moved = judging ? movedJudges(judging, observations, baseline) : []
  return { verdict, next: moved.some(({ decides }) => decides) ? null : judgement.next }
}

function judgeGuarded({ quarantine, ...input }: ChangeInput): Judgement {
  const { guard, selection, ...listed } = quarantine
  const whole = judgeCounted({ ...input, quarantine: listed })
  if (!guard) return whole
  const known = withoutAdded(input, guard.added ?? [])
  const judgement = known === input ? whole : worse(whole, judgeCounted({ ...known, quarantine: listed }), known)
  const { verdict } = judgement
  const hidden = guard.hidden.filter((info) => isChosen(info, input, selection))
  const holds = [...guard.holds, ...hiddenLoss(known, listed, hidden, verdict)]
  return { ...judgement, verdict: guarded(verdict, guard.warnings, holds) }
}

/** The run on the cases that the base has: easy cases that a change adds make no rate better. The same where none is left. */
function withoutAdded(input: JudgeInput, added: readonly string[]): JudgeInput {
  const out = new Set(added)
  const cases = input.cases.filter(({ id }) => !out.has(id))
  if (cases.length === 0 || cases.length === input.cases.length) return input
  return { ...input, cases, observations: input.observations.filter((one) => !out.has(one.case)) }
}

/** The worse of the verdicts on all cases and on those of the base; while one of them is open, more is asked. */
function worse(whole: Judgement, known: Judgement, { cases }: JudgeInput): Judgement {
  const [all, own] = [whole.verdict, known.verdict]
  if (all.outcome === own.outcome || worst([all.outcome, own.outcome]) === all.outcome) return whole
  const [first = '', ...rest] = own.reasons
  const reasons = [
    `On the ${counted(cases.length, 'case')} of the base, without those that are added: ${first}`,
    ...rest,
  ]
  return { verdict: { ...own, reasons, warnings: all.warnings }, next: whole.next ?? known.next }
}

/** Whether --tag and --case would have asked a case of the base, which knows its tags. A record that does not say asked all. */
function isChosen({ id, tags }: CaseInfo, { cases, partial }: JudgeInput, selection: RunHeader['selection']): boolean {
  if (!partial || !selection || cases.some((info) => info.id === id)) return true
  return (
    (!selection.tags || selection.tags.some((tag) => tags.includes(tag))) &&
    (!selection.cases || selection.cases.includes(id))
  )
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
  if (hidden.length === 0 || verdict.outcome !== 'pass' || verdict.passes === 0) return []
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
