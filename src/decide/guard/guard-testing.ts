// For tests: a guard, its blocks minute by minute, and a runner without a disk.
import { GuardPlan } from '../../schema/guard.ts'
import type { GuardEntry, GuardRecord } from '../../schema/guard-journal.ts'
import type { ArmCounts, Block, MetricCounts, Reading } from '../../schema/rollout-journal.ts'
import type { ActionRecord } from '../../schema/action-journal.ts'
import { foldGuard } from './fold.ts'
import { draftGuard } from './state.ts'
import { decideGuard } from './look.ts'
import { guardSteps, runName, standings } from './actions.ts'

export const T0 = Date.parse('2026-11-21T00:00:00.000Z')
export const MINUTE = 60_000

/** A guard with one of everything; `more` replaces its parts. */
export function guardWith(more: Record<string, unknown> = {}): GuardPlan {
  return GuardPlan.parse({
    guard: 'production',
    source: { type: 'jsonl', path: 'logs/*.jsonl', freshness: '10m' },
    metrics: { error_rate: { bad: 'error.type != null' } },
    triggers: [{ id: 'errors', metric: 'error_rate', above: '5%', window: '5m', do: ['page'] }],
    actions: { page: { type: 'pagerduty', routing_key_env: 'KEY' } },
    ...more,
  })
}

export const counts = (n: number, bad: number, more: Partial<MetricCounts> = {}): MetricCounts => ({
  n,
  bad,
  first: 0,
  sum: 0,
  squares: 0,
  over: [],
  ...more,
})

const arm = (metrics: Record<string, MetricCounts>): ArmCounts => ({ requests: 1, units: 0, metrics })

/** The block of a minute after T0. */
export function blockAt(minute: number, metrics: Record<string, MetricCounts>): Block {
  const start = T0 + minute * MINUTE
  return { start, length: MINUTE, generation: 0, arms: { baseline: arm(metrics), candidate: arm({}) }, both: 0 }
}

export function readingOf(blocks: Block[], minute: number, models: Reading['models'] = []): Reading {
  const until = new Date(T0 + minute * MINUTE).toISOString()
  const zero = { unreadable: 0, duplicates: 0, late: 0, without_arm: 0 }
  return { until, newest: until, cursor: null, blocks, events: 1, ...zero, models, notes: [] }
}

/** Looks, decides and acts as the command does, with a clock that is put by hand. */
export function runner(plan: GuardPlan) {
  const records: GuardRecord[] = []
  const actions: ActionRecord[] = []
  const at = (minute: number) => new Date(T0 + minute * MINUTE).toISOString()
  const add = (minute: number, entry: GuardEntry) => {
    const frame = { aigate: 'guard', version: 1, seq: records.length + 1, at: at(minute), by: 'test' } as const
    records.push({ ...frame, ...entry, prev: '', hash: '' })
  }
  add(0, { kind: 'start', plan_hash: 'h', plan, since: T0 })
  let folded = draftGuard()
  const state = () => (folded = foldGuard(records.slice(folded.seq), folded))
  const mark = (minute: number, entry: Record<string, unknown>) =>
    actions.push({
      aigate: 'actions',
      version: 1,
      seq: actions.length + 1,
      at: at(minute),
      by: 'test',
      run: runName(plan.guard),
      prev: '',
      hash: '',
      ...entry,
    } as unknown as ActionRecord)
  return {
    state,
    add,
    mark,
    look(minute: number, blocks: Block[] | string, models: Reading['models'] = []) {
      const failure = typeof blocks === 'string' ? blocks : null
      const reading = typeof blocks === 'string' ? null : readingOf(blocks, minute, models)
      const made = decideGuard(state(), { now: T0 + minute * MINUTE, reading, failure })
      add(minute, { kind: 'look', reading, failure, ...made })
      return made.outcome
    },
    due: (minute: number) =>
      guardSteps(state(), standings(actions, runName(plan.guard)), T0 + minute * MINUTE).map(({ id }) => id),
    act(minute: number) {
      const ids = this.due(minute)
      for (const id of ids) mark(minute, { kind: 'applied', id, read_back: null })
      return ids
    },
  }
}
