// A reading folded into what is known: every closed block into tests, limits, triggers and checks, none of them twice.
import type { ArmCounts, Block, MetricCounts, Reading } from '../../schema/rollout-journal.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'
import { aboveEvidence, startRateLimit, stepRateLimit } from '../../statistics/rate-limit.ts'
import { splitEvidence, stepSplit } from '../../statistics/split-check.ts'
import { borneOut } from './clock.ts'
import { lateAfter } from './late.ts'
import { type Bound, boundOf } from './criterion.ts'
import { startMetric, stepMetric, weighMetric } from './metric-evidence.ts'
import { type Judging, judgingOf } from './metrics.ts'
import { startMean, stepMean } from './one-mean.ts'
import { type CriterionEvidence, type Evidence, planOf, type RolloutState } from './state.ts'
import { stepTrigger } from './triggers.ts'

const HOUR = 3_600_000

type PlanWords = { judging: Judging[]; criteria: [string, Bound][] }
const wordsByPlan = new WeakMap<RolloutPlan, PlanWords>()
/** What is derived from a plan alone; worked out once for each plan. */
export function wordsOf(plan: RolloutPlan): PlanWords {
  const known = wordsByPlan.get(plan)
  if (known) return known
  const texts = [...new Set(plan.stages.flatMap((stage) => stage.success ?? []))]
  const criteria = texts.flatMap((text): [string, Bound][] => {
    const bound = boundOf(plan, text)
    return typeof bound === 'string' ? [] : [[text, bound]]
  })
  const words = { judging: judgingOf(plan), criteria }
  wordsByPlan.set(plan, words)
  return words
}

/** The candidate's share while the block was served; null where none is known, or the lease had run out. */
function shareOf(state: RolloutState, block: Block): number | null {
  const end = block.start + block.length
  const settle = planOf(state).control.settle
  if (state.gaps.some((gap) => block.start < gap.to + settle && end > gap.from)) return null
  const lease = state.applied?.lease_until ?? null
  if (lease !== null && state.applied?.generation === block.generation && end > lease) return null
  const change = state.changes.find((one) => one.generation === block.generation)
  return change ? change.ppm / 1_000_000 : null
}

function stepCriterion(
  known: CriterionEvidence | undefined,
  bound: Bound,
  counts: MetricCounts | undefined,
  range: readonly [number, number] | undefined,
): CriterionEvidence {
  const start = known ?? {
    rate: bound.kind === 'mean' ? null : startRateLimit(bound.limit),
    mean: bound.kind === 'mean' ? startMean(range) : null,
    n: 0,
    x: 0,
    peak: 0,
  }
  if (!counts || counts.n === 0) return start
  if (start.mean)
    return { ...start, mean: stepMean(start.mean, counts), n: start.n + counts.n, x: start.x + counts.sum }
  if (!start.rate) return start
  const bad = bound.kind === 'quantile' ? (counts.over[bound.over] ?? 0) : counts.bad
  const rate = stepRateLimit(start.rate, { n: counts.n, bad })
  return { ...start, rate, n: start.n + counts.n, x: start.x + bad, peak: Math.max(start.peak, aboveEvidence(rate)) }
}

/** So many of an arm are missed when none comes. */
const MISSED = 20

/** One arm alone did something, so much of it that the other should have done a lot: its log is not there, or it is down. */
function isAlone({ arms: { baseline, candidate } }: Block, share: number): boolean {
  if (baseline.requests === 0) return (candidate.requests * (1 - share)) / share >= MISSED
  return candidate.requests === 0 && (baseline.requests * share) / (1 - share) >= MISSED
}

type Armless = NonNullable<Evidence['armless']>
function addedBad(known: Evidence['bad_whole'], metrics: ArmCounts['metrics']): Record<string, number> {
  const bad = { ...known }
  for (const [name, counts] of Object.entries(metrics)) bad[name] = (bad[name] ?? 0) + counts.bad
  return bad
}
function addedArmless(known: Armless = { requests: 0, bad: {} }, more: Block['armless']): Armless {
  if (!more) return known
  const bad = { ...known.bad }
  for (const [name, count] of Object.entries(more.bad)) bad[name] = (bad[name] ?? 0) + count
  return { requests: known.requests + more.requests, bad }
}

