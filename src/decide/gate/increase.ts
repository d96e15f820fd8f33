// What latency, cost and score gates have in common: proven bad blocks, proven good passes, and the burden settles the rest.
import type { GatePolicy } from '../../schema/gate.ts'
import type { Outcome } from '../../schema/verdict.ts'
import type { Look } from './look.ts'

export type Proof = 'good' | 'bad' | 'open'
type Bounds = { low: number; high: number }

/**
 * Whether an absolute limit is broken or kept at this look, and the interval that says so: failing and passing are decided
 * at different levels, and the one that decided is shown.
 * @param boundsAt bounds of the estimate at the confidence of each one-sided one
 */
export function absoluteProof(
  look: Look,
  boundsAt: (level: number) => Bounds,
  is: { broken: (bounds: Bounds) => boolean; kept: (bounds: Bounds) => boolean },
): { proof: Proof; bounds: Bounds; level: number } {
  const breaking = boundsAt(look.breakLevel)
  if (is.broken(breaking)) return { proof: 'bad', bounds: breaking, level: look.breakLevel }
  const bounds = boundsAt(look.passLevel)
  return { proof: is.kept(bounds) ? 'good' : 'open', bounds, level: look.passLevel }
}

/**
 * The outcome of a gate whose limit is proven kept, proven broken, or neither.
 * @param looksBad the estimate lies beyond the limit: then further passes are worth asking
 */
export function settled(
  proof: Proof,
  looksBad: boolean,
  burden: GatePolicy['burden'],
): { outcome: Outcome; open: boolean; says: string } {
  if (proof === 'bad') return { outcome: 'fail', open: false, says: 'The limit is broken.' }
  if (proof === 'good') return { outcome: 'pass', open: false, says: 'The limit is kept.' }
  const where = looksBad ? 'It looks broken, but that' : 'It looks kept, though that'
  if (burden === 'prove-good') {
    return { outcome: 'inconclusive', open: true, says: `${where} is not proven, and the policy wants proof.` }
  }
  return { outcome: 'pass', open: looksBad, says: `${where} is not proven: it does not block.` }
}

/** The outcome of a gate on a ratio: bad when the test says so, good when the upper bound keeps the limit. */
export function increaseOutcome(found: {
  p: number
  ratio: number
  high: number
  limit: number
  policy: Pick<GatePolicy, 'burden'>
  look: Look
}): { outcome: Outcome; open: boolean; says: string } {
  const { p, ratio, high, limit, policy, look } = found
  const proof: Proof = p <= look.alpha ? 'bad' : high <= limit ? 'good' : 'open'
  return settled(proof, ratio > limit, policy.burden)
}
