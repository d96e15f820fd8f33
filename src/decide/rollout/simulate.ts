// A rollout over made-up traffic, many times, through the very fold that decides live: false rollbacks, time to detect.
import type { Block, Reading, RolloutRecord } from '../../schema/rollout-journal.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'
import { randomFrom, type Random } from '../../statistics/draws.ts'
import { actionsFor } from './actions.ts'
import { applied } from './effects.ts'
import { absorb } from './evidence.ts'
import { foldRecord, settleLook } from './fold.ts'
import { judgeLook } from './look.ts'
import { draft, isOver, type RolloutState } from './state.ts'
import { type Difference, syntheticBlock } from './synthetic.ts'
import type { Traffic } from './traffic.ts'

const MINUTE = 60_000
/** Any moment will do; a fixed one makes the same seed give the same run. */
const START = Date.UTC(2026, 0, 5)
const HASH = 'simulated'

export type SimulatedRun = { end: 'promoted' | 'rolled-back' | 'open'; minutes: number; stage: number; why: string }
export type SimulationOptions = {
  seed: number
  runs: number
  /** The candidate has so many times the bad events; 1: it is as good. */
  ratio: number
  /** Means are worse by so many standard deviations; 0.5 x ln(ratio) unless written. */
  shift?: number
  /** Longest time of one rollout in hours. */
  hours?: number
  /** Minutes from look to look. */
  every?: number
  /** Is told after each run how many are done. */
  each?: (done: number) => void
}
export type Simulation = {
  runs: number
  promoted: number
  rolled_back: number
  open: number
  /** Shares of the runs. */
  rolled_back_share: number
  promoted_share: number
  /** Median minutes from the start to the rollback, and to the promotion; null: none. */
  minutes_to_rollback: number | null
  minutes_to_promotion: number | null
}

function startedAt(plan: RolloutPlan): RolloutState {
  const frame = {
    aigate: 'rollout',
    version: 1,
    seq: 1,
    at: new Date(START).toISOString(),
    by: 'simulation',
    prev: '',
    hash: '',
  } as const
  const record: RolloutRecord = { ...frame, kind: 'start', plan_hash: HASH, plan }
  return foldRecord(draft(), record)
}

function readingOf(blocks: Block[], until: number, now: number): Reading {
  const counts = { events: 0, unreadable: 0, duplicates: 0, late: 0, without_arm: 0 }
  const newest = new Date(now).toISOString()
  return { until: new Date(until).toISOString(), newest, cursor: null, blocks, ...counts, models: [], notes: [] }
}

/** The control plane of the simulation does at once what is wanted. */
function carriedOut(state: RolloutState, now: number): RolloutState {
  let done = state
  for (const { id, action } of actionsFor(state, now)) done = applied({ ...done, intents: { [id]: action } }, id, now)
  return done
}

/** People of the simulation approve at once, and let a rollout that went a step back lie. */
function approved(state: RolloutState): RolloutState {
  return state.approved.includes(state.stage) ? state : { ...state, approved: [...state.approved, state.stage] }
}

function lookedAt(before: RolloutState, blocks: Block[], until: number, now: number): RolloutState {
  const input = { reading: readingOf(blocks, until, now), failure: null }
  const read = absorb(before, now, input)
  const decision = judgeLook(read, { ...input, now, planHash: HASH })
  return { ...settleLook(before, read, { ...input, decision }, now, decision.outcome !== 'invalid'), at: now }
}

/** Whoever has a lease that is shorter than the steps of the simulation looks more often than it does. */
function leased(plan: RolloutPlan, every: number): RolloutPlan {
  const { control } = plan
  const least = 3 * every * MINUTE
  return control.type === 'flagd' && control.lease < least ? { ...plan, control: { ...control, lease: least } } : plan
}

/** Where a minute of traffic lies: `minute` counts from the start, `start` is milliseconds since 1970, `share` is 0 to 1. */
export type SimulatedMinute = { minute: number; start: number; share: number; generation: number }

/**
 * One rollout from the start to its end, or to `hours`, over the minutes that `draw` gives; those of a settling share are
 * not asked for. As with a live source, a minute is seen once `lateness` has passed after it.
 */
export function simulateMinutes(
  written: RolloutPlan,
  draw: (at: SimulatedMinute) => Block,
  { hours = 24 * 14, every = 5 }: { hours?: number; every?: number } = {},
): SimulatedRun {
  const plan = leased(written, every)
  let state = carriedOut(startedAt(plan), START)
  let waiting: Block[] = []
  for (let minute = 0; minute < hours * 60; minute++) {
    const start = START + minute * MINUTE
    const now = start + MINUTE
    const settled = (state.applied?.at ?? start) + plan.control.settle
    const share = (state.applied?.ppm ?? 0) / 1_000_000
    const generation = state.applied?.generation ?? 0
    if (start >= settled) waiting.push(draw({ minute, start, share, generation }))
    if (minute % every !== every - 1) continue
    const until = now - plan.source.lateness
    const open = waiting.findIndex((block) => block.start + block.length > until)
    const closed = waiting.splice(0, open === -1 ? waiting.length : open)
    state = carriedOut(approved(lookedAt(state, closed, until, now)), now)
    const why = state.wanted.why
    if (state.mode === 'rolled-back' || state.hold !== null)
      return { end: 'rolled-back', minutes: minute + 1, stage: state.stage, why }
    if (isOver(state)) return { end: 'promoted', minutes: minute + 1, stage: state.stage, why }
  }
  return { end: 'open', minutes: hours * 60, stage: state.stage, why: state.last?.decision.reasons.join(' ') ?? '' }
}

/** As `simulateMinutes`, over traffic of which only rates and means are known. */
export function simulateOnce(
  plan: RolloutPlan,
  traffic: Traffic,
  difference: Difference,
  random: Random,
  options: { hours?: number; every?: number } = {},
): SimulatedRun {
  return simulateMinutes(plan, (at) => syntheticBlock(plan, traffic, at, difference, random), options)
}

function median(values: number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? null
}

/** Many rollouts of a candidate with `ratio` times the bad events; the seed decides everything. */
export function simulateRollout(plan: RolloutPlan, traffic: Traffic, options: SimulationOptions): Simulation {
  const { seed, runs, ratio, shift = 0.5 * Math.log(ratio), each, ...rest } = options
  const all = Array.from({ length: runs }, (_, run) => {
    const end = simulateOnce(plan, traffic, { ratio, shift }, randomFrom(seed + run * 7919), rest)
    each?.(run + 1)
    return end
  })
  const of = (end: SimulatedRun['end']) => all.filter((run) => run.end === end)
  return {
    runs,
    promoted: of('promoted').length,
    rolled_back: of('rolled-back').length,
    open: of('open').length,
    rolled_back_share: of('rolled-back').length / runs,
    promoted_share: of('promoted').length / runs,
    minutes_to_rollback: median(of('rolled-back').map((run) => run.minutes)),
    minutes_to_promotion: median(of('promoted').map((run) => run.minutes)),
  }
}
