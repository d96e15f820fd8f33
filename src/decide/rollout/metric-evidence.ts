// What is known of one metric: block by block into its test, and out of it the evidence of harm and of "not worse".
import type { Block, MetricCounts, UnitTally } from '../../schema/rollout-journal.ts'
import type { Metric } from '../../schema/rollout.ts'
import { harmEvidence, ratioInterval, safeEvidence, startArmShare, stepArmShare } from '../../statistics/arm-share.ts'
import { oddsHarm, oddsInterval, oddsSafe, startStratifiedOdds, stepStratifiedOdds } from '../../statistics/e-cmh.ts'
import { joinMeans, type MeanSequence, meanInterval, startMeans, stepMeans } from '../../statistics/mean-sequence.ts'
import type { Judging } from './metrics.ts'
import type { MetricEvidence, Totals } from './state.ts'

const NOTHING: MetricCounts = { n: 0, bad: 0, first: 0, sum: 0, squares: 0, over: [] }
const zero: Totals = { n: 0, bad: 0, first: 0, sum: 0 }
/** Points that a history holds; when it is full every other one goes. */
const POINTS = 60

export function startMetric(judging: Judging, metric: Metric): MetricEvidence {
  const range = 'mean' in metric ? metric.range : undefined
  return {
    share: judging.method === 'arm-share' ? startArmShare() : null,
    odds: judging.method === 'odds' ? startStratifiedOdds(judging.risk_ratio) : null,
    means: judging.method === 'means' ? startMeans(range) : null,
    baseline: zero,
    candidate: zero,
    harm: null,
    safe: null,
    peak: null,
    history: [],
    spacing: 0,
  }
}

const added = (totals: Totals, counts: MetricCounts): Totals => ({
  n: totals.n + counts.n,
  bad: totals.bad + counts.bad,
  first: totals.first + counts.first,
  sum: totals.sum + counts.sum,
  unitless: (totals.unitless ?? 0) + (counts.unitless ?? 0),
  blank: (totals.blank ?? 0) + (counts.blank ?? 0),
  ...((counts.by_unit ?? totals.units) !== undefined && {
    units: (totals.units ?? 0) + (counts.by_unit ? counts.by_unit.fresh.n + counts.by_unit.back.n : 0),
  }),
})

/** One block further; `share` is the candidate's (0 to 1, both excluded), `hour` counts from the start of the rollout. */
export function stepMetric(
  state: MetricEvidence,
  judging: Judging,
  block: Block,
  share: number,
  hour: number,
): MetricEvidence {
  const baseline = block.arms.baseline.metrics[judging.name] ?? NOTHING
  const candidate = block.arms.candidate.metrics[judging.name] ?? NOTHING
  const blank = (baseline.blank ?? 0) + (candidate.blank ?? 0)
  const events = baseline.n + candidate.n + baseline.first + candidate.first + blank
  if (events === 0) return state
  const next = { ...state, baseline: added(state.baseline, baseline), candidate: added(state.candidate, candidate) }
  const end = block.start + block.length
  if (baseline.n > 0) next.seen = { ...next.seen, baseline: end }
  if (candidate.n > 0) next.seen = { ...next.seen, candidate: end }
  if (state.share && baseline.first + candidate.first > 0)
    next.share = stepArmShare(state.share, { share, candidate: candidate.first, baseline: baseline.first, hour })
  const [ofBaseline, ofCandidate] = [baseline.at_risk, candidate.at_risk]
  if (state.share && ofBaseline !== undefined && ofCandidate !== undefined)
    next.risk = stepStratifiedOdds(state.risk ?? startStratifiedOdds(judging.risk_ratio), {
      baseline: { n: ofBaseline, bad: baseline.first },
      candidate: { n: ofCandidate, bad: candidate.first },
      hour,
    })
  for (const strata of strataOf(baseline, candidate)) {
    if (next.odds) next.odds = stepStratifiedOdds(next.odds, { ...strata, hour })
    const stratum = `g${block.generation}h${Math.floor(hour)}`
    if (next.means && strata.back)
      next.means_back = stepMeans(next.means_back ?? { ...startMeans(), span: next.means.span }, { stratum, ...strata })
    else if (next.means) next.means = stepMeans(next.means, { stratum, ...strata })
  }
  const harm = next.share ? harmEvidence(next.share) : next.odds ? oddsHarm(next.odds) : null
  if (harm !== null) next.peak = Math.max(state.peak ?? harm, harm)
  return next
}

