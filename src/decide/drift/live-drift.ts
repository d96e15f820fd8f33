// Has live traffic drifted? What was counted in a window against the reference: who asks what, what is answered, how it is judged.
import type { DriftPlan, DriftSample, DriftWatch, HourlyCounts, LiveDrift, LiveRow } from '../../schema/drift.ts'
import { worst } from '../../schema/verdict.ts'
import { weightedHolm } from '../../statistics/holm.ts'
import { type CellCounts, type Homogeneity, twoSeries } from '../../statistics/homogeneity.ts'
import { valueOf } from '../../statistics/log-histogram.ts'
import { byText, counted, fixed, names, percent, points, pText } from '../words.ts'
import { OTHER } from './live-plan.ts'

/** By custom a stability index from here on is a moderate change. */
const PSI_FLOOR = 0.1
const RATE_FLOOR = 0.02
/** A distribution is compared by tenths of its reference. */
const TENTHS = 10
/** A value of a mix that is expected this seldom in either sample goes to the others (Cochran 1954). */
const FEWEST_EXPECTED = 5
/** Fewer hours than this say too little about how much hours differ. */
const FEWEST_HOURS = 6

type Sides = { before: HourlyCounts; now: HourlyCounts }

/**
 * One look. `alpha` is the rate of false alarms of this look over everything watched (Holm); a change that is proven but
 * smaller than its floor is none. `pass`: nothing drifted, and the window would have shown a change of the floor;
 * `fail`: drift is proven, or another model answers; `invalid`: something could not be measured.
 */
export function liveDrift(plan: DriftPlan, reference: DriftSample, sample: DriftSample, alpha = plan.alpha): LiveDrift {
  const measured = Object.entries(plan.watch).map(([name, watch]) => {
    const sides = { before: reference.counts[name] ?? [], now: sample.counts[name] ?? [] }
    return { name, watch, ...measure(plan, watch, sides) }
  })
  const adjusted = weightedHolm(
    measured.map(({ test }) => test?.p ?? 1),
    measured.map(() => 1),
  )
  const rows = measured.map((one, index) => rowOf(one, { adjusted: adjusted[index] ?? 1, alpha }))
  const swaps = swapsOf(reference, sample)
  const lacking = rows.filter(({ outcome }) => outcome === 'invalid')
  const moved = rows.filter(({ outcome }) => outcome === 'fail')
  const open = rows.filter(({ outcome }) => outcome === 'inconclusive')
  const outcome = worst([...(swaps.length > 0 ? ['fail' as const] : []), ...rows.map((row) => row.outcome)])
  const reasons = [
    ...swaps,
    ...moved.map(sentence),
    ...(lacking.length > 0 ? [`Not measured: ${names(lacking.map(({ name }) => name))}.`] : []),
    ...(open.length > 0
      ? [`Open: ${names(open.map(({ name }) => name))}: too few events, or too uneven ones, to tell.`]
      : []),
  ]
  const { since, until, events } = sample
  return {
    drift: plan.drift,
    outcome,
    since,
    until,
    events,
    alpha,
    swaps,
    reasons: reasons.length > 0 ? reasons : [`No drift in ${counted(events, 'event')}.`],
    warnings: measured.flatMap(({ problem, name }) => (problem === undefined ? [] : [`${name}: ${problem}`])),
    rows,
  }
}

type Measured = {
  name: string
  watch: DriftWatch
  test: Homogeneity | null
  cells: number
  n: [number, number]
  problem: string | undefined
  said: { before: string; now: string }
  difference: number
  /** Of a rate: the share of both together, kept away from 0 and 1 by one event. */
  pooled: number
}

const totals = (counts: HourlyCounts): Record<string, number> => {
  const all: Record<string, number> = {}
  for (const { cells } of counts) for (const [cell, n] of Object.entries(cells)) all[cell] = (all[cell] ?? 0) + n
  return all
}
const sumOf = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0)

