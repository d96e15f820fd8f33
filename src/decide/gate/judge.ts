// The verdict on one suite: all gates at one look, their outcome, and what to ask next while it is open.
import type { Baseline, CaseTally } from '../../schema/baseline.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import type { Judging } from '../../schema/judge.ts'
import type { CaseInfo, Observation } from '../../schema/run.ts'
import type { GateResult, Outcome, Verdict } from '../../schema/verdict.ts'
import { type Corrector, correctorOf } from '../judge/corrected-rate.ts'
import { bookOf, type CaseBook, caseBook } from './case-book.ts'
import { costGates } from './cost.ts'
import { coverageGate, measuredTrials } from './coverage.ts'
import { cannotChange } from './curtail.ts'
import { CONFIRMATIONS, criticalEvidence, criticalGates, type Evidence } from './critical.ts'
import { categoryFloorGates, floorGates } from './floor.ts'
import type { Judged } from './gate.ts'
import { harmGates } from './harm.ts'
import { firstTokenGates, latencyGates } from './latency.ts'
import { lookAt } from './look.ts'
import { naiveGates, naiveWarnings, rawDrop } from './naive.ts'
import { type Pairing, pairCases, pairingWarnings } from './pairing.ts'
import { regressionGates } from './regression.ts'
import { repeatWarnings } from './repeats.ts'
import { repeatedGates } from './repeated.ts'
import { scoreGates } from './score.ts'
import { isDecided } from './tally.ts'
import { toolWarnings } from './tool-warnings.ts'
import { validOutputGates } from './valid-output.ts'
import { byText, counted, names } from '../words.ts'

/** What to ask next: one more pass over the whole suite, or fresh trials of some critical cases. */
export type Next = null | { kind: 'pass'; trial: number } | { kind: 'confirm'; cases: string[]; trials: number }
export type Judgement = { verdict: Verdict; next: Next }

type Frame = {
  cases: CaseInfo[]
  baseline: Baseline | null
  policy: GatePolicy
  trials: { min: number; max: number }
  /** Only some of the suite's cases were asked. */
  partial: boolean
  /** Why the run was stopped before its time: then it is invalid, whatever was seen. */
  stopped?: string | undefined
  /** Another tool asked: what the baseline has and the results lack was not delivered, and nothing can be asked again here. */
  imported?: boolean | undefined
  /** What is known of the judges, and what was asked of which suite: floors are corrected for errors that were measured. */
  judging?: Judging | undefined
  target?: string | undefined
}
/** `book`: what was kept of the very same cases and observations as they came. */
export type JudgeInput = Frame & { observations: Observation[]; book?: CaseBook | undefined }
export type TalliesInput = Frame & {
  tallies: CaseTally[]
  /** Whole passes that are finished. */
  passes: number
  /** One entry a critical case. */
  evidence: Evidence[]
  /** Absent: no calibrated judge decides any case. */
  corrector?: Corrector | undefined
}

/**
 * Judges a run. Only finished passes count, so that it does not matter where the engine stands in the next one; the order
 * of cases and observations never matters. Pure: the same input gives the same bytes.
 * @returns the verdict on what is there, and what to ask next; `next` is null when nothing more can or need be asked
 */
export function judge(input: JudgeInput): Judgement {
  const { counted, book } = countAll(input)
  const { verdict, next } = judgeTallies(counted)
  const { cases, tallies, baseline, partial, policy } = counted
  const pairing = policy.naive && baseline ? pairCases({ cases, tallies, baseline, partial }) : null
  const trials = book.measured()
  const warnings = [
    ...naiveWarnings(tallies, pairing, policy),
    ...repeatWarnings(trials),
    ...(book.talks() ? toolWarnings(trials) : []),
    ...verdict.warnings,
  ]
  return { verdict: { ...verdict, warnings }, next }
}

/** The run as `judge` counts it: what `judgeTallies` decides on. */
export const countRun = (input: JudgeInput): TalliesInput => countAll(input).counted

function countAll({ book: given, observations, ...frame }: JudgeInput) {
  const { cases, judging } = frame
  // Some of the cases are no sample of all of them.
  const target = frame.partial ? undefined : frame.target
  const book = bookOf({ cases, observations, book: given })
  const { finished: passes, latest } = book.passes()
  // Of what another tool delivered nothing is under way: all of it counts, also where one case has more trials than another.
  const unfinished = passes === 0 || frame.stopped !== undefined || frame.imported === true
  const isLate = ({ trial, purpose }: Observation) => purpose !== 'confirm' && trial > passes
  const whole = unfinished || latest <= passes
  const kept = whole ? observations : observations.filter((one) => !isLate(one))
  const corrector = judging && correctorOf({ cases, observations: kept, uses: judging.uses, target })
  const counted: TalliesInput = {
    ...frame,
    ...(corrector && { corrector }),
    tallies: (whole ? book : caseBook(cases, kept)).tallies(),
    passes,
    evidence: criticalEvidence(cases, kept),
  }
  return { counted, book }
}

