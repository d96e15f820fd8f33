// A confidence sequence for one mean, to tell whether it is beyond a fixed limit however often one looks.
// Source: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, Ann. Stat. 52 (2024) 2613-2640, arXiv:2103.06476, one-sided form.

export type OneMean = { n: number; sum: number; squares: number }

/** From so many values on the approximation by the normal distribution is trusted. */
const LEAST = 100
/** The sequence is tightest about this sample size. */
const TUNED_FOR = 1000

export function startMean(): OneMean {
  return { n: 0, sum: 0, squares: 0 }
}

export function stepMean(state: OneMean, block: { n: number; sum: number; squares: number }): OneMean {
  return { n: state.n + block.n, sum: state.sum + block.sum, squares: state.squares + block.squares }
}

/** Bounds of the mean, each valid by itself at all times with error at most `alpha`; null while there are too few values. */
export function meanBounds(state: OneMean, alpha: number): { estimate: number; low: number; high: number } | null {
  const { n, sum, squares } = state
  if (n < LEAST) return null
  const estimate = sum / n
  const variance = Math.max(0, squares / n - estimate * estimate)
  const tuning = -2 * Math.log(alpha)
  const rho2 = (tuning + Math.log(tuning + 1)) / TUNED_FOR
  const inner = n * rho2 + 1
  const half = Math.sqrt(variance * ((2 * inner) / (n * n * rho2)) * Math.log(1 + Math.sqrt(inner) / (2 * alpha)))
  return { estimate, low: estimate - half, high: estimate + half }
}
