// What each of several changes made together did, as a person reads it: lines for the terminal and a Markdown section.
import type { Attribution, SuiteReport } from '../schema/verdict.ts'
import { plural, share, signed } from './numbers.ts'
import type { Paint } from './paint.ts'
import { codeSpan, oneLine, safeMarkdown } from './safe-text.ts'
import { displayWidth, wrap } from './wrap.ts'

type Row = { name: string; effect: string; interval: string; reading: string }

/** `prompt`, or `prompt x model` for what the two do beyond their sum. */
const nameOf = (components: readonly string[]): string => components.join(' x ')

export function rowsOf({ effects }: Attribution): Row[] {
  return effects.map(({ components, estimate, interval: { low, high } }) => ({
    name: nameOf(components),
    effect: signed(estimate * 100),
    interval: `${signed(low * 100)} to ${signed(high * 100)}`,
    reading: readingOf(components.length > 1, low, high),
  }))
}

function readingOf(together: boolean, low: number, high: number): string {
  if (low <= 0 && high >= 0) return together ? 'no interplay proven' : 'no effect proven'
  if (together) return high < 0 ? 'worse together than their sum' : 'better together than their sum'
  return high < 0 ? 'worse' : 'better'
}

/** The combinations with their rates: "baseline 86.0 % · prompt 78.1 % · model 92.0 % · prompt+model 84.2 %". */
export function combinations({ cells }: Attribution): string {
  return cells
    .map(({ changed, pass_rate }) => `${changed.length === 0 ? 'baseline' : changed.join('+')} ${share(pass_rate)}`)
    .join(' · ')
}

/** The note under the table: how to read it, and over what. */
export function explanation({ effects, n, not_compared }: Attribution): string[] {
  const left = not_compared > 0 ? `, ${plural(not_compared, 'case')} not compared` : ''
  const level = effects[0] ? Number((200 * effects[0].interval.level - 100).toFixed(1)) : 0
  return [
    `Points of the pass rate over ${plural(n, 'case')}${left}, with ${level} % intervals; each effect is averaged over the old and the new of the others.`,
  ]
}

export const notMeasured = ({ problem }: Attribution): string =>
  `The effects could not be measured: ${problem ?? 'unknown'}`

/** Lines at most `width` columns wide; none without an attribution. */
export function attributionLines({ attribution }: SuiteReport, paint: Paint, width: number): string[] {
  if (!attribution) return []
  const rows = rowsOf(attribution)
  const title = paint.bold('attribution')
  const changes = attribution.components.flatMap(({ change }) => wrap(`  ${oneLine(change, 200)}`, width))
  const notes = attribution.notes.flatMap((note) => wrap(oneLine(note, 300), width))
  if (rows.length === 0) {
    return [title, ...changes, ...wrap(oneLine(notMeasured(attribution), 500), width).map(paint.yellow)]
  }
  const widest = (of: (row: Row) => string) => Math.max(...rows.map((row) => displayWidth(of(row))))
  const [names, effects, intervals] = [
    widest((row) => row.name),
    widest((row) => row.effect),
    widest((row) => row.interval),
  ]
  const table = rows.flatMap(({ name, effect, interval, reading }) => {
    const numbers = `  ${name.padEnd(names)}  ${effect.padStart(effects)}  (${interval})`
    const pad = ' '.repeat(intervals - displayWidth(interval))
    const color = reading.startsWith('worse') ? paint.red : reading.startsWith('better') ? paint.green : paint.dim
    const fits = displayWidth(numbers) + pad.length + 2 + reading.length <= width
    return fits
      ? [`${numbers}${pad}  ${color(reading)}`]
      : [...wrap(numbers, width), ...wrap(`    ${reading}`, width).map(color)]
  })
  const foot = [combinations(attribution), ...explanation(attribution)].flatMap((text) => wrap(text, width))
  return [title, ...changes, ...table, ...[...foot, ...notes].map(paint.dim)]
}

/** A section of the Markdown report; empty without an attribution. */
export function attributionMarkdown({ attribution }: SuiteReport): string {
  if (!attribution) return ''
  const changes = attribution.components.map(({ change }) => `- ${codeSpan(change, 200)}`)
  const rows = rowsOf(attribution)
  const title = ['**What each change did**', '', ...changes, '']
  if (rows.length === 0) return [...title, `> ⚠️ ${safeMarkdown(notMeasured(attribution), 500)}`].join('\n')
  const lines = rows.map(
    ({ name, ...rest }) => `| ${[codeSpan(name, 80), rest.effect, rest.interval, rest.reading].join(' | ')} |`,
  )
  const notes = [combinations(attribution), ...explanation(attribution), ...attribution.notes]
  const foot = `<sub>${notes.map((note) => safeMarkdown(note, 400)).join('<br>')}</sub>`
  return [
    ...title,
    '| effect of | points | interval | reading |',
    '| :-- | --: | --: | :-- |',
    ...lines,
    '',
    foot,
  ].join('\n')
}
