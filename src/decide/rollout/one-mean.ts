// A confidence sequence for one mean, to tell whether it is beyond a fixed limit however often one looks.
// Source: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, Ann. Stat. 52 (2024) 2613-2640, arXiv:2103.06476, one-sided form.

/** `span`: greatest minus least possible value, where the plan says it. */
export type OneMean = { n: number; sum: number; squares: number; span?: number }

/** From so many values on the approximation by the normal distribution is trusted. */
const LEAST = 100
/** The sequence is tightest about this sample size. */
const TUNED_FOR = 1000

export function startMean(range?: readonly [number, number]): OneMean {
  return { n: 0, sum: 0, squares: 0, ...(range && { span: range[1] - range[0] }) }
}

export function stepMean(state: OneMean, block: { n: number; sum: number; squares: number }): OneMean {
  return { ...state, n: state.n + block.n, sum: state.sum + block.sum, squares: state.squares + block.squares }
}

/** true: all values were 0, and nobody knows what else they can be: nothing good is to be told of them. */
export const isUnknown = ({ squares, span }: OneMean): boolean => squares === 0 && span === undefined

/**
 * Bounds of the mean, each valid by itself at all times with error at most `alpha`; null while there are too few values. Values
 * that were all alike so far are not taken as certain (but see `isUnknown`): as in a comparison of means, what was not seen counts
 * as much as one more, extreme, value does.
 */
export function meanBounds(state: OneMean, alpha: number): { estimate: number; low: number; high: number } | null {
  const { n, sum, squares, span } = state
  if (n < LEAST) return null
  const estimate = sum / n
  const seen = Math.max(0, squares / n - estimate * estimate)
  // Less than this is but rounding.
  const alike = seen <= (squares / n) * 1e-12
  const unseen = span ?? (alike ? Math.abs(estimate) : 0)
  const variance = seen + unseen ** 2 / 4 / n
  const tuning = -2 * Math.log(alpha)
  const rho2 = (tuning + Math.log(tuning + 1)) / TUNED_FOR
  const inner = n * rho2 + 1
  const half = Math.sqrt(variance * ((2 * inner) / (n * n * rho2)) * Math.log(1 + Math.sqrt(inner) / (2 * alpha)))
  return { estimate, low: estimate - half, high: estimate + half }
}