/** As `judge`, with the observations already counted. */
export function judgeTallies(input: TalliesInput): Judgement {
  const { judged, measured, confirm, warnings } = measure(input)
  const { cases, policy, passes, trials } = input
  const next = nextOf({ input, judged, measured, confirm })
  const verdict = verdictOf({ judged, measured, next, warnings, policy, passes })
  const saved = next === null && measured !== 'invalid' ? cases.length * (trials.max - passes) : 0
  return { verdict: saved > 0 ? { ...verdict, saved_calls: saved } : verdict, next }
}

type Measure = { judged: Judged[]; measured: Outcome; confirm: string[]; warnings: string[] }

/** All gates at one look and the outcome that they make together. */
function measure(input: TalliesInput): Measure {
  const { baseline, policy, trials, passes, stopped, partial } = input
  const { cases } = input
  const tallies = [...input.tallies].sort((a, b) => byText(a.id, b.id))
  const look = lookAt(passes, trials, policy.alpha)
  const pairing = baseline && pairCases({ cases, tallies, baseline, partial })
  const pairs = pairing && pairing.pairs
  const coverage = coverageGate({
    tallies,
    partners: pairing && pairing.partners,
    undelivered: input.imported && pairing ? pairing.removed : [],
    policy,
    passes,
    min: trials.min,
    stopped,
  })
  const critical = criticalGates(input.evidence, baseline, { cases, imported: input.imported === true })
  const { naive } = policy
  const decided = tallies.filter(isDecided)
  const raw = naive && naiveGates(decided, pairing, naive)
  const floorsOf = raw ? categoryFloorGates : floorGates
  const { corrector } = input
  const floors = floorsOf(tallies, partial, { policy, look, maxTrials: trials.max, corrector })
  const regression =
    pairing && !raw
      ? regressionGates({ pairing, policy, look, maxTrials: trials.max, corrector })
      : { gates: [], warnings: [] }
  const others = [scoreGates, latencyGates, firstTokenGates, costGates, validOutputGates].map((gatesOf) =>
    gatesOf({ tallies, pairs, policy, look }),
  )
  // In this order they are shown, and it is the order of the reasons within one outcome.
  const harm = harmGates({ cases, tallies, critical: critical.gates, policy, look, partial, corrector })
  const repeated = repeatedGates({ tallies: decided, policy, look, maxTrials: trials.max })
  const groups = [{ gates: [coverage], warnings: [] }, critical, harm, raw ?? regression, floors, repeated, ...others]
  const judged = groups.flatMap(({ gates }) => gates)
  const measured = outcomeOf(judged.map(({ result }) => result))
  const problem = corrector?.problem ?? null
  const warnings = [
    ...(problem === null ? [] : [problem]),
    ...undecidedCases(tallies),
    ...comparisonWarnings(input, pairing),
    ...groups.flatMap((group) => group.warnings),
  ]
  return { judged, measured, confirm: critical.confirm, warnings }
}

/**
 * `invalid` beats everything: what was not measured says nothing. Then one failed gate fails, then one undecided gate
 * holds. An undecided category does not: its suite decides for it.
 */
function outcomeOf(gates: readonly GateResult[]): Outcome {
  const outcomes = new Set(gates.flatMap((gate) => (gate.decides && !isUndecidedCategory(gate) ? [gate.outcome] : [])))
  return (['invalid', 'fail', 'inconclusive'] as const).find((outcome) => outcomes.has(outcome)) ?? 'pass'
}

const isUndecidedCategory = ({ kind, category, outcome }: GateResult): boolean =>
  kind === 'regression' && category !== undefined && outcome === 'inconclusive'

type Standing = { input: TalliesInput; judged: readonly Judged[]; measured: Outcome; confirm: string[] }

/** Asks no more once nothing later could change the outcome for the better of knowing. */
function nextOf({ input, judged, measured, confirm }: Standing): Next {
  const { passes, trials, stopped, cases } = input
  if (stopped !== undefined || cases.length === 0) return null
  if (passes === 0) return { kind: 'pass', trial: 1 }
  const coverage = judged.find(({ result }) => result.id === 'coverage')?.result
  // A provider that is down is not asked another time; a run that is merely short of its first passes goes on.
  const could = Math.min(
    (coverage?.n ?? 0) / cases.length,
    measuredTrials({ tallies: input.tallies, passes: trials.min }).share,
  )
  const short = passes < trials.min && could >= input.policy.min_coverage
  if (short) return { kind: 'pass', trial: passes + 1 }
  if (measured === 'invalid' || measured === 'fail') return null
  if (confirm.length > 0) return { kind: 'confirm', cases: confirm, trials: CONFIRMATIONS }
  const open =
    passes < trials.max && judged.some((gate) => gate.open && gate.result.decides && gate.result.kind !== 'critical')
  const settled =
    open &&
    input.policy.scope === 'suite' &&
    // What answers to come would be judged by a corrected rate cannot be told from their counts alone.
    !corrects(input) &&
    cannotChange({ ...ladderOf(input), gates: judged.map(({ result }) => result), now: measured })
  return open && !settled ? { kind: 'pass', trial: passes + 1 } : null
}

