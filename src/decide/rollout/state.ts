// The state of a rollout: what the fold over its journal has come to. Plain JSON, so that it can be kept as a snapshot.
import type { ShareChange } from '../../ports.ts'
import type { Action, Decision, PreCheckName, Reading } from '../../schema/rollout-journal.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'
import type { Outcome } from '../../schema/verdict.ts'
import type { ArmShare } from '../../statistics/arm-share.ts'
import type { StratifiedOdds } from '../../statistics/e-cmh.ts'
import type { MeanSequence } from '../../statistics/mean-sequence.ts'
import type { RateLimit } from '../../statistics/rate-limit.ts'
import type { SplitCheck } from '../../statistics/split-check.ts'
import { startSplit } from '../../statistics/split-check.ts'
import type { OneMean } from './one-mean.ts'
import type { Late } from './late.ts'

/** As in a block; `unitless` and `blank` tell what is missing. */
export type Totals = {
  n: number
  bad: number
  first: number
  sum: number
  unitless?: number | undefined
  /** Units whose value is compared; absent: each event is. */
  units?: number | undefined
  blank?: number | undefined
}
/** Evidence at a moment (milliseconds since 1970), for a picture. */
export type Point = { at: number; harm: number; safe: number | null }
/** What was learnt of one metric: `harm` and `safe` are natural logarithms; `peak` is the greatest `harm` so far. */
export type MetricEvidence = {
  share: ArmShare | null
  odds: StratifiedOdds | null
  /**
   * First bad events among the units at risk, where the source counts those; else absent. It is what "not worse" is proven by:
   * the worse arm uses up its units faster, so that a fixed share would make it look better with time.
   */
  risk?: StratifiedOdds
  means: MeanSequence | null
  /** Of units that were compared under an earlier share; absent: none. */
  means_back?: MeanSequence | undefined
  /** End of the newest compared block in which each arm had the metric; absent: never. */
  seen?: { baseline?: number; candidate?: number }
  baseline: Totals
  candidate: Totals
  harm: number | null
  safe: number | null
  peak: number | null
  history: Point[]
  /** Least distance of two points of the history, in milliseconds. */
  spacing: number
}
/** Evidence about an absolute criterion; `peak`: the greatest evidence so far that it is broken. */
export type CriterionEvidence = { rate: RateLimit | null; mean: OneMean | null; n: number; x: number; peak: number }
type Cell = { n: number; x: number; squares: number }
/** The window of a trigger: sums of the newest blocks, how long the condition has held, and whether it fires. */
export type TriggerState = {
  cells: { start: number; candidate: Cell; baseline: Cell }[]
  held: number
  /** End of the newest block that was judged; null: none yet. */
  seen: number | null
  fired_at: number | null
  /** End of the newest block at which the condition was true; absent: never. */
  beyond_at?: number | undefined
  value: number | null
}
export type Evidence = {
  /** Event time up to which everything was read (milliseconds since 1970). */
  clock: number
  newest: number | null
  /** End of the newest block in which the candidate did anything. */
  candidate_seen: number | null
  /** As `candidate_seen`, of the baseline; absent: it never did. */
  baseline_seen?: number
  /** End of the newest block in which one arm was missing that should have done a lot; absent: none. */
  alone?: number
  /** Start of the first block that could be compared. */
  compared_from: number | null
  metrics: Record<string, MetricEvidence>
  criteria: Record<string, CriterionEvidence>
  triggers: Record<string, TriggerState>
  split: SplitCheck
  /** The greatest evidence so far that the split is wrong; absent: none. It stays until a person resumes. */
  split_peak?: number
  /** Requests of both arms that were compared, and what said no arm meanwhile. */
  compared?: number
  /** Bad events of the candidate by metric while everybody was served it; absent: none. */
  bad_whole?: Record<string, number>
  armless?: { requests: number; bad: Record<string, number> }
  units: { baseline: number; candidate: number }
  requests: { baseline: number; candidate: number }
  both: number
  /** Blocks of earlier generations are not compared any more: a proven harm was answered by a smaller step. */
  from_generation: number
}

export type Mode = 'draft' | 'running' | 'rolling-back' | 'rolled-back' | 'aborting' | 'aborted' | 'succeeded'
/** What shall be served; the lease is the actions' to say. */
export type Wanted = { ppm: number; generation: number; killed: boolean; components: string[]; why: string }
export type Applied = {
  ppm: number
  generation: number
  killed: boolean
  components: string[]
  lease_until: number | null
  /** When the share was first in force, in milliseconds since 1970. */
  at: number
  /** How often this generation was set. */
  times: number
  renewals: number
}
export type Notice = { id: string; title: string; text: string }
/** An action that failed, how often, and when last. */
export type Failing = { id: string; attempts: number; error: string; at: number }

