// The difference of two means with an interval that may be read at every look, compared within strata (stage and hour).
// Source: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, arXiv:2103.06476 (asymptotic confidence sequences, Theorem 2.2).
import { requireAmount } from './log-space.ts'

/** Count, sum and sum of squares of the values of one arm in one block. */
export type Moments = { readonly n: number; readonly sum: number; readonly squares: number }

/**
 * What was seen: the open stratum, and of the closed ones the sums over strata of the weight h, h x mean of each arm and
 * the variance of h x difference. Plain JSON of some fifteen numbers.
 */
export type MeanSequence = {
  readonly span: number | null
  readonly stratum: string | null
  readonly open: { readonly baseline: Moments; readonly candidate: Moments }
  readonly closed: Totals
  /** Of the values of both arms together: how far they lie apart at all. */
  readonly pooled: Moments
}
type Totals = {
  readonly weight: number
  readonly baseline: number
  readonly candidate: number
  readonly variance: number
  /** Values in each arm of the strata that count. */
  readonly counts: { readonly baseline: number; readonly candidate: number }
}

/** Difference candidate minus baseline with its interval, and the mean of each arm, all weighted alike over the strata. */
export type MeanInterval = { estimate: number; low: number; high: number; baseline: number; candidate: number }

const none: Moments = { n: 0, sum: 0, squares: 0 }
const nothing: Totals = { weight: 0, baseline: 0, candidate: 0, variance: 0, counts: { baseline: 0, candidate: 0 } }
/** Pairs at which the interval is narrowest for its level, and from which on the normal approximation is trusted. */
const sharpestAt = 1000
const fewest = 100

/**
 * Nothing seen. `range`: least and greatest possible value; then each arm is given the variance of one more, extreme,
 * observation, so that a mean of values that were all alike so far is not taken as certain.
 */
export function startMeans(range?: readonly [number, number]): MeanSequence {
  const span = range === undefined ? null : range[1] - range[0]
  return { span, stratum: null, open: { baseline: none, candidate: none }, closed: nothing, pooled: none }
}

/**
 * The state after one more block. `stratum` names what is alike in both arms, such as stage and hour; when it changes, the
 * earlier one is closed. A stratum with fewer than two values in an arm compares nothing and is left out.
 */
export function stepMeans(
  state: MeanSequence,
  { stratum, baseline, candidate }: { stratum: string; baseline: Moments; candidate: Moments },
): MeanSequence {
  requireAmount('n of the baseline', baseline.n)
  requireAmount('n of the candidate', candidate.n)
  const same = stratum === state.stratum
  const open = same ? state.open : { baseline: none, candidate: none }
  return {
    span: state.span,
    stratum,
    open: { baseline: added(open.baseline, baseline), candidate: added(open.candidate, candidate) },
    closed: same ? state.closed : totalsOf(state),
    pooled: added(state.pooled, added(baseline, candidate)),
  }
}

const added = (a: Moments, b: Moments): Moments => ({
  n: a.n + b.n,
  sum: a.sum + b.sum,
  squares: a.squares + b.squares,
})

/** Two sequences whose strata are not the same (kinds of units, say) as one, to be asked and not to be stepped further. */
export function joinMeans(a: MeanSequence, b: MeanSequence): MeanSequence {
  const [one, two] = [totalsOf(a), totalsOf(b)]
  const sum = (of: (totals: Totals) => number) => of(one) + of(two)
  const closed: Totals = {
    weight: sum((totals) => totals.weight),
    baseline: sum((totals) => totals.baseline),
    candidate: sum((totals) => totals.candidate),
    variance: sum((totals) => totals.variance),
    counts: {
      baseline: sum((totals) => totals.counts.baseline),
      candidate: sum((totals) => totals.counts.candidate),
    },
  }
  return { ...startMeans(), span: a.span ?? b.span, closed, pooled: added(a.pooled, b.pooled) }
}

/** Variance of the mean of one arm; without a minus by rounding. */
function errorOf({ n, sum, squares }: Moments): number {
  return Math.max(0, squares - (sum * sum) / n) / (n - 1) / n
}

/** Variance of all values; where that is but rounding, the most that it can be between 0 and their mean. */
function spreadOf({ n, sum, squares }: Moments): number {
  if (n === 0) return 0
  const spread = squares / n - (sum / n) ** 2
  return spread > (squares / n) * 1e-12 ? spread : (sum / n) ** 2 / 4
}

/** Closed strata and the open one together; h = n_c n_b / (n_c + n_b) weighs best where the arms' variances are alike. */
function totalsOf({ open: { baseline, candidate }, closed }: MeanSequence): Totals {
  if (baseline.n < 2 || candidate.n < 2) return closed
  const h = (baseline.n * candidate.n) / (baseline.n + candidate.n)
  return {
    weight: closed.weight + h,
    baseline: closed.baseline + (h * baseline.sum) / baseline.n,
    candidate: closed.candidate + (h * candidate.sum) / candidate.n,
    variance: closed.variance + h * h * (errorOf(baseline) + errorOf(candidate)),
    counts: { baseline: closed.counts.baseline + baseline.n, candidate: closed.counts.candidate + candidate.n },
  }
}

/**
 * The interval at level `alpha` (two-sided: both ends together are wrong at some look with a chance of about alpha); null
 * while there are fewer than 100 effective pairs, or where all values were 0. Asymptotic, so not for the first minutes. Where
 * each arm has but one value, the spread of both together stands for what was not seen; where there is but one in both, its
 * distance to 0 does.
 */
export function meanInterval(state: MeanSequence, alpha: number): MeanInterval | null {
  const { weight, counts, ...totals } = totalsOf(state)
  const pairs = 2 * weight
  if (pairs < fewest) return null
  const extreme = counts.baseline ** -2 + counts.candidate ** -2
  const unseen = ((state.span ?? 0) ** 2 / 4) * extreme
  const floor = spreadOf(state.pooled) * extreme
  const variance = Math.max(totals.variance + weight * weight * unseen, weight * weight * floor)
  if (!(variance > 0)) return null
  const baseline = totals.baseline / weight
  const candidate = totals.candidate / weight
  const deviation = (Math.sqrt(variance) / weight) * Math.sqrt(pairs)
  const half = sequenceHalfWidth(pairs, deviation, alpha)
  const estimate = candidate - baseline
  return { estimate, low: estimate - half, high: estimate + half, baseline, candidate }
}

/**
 * Half of the width of the two-sided asymptotic confidence sequence of a mean of n values of standard deviation s:
 * s sqrt(2 (n r + 1) / (n^2 r) ln(sqrt(n r + 1) / alpha)), where r = (-2 ln alpha + ln(-2 ln alpha + 1)) / 1000.
 */
export function sequenceHalfWidth(n: number, deviation: number, alpha: number): number {
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`alpha must lie between 0 and 1, not ${alpha}`)
  const twice = -2 * Math.log(alpha)
  const r = (twice + Math.log(twice + 1)) / sharpestAt
  return deviation * Math.sqrt(((2 * (n * r + 1)) / (n * n * r)) * Math.log(Math.sqrt(n * r + 1) / alpha))
}
