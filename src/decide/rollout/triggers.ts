// Absolute limits over a window: judged block by block in event time, so that they do not depend on how often one looks.
import type { Block, MetricCounts } from '../../schema/rollout-journal.ts'
import type { Metric, RolloutPlan, Trigger } from '../../schema/rollout.ts'
import { wilson } from '../../statistics/wilson.ts'
import { limitsOf, quantileOf } from './criterion.ts'
import { directionOf } from './metrics.ts'
import type { TriggerState } from './state.ts'

export type Cell = TriggerState['cells'][number]['candidate']

/** Two-sided level whose bounds each hold with 99.9 %, and the normal quantile of it. */
const LEVEL = 0.998
const Z = 3.0902
/** A mean of fewer values has no bound. */
const LEAST_VALUES = 30
/** So many cells make up a window: memory does not grow with it. */
const CELLS = 60
export const NOTHING: Cell = { n: 0, x: 0, squares: 0 }

const startTrigger = (): TriggerState => ({ cells: [], held: 0, seen: null, fired_at: null, value: null })

/** What a block adds: events and those beyond the limit (rates, tails), or events with their sum (means). */
export function cellOf(counts: MetricCounts | undefined, metric: Metric, over: number | null): Cell {
  if (!counts) return NOTHING
  if ('mean' in metric) return { n: counts.n, x: counts.sum, squares: counts.squares }
  return { n: counts.n, x: over === null ? counts.bad : (counts.over[over] ?? 0), squares: 0 }
}

export const plus = (a: Cell, b: Cell): Cell => ({ n: a.n + b.n, x: a.x + b.x, squares: a.squares + b.squares })

/** The window with one more block; cells that have left it are dropped. */
export function widened(cells: TriggerState['cells'], block: Block, window: number, candidate: Cell, baseline: Cell) {
  const width = Math.max(block.length, Math.ceil(window / CELLS))
  const kept = cells.filter((cell) => cell.start > block.start + block.length - window - width)
  const last = kept.at(-1)
  if (last && block.start < last.start + width)
    kept[kept.length - 1] = {
      start: last.start,
      candidate: plus(last.candidate, candidate),
      baseline: plus(last.baseline, baseline),
    }
  else kept.push({ start: block.start, candidate, baseline })
  return kept
}

function meanOf(cell: Cell): { mean: number; error: number } | null {
  if (cell.n < LEAST_VALUES) return null
  const mean = cell.x / cell.n
  return { mean, error: Math.max(0, cell.squares / cell.n - mean * mean) / cell.n }
}

/** The absolute limit that is asked, one of the three. */
type Limits = Pick<Trigger, 'above' | 'below' | 'below_baseline'>
type Judged = { beyond: boolean; value: number } | null

/** True only beyond doubt; null where there is nothing to judge. */
export function beyond(
  trigger: Limits,
  metric: Metric,
  candidate: Cell,
  baseline: Cell,
  tail: number | null,
  name: string,
): Judged {
  if (candidate.n === 0) return null
  const value = candidate.x / candidate.n
  if ('mean' in metric) {
    const [mine, theirs] = [meanOf(candidate), meanOf(baseline)]
    if (!mine) return null
    const slack = Z * Math.sqrt(mine.error)
    if (trigger.above !== undefined) return { beyond: mine.mean - slack > trigger.above, value }
    if (trigger.below !== undefined) return { beyond: mine.mean + slack < trigger.below, value }
    if (!theirs) return null
    const worse = directionOf(name, metric) * (theirs.mean - mine.mean)
    return { beyond: worse - Z * Math.sqrt(mine.error + theirs.error) > (trigger.below_baseline ?? 0), value }
  }
  const mine = wilson(candidate.x, candidate.n, LEVEL)
  const above = tail ?? trigger.above
  if (above !== undefined) return { beyond: mine.low > above, value }
  if (trigger.below !== undefined) return { beyond: mine.high < trigger.below, value }
  if (baseline.n === 0) return null
  return { beyond: mine.low - wilson(baseline.x, baseline.n, LEVEL).high > (trigger.below_baseline ?? 0), value }
}

const limitsByPlan = new WeakMap<RolloutPlan, Record<string, number[]>>()
function limitsOnce(plan: RolloutPlan): Record<string, number[]> {
  const known = limitsByPlan.get(plan) ?? limitsOf(plan)
  limitsByPlan.set(plan, known)
  return known
}

/**
 * One block further. `for` has Prometheus' meaning: the condition must be true at every block without a break, and a
 * block without data stops the clock. What once fired stays fired until the condition is seen to be false, and for
 * `keep_firing_for` of event time after it was last true.
 */
export function stepTrigger(
  plan: RolloutPlan,
  trigger: Trigger,
  state: TriggerState | undefined,
  block: Block,
): TriggerState {
  const before = state ?? startTrigger()
  const metric = plan.metrics[trigger.metric]
  if (!metric) return before
  const onValue = 'value' in metric && trigger.above !== undefined && trigger.above > 1
  const over = onValue ? (limitsOnce(plan)[trigger.metric] ?? []).indexOf(trigger.above ?? 0) : null
  const tail = 'value' in metric && onValue ? 1 - quantileOf(trigger.metric, metric) : null
  const cells = widened(
    before.cells,
    block,
    trigger.window,
    cellOf(block.arms.candidate.metrics[trigger.metric], metric, over),
    cellOf(block.arms.baseline.metrics[trigger.metric], metric, over),
  )
  const sum = (arm: 'candidate' | 'baseline') => cells.map((cell) => cell[arm]).reduce(plus, NOTHING)
  const judged = beyond(trigger, metric, sum('candidate'), sum('baseline'), tail, trigger.metric)
  const end = block.start + block.length
  if (!judged) return { ...before, cells, seen: end }
  if (!judged.beyond) {
    const kept = before.fired_at !== null && end - (before.beyond_at ?? 0) < (trigger.keep_firing_for ?? 0)
    const fired_at = kept ? before.fired_at : null
    return { cells, held: 0, seen: end, fired_at, beyond_at: before.beyond_at, value: judged.value }
  }
  // A gap between two blocks that were both beyond is time without data: it does not count.
  const held = before.held + (before.held > 0 ? block.length : 1)
  const fires = before.fired_at === null && held > trigger.for
  return { cells, held, seen: end, fired_at: fires ? end : before.fired_at, beyond_at: end, value: judged.value }
}
