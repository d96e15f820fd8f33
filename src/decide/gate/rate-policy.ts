// A policy that judges pass rates alone.
import type { GatePolicy } from '../../schema/gate.ts'

/** Without the gates on latency, cost, score and form, which hang on no pass. */
export function ratePolicy({
  latency_p95: _latency,
  cost_per_case: _cost,
  mean_score: _score,
  time_to_first_token_p95: _first,
  valid_output: _form,
  ...policy
}: GatePolicy): GatePolicy {
  return policy
}