function measure(plan: DriftPlan, watch: DriftWatch, { before, now }: Sides): Omit<Measured, 'name' | 'watch'> {
  const [first, second] = [totals(before), totals(now)]
  const n: [number, number] = [sumOf(first), sumOf(second)]
  const hours = Math.min(before.length, now.length)
  const problem =
    Math.min(...n) < plan.min_events
      ? `${counted(n[0], 'event')} in the reference and ${n[1]} now; it takes ${plan.min_events}.`
      : hours < FEWEST_HOURS
        ? `events of ${counted(hours, 'hour')} only; it takes ${FEWEST_HOURS} on either side.`
        : undefined
  const groups = groupsOf(watch, first, second)
  const cells = new Set(groups.values()).size
  const rate = (counts: Record<string, number>, total: number) => (total === 0 ? 0 : (counts['bad'] ?? 0) / total)
  const test =
    problem === undefined
      ? twoSeries(
          [
            { first: vectors(before, groups, cells), second: vectors(now, groups, cells) },
            { first: vectors(byDay(before), groups, cells), second: vectors(byDay(now), groups, cells) },
          ],
          cells,
        )
      : null
  return {
    test,
    cells,
    n,
    problem,
    said: { before: summary(watch, first), now: summary(watch, second) },
    difference: rate(second, n[1]) - rate(first, n[0]),
    pooled: ((first['bad'] ?? 0) + (second['bad'] ?? 0) + 1) / (n[0] + n[1] + 2),
  }
}

/** Which group each cell belongs to: tenths of the reference for values, values that are not too rare for a mix. */
function groupsOf(
  watch: DriftWatch,
  first: Record<string, number>,
  second: Record<string, number>,
): Map<string, number> {
  const cells = [...new Set([...Object.keys(first), ...Object.keys(second)])]
  if ('value' in watch) return tenths(cells, first)
  const all = sumOf(first) + sumOf(second)
  const least = Math.min(sumOf(first), sumOf(second)) / all
  const rare = (cell: string) => ((first[cell] ?? 0) + (second[cell] ?? 0)) * least < FEWEST_EXPECTED
  const kept = cells.filter((cell) => 'rate' in watch || (cell !== OTHER && !rare(cell))).sort(byText)
  return new Map(cells.map((cell) => [cell, kept.includes(cell) ? kept.indexOf(cell) : kept.length]))
}

/** Groups of neighbouring buckets, each of about a tenth of the reference; what lies beyond all that was seen joins the nearest. */
function tenths(cells: readonly string[], reference: Record<string, number>): Map<string, number> {
  const sorted = cells.map((cell) => ({ cell, value: valueOf(cell) })).sort((a, b) => a.value - b.value)
  const all = sumOf(reference)
  let seen = 0
  const placed = sorted.map(({ cell }) => {
    const count = reference[cell] ?? 0
    // A bucket belongs to the tenth in which its middle lies.
    const at = Math.min(TENTHS - 1, Math.floor(((seen + count / 2) / Math.max(1, all)) * TENTHS))
    seen += count
    return { cell, at, count }
  })
  // A tenth that only buckets without a reference fell into would be no tenth.
  const filled = [...new Set(placed.filter(({ count }) => count > 0).map(({ at }) => at))].sort((a, b) => a - b)
  const nearest = (at: number) =>
    Math.max(
      0,
      filled.findLastIndex((one) => one <= at),
    )
  return new Map(placed.map(({ cell, at }) => [cell, nearest(at)]))
}

function byDay(counts: HourlyCounts): HourlyCounts {
  const days = new Map<string, Record<string, number>>()
  for (const { hour, cells } of counts) {
    const day = `${hour.slice(0, 10)}T00:00:00.000Z`
    const all = days.get(day) ?? {}
    for (const [cell, n] of Object.entries(cells)) all[cell] = (all[cell] ?? 0) + n
    days.set(day, all)
  }
  return [...days].map(([hour, cells]) => ({ hour, cells }))
}

