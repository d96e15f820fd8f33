// number_close: a number in the answer is close to the expected one.
import type { AssertionPlugin } from '../ports.ts'
import { answerOf } from './answer.ts'

/**
 * Plain numbers (`12`, `-3.5`, `.5`, `6.02e23`) and English thousands (`1,234.5`), a sign and a currency sign before them.
 * Digits that continue a word (`GPT4`) are no number; a hyphen between digits (`2024-11`) is no sign; what follows the
 * digits (`%`, `M`, `km`) is not interpreted.
 */
const number =
  /(?<![\p{L}\p{N}_])([-+\u2212]?)(?:\p{Sc}\s?)?(\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?(?:e[-+]?\d{1,3}(?![\p{L}\d]))?|\.\d+)/giu

export function numbersIn(text: string): number[] {
  return [...text.matchAll(number)].map(([, sign = '', digits = '']) => {
    const value = Number(digits.replaceAll(',', ''))
    return sign === '-' || sign === '\u2212' ? -value : value
  })
}

export const numberClose: AssertionPlugin<'number_close'> = {
  deterministic: true,
  grade({ value, tolerance, relative }, { completion }) {
    const found = numbersIn(answerOf(completion))
    const allowed = Math.max(tolerance ?? 0, (relative ?? 0) * Math.abs(value))
    const expected = allowed > 0 ? `${value} ± ${Number(allowed.toPrecision(6))}` : `${value}`
    const [first, ...rest] = found
    if (first === undefined) return { score: 0, passed: false, reason: `no number found, expected ${expected}` }
    const closest = rest.reduce((a, b) => (Math.abs(b - value) < Math.abs(a - value) ? b : a), first)
    // Binary fractions: 1.1 is within 0.1 of 1.
    const slack = 4 * Number.EPSILON * Math.max(Math.abs(value), Math.min(Math.abs(closest), Number.MAX_VALUE))
    const passed = Math.abs(closest - value) <= allowed + slack
    const reason = `${closest} ${found.length > 1 ? 'is the closest number' : 'found'}, expected ${expected}`
    return { score: passed ? 1 : 0, passed, reason }
  },
}
