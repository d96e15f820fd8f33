// The latency gates: p95 of the answers against a limit, and each case against itself in the baseline.
import type { CaseTally } from '../../schema/baseline.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import { hodgesLehmann } from '../../statistics/hodges-lehmann.ts'
import { quantile, quantileBounds } from '../../statistics/quantile.ts'
import { signedRank } from '../../statistics/signed-rank.ts'
import { type Gates, interval, type Judged, result } from './gate.ts'
import { absoluteProof, increaseOutcome, settled } from './increase.ts'
import type { Look } from './look.ts'
import type { Pair } from './pairing.ts'
import { changeText, counted, intervalText, milliseconds, percent, pText } from '../words.ts'

/**
 * Fewer calls show a 95 % quantile too badly: what stays open with them settles nothing. What is proven counts, because
 * the order statistics prove at their level whatever the number of calls.
 */
const CALLS_FOR_P95 = 200
/** Clocks tell no more: shorter medians are taken as this, so that noise below a millisecond is no ratio. */
const CLOCK_MS = 1

type Input = { tallies: readonly CaseTally[]; pairs: readonly Pair[] | null; policy: GatePolicy; look: Look }

/** The gates `latency` (limit on p95) and `latency/increase` (ratio to the baseline); none when the policy asks for none. */
export function latencyGates({ tallies, pairs, policy, look }: Input): Gates {
  const { max, max_increase: increase } = policy.latency_p95 ?? {}
  const gates: Judged[] = []
  if (max !== undefined) gates.push(limitGate(tallies, max, policy, look))
  if (increase !== undefined && pairs) gates.push(increaseGate(pairs, increase, policy, look))
  return { gates, warnings: [] }
}

const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b)
export const median = (values: readonly number[]): number => quantile(sorted(values), 0.5)
const p95 = (tallies: readonly CaseTally[]) => quantile(sorted(tallies.flatMap((tally) => tally.latencies_ms)), 0.95)

function limitGate(tallies: readonly CaseTally[], max: number, policy: GatePolicy, look: Look): Judged {
  const calls = sorted(tallies.flatMap((tally) => tally.latencies_ms))
  const n = tallies.filter(({ latencies_ms }) => latencies_ms.length > 0).length
  const base = { id: 'latency', kind: 'latency' as const, limit: max, unit: 'ms' as const, n, test: 'order statistics' }
  if (calls.length === 0) {
    const sentence = 'The latency is unknown: no answer was measured.'
    return { result: result({ ...base, outcome: 'invalid', sentence }), open: false }
  }
  const estimate = quantile(calls, 0.95)
  const { proof, bounds, level } = absoluteProof(look, (at) => quantileBounds(calls, 0.95, at), {
    broken: ({ low }) => low > max,
    kept: ({ high }) => high <= max,
  })
  const decides = calls.length >= CALLS_FOR_P95 || proof !== 'open'
  const range = interval(bounds, level)
  const shown = range ? ` (${intervalText(range, milliseconds)})` : ''
  const seen = `p95 latency ${milliseconds(estimate)} over ${counted(calls.length, 'call')}${shown}, limit ${milliseconds(max)}`
  const few = `Shown only: nothing is proven, and fewer than ${CALLS_FOR_P95} calls cannot settle a p95.`
  const { outcome, open, says } = settled(proof, estimate > max, policy.burden)
  return {
    result: result({
      ...base,
      outcome: decides ? outcome : 'pass',
      decides,
      estimate,
      interval: range,
      sentence: `${seen}. ${decides ? says : few}`,
      needed:
        decides && proof !== 'open'
          ? null
          : decides
            ? 'More calls.'
            : `${CALLS_FOR_P95} calls instead of ${calls.length}.`,
    }),
    open: decides && open,
  }
}

function increaseGate(all: readonly Pair[], increase: number, policy: GatePolicy, look: Look): Judged {
  const pairs = all.filter(
    ({ candidate, baseline }) => candidate.latencies_ms.length > 0 && baseline.latencies_ms.length > 0,
  )
  const base = {
    id: 'latency/increase',
    kind: 'latency' as const,
    limit: 1 + increase,
    unit: 'ms' as const,
    n: pairs.length,
    test: 'signed-rank on log ratios of medians',
  }
  if (pairs.length === 0) {
    const sentence = 'Latencies could not be compared: no case was timed on both sides.'
    return {
      result: result({ ...base, outcome: 'inconclusive', sentence, needed: 'A baseline with latencies.' }),
      open: false,
    }
  }
  const logs = pairs.map(({ candidate, baseline }) =>
    Math.log(Math.max(CLOCK_MS, median(candidate.latencies_ms)) / Math.max(CLOCK_MS, median(baseline.latencies_ms))),
  )
  const { greater: p } = signedRank(logs.map((log) => log - Math.log(1 + increase)))
  const found = hodgesLehmann(logs, look.passLevel)
  const ratio = Math.exp(found.estimate)
  const bounds = { low: Math.exp(found.low), high: Math.exp(found.high) }
  const range = interval(bounds, look.passLevel)
  const [now, before] = [p95(pairs.map(({ candidate }) => candidate)), p95(pairs.map(({ baseline }) => baseline))]
  const { outcome, open, says } = increaseOutcome({ p, ratio, high: bounds.high, limit: 1 + increase, policy, look })
  const text = (value: number) => `×${value.toFixed(2)}`
  const seen = `Latency per case ${changeText(ratio, 'higher', 'lower')}${range ? ` (${intervalText(range, text)})` : ''}`
  return {
    result: result({
      ...base,
      outcome,
      estimate: now,
      baseline: before,
      difference: ratio,
      interval: range,
      p,
      sentence: `${seen}, ${pText(p)} for more than ${percent(increase)}; p95 ${milliseconds(now)} against ${milliseconds(before)}. ${says}`,
      needed: outcome === 'inconclusive' ? 'More trials or more cases.' : null,
    }),
    open,
  }
}
