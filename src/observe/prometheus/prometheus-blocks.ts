// Sums what was added to counters by block and arm, and makes the blocks of it.
import type { SourceRequest } from '../../ports.ts'
import type { Arm, ArmCounts, Block, MetricCounts } from '../../schema/rollout-journal.ts'
import type { Increase, Span } from './prometheus-counters.ts'
import { above, addTo, boundaryAt, plainBoundary, quantileBoundary, totalOf, type Buckets } from './prometheus-tails.ts'

/** A counter of the plan: of requests, of the bad ones of a metric, or a histogram. `scale`: its unit in ours. */
export type Meter = {
  id: string
  kind: 'requests' | 'bad' | 'histogram'
  name: string
  selector: string
  scale: number
  limits: readonly number[]
  tail?: { limit: number } | { quantile: number }
}
/** `none`: of series that say no arm. */
type Side = Arm | 'none'
type Cell = { span: Span; counts: Record<string, number>; buckets: Record<string, Buckets> }
export type Tally = {
  request: SourceRequest
  meters: readonly Meter[]
  step: number
  note: (text: string) => void
  /** Samples that are no numbers. */
  odd: number
  /** Counters that gave samples: `<id> <arm>`. */
  seen: Set<string>
  cells: Map<number, Cell>
  /** What taught the baseline in each step, whether it counted or not: by start of the step, then metric. */
  taught: Map<number, Record<string, Buckets>>
  boundaries: Map<string, Set<string>>
  add(meter: Meter, arm: Side, le: string | undefined, increase: Increase, span: Span | undefined): void
}

export function newTally(
  request: SourceRequest,
  meters: readonly Meter[],
  step: number,
  note: (text: string) => void,
): Tally {
  const cells: Tally['cells'] = new Map()
  const taught: Tally['taught'] = new Map()
  const boundaries: Tally['boundaries'] = new Map()
  return {
    request,
    meters,
    step,
    note,
    odd: 0,
    seen: new Set<string>(),
    cells,
    taught,
    boundaries,
    add: (meter, arm, written, increase, span) => {
      const le = written === undefined ? undefined : plainBoundary(written)
      if (meter.kind === 'histogram') {
        if (le === undefined) return
        boundaries.set(meter.name, (boundaries.get(meter.name) ?? new Set()).add(le))
        if (arm === 'baseline') {
          const start = Math.floor((increase.to - 1) / step) * step
          const all = taught.get(start) ?? {}
          taught.set(start, all)
          addTo((all[meter.name] ??= {}), le, increase.added)
        }
      }
      if (span === undefined) return
      const cell = cells.get(span.start) ?? { span, counts: {}, buckets: {} }
      cells.set(span.start, cell)
      const key = `${meter.id} ${arm}`
      if (le !== undefined && meter.kind === 'histogram') addTo((cell.buckets[key] ??= {}), le, increase.added)
      else cell.counts[key] = (cell.counts[key] ?? 0) + increase.added
    },
  }
}

/** The closed blocks, in order. `past` goes on learning; a step teaches only those after it. */
export function blocksOf(
  tally: Tally,
  past: Record<string, Buckets>,
  { from, closed }: { from: number | null; closed: number },
): Block[] {
  const taught = [...tally.taught]
    .toSorted(([a], [b]) => a - b)
    .filter(([start]) => start >= (from ?? 0) && start < closed)
  const cells = [...tally.cells.values()].toSorted((a, b) => a.span.start - b.span.start)
  let next = 0
  const learn = (until: number) => {
    for (let one = taught[next]; one && one[0] + tally.step <= until; one = taught[(next += 1)])
      for (const [name, buckets] of Object.entries(one[1]))
        for (const [le, added] of Object.entries(buckets)) addTo((past[name] ??= {}), le, added)
  }
  const blocks: Block[] = []
  for (const cell of cells) {
    const { span } = cell
    if (span.start + span.length > closed || span.start < (from ?? 0)) continue
    learn(Math.floor(span.start / tally.step) * tally.step)
    const arms = { baseline: armOf(tally, cell, 'baseline', past), candidate: armOf(tally, cell, 'candidate', past) }
    const armless = armlessOf(tally, cell, past)
    const some = arms.baseline.requests > 0 || arms.candidate.requests > 0 || armless
    if (some) blocks.push({ ...span, arms, both: 0, ...(armless && { armless }) })
  }
  learn(closed)
  return blocks
}

function armOf(tally: Tally, cell: Cell, arm: Side, past: Record<string, Buckets>): ArmCounts {
  const requests = cell.counts[`requests ${arm}`] ?? 0
  const metrics: Record<string, MetricCounts> = {}
  for (const meter of tally.meters) {
    if (meter.kind === 'requests') continue
    const key = `${meter.id} ${arm}`
    if (meter.kind === 'bad') metrics[meter.name] = rate(tally, meter, requests, cell.counts[key] ?? 0, arm)
    else {
      const counts = tail(tally, meter, cell.buckets[key] ?? {}, past[meter.name] ?? {})
      // Requests that are in no histogram may be those that took longest.
      const blank = Math.max(0, Math.round(requests - counts.n))
      metrics[meter.name] = blank > 0 ? { ...counts, blank } : counts
    }
  }
  return { requests, units: requests, fresh: requests, metrics }
}

/** What should say an arm and does not. */
function armlessOf(tally: Tally, cell: Cell, past: Record<string, Buckets>): Block['armless'] {
  const { requests, metrics } = armOf(tally, cell, 'none', past)
  const bad = Object.entries(metrics).flatMap(([name, counts]) => (counts.bad > 0 ? [[name, counts.bad] as const] : []))
  return requests > 0 || bad.length > 0 ? { requests, bad: Object.fromEntries(bad) } : undefined
}

const nothing = { first: 0, sum: 0, squares: 0, over: [] }

/** A counter that does not exist is no data, not zero. */
function rate({ seen, note }: Tally, meter: Meter, requests: number, counted: number, arm: Side): MetricCounts {
  if (!seen.has(`${meter.id} ${arm}`)) return { ...nothing, n: 0, bad: 0 }
  if (counted > requests)
    note(`${meter.name}: more bad events than requests were counted; are both selectors of the same?`)
  const bad = Math.min(counted, requests)
  return { ...nothing, n: requests, bad, first: bad }
}

function tail({ boundaries, note }: Tally, meter: Meter, buckets: Buckets, past: Buckets): MetricCounts {
  const known = [...(boundaries.get(meter.name) ?? [])]
  const n = totalOf(buckets)
  const at = (limit: number) => boundaryAt(known, limit, meter.scale, meter.name, note)
  if (n === 0 || meter.tail === undefined) return { ...nothing, n: 0, bad: 0, over: meter.limits.map(() => 0) }
  const le = 'limit' in meter.tail ? at(meter.tail.limit) : quantileBoundary(past, meter.tail.quantile)
  const wanted = [...meter.limits.map(at), ...(le === null ? [] : [le])]
  const missing = wanted.find((one) => buckets[one] === undefined)
  if (missing !== undefined) {
    // What is not counted there is not above it: nothing is known.
    note(`${meter.name}: some histograms have no boundary at ${missing}, so that they cannot be compared.`)
    return { ...nothing, n: 0, bad: 0, over: meter.limits.map(() => 0) }
  }
  if (le === null) note(`${meter.name}: the baseline has too little past yet to say what is too much.`)
  const bad = above(buckets, le)
  return { ...nothing, n, bad, first: bad, over: meter.limits.map((limit) => above(buckets, at(limit))) }
}
