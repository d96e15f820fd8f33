// A condition over its window, block by block in event time: true only beyond doubt, or nothing to say.
import type { Block, MetricCounts } from '../../schema/rollout-journal.ts'
import type { GuardPlan } from '../../schema/guard.ts'
import type { Metric } from '../../schema/rollout.ts'
import { quantileOf } from '../rollout/criterion.ts'
import { type Cell, beyond, cellOf, NOTHING, plus, widened } from '../rollout/triggers.ts'
import type { TriggerState } from '../rollout/state.ts'
import { asPlan, limitsFor } from './as-plan.ts'

/** `held`: milliseconds for which it has been true without a break, plus one; `value`: over the window. */
export type WindowState = {
  cells: TriggerState['cells']
  held: number
  value: number | null
  n: number
  seen: number | null
}

/** What is asked of a metric. `key`: the name under which the source counts it; `metric`: its name in the guard. */
export type Asked = {
  key: string
  metric: string
  window: number
  min_events: number
  above?: number | undefined
  below?: number | undefined
  worse?: number | undefined
  count_above?: number | undefined
  sum_above?: number | undefined
}

export const startWindow = (): WindowState => ({ cells: [], held: 0, value: null, n: 0, seen: null })

/** Every event of a block, whichever arm it names: production is all of them. */
export function wholeOf(block: Block, key: string): MetricCounts | undefined {
  const [a, b] = [block.arms.baseline.metrics[key], block.arms.candidate.metrics[key]]
  if (!a || !b) return a ?? b
  return {
    n: a.n + b.n,
    bad: a.bad + b.bad,
    first: a.first + b.first,
    sum: a.sum + b.sum,
    squares: a.squares + b.squares,
    over: a.over.map((count, i) => count + (b.over[i] ?? 0)),
  }
}

/** How a limit on a tail metric is counted: the index of its value, and the share above it that is allowed. */
export function tailOf(
  guard: GuardPlan,
  asked: Pick<Asked, 'key' | 'metric' | 'above'>,
): { over: number | null; tail: number | null } {
  const metric = asPlan(guard).metrics[asked.key]
  if (!metric || !('value' in metric) || asked.above === undefined || asked.above <= 1)
    return { over: null, tail: null }
  return {
    over: (limitsFor(guard)[asked.key] ?? []).indexOf(asked.above),
    tail: 1 - quantileOf(asked.metric, metric),
  }
}

/** The cell that a written or learnt reference comes to. */
export function referenceCell(guard: GuardPlan, asked: Asked, learnt: Readonly<Record<string, Cell>>): Cell {
  const written = guard.reference[asked.metric]
  if (!written) return learnt[asked.key] ?? NOTHING
  const { n, rate, mean, deviation = 0 } = written
  if (mean !== undefined) return { n, x: n * mean, squares: n * (deviation * deviation + mean * mean) }
  return { n, x: n * (rate ?? 0), squares: 0 }
}

function judge(metric: Metric, asked: Asked, cell: Cell, reference: Cell, tail: number | null) {
  if (asked.count_above !== undefined) return { beyond: cell.x > asked.count_above, value: cell.x }
  if (asked.sum_above !== undefined) return { beyond: cell.x > asked.sum_above, value: cell.x }
  if (cell.n < asked.min_events) return null
  const limits = { above: asked.above, below: asked.below, below_baseline: asked.worse }
  return beyond(limits, metric, cell, reference, tail, asked.metric)
}

/**
 * One block further. A block without anything to judge stops the clock of `held`; so does the time between two blocks.
 * @returns the window, and whether the condition is true now (null: nothing to judge)
 */
export function stepWindow(
  guard: GuardPlan,
  asked: Asked,
  before: WindowState,
  block: Block,
  learnt: Readonly<Record<string, Cell>>,
): { window: WindowState; now: boolean | null } {
  const metric = asPlan(guard).metrics[asked.key]
  if (!metric) return { window: before, now: null }
  const { over, tail } = tailOf(guard, asked)
  const cells = widened(before.cells, block, asked.window, cellOf(wholeOf(block, asked.key), metric, over), NOTHING)
  const sum = cells.map((cell) => cell.candidate).reduce(plus, NOTHING)
  const judged = judge(metric, asked, sum, referenceCell(guard, asked, learnt), tail)
  const seen = block.start + block.length
  if (!judged) return { window: { ...before, cells, n: sum.n, seen }, now: null }
  const held = judged.beyond ? before.held + (before.held > 0 ? block.length : 1) : 0
  return { window: { cells, held, value: judged.value, n: sum.n, seen }, now: judged.beyond }
}
