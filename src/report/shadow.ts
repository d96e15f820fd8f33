// The report of a shadow as text: each criterion by itself with its interval against its limit, then what follows from them.
import type { Outcome } from '../schema/verdict.ts'
import { paint } from './paint.ts'
import { oneLine } from './safe-text.ts'
import { wrapLine } from './wrap.ts'

export type ShadowView = {
  shadow: string
  outcome: Outcome
  reasons: readonly string[]
  warnings: readonly string[]
  pairs: number
  min_pairs: number
  criteria: readonly {
    name: string
    state: 'proven' | 'broken' | 'open' | 'no-data'
    said: string
    /** The interval in words; null: there is none. */
    interval: string | null
    test: string | null
  }[]
}

const MARKS = { proven: '✓', broken: '✗', open: '·', 'no-data': '!' } as const
const NEXT: Readonly<Record<Outcome, string>> = {
  pass: 'It may be promoted.',
  fail: 'It must not be promoted.',
  inconclusive: 'Not enough evidence yet: let it run on.',
  invalid: 'It could not be measured.',
}

/** `columns`: width of the terminal. */
export function shadowText(view: ShadowView, { color, columns }: { color: boolean; columns: number }): string {
  const style = paint(color)
  const colors = { proven: style.green, broken: style.red, open: style.yellow, 'no-data': style.yellow } as const
  const width = Math.max(40, columns)
  const lines = [`Shadow ${style.bold(oneLine(view.shadow))}: ${view.pairs} pairs, ${view.min_pairs} are asked for`, '']
  for (const one of view.criteria) {
    const state = one.state === 'no-data' ? 'no data' : one.state
    lines.push(`${colors[one.state](`${MARKS[one.state]} ${one.name}`)} ${state}`)
    const facts = [one.said, ...(one.interval === null ? [] : [one.interval]), ...(one.test === null ? [] : [one.test])]
    for (const fact of facts) lines.push(...wrapLine(`    ${oneLine(fact)}`, width))
  }
  const all = [...view.reasons, ...view.warnings.map((one) => `warning: ${one}`)]
  lines.push('', `${style.bold(view.outcome)}: ${NEXT[view.outcome]}`)
  for (const reason of all) lines.push(...wrapLine(`  ${oneLine(reason)}`, width))
  return `${lines.join('\n')}\n`
}