/** What is compared: every event, or, where the source follows values of units, one of each unit and share. */
function strataOf(
  baseline: MetricCounts,
  candidate: MetricCounts,
): { back: boolean; baseline: UnitTally; candidate: UnitTally }[] {
  const [one, other] = [baseline.by_unit, candidate.by_unit]
  if (!one && !other) return [{ back: false, baseline, candidate }]
  const none: UnitTally = { n: 0, bad: 0, sum: 0, squares: 0 }
  return (['fresh', 'back'] as const).flatMap((kind) => {
    const strata = { back: kind === 'back', baseline: one?.[kind] ?? none, candidate: other?.[kind] ?? none }
    return strata.baseline.n + strata.candidate.n > 0 ? [strata] : []
  })
}

const meansOf = ({ means, means_back: back }: MetricEvidence): MeanSequence | null =>
  means && back ? joinMeans(means, back) : means

/** The greatest ln(1/alpha) at which `holds` of the interval; bisection, exact to a hundredth. */
function strength(means: MeanSequence, holds: (low: number, high: number) => boolean): number | null {
  const at = (log: number) => {
    const interval = meanInterval(means, Math.exp(-log))
    return interval !== null && holds(interval.low, interval.high)
  }
  if (meanInterval(means, 0.5) === null) return null
  let [low, high] = [0.05, 60]
  if (!at(low)) return 0
  while (high - low > 0.01) {
    const middle = (low + high) / 2
    if (at(middle)) low = middle
    else high = middle
  }
  return low
}

function meansEvidence(means: MeanSequence, judging: Judging): { harm: number | null; safe: number | null } {
  const baseline = meanInterval(means, judging.alpha)?.baseline ?? 0
  const margin = 'abs' in judging.margin ? judging.margin.abs : judging.margin.rel * Math.abs(baseline)
  const better = judging.direction === 1
  return {
    harm: strength(means, (low, high) => (better ? high < 0 : low > 0)),
    safe: strength(means, (low, high) => (better ? low > -margin : high < margin)),
  }
}

/** At the end of a look: the evidence in numbers, and a point of the history at the time `at`. */
export function weighMetric(state: MetricEvidence, judging: Judging, at: number): MetricEvidence {
  const means = meansOf(state)
  const { harm, safe } = means
    ? meansEvidence(means, judging)
    : state.share
      ? {
          harm: harmEvidence(state.share),
          safe: state.risk ? oddsSafe(state.risk) : safeEvidence(state.share, judging.risk_ratio),
        }
      : state.odds
        ? { harm: oddsHarm(state.odds), safe: oddsSafe(state.odds) }
        : { harm: null, safe: null }
  const peak = harm === null ? state.peak : Math.max(state.peak ?? harm, harm)
  if (harm === null) return { ...state, harm, safe, peak }
  const last = state.history.at(-1)
  if (last && at < last.at + state.spacing) return { ...state, harm, safe, peak }
  const history = [...state.history, { at, harm, safe }]
  if (history.length <= POINTS) return { ...state, harm, safe, peak, history }
  const span = at - (history[0]?.at ?? at)
  return { ...state, harm, safe, peak, history: history.filter((_, i) => i % 2 === 0), spacing: (span / POINTS) * 2 }
}

/** Risk ratio or difference of means with its interval at the metric's alpha, and the rate or mean of each arm. */
export function estimateOf(state: MetricEvidence, judging: Judging) {
  const means = meansOf(state)
  if (means) {
    const interval = meanInterval(means, judging.alpha)
    const mean = (totals: Totals) => (totals.n > 0 ? totals.sum / totals.n : null)
    return {
      estimate: interval?.estimate ?? null,
      low: interval?.low ?? null,
      high: interval?.high ?? null,
      baseline: interval?.baseline ?? mean(state.baseline),
      candidate: interval?.candidate ?? mean(state.candidate),
    }
  }
  const rate = (totals: Totals) => (totals.n > 0 ? totals.bad / totals.n : null)
  const seen = state.share
    ? ratioInterval(state.share, judging.alpha)
    : state.odds
      ? oddsInterval(state.odds, judging.alpha)
      : null
  return {
    estimate: seen?.estimate ?? null,
    low: seen?.low ?? null,
    high: seen?.high ?? null,
    baseline: rate(state.baseline),
    candidate: rate(state.candidate),
  }
}