const corrects = ({ corrector }: TalliesInput): boolean => corrector !== undefined && corrector.problem === null

/** The rest of the ladder, for the question whether any answers could still change the outcome. */
const ladderOf = (input: TalliesInput) => ({
  tallies: input.tallies,
  passes: input.passes,
  max: input.trials.max,
  outcomeAt: (tallies: CaseTally[], passes: number) => measure({ ...input, tallies, passes }).measured,
})

/** Nobody decided them: counted as passes they would hide what fails elsewhere. */
function undecidedCases(tallies: readonly CaseTally[]): string[] {
  const ids = tallies.filter((one) => !isDecided(one)).map(({ id }) => id)
  if (ids.length === 0) return []
  return [
    `${counted(ids.length, 'case')} ${ids.length === 1 ? 'is' : 'are'} graded by nothing but a judge that may not block, and ${ids.length === 1 ? 'enters' : 'enter'} no rate: ${names(ids)}.`,
  ]
}

/** Says aloud what was not compared and why. */
function comparisonWarnings({ baseline, policy }: TalliesInput, pairing: Pairing | null): string[] {
  if (pairing) return pairingWarnings(pairing)
  const drop = policy.naive ? rawDrop(policy.naive) : policy.max_regression
  const compares =
    drop !== false ||
    [policy.latency_p95, policy.time_to_first_token_p95, policy.cost_per_case].some(
      (gate) => gate?.max_increase !== undefined,
    ) ||
    policy.mean_score?.max_drop !== undefined
  if (baseline || !compares) return []
  return [
    'There is no baseline: nothing was compared, only the absolute gates decided. `aigate baseline record` makes one from the suite as it stands.',
  ]
}

type Parts = {
  judged: readonly Judged[]
  measured: Outcome
  next: Next
  warnings: string[]
  policy: GatePolicy
  passes: number
}

function verdictOf({ judged, measured: seen, next, warnings, policy, passes }: Parts): Verdict {
  const gates = judged.map(({ result }) => result)
  // While something is still to be asked nothing has passed: a run that ends here was interrupted.
  const unfinished = seen === 'pass' && next !== null
  const measured: Outcome = unfinished ? 'inconclusive' : seen
  const outcome = measured === 'inconclusive' ? undecided(policy, next, gates) : measured
  const reasons = unfinished ? [unfinishedReason(next)] : []
  reasons.push(...reasonsOf(gates, seen))
  const settled =
    outcome === measured
      ? []
      : [`The evidence is inconclusive; it counts as ${outcome} because the policy says on_inconclusive: ${outcome}.`]
  return { outcome, measured, reasons, warnings: [...settled, ...warnings], gates, passes }
}

/** What an undecided verdict means. A run that is not finished, or a critical case that may have broken, never counts as a pass. */
function undecided({ on_inconclusive }: GatePolicy, next: Next, gates: readonly GateResult[]): Outcome {
  if (on_inconclusive === 'hold') return 'inconclusive'
  const critical = gates.some(
    ({ kind, decides, outcome }) => kind === 'critical' && decides && outcome === 'inconclusive',
  )
  return on_inconclusive === 'pass' && (next !== null || critical) ? 'inconclusive' : on_inconclusive
}

function unfinishedReason(next: Next): string {
  const missing =
    next?.kind === 'confirm' ? `the confirmation of ${next.cases.join(', ')}` : 'a further pass over the suite'
  return `The run is not finished: ${missing} is still to be asked.`
}

const isHarm = ({ kind }: GateResult): boolean => kind === 'harmful'

/** The sentences of the gates that made the outcome; for a pass those of the gates that could have stopped it. */
function reasonsOf(gates: readonly GateResult[], outcome: Outcome): string[] {
  const all = gates.filter((gate) => gate.decides && gate.outcome === outcome && !isUndecidedCategory(gate))
  // The count of all harm first: reports cut the list of single cases short.
  const deciding = [...all.filter(isHarm), ...all.filter((gate) => !isHarm(gate))]
  if (outcome !== 'pass')
    return deciding.map(({ sentence, needed }) =>
      needed === null || outcome === 'fail' ? sentence : `${sentence} ${needed}`,
    )
  const shown = deciding.filter(
    ({ kind, category }) => kind !== 'coverage' && kind !== 'critical' && category === undefined,
  )
  const first = shown.length > 0 ? shown : deciding
  return first.map(({ sentence }) => sentence)
}
