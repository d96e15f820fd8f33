// Plans, readings and records for the tests of the rollout.
import type {
  Block,
  Decision,
  MetricCounts,
  Reading,
  RolloutEntry,
  RolloutRecord,
} from '../../schema/rollout-journal.ts'
import { RolloutPlan } from '../../schema/rollout.ts'

export const T0 = Date.UTC(2026, 10, 21, 10)
export const MINUTE = 60_000

type PlanInput = Parameters<typeof RolloutPlan.parse>[0]
/** A small plan; `change` replaces what it names. */
export function planWith(change: Record<string, unknown> = {}): RolloutPlan {
  const plan: PlanInput = {
    rollout: 'support-1.3',
    release: { prompt: 'support/answer@1.3.0', model: 'm2' },
    baseline: { prompt: 'support/answer@1.2.0', model: 'm1' },
    control: { type: 'flagd', path: 'flags.json', lease: '15m', settle: '60s' },
    source: { type: 'jsonl', path: 'logs/*.jsonl' },
    stages: [
      { traffic: '5%', duration: '10m', gate: 'no-harm' },
      { traffic: '50%', duration: '10m', gate: 'non-inferior' },
      { traffic: '100%', bake: '10m' },
    ],
    metrics: { error_rate: { bad: 'error.type != null' } },
    ...change,
  }
  return RolloutPlan.parse(plan)
}

export function counts(n: number, bad = 0, rest: Partial<MetricCounts> = {}): MetricCounts {
  return { n, bad, first: bad, sum: 0, squares: 0, over: [], ...rest }
}

export function blockAt(
  minute: number,
  baseline: Record<string, MetricCounts>,
  candidate: Record<string, MetricCounts>,
  generation = 1,
): Block {
  const arm = (metrics: Record<string, MetricCounts>) => {
    const requests = Math.max(0, ...Object.values(metrics).map((one) => one.n))
    return { requests, units: requests, metrics }
  }
  const arms = { baseline: arm(baseline), candidate: arm(candidate) }
  return { start: T0 + minute * MINUTE, length: MINUTE, generation, arms, both: 0 }
}

export function readingOf(blocks: Block[], until: number): Reading {
  const newest = blocks.at(-1)
  return {
    until: new Date(until).toISOString(),
    newest: newest ? new Date(newest.start + newest.length - 1).toISOString() : null,
    cursor: null,
    blocks,
    events: 0,
    unreadable: 0,
    duplicates: 0,
    late: 0,
    without_arm: 0,
    models: [],
    notes: [],
  }
}

export function decision(change: Partial<Decision> = {}): Decision {
  return { outcome: 'inconclusive', reasons: ['because'], warnings: [], next: 'wait', stage: 0, metrics: {}, ...change }
}

/** Entries with numbers, times (minutes since T0) and an empty chain. */
export function journal(...entries: [number, RolloutEntry][]): RolloutRecord[] {
  return entries.map(([minute, entry], i) => ({
    aigate: 'rollout',
    version: 1,
    seq: i + 1,
    at: new Date(T0 + minute * MINUTE).toISOString(),
    by: 'test',
    ...entry,
    prev: '',
    hash: '',
  }))
}

export const start = (plan: RolloutPlan): RolloutEntry => ({ kind: 'start', plan_hash: 'h1', plan })
