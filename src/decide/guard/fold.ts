// The state machine of a guard: its journal, record by record, folded into a state. Nothing else changes a state.
import type { Block, Reading } from '../../schema/rollout-journal.ts'
import type { GuardRecord } from '../../schema/guard-journal.ts'
import type { GuardPlan } from '../../schema/guard.ts'
import { cellOf, NOTHING, plus } from '../rollout/triggers.ts'
import { asPlan } from './as-plan.ts'
import { breakerEpisode, closedByHand, settleBreaker, stepBreakerBlock } from './breaker.ts'
import { lateAfter } from '../rollout/late.ts'
import { blindAfter } from './distrust.ts'
import { believed, borneOut } from './guard-clock.ts'
import { nextBreaker, nextTrigger } from './new-plan.ts'
import { countedSince, pinned } from './release-pins.ts'
import { draftGuard, guardPlanOf, type GuardState, type Releases } from './state.ts'
import { noteModels, stepTriggerBlock, stepTriggerFact, withEpisodes } from './triggers.ts'
import { wholeOf } from './window.ts'

type RecordOf<K extends GuardRecord['kind']> = Extract<GuardRecord, { kind: K }>

/** A plan begins, or takes the place of the one before. */
function begun(state: GuardState, record: RecordOf<'start'>, at: number): GuardState {
  const { plan } = record
  const plans = { before: state.plan, now: plan }
  const triggers = Object.fromEntries(
    plan.triggers.map((one) => [one.id, nextTrigger(state.triggers[one.id], one, plans)]),
  )
  const breakers = Object.fromEntries(
    plan.breakers.map((one) => [
      one.id,
      nextBreaker(state.breakers[one.id], one, { ...plans, at, since: record.since }),
    ]),
  )
  const first = state.plan === null
  return {
    ...state,
    plan,
    plan_hash: record.plan_hash,
    since: record.since,
    triggers,
    breakers,
    learnt: first ? { until: record.since + plan.learn, done: false, cells: {} } : state.learnt,
    measured_at: first ? at : state.measured_at,
    episodes: state.episodes.map((one) =>
      one.ended === null && triggers[one.cause]?.active == null && breakers[one.cause]?.phase !== 'open'
        ? { ...one, ended: at }
        : one,
    ),
  }
}

/** Until the end of learning, what is seen is what is normal. */
function taught(state: GuardState, guard: GuardPlan, block: Block): GuardState {
  const { learnt } = state
  if (learnt.done) return state
  if (block.start >= learnt.until) return { ...state, learnt: { ...learnt, done: true } }
  const cells = { ...learnt.cells }
  for (const [key, metric] of Object.entries(asPlan(guard).metrics))
    cells[key] = plus(cells[key] ?? NOTHING, cellOf(wholeOf(block, key), metric, null))
  return { ...state, learnt: { ...learnt, cells } }
}

function absorbBlock(state: GuardState, guard: GuardPlan, block: Block): GuardState {
  const taughtState = taught(state, guard, block)
  const { done, cells } = taughtState.learnt
  const triggers = { ...taughtState.triggers }
  for (const trigger of guard.triggers) {
    const before = triggers[trigger.id]
    if (!before || block.start < (before.since ?? Number.NEGATIVE_INFINITY)) continue
    triggers[trigger.id] = stepTriggerBlock(guard, trigger, before, block, done ? cells : {})
  }
  const breakers = { ...taughtState.breakers }
  for (const breaker of guard.breakers) {
    const before = breakers[breaker.id]
    if (!before) continue
    const blind = blindAfter(breaker, before.blind ?? 0, block)
    breakers[breaker.id] = { ...stepBreakerBlock(guard, breaker, before, block), blind }
  }
  return { ...taughtState, triggers, breakers }
}

function settled(state: GuardState, guard: GuardPlan, at: number): GuardState {
  let next = state
  for (const breaker of guard.breakers) {
    const before = next.breakers[breaker.id]
    if (!before) continue
    const after = settleBreaker(guard, breaker, before, at)
    const told = breakerEpisode(guard, breaker, before, after, at)
    const ends = told !== null || after.phase === 'closed'
    const episodes = next.episodes.map((one) =>
      ends && one.cause === breaker.id && one.kind === 'breaker' && one.ended === null ? { ...one, ended: at } : one,
    )
    next = {
      ...next,
      breakers: { ...next.breakers, [breaker.id]: after },
      episodes: told ? [...episodes, told] : episodes,
    }
  }
  return next
}

/** Up to where blocks were returned: a clock that ran ahead closes nothing that was not counted. */
const closedBy = (closed: number | null, { blocks }: Reading): number | null =>
  blocks.reduce((last: number | null, { start, length }) => Math.max(last ?? 0, start + length), closed)

/**
 * A reading folded in, at the time `at` of the look; null: the source could not be read. `releases`: what the ledger says;
 * absent in looks of before.
 */
export function absorbReading(
  before: GuardState,
  reading: Reading | null,
  at: number,
  releases?: Releases,
): GuardState {
  const guard = guardPlanOf(before)
  let state = countedSince(before, guard, releases)
  if (reading !== null) {
    const newest = reading.newest === null ? state.newest : Date.parse(reading.newest)
    const late = lateAfter(state.late, reading)
    state = { ...state, cursor: reading.cursor, closed: closedBy(state.closed, reading), newest, late }
    state = noteModels(state, reading.models, borneOut(state, at))
    for (const block of reading.blocks) state = absorbBlock(state, guard, block)
  }
  const triggers = { ...state.triggers }
  for (const trigger of guard.triggers) {
    const known = triggers[trigger.id]
    if (known && trigger.metric === undefined) triggers[trigger.id] = stepTriggerFact(state, trigger, known, at)
  }
  const now = borneOut(state, at)
  return pinned(before, withEpisodes(before, settled({ ...state, triggers }, guard, now), guard, at), guard, releases)
}

function step(state: GuardState, record: GuardRecord, at: number): GuardState {
  switch (record.kind) {
    case 'carry':
      return record.state as unknown as GuardState
    case 'start':
      return begun(state, record, at)
    case 'look': {
      const read = absorbReading(state, record.reading, at, record.releases)
      const { outcome, reasons } = record
      const measured = outcome === 'invalid' ? state.measured_at : at
      return { ...read, looks: read.looks + 1, last: { at, outcome, reasons }, measured_at: measured }
    }
    case 'said': {
      const guard = guardPlanOf(state)
      const breaker = guard.breakers.find((one) => one.id === record.breaker)
      const known = state.breakers[record.breaker]
      if (!breaker || !known) return state
      const closed = closedByHand(breaker, known, `${record.by} closed it: ${record.reason}`, at)
      const episodes = state.episodes.map((one) =>
        one.cause === breaker.id && one.ended === null ? { ...one, ended: at } : one,
      )
      return { ...state, breakers: { ...state.breakers, [breaker.id]: closed }, episodes }
    }
    default:
      return record satisfies never
  }
}

/** The state after all records, going on from `from`. A time before that of the state counts as that time. */
export function foldGuard(records: Iterable<GuardRecord>, from: GuardState = draftGuard()): GuardState {
  let state = from
  for (const record of records) {
    const at = Math.max(state.at, Date.parse(record.at))
    const next = step(state, record, at)
    state = { ...next, seq: record.seq, at: believed(state, next, record, at) }
  }
  return state
}
