// The chance of so many successes or more, from @stdlib's binomial distribution.
import cdf from '@stdlib/stats-base-dists-binomial-cdf'

/**
 * P(X >= x) for X binomial with `n` trials and rate `p`; taken from the other end, so that small tails keep their
 * digits. Throws RangeError unless x and n are whole, 0 <= x <= n and p lies in [0, 1].
 */
export function binomialTail(x: number, n: number, p: number): number {
  if (![x, n].every(Number.isInteger) || x < 0 || x > n || !(p >= 0 && p <= 1))
    throw new RangeError(`no binomial tail of ${x} of ${n} at rate ${p}`)
  return x === 0 ? 1 : cdf(n - x, n, 1 - p)
}