function vectors(counts: HourlyCounts, groups: ReadonlyMap<string, number>, cells: number): CellCounts[] {
  return counts.map((one) => {
    const vector = Array.from({ length: cells }, () => 0)
    for (const [cell, n] of Object.entries(one.cells)) {
      const at = groups.get(cell) ?? 0
      vector[at] = (vector[at] ?? 0) + n
    }
    return vector
  })
}

/** In words: the median of values, the commonest values of a mix, the share of a rate. */
function summary(watch: DriftWatch, counts: Record<string, number>): string {
  const all = sumOf(counts)
  if (all === 0) return 'nothing'
  if ('rate' in watch) return percent((counts['bad'] ?? 0) / all)
  if ('mix' in watch) {
    const sorted = Object.entries(counts).sort(([a, n], [b, m]) => m - n || byText(a, b))
    return sorted.slice(0, 3).map(([cell, n]) => `${cell} ${percent(n / all)}`).join(', ') // biome-ignore format: one list
  }
  const sorted = Object.entries(counts)
    .map(([cell, n]) => ({ value: valueOf(cell), n }))
    .sort((a, b) => a.value - b.value)
  const at = (q: number) => {
    let seen = 0
    return sorted.find(({ n }) => (seen += n) >= q * all)?.value ?? 0
  }
  const say = (value: number) => String(Number(value.toPrecision(3)))
  return `median ${say(at(0.5))}, p95 ${say(at(0.95))}`
}

function rowOf(one: Measured, { adjusted, alpha }: { adjusted: number; alpha: number }): LiveRow {
  const { watch, test, n } = one
  const isRate = 'rate' in watch
  const floor = watch.floor ?? (isRate ? RATE_FLOOR : PSI_FLOOR)
  const effect = isRate ? one.difference : (test?.psi ?? null)
  // What chance alone makes of the effect in a window of this size: three standard errors, or thrice the mean of the index.
  const noise = test ? chance(one, test.dispersion) : Infinity
  const large = effect !== null && Math.abs(effect) >= floor
  const outcome =
    one.problem !== undefined || (test === null && one.cells > 1)
      ? 'invalid'
      : large
        ? adjusted <= alpha
          ? 'fail'
          : 'inconclusive'
        : noise > floor && one.cells > 1
          ? 'inconclusive'
          : 'pass'
  return {
    name: one.name,
    outcome,
    measure: isRate ? 'points' : 'psi',
    effect,
    floor,
    p: test?.p ?? null,
    adjusted_p: test ? adjusted : null,
    dispersion: test?.dispersion ?? null,
    ...one.said,
    events: n[1],
  }
}

function chance({ watch, cells, n, pooled }: Measured, dispersion: number): number {
  const spread = dispersion * (1 / n[0] + 1 / n[1])
  return 'rate' in watch ? 3 * Math.sqrt(spread * pooled * (1 - pooled)) : 3 * (cells - 1) * spread
}

/** A name that was asked for and is answered by another one than in the reference. */
function swapsOf(reference: DriftSample, sample: DriftSample): string[] {
  const answers = ({ models }: DriftSample, name: string) =>
    models.filter(({ requested }) => requested === name).map(({ answered }) => answered)
  const asked = [...new Set(sample.models.map(({ requested }) => requested))].sort(byText)
  return asked.flatMap((requested) => {
    const before = answers(reference, requested)
    const strangers = answers(sample, requested).filter((answered) => !before.includes(answered))
    if (before.length === 0 || strangers.length === 0) return []
    return [`${requested} is answered by ${names(strangers)}, before by ${names(before)}: a silent swap.`]
  })
}

function sentence({ name, measure, effect, before, now, adjusted_p }: LiveRow): string {
  const size = measure === 'points' ? `${points(effect ?? 0)} points` : `stability index ${fixed(effect ?? 0, 2)}`
  return `${name} moved: ${before} -> ${now} (${size}, ${pText(adjusted_p ?? 1)}).`
}
