// Which cases carry the loss of a suite, which stand out by themselves, and which assertions failed.
import type { Explanation, Loss } from '../../schema/explanation.ts'
import type { CaseReport } from '../../schema/verdict.ts'
import { benjaminiHochberg } from '../../statistics/bh.ts'
import { fisherExact } from '../../statistics/fisher.ts'
import { byText } from '../words.ts'

/** About one in ten of the cases that are called suspicious is so by chance. */
const SUSPICIOUS = 0.1
/** The share of the loss for which the fewest cases are counted. */
const MOST_OF_IT = 0.8
/** Sums of shares of 1 may end this far below what they mean. */
const ROUNDING = 1e-9

type Compared = CaseReport & { baseline: NonNullable<CaseReport['baseline']> }

const isCompared = (one: CaseReport): one is Compared =>
  one.status !== 'removed' &&
  one.quarantined !== true &&
  one.trials > 0 &&
  one.baseline !== null &&
  one.baseline.trials > 0

const dropOf = ({ passes, trials, baseline }: Compared): number => baseline.passes / baseline.trials - passes / trials

/**
 * How the loss is spread over the cases that were measured on both sides. What a case lost is the drop of its pass rate;
 * the shares are of the sum over the cases that lost, so that gains elsewhere do not hide them.
 * @returns null when nothing was compared
 */
export function lossOf(cases: readonly CaseReport[]): Loss | null {
  const compared = cases.filter(isCompared)
  if (compared.length === 0) return null
  const tests = compared.map(({ passes, trials, baseline }) =>
    fisherExact(passes, trials - passes, baseline.passes, baseline.trials - baseline.passes),
  )
  const qs = benjaminiHochberg(tests.map(({ less }) => less))
  const ranked = compared
    .map((one, i) => ({ one, drop: dropOf(one), p: tests[i]?.less ?? 1, q: qs[i] ?? 1 }))
    .filter(({ drop }) => drop > 0)
    .sort((a, b) => b.drop - a.drop || a.p - b.p || byText(a.one.id, b.one.id))
  const total = ranked.reduce((sum, { drop }) => sum + drop, 0)
  let before = 0
  const carriers = ranked.map(({ one, drop, p, q }) => {
    before += drop
    return {
      id: one.id,
      ...(one.category !== undefined && { category: one.category }),
      now: { passes: one.passes, trials: one.trials },
      before: { passes: one.baseline.passes, trials: one.baseline.trials },
      drop,
      share: drop / total,
      cumulative: Math.min(1, before / total),
      p,
      q,
      suspicious: q <= SUSPICIOUS,
    }
  })
  return {
    compared: compared.length,
    lost: carriers.length,
    gained: compared.filter((one) => dropOf(one) < 0).length,
    net: -compared.reduce((sum, one) => sum + dropOf(one), 0) / compared.length,
    carrying: carriers.findIndex(({ cumulative }) => cumulative >= MOST_OF_IT - ROUNDING) + 1,
    suspicious: carriers.filter(({ suspicious }) => suspicious).length,
    cases: carriers,
  }
}

/**
 * How often each assertion failed, by name; two of one name in a case count together.
 * Where there is a baseline only the cases that lost are looked at: what failed before as well is no cause of a change.
 */
export function failedAssertions(cases: readonly CaseReport[], loss: Loss | null): Explanation['assertions'] {
  const lost = loss && loss.lost > 0 ? new Set(loss.cases.map(({ id }) => id)) : null
  const found = new Map<string, { trials: number; cases: Set<string> }>()
  for (const { id, failures } of cases) {
    if (lost && !lost.has(id)) continue
    for (const { assertion, trials } of failures) {
      const known = found.get(assertion) ?? { trials: 0, cases: new Set<string>() }
      known.trials += trials
      found.set(assertion, { ...known, cases: known.cases.add(id) })
    }
  }
  return [...found]
    .map(([assertion, { trials, cases: ids }]) => ({ assertion, trials, cases: ids.size }))
    .sort((a, b) => b.trials - a.trials || b.cases - a.cases || byText(a.assertion, b.assertion))
}
