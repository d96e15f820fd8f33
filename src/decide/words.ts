// How numbers are said in sentences for people: shares, points, intervals, p-values, lists.
import type { Interval } from '../schema/verdict.ts'

/** A number with fixed decimals, without "-0.0". */
export function fixed(value: number, decimals: number): string {
  const text = value.toFixed(decimals)
  return Number(text) === 0 ? text.replace('-', '') : text
}

/** A share as people read it: 0.912 -> "91.2 %". */
export const percent = (share: number): string => `${fixed(100 * share, 1)} %`

/** A difference of shares in percentage points: -0.048 -> "-4.8". */
export const points = (share: number): string => fixed(100 * share, 1)

/** "90 %" for two one-sided bounds of 95 % each. */
export const coverageOf = (level: number): string => `${Number((200 * level - 100).toFixed(1))} %`

/** The interval in words: "90 % interval -8.1 to -1.5". */
export function intervalText(interval: Interval, say: (value: number) => string): string {
  return `${coverageOf(interval.level)} interval ${say(interval.low)} to ${say(interval.high)}`
}

export function pText(p: number): string {
  if (p < 0.001) return 'p < 0.001'
  return `p = ${p.toFixed(3)}`
}

/** "4.8 points lower", "1.2 points higher", "no difference". */
export function differenceText(difference: number): string {
  if (Math.abs(difference) < 0.0005) return 'no difference'
  return `${points(Math.abs(difference))} points ${difference < 0 ? 'lower' : 'higher'}`
}

/** "1 case", "3 cases". */
export const counted = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`

/** At most five names, then how many more there are. */
export function names(list: readonly string[]): string {
  const shown = list.slice(0, 5).join(', ')
  return list.length > 5 ? `${shown} and ${list.length - 5} more` : shown
}

export const milliseconds = (ms: number): string => `${ms < 10 ? fixed(ms, 1) : Math.round(ms)} ms`

/** Dollars with as many digits as small amounts need. */
export const dollars = (usd: number): string => `$${usd >= 1 ? usd.toFixed(2) : Number(usd.toPrecision(3))}`

/** A ratio as a change: 1.234 -> "23.4 % more", 0.9 -> "10.0 % less". */
export function changeText(ratio: number, more: string, less: string): string {
  if (Math.abs(ratio - 1) < 0.0005) return 'unchanged'
  return `${percent(Math.abs(ratio - 1))} ${ratio > 1 ? more : less}`
}

/** Order of code units: the same on every machine, whatever its locale. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