function absorbBlock(state: RolloutState, evidence: Evidence, block: Block, compared: boolean): Evidence {
  const plan = planOf(state)
  const { judging, criteria } = wordsOf(plan)
  const { baseline, candidate } = block.arms
  const end = block.start + block.length
  const next: Evidence = {
    ...evidence,
    metrics: { ...evidence.metrics },
    criteria: { ...evidence.criteria },
    triggers: { ...evidence.triggers },
  }
  for (const trigger of plan.triggers)
    next.triggers[trigger.id] = stepTrigger(plan, trigger, evidence.triggers[trigger.id], block)
  if (candidate.requests > 0) next.candidate_seen = end
  if (baseline.requests > 0) next.baseline_seen = end
  for (const [text, bound] of criteria) {
    const metric = plan.metrics[bound.metric]
    const range = metric && 'mean' in metric ? metric.range : undefined
    next.criteria[text] = stepCriterion(evidence.criteria[text], bound, candidate.metrics[bound.metric], range)
  }
  next.requests = {
    baseline: evidence.requests.baseline + baseline.requests,
    candidate: evidence.requests.candidate + candidate.requests,
  }
  next.units = {
    baseline: evidence.units.baseline + baseline.units,
    candidate: evidence.units.candidate + candidate.units,
  }
  next.both = evidence.both + block.both
  const share = compared ? shareOf(state, block) : null
  if (share === null || share <= 0 || block.generation < evidence.from_generation) return next
  next.compared = (evidence.compared ?? 0) + baseline.requests + candidate.requests
  next.armless = addedArmless(evidence.armless, block.armless)
  if (share >= 1) return { ...next, bad_whole: addedBad(evidence.bad_whole, candidate.metrics) }
  next.compared_from = evidence.compared_from ?? block.start
  // A share that grew moves units that the baseline has seen: they are new to the candidate, and no sign of a wrong split.
  const first = block.generation === 1
  const fresh = (arm: ArmCounts) => arm.fresh ?? (first ? arm.units : 0)
  next.split = stepSplit(evidence.split, { share, candidate: fresh(candidate), baseline: fresh(baseline) })
  next.split_peak = Math.max(evidence.split_peak ?? 0, splitEvidence(next.split))
  if (isAlone(block, share)) return { ...next, alone: end }
  const hour = Math.max(0, (block.start - state.started_at) / HOUR)
  for (const one of judging) {
    const metric = plan.metrics[one.name]
    if (!metric) continue
    const before = evidence.metrics[one.name] ?? startMetric(one, metric)
    next.metrics[one.name] = stepMetric(before, one, block, share, hour)
  }
  return next
}

/**
 * What a look may have: a reading, or the sentence why there is none; `lowered`: how somebody serves less of the candidate
 * than was decided.
 */
export type LookInput = { reading: Reading | null; failure: string | null; lowered?: string | null | undefined }

/**
 * The state with a reading folded in, before anything is decided. Blocks that were folded before are passed over, so that
 * reading twice changes nothing. `now`: milliseconds since 1970.
 */
export function absorb(state: RolloutState, now: number, { reading, lowered }: LookInput): RolloutState {
  if (!reading || !state.plan) return state
  let { evidence, closed } = state
  const blocks = [...reading.blocks].sort((a, b) => a.start - b.start)
  for (const block of blocks) {
    if (closed !== null && block.start < closed) continue
    evidence = absorbBlock(state, evidence, block, (lowered ?? null) === null)
    closed = block.start + block.length
  }
  const newest = reading.newest === null ? null : Date.parse(reading.newest)
  const clock = Math.max(
    evidence.clock,
    Math.min(now, Date.parse(reading.until), borneOut({ ...state, closed }, newest)),
  )
  const metrics = { ...evidence.metrics }
  for (const one of wordsOf(state.plan).judging) {
    const known = metrics[one.name]
    if (known && known !== state.evidence.metrics[one.name]) metrics[one.name] = weighMetric(known, one, clock)
  }
  return {
    ...state,
    closed,
    cursor: reading.cursor,
    late: lateAfter(state.late, reading),
    evidence: {
      ...evidence,
      metrics,
      clock,
      newest: newest === null ? evidence.newest : Math.max(newest, evidence.newest ?? newest),
    },
  }
}
