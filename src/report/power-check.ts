// What power-check found, as a page for a terminal: from how many broken cases on the gate fires, and what breaks unnoticed.
import type { PowerReport, PowerSuite } from '../schema/doctor.ts'
import { headOf, labelled, someOf, warningLines } from './doctor.ts'
import { count, plural, share } from './numbers.ts'
import { type Paint, paint as paintFor } from './paint.ts'
import { disarm, oneLine } from './safe-text.ts'

const WORDS = { pass: '✓ IT FIRES', fail: '✗ BLIND', inconclusive: '? UNDECIDED', invalid: '! NO DATA' } as const

function suiteLines({ mutations }: PowerSuite, paint: Paint, width: number): string[] {
  const [suite] = mutations
  if (!suite) return []
  const head = ['broken cases', 'gate fires', 'held', 'unnoticed'].map((text) => text.padStart(13)).join('')
  const rows = suite.steps.map(({ broken, fired, held }) => {
    const missed = Math.max(0, 1 - fired.estimate - held.estimate)
    const part = `${broken} (${share(broken / suite.cases)})`
    return `${part.padStart(13)}${[fired.estimate, held.estimate, missed].map((one) => share(one).padStart(13)).join('')}`
  })
  const draws = suite.steps[0]?.fired.draws ?? 0
  return [
    paint.dim(`${' '.repeat(10)}${head}`),
    ...rows.map((row) => `${' '.repeat(10)}${row}`),
    ...labelled('', `(of ${plural(suite.cases, 'case')} that can break; ${count(draws)} random choices each)`, width, paint.dim), // biome-ignore format: one line reads better
    '',
  ]
}

function categoryLines({ mutations }: PowerSuite, paint: Paint): string[] {
  const categories = mutations.slice(1)
  if (categories.length === 0) return []
  const longest = Math.min(28, Math.max(8, ...categories.map(({ category }) => (category ?? '').length)))
  const head = `${'category'.padEnd(longest)}${['cases', 'half the time', 'always', 'all broken'].map((text) => text.padStart(15)).join('')}`
  const from = (k: number | null) => (k === null ? 'never' : `from ${k}`)
  const rows = categories.map(({ category, cases, half, always, all }) => {
    const cells = [
      count(cases),
      from(half),
      from(always),
      all === 'fail' ? 'fires' : all === 'pass' ? 'passes' : 'held',
    ]
    return `${oneLine(category ?? '', longest).padEnd(longest)}${cells.map((text) => text.padStart(15)).join('')}`
  })
  return [paint.dim(`${' '.repeat(10)}${head}`), ...rows.map((row) => `${' '.repeat(10)}${row}`), '']
}

function singleLines({ single }: PowerSuite, width: number): string[] {
  const { noticed, held, unnoticed, failing } = single
  const line = (label: string, ids: string[], what: string) =>
    ids.length > 0 ? labelled(label, `${plural(ids.length, 'case')} ${what}: ${someOf(ids)}.`, width) : []
  return [
    ...line('alone', noticed, 'fire a gate when they break alone'),
    ...line('', held, 'leave the verdict undecided when they break alone'),
    ...line('', unnoticed, 'could break alone unnoticed (mark what must never break `critical: true`)'),
    ...line('', failing, 'fail already'),
    '',
  ]
}

/** The page for a person, at most `columns` wide (60 to 120); one suite after the other. */
export function powerText(report: PowerReport, { color, columns }: { color: boolean; columns: number }): string {
  const paint = paintFor(color)
  const width = Math.min(Math.max(columns, 60), 120)
  const pages = report.suites.flatMap((suite) => {
    const head = headOf(suite, WORDS[suite.outcome], paint, width)
    if (!('mutations' in suite)) return [...head, ...warningLines(suite.warnings, paint, width)]
    return [
      ...head,
      ...suiteLines(suite, paint, width),
      ...categoryLines(suite, paint),
      ...singleLines(suite, width),
      ...warningLines(suite.warnings, paint, width),
      ...labelled('from', suite.source, width, paint.dim),
      '',
    ]
  })
  return disarm(['', ...pages].join('\n'))
}