export type RolloutState = {
  version: 2
  /** Number and time of the last record that was folded; the time never goes back. */
  seq: number
  at: number
  plan: RolloutPlan | null
  plan_hash: string
  started_at: number
  mode: Mode
  ended_at: number | null
  stage: number
  paused: { at: number; by: string; reason: string } | null
  /** Stays until a person resumes. */
  hold: string | null
  approved: number[]
  /** What the checks before a blue-green switch came to, the newest of each. */
  checks?: Partial<Record<PreCheckName, { at: number; outcome: Outcome; said: string }>>
  wanted: Wanted
  applied: Applied | null
  changes: ShareChange[]
  /** When the lease had run out and everybody was served the baseline. */
  gaps: { from: number; to: number }[]
  /** Since when somebody may have served less than was decided; null or absent: nobody does. */
  lowered_since?: number | null
  /** Under `rolling`, since when the orchestrator serves everybody the new one; null: it does not, or nobody knows. */
  whole_since?: number | null
  failing: Failing[]
  /** Intents that are not known to be applied. */
  intents: Record<string, Action>
  notices: Notice[]
  /** Notices that were ever made, the newest last, so that none is made twice. */
  noticed: string[]
  evidence: Evidence
  last: { at: number; decision: Decision } | null
  /** When a look was last able to measure. */
  verified_at: number
  /** For the next SourceRequest. */
  cursor: Reading['cursor']
  closed: number | null
  looks: number
  late?: Late | undefined
}

export function startEvidence(fromGeneration: number): Evidence {
  return {
    clock: 0,
    newest: null,
    candidate_seen: null,
    compared_from: null,
    metrics: {},
    criteria: {},
    triggers: {},
    split: startSplit(),
    units: { baseline: 0, candidate: 0 },
    requests: { baseline: 0, candidate: 0 },
    both: 0,
    from_generation: fromGeneration,
  }
}

/** Before the first record. */
export function draft(): RolloutState {
  return {
    version: 2,
    seq: 0,
    at: 0,
    plan: null,
    plan_hash: '',
    started_at: 0,
    mode: 'draft',
    ended_at: null,
    stage: 0,
    paused: null,
    hold: null,
    approved: [],
    wanted: { ppm: 0, generation: 0, killed: false, components: [], why: '' },
    applied: null,
    changes: [],
    gaps: [],
    failing: [],
    intents: {},
    notices: [],
    noticed: [],
    evidence: startEvidence(0),
    last: null,
    verified_at: 0,
    cursor: null,
    closed: null,
    looks: 0,
  }
}

/** The plan of a rollout that has been started; throws Error before that. */
export function planOf(state: RolloutState): RolloutPlan {
  if (!state.plan) throw new Error('the rollout has no start record')
  return state.plan
}

/** Share of the units in millionths that stage `index` serves; 0 before the first. */
export function ppmOf(plan: RolloutPlan, index: number): number {
  return Math.round((plan.stages[index]?.traffic ?? 0) * 1_000_000)
}

/** True where nothing more will be decided. */
export function isOver(state: RolloutState): boolean {
  return state.mode === 'rolled-back' || state.mode === 'aborted' || state.mode === 'succeeded'
}

/** The state with a notice to be given, unless it was given before. */
export function withNotice(state: RolloutState, notice: Notice): RolloutState {
  if (state.noticed.includes(notice.id)) return state
  return {
    ...state,
    notices: [...state.notices, notice].slice(-50),
    noticed: [...state.noticed, notice.id].slice(-200),
  }
}

/** True while a blue-green rollout that has succeeded keeps the old one standing (`at` in milliseconds since 1970). */
export function isKept(state: RolloutState, at: number): boolean {
  const until = keptUntil(state)
  return until !== null && at <= until
}

/** Until when the old one stands after a blue-green rollout has succeeded; null: it does not. */
export function keptUntil({ plan, mode, ended_at: end }: RolloutState): number | null {
  if (plan?.strategy !== 'blue-green' || mode !== 'succeeded' || end === null) return null
  return plan.keep_old === undefined ? null : end + plan.keep_old
}
