// The gates on waiting: p95 of the whole answers, and of their first pieces, against a limit and each case against itself in the baseline.
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

/** What people wait for: its name in sentences, and the times of a case in milliseconds. */
type Wait = {
  kind: 'latency' | 'first_token'
  name: string
  unknown: string
  of: (tally: CaseTally) => readonly number[]
}

const answer: Wait = {
  kind: 'latency',
  name: 'latency',
  unknown: 'no answer was measured',
  of: ({ latencies_ms }) => latencies_ms,
}
const firstPiece: Wait = {
  kind: 'first_token',
  name: 'time to first token',
  unknown: 'no answer was streamed. Write `stream: true` in the params of the model, or `stream` in the http target',
  of: ({ first_tokens_ms = [] }) => first_tokens_ms,
}

/** The gates `latency` (limit on p95) and `latency/increase` (ratio to the baseline); none when the policy asks for none. */
export const latencyGates = (input: Input): Gates => waitGates(answer, input.policy.latency_p95, input)

/** The gates `first_token` and `first_token/increase`, of streamed answers. */
export const firstTokenGates = (input: Input): Gates =>
  waitGates(firstPiece, input.policy.time_to_first_token_p95, input)

function waitGates(wait: Wait, limits: GatePolicy['latency_p95'], { tallies, pairs, policy, look }: Input): Gates {
  const { max, max_increase: increase } = limits ?? {}
  const gates: Judged[] = []
  if (max !== undefined) gates.push(limitGate(wait, tallies, max, { policy, look }))
  if (increase !== undefined && pairs) gates.push(increaseGate(wait, pairs, increase, { policy, look }))
  return { gates, warnings: [] }
}

type Held = Pick<Input, 'policy' | 'look'>

const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b)
export const median = (values: readonly number[]): number => quantile(sorted(values), 0.5)

function limitGate(wait: Wait, tallies: readonly CaseTally[], max: number, { policy, look }: Held): Judged {
  const { kind, name, of } = wait
  const calls = sorted(tallies.flatMap(of))
  const n = tallies.filter((tally) => of(tally).length > 0).length
  const base = { id: kind, kind, limit: max, unit: 'ms' as const, n, test: 'order statistics' }
  if (calls.length === 0) {
    const sentence = `The ${name} is unknown: ${wait.unknown}.`
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
  const seen = `p95 ${name} ${milliseconds(estimate)} over ${counted(calls.length, 'call')}${shown}, limit ${milliseconds(max)}`
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

function increaseGate(wait: Wait, all: readonly Pair[], increase: number, { policy, look }: Held): Judged {
  const { kind, name, of } = wait
  const pairs = all.filter(({ candidate, baseline }) => of(candidate).length > 0 && of(baseline).length > 0)
  const base = {
    id: `${kind}/increase`,
    kind,
    limit: 1 + increase,
    unit: 'ms' as const,
    n: pairs.length,
    test: 'signed-rank on log ratios of medians',
  }
  if (pairs.length === 0) {
    const what = kind === 'latency' ? 'Latencies' : 'Times to first token'
    const sentence = `${what} could not be compared: no case was timed on both sides.`
    return {
      result: result({
        ...base,
        outcome: 'inconclusive',
        sentence,
        needed: kind === 'latency' ? 'A baseline with latencies.' : 'A baseline of streamed answers.',
      }),
      open: false,
    }
  }
  const logs = pairs.map(({ candidate, baseline }) =>
    Math.log(Math.max(CLOCK_MS, median(of(candidate))) / Math.max(CLOCK_MS, median(of(baseline)))),
  )
  const { greater: p } = signedRank(logs.map((log) => log - Math.log(1 + increase)))
  const found = hodgesLehmann(logs, look.passLevel)
  const ratio = Math.exp(found.estimate)
  const bounds = { low: Math.exp(found.low), high: Math.exp(found.high) }
  const range = interval(bounds, look.passLevel)
  const p95 = (side: readonly CaseTally[]) => quantile(sorted(side.flatMap(of)), 0.95)
  const [now, before] = [p95(pairs.map(({ candidate }) => candidate)), p95(pairs.map(({ baseline }) => baseline))]
  const { outcome, open, says } = increaseOutcome({ p, ratio, high: bounds.high, limit: 1 + increase, policy, look })
  const text = (value: number) => `×${value.toFixed(2)}`
  const seen = `${name[0]?.toUpperCase()}${name.slice(1)} per case ${changeText(ratio, 'higher', 'lower')}${range ? ` (${intervalText(range, text)})` : ''}`
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
