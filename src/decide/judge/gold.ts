// Did a judge move since it was calibrated? The same answers judged again, compared with what it said then.
import type { GoldCheck, JudgedType, Judging } from '../../schema/judge.ts'
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
  const breaks = judged.filter(({ before, now }) => before && !now).length
  const fixes = judged.filter(({ before, now }) => !before && now).length
  const flips = breaks + fixes
  const p = Math.min(1, 2 * Math.min(mcnemarExact(breaks, fixes), binomialTail(flips, judged.length, NOISE)))
  const moved = p <= ALPHA
  const of = `${flips} of ${counted(judged.length, 'calibrated answer')}`
  const sentence = moved
    ? `The judge ${judge} moved (${type}): it judges ${of} otherwise than when it was calibrated (${breaks} now fail, ${fixes} now pass; ${pText(p)}, allowed for chance: ${percent(NOISE)}). What it says today cannot be compared with what it said then.`
    : `The judge ${judge} (${type}) judges ${of} otherwise than when it was calibrated.`
  return {
    judge,
    type,
    asked: answers.length,
    failed: answers.length - judged.length,
    breaks,
    fixes,
    p,
    moved,
    sentence,
  }
}

/**
 * What the shards of one run know of their judges, as one: every machine asked for gold answers by itself. One machine that
 * says that a judge moved is believed as far as the number of machines that could have said so allows (Bonferroni). What
 * gold answers cost was paid on each. undefined: no judge was asked.
 */
export function judgingOfShards(all: readonly Judging[]): Judging | undefined {
  const proven = all.find(({ gold }) => gold.some(({ moved, p }) => moved && p * all.length <= ALPHA))
  const judging = proven ?? all.find(({ gold }) => !gold.some(({ moved }) => moved)) ?? all[0]
  if (!judging) return undefined
  const costs = all.flatMap(({ cost }) => cost ?? [])
  if (costs.length === 0) return judging
  const known = costs.every(({ cost_usd }) => cost_usd !== null)
  const sum = (of: (one: (typeof costs)[number]) => number) => costs.reduce((total, one) => total + of(one), 0)
  const cost = { calls: sum(({ calls }) => calls), cost_usd: known ? sum(({ cost_usd }) => cost_usd ?? 0) : null }
  return { ...judging, cost }
}
