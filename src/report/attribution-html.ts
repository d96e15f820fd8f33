// What each of several changes made together did, as a block of the HTML report.
import type { SuiteReport } from '../schema/verdict.ts'
import { combinations, explanation, notMeasured, rowsOf } from './attribution.ts'
import { htmlLine, list, paragraph, row, table } from './html/html-parts.ts'

/** The effects with their intervals, or why they could not be measured; empty without an attribution. */
export function attributionHtml({ attribution }: SuiteReport): string {
  if (!attribution) return ''
  const changes = list(attribution.components.map(({ change }) => htmlLine(change, 200)))
  const title = `<h3>What each change did</h3>${changes}`
  const rows = rowsOf(attribution)
  if (rows.length === 0) return title + paragraph(htmlLine(notMeasured(attribution), 500), 'warning')
  const lines = rows.map(({ name, effect, interval, reading }) => {
    const outcome = reading.startsWith('worse') ? 'fail' : reading.startsWith('better') ? 'pass' : 'shown'
    const word = `<span class="${outcome}">${htmlLine(reading, 80)}</span>`
    return row([`<code>${htmlLine(name, 80)}</code>`, htmlLine(effect), htmlLine(interval), word])
  })
  const notes = [combinations(attribution), ...explanation(attribution), ...attribution.notes]
  const foot = notes.map((note) => paragraph(htmlLine(note, 400), 'dim')).join('')
  return `${title}${table('Effect of each change', ['effect of', 'points', 'interval', 'reading'], lines)}${foot}`
}
