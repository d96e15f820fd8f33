// Agreement of two raters beyond chance. Sources: Cohen, Educ. Psychol. Meas. 20 (1960) 37-46; Fleiss, Cohen & Everitt,
// Psychol. Bull. 72 (1969) 323-327 (standard error).
import { requireBetween } from './counts.ts'
import { normalQuantile } from './normal.ts'

/** Both said yes, only the first, only the second, neither: counts. */
export type Agreement = {
  readonly both: number
  readonly first: number
  readonly second: number
  readonly neither: number
}

/** `kappa` null: both raters always said the same one thing, so that chance alone explains everything. */
export type Kappa = { observed: number; kappa: number | null; standardError: number | null; low: number; high: number }

/**
 * Cohen's kappa of two raters who said yes or no, with its interval at the TWO-SIDED `level`, cut to [-1, 1]; without
 * a kappa the interval is all of that. Throws RangeError unless there is something to compare and no count is negative.
 */
export function cohenKappa({ both, first, second, neither }: Agreement, level: number): Kappa {
  requireBetween('level', level, 0, 1)
  const counts = [both, first, second, neither]
  const n = both + first + second + neither
  if (!counts.every((count) => count >= 0) || !(n > 0)) throw new RangeError('an agreement needs counts from 0 on')
  const observed = (both + neither) / n
  const rows = [(both + first) / n, (second + neither) / n] as const
  const columns = [(both + second) / n, (first + neither) / n] as const
  const chance = rows[0] * columns[0] + rows[1] * columns[1]
  if (1 - chance < 1e-12) return { observed, kappa: null, standardError: null, low: -1, high: 1 }
  const kappa = (observed - chance) / (1 - chance)
  const diagonal = [
    [both / n, 0],
    [neither / n, 1],
  ] as const
  const agreeing = diagonal.map(([share, i]) => share * (1 - (rows[i as 0] + columns[i as 0]) * (1 - kappa)) ** 2)
  const apart = [first / n, second / n] as const
  const crossing = [apart[0] * (columns[0] + rows[1]) ** 2, apart[1] * (columns[1] + rows[0]) ** 2]
  const spread =
    agreeing.reduce((a, b) => a + b, 0) +
    (1 - kappa) ** 2 * crossing.reduce((a, b) => a + b, 0) -
    (kappa - chance * (1 - kappa)) ** 2
  const standardError = Math.sqrt(Math.max(0, spread) / n) / (1 - chance)
  const z = normalQuantile((1 + level) / 2)
  const low = Math.max(-1, kappa - z * standardError)
  return { observed, kappa, standardError, low, high: Math.min(1, kappa + z * standardError) }
}
