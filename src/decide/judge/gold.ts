// Did a judge move since it was calibrated? The same answers judged again, compared with what it said then.
import type { Gold, TypeCalibration } from '../../schema/calibration.ts'
import type { GoldCheck, JudgedType } from '../../schema/judge.ts'
import { binomialTail } from '../../statistics/binomial-tail.ts'
import { mcnemarExact } from '../../statistics/mcnemar.ts'
import { counted, percent, pText } from '../words.ts'

/** A judge is not accused lightly, and every run asks anew. */
const ALPHA = 0.01
/** So many verdicts of a judge that did not move may come out otherwise another time. */
const NOISE = 0.05

/** `now` null: it gave no verdict. */
export type Rejudged = { before: boolean; now: boolean | null }

/**
 * Two tests, each at half of 1 %: did verdicts move in one direction (exact McNemar), and did more of them move in any
 * direction than the 5 % that a judge may differ from itself (binomial). Pure.
 */
export function goldCheck(judge: string, type: JudgedType, answers: readonly Rejudged[]): GoldCheck {
  const judged = answers.filter(({ now }) => now !== null)
  return goldCounts(judge, type, {
    asked: answers.length,
    failed: answers.length - judged.length,
    breaks: judged.filter(({ before, now }) => before && !now).length,
    fixes: judged.filter(({ before, now }) => !before && now).length,
  })
}

/**
 * When the judge was last found to judge otherwise: `at`, where the answers that both calibrations hold say so, else when the
 * one before had found it. undefined: never, or it was another judge.
 */
export function movedAt(
  before: TypeCalibration | undefined,
  now: TypeCalibration,
  all: readonly Gold[],
): string | undefined {
  if (before?.identity !== now.identity) return undefined
  const name = ({ assert, vars, messages, answer, baseline }: Gold) =>
    JSON.stringify([assert, vars, messages, answer, baseline])
  const today = new Map(all.map((one) => [name(one), one.passed]))
  const both = before.gold.flatMap((one) => {
    const passed = today.get(name(one))
    return passed === undefined ? [] : [{ before: one.passed, now: passed }]
  })
  return goldCheck('', 'rubric', both).moved ? now.at : before.moved_at
}

/** The same from counts. */
export function goldCounts(
  judge: string,
  type: JudgedType,
  { asked, failed, breaks, fixes }: Pick<GoldCheck, 'asked' | 'failed' | 'breaks' | 'fixes'>,
): GoldCheck {
  const [n, flips] = [asked - failed, breaks + fixes]
  const p = Math.min(1, 2 * Math.min(mcnemarExact(breaks, fixes), binomialTail(flips, n, NOISE)))
  const moved = p <= ALPHA
  const of = `${flips} of ${counted(n, 'calibrated answer')}`
  const sentence = moved
    ? `The judge ${judge} moved (${type}): it judges ${of} otherwise than when it was calibrated (${breaks} now fail, ${fixes} now pass; ${pText(p)}, allowed for chance: ${percent(NOISE)}). What it says today cannot be compared with what it said then.`
    : `The judge ${judge} (${type}) judges ${of} otherwise than when it was calibrated.`
  return {
    judge,
    type,
    asked,
    failed,
    breaks,
    fixes,
    p,
    moved,
    sentence,
  }
}
