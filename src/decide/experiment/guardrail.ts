// Guardrails of an experiment: is a variant proven not worse by the margin, proven worse by more, or neither?
import type { ExperimentPlan } from '../../schema/experiment.ts'
import type { GuardrailResult } from '../../schema/experiment-report.ts'
import type { UnitMoments } from '../../schema/experiment-summary.ts'
import { twoSampleShift } from '../../statistics/two-sample-shift.ts'
import { tailsAt, welch } from '../../statistics/welch.ts'
import { percent } from '../words.ts'
import { alwaysInterval, logarithms, momentsOfSide, type Pair, tiedHistograms } from './compare-variants.ts'
import type { Better, Kind } from './metric-kind.ts'

type Margin = ExperimentPlan['guardrails'][string]
type State = GuardrailResult['state']
export type Guarded = { kind: Kind; better: Better; margin: Margin; range?: readonly [number, number] | undefined }

/** `held`: one-sided level of the proof that it is not worse by the margin. `broken`: of the proof that it is worse by more. */
export type Levels = { held: number; broken: number }

/** The margin in words. `rate`: an absolute margin is one of shares. */
export function marginText({ abs, rel, risk_ratio: ratio }: Margin, rate: boolean): string {
  if (ratio !== undefined) return `at most ${ratio} times the rate`
  if (rel !== undefined) return `at most ${percent(rel)} worse`
  return rate ? `at most ${Number((100 * (abs ?? 0)).toFixed(3))} points worse` : `at most ${abs ?? 0} worse`
}

/** The variant may be at `factor` x control + `shift`, at the most (lower is better) or at the least (higher is better). */
export function allowance({ margin: { abs, rel, risk_ratio: ratio }, better }: Guarded): {
  factor: number
  shift: number
} {
  const down = better === 'higher'
  if (ratio !== undefined) return { factor: down ? 1 / ratio : ratio, shift: 0 }
  if (rel !== undefined) return { factor: down ? Math.max(0, 1 - rel) : 1 + rel, shift: 0 }
  return { factor: 1, shift: down ? -(abs ?? 0) : (abs ?? 0) }
}

/** Agresti & Caffo (2000): one more bad and one more good unit in each arm make the interval of a rate cover when few are bad. */
const smoothed = ({ n, bad }: UnitMoments) => ({ n: n + 2, sum: bad + 1, squares: bad + 1 })

/** The state at the horizon. */
export function guardOnce(guarded: Guarded, pair: Pair, levels: Levels): State {
  if (pair.control.n < 2 || pair.variant.n < 2) return 'not measured'
  const { factor, shift } = allowance(guarded)
  const lower = guarded.better === 'lower'
  if (guarded.kind === 'skewed') return guardRatio(pair, factor, lower, levels)
  const [first, second] =
    guarded.kind === 'rate' ? [smoothed(pair.variant), smoothed(pair.control)] : [pair.variant, pair.control]
  const test = welch(first, second, factor)
  if (test === null) {
    const over = first.sum / first.n - factor * (second.sum / second.n) - shift
    return (lower ? over <= 0 : over >= 0) ? 'held' : 'open'
  }
  const { less, greater } = tailsAt(test, shift)
  const [held, broken] = lower ? [less, greater] : [greater, less]
  return held <= levels.held ? 'held' : broken <= levels.broken ? 'broken' : 'open'
}

function guardRatio(pair: Pair, factor: number, lower: boolean, levels: Levels): State {
  const logs = logarithms(tiedHistograms(pair))
  const limit = Math.log(factor)
  const proof = logs && twoSampleShift(logs, 1 - 2 * levels.held)
  const harm = logs && twoSampleShift(logs, 1 - 2 * levels.broken)
  if (!proof || !harm) return 'not measured'
  if (lower ? proof.high <= limit : proof.low >= limit) return 'held'
  return (lower ? harm.low > limit : harm.high < limit) ? 'broken' : 'open'
}

/** The state before the horizon, valid at every look: broken or open; nothing is held before its time. */
export function guardAlways(guarded: Guarded, pair: Pair, { broken }: Levels): State {
  if (pair.control.n === 0 || pair.variant.n === 0) return 'not measured'
  const { factor, shift } = allowance(guarded)
  const lower = guarded.better === 'lower'
  const logs = guarded.kind === 'skewed' ? logarithms(tiedHistograms(pair)) : undefined
  if (logs === null) return 'open'
  const { variant, control } = pair
  const scaled = { n: control.n, sum: factor * control.sum, squares: factor ** 2 * control.squares }
  const [candidate, baseline, limit] =
    logs === undefined
      ? [variant, scaled, shift]
      : [momentsOfSide(logs, 'first'), momentsOfSide(logs, 'second'), Math.log(factor)]
  const span = guarded.kind === 'rate' ? ([0, Math.max(1, factor)] as const) : guarded.range
  const interval = alwaysInterval({ candidate, baseline }, 2 * broken, span)
  if (interval === null) return 'open'
  return (lower ? interval.low > limit : interval.high < limit) ? 'broken' : 'open'
}
