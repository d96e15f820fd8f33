// Recorded outputs of two sides become pairs, and pairs become events that any log can carry.
import type { RecordedOutput, ShadowPair } from '../../schema/shadow.ts'

/** A request that both sides have answered. */
export type Answered = { id: string; baseline: RecordedOutput; candidate: RecordedOutput }

/** The requests that are in both, in the order of the baseline; `unpaired`: those of one side alone. */
export function pairUp(
  baseline: ReadonlyMap<string, RecordedOutput>,
  candidate: ReadonlyMap<string, RecordedOutput>,
): { answered: Answered[]; unpaired: number } {
  const answered = [...baseline].flatMap(([id, one]): Answered[] => {
    const other = candidate.get(id)
    return other === undefined ? [] : [{ id, baseline: one, candidate: other }]
  })
  return { answered, unpaired: baseline.size + candidate.size - 2 * answered.length }
}

/** True for a record that says what went wrong; one that says nothing and has an output did not fail. */
export function hasFailed({ error, output }: RecordedOutput): boolean {
  if (error === undefined || error === null) return output === undefined
  return error !== false && error !== ''
}

const minus = (a: number | undefined, b: number | undefined) => (a === undefined || b === undefined ? undefined : a - b)

/**
 * The pair of two records. `similarity` is what was measured of the outputs; an answer that failed where the baseline
 * had one is as unlike it as can be. `at`: milliseconds since 1970.
 */
export function pairOf(
  { id, baseline, candidate }: Answered,
  measured: number | undefined,
  at: number | undefined,
): ShadowPair {
  const [before, after] = [hasFailed(baseline), hasFailed(candidate)]
  const similarity = before ? undefined : after ? 0 : measured
  const pair = {
    id,
    at,
    similarity,
    winner: candidate.winner ?? baseline.winner,
    // How soon somebody fails says nothing about how fast they answer.
    delta_ms: before || after ? undefined : minus(candidate.latency_ms, baseline.latency_ms),
    baseline_ms: before || after ? undefined : baseline.latency_ms,
    delta_cost_usd: minus(candidate.cost_usd, baseline.cost_usd),
    baseline_cost_usd: baseline.cost_usd,
    baseline_error: before,
    candidate_error: after,
    delta_confidence: minus(candidate.confidence, baseline.confidence),
  }
  return Object.fromEntries(Object.entries(pair).filter(([, value]) => value !== undefined))
}

/** A pair as an event; what is not known is left out. */
export function pairEvent(pair: ShadowPair, rollout?: string): Record<string, string | number | boolean | null> {
  const failed = (one: boolean | undefined) => (one === undefined ? undefined : one ? 'failed' : null)
  const event = {
    ts: pair.at === undefined ? undefined : new Date(pair.at).toISOString(),
    'event.name': 'aigate.shadow.pair',
    'aigate.pair.id': pair.id,
    'aigate.rollout': rollout,
    'aigate.similarity': pair.similarity,
    'aigate.winner': pair.winner,
    'aigate.delta_ms': pair.delta_ms,
    'aigate.baseline_ms': pair.baseline_ms,
    'aigate.delta_cost_usd': pair.delta_cost_usd,
    'aigate.baseline_cost_usd': pair.baseline_cost_usd,
    'aigate.baseline_error': failed(pair.baseline_error),
    'aigate.candidate_error': failed(pair.candidate_error),
    'aigate.delta_confidence': pair.delta_confidence,
  }
  const known = Object.entries(event).filter(([, value]) => value !== undefined)
  return Object.fromEntries(known) as Record<string, string | number | boolean | null>
}
