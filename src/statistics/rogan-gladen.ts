// The true rate behind the yeses of a judge who errs at rates that were measured apart. Sources: Rogan & Gladen, Am. J.
// Epidemiol. 107 (1978) 71-76 (estimate); Lang & Reiczigel, Prev. Vet. Med. 113 (2014) 13-22 (interval: pseudo-counts on
// all three rates and a shift, so that a judge who made no error in the calibration is not taken for infallible).
import { requireBetween } from './counts.ts'
import { normalQuantile } from './normal.ts'

/** What people said yes to and no to, and how the judge judged each; counts. */
export type JudgeTable = {
  /** People yes, judge yes. */
  readonly truePass: number
  /** People yes, judge no. */
  readonly falseFail: number
  /** People no, judge yes. */
  readonly falsePass: number
  /** People no, judge no. */
  readonly trueFail: number
}

/** `youden`: sensitivity + specificity - 1, the share of a true difference that the judge shows. */
export type CorrectedRate = {
  estimate: number
  standardError: number
  low: number
  high: number
  youden: number
}

/** null unless people said both yes and no. */
export function judgeRates(table: JudgeTable): { sensitivity: number; specificity: number; youden: number } | null {
  const yes = table.truePass + table.falseFail
  const no = table.falsePass + table.trueFail
  if (!(yes > 0 && no > 0)) return null
  const [sensitivity, specificity] = [table.truePass / yes, table.trueFail / no]
  return { sensitivity, specificity, youden: sensitivity + specificity - 1 }
}

/**
 * The rate that people would have found where the judge said yes to `x` of `n`. `n` may be an effective size. `level` is
 * the TWO-SIDED confidence. The estimate is cut to [0, 1]; the interval counts the uncertainty of the judge's rates too.
 * @returns null when the judge says no more than a coin: sensitivity + specificity <= 1, or people said only one thing
 * @throws RangeError unless 0 <= x <= n, n > 0 and 0 < level < 1
 */
export function roganGladen(x: number, n: number, table: JudgeTable, level: number): CorrectedRate | null {
  if (!(n > 0) || !(x >= 0 && x <= n)) throw new RangeError(`a rate needs 0 <= x <= n and n > 0, not ${x} of ${n}`)
  requireBetween('level', level, 0, 1)
  const rates = judgeRates(table)
  if (!rates || rates.youden <= 0) return null
  const { sensitivity, specificity, youden } = rates
  const q = x / n
  const estimate = cut((q + specificity - 1) / youden)
  const yes = table.truePass + table.falseFail
  const no = table.falsePass + table.trueFail
  const plain = { q, n, sensitivity, specificity, yes, no }
  const standardError = deviation(plain, estimate, youden)
  const bounds = adjusted(x, n, table, normalQuantile((1 + level) / 2))
  return bounds && { estimate, standardError, youden, ...bounds }
}

type Parts = { q: number; n: number; sensitivity: number; specificity: number; yes: number; no: number }

/** The delta method over the judged rate and both of the judge's rates. */
function deviation({ q, n, sensitivity, specificity, yes, no }: Parts, theta: number, youden: number): number {
  const variance =
    (q * (1 - q)) / n +
    (theta ** 2 * sensitivity * (1 - sensitivity)) / yes +
    ((1 - theta) ** 2 * specificity * (1 - specificity)) / no
  return Math.sqrt(variance) / youden
}

function adjusted(x: number, n: number, table: JudgeTable, z: number): { low: number; high: number } | null {
  const yes = table.truePass + table.falseFail + 2
  const no = table.falsePass + table.trueFail + 2
  const sensitivity = (table.truePass + 1) / yes
  const specificity = (table.trueFail + 1) / no
  const youden = sensitivity + specificity - 1
  if (youden <= 0) return null
  const size = n + z ** 2
  const q = (x + z ** 2 / 2) / size
  const theta = (q + specificity - 1) / youden
  const shift =
    2 *
    z ** 2 *
    ((theta * sensitivity * (1 - sensitivity)) / yes - ((1 - theta) * specificity * (1 - specificity)) / no)
  const half = z * deviation({ q, n: size, sensitivity, specificity, yes, no }, theta, youden)
  return { low: cut(theta + shift - half), high: cut(theta + shift + half) }
}

const cut = (rate: number): number => Math.min(1, Math.max(0, rate))
