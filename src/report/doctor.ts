// What doctor found, as a page for a terminal: how often the policy errs, what it finds, and what keeps it from its job.
import type { DoctorReport, DoctorSuite, GateAbility, Rate } from '../schema/doctor.ts'
import { count, plural, share, shortShare } from './numbers.ts'
import { type Paint, paint as paintFor } from './paint.ts'
import { disarm, oneLine } from './safe-text.ts'
import { outcomeColor } from './table/table-gates.ts'
import { wrap } from './wrap.ts'

const MOST_NAMES = 6
const WORDS = { pass: '✓ SOUND', fail: '✗ UNSOUND', inconclusive: '? UNDECIDED', invalid: '! NO DATA' } as const
const NAME = 26
const COLUMN = 9

/** Text behind a label, wrapped, the following lines indented under it. */
export function labelled(
  label: string,
  text: string,
  width: number,
  look: (line: string) => string = (line) => line,
): string[] {
  const indent = 10
  const lines = wrap(oneLine(text, 700), Math.max(20, width - indent))
  return lines.map((line, at) => (at === 0 ? label : '').padEnd(indent) + look(line))
}

type Any = DoctorReport['suites'][number]

/** Name, badge and the first reason, with the others below. */
export function headOf(
  suite: { suite: string; suite_version: string; outcome: Any['outcome']; reasons: string[] },
  word: string,
  paint: Paint,
  width: number,
): string[] {
  const name = oneLine(`${suite.suite} ${suite.suite_version}`, 60)
  const rule = '─'.repeat(Math.max(0, width - name.length - 1))
  const badge = ` ${word} `
  const color = outcomeColor(paint)[suite.outcome]
  const [first = '', ...others] = suite.reasons
  const [top = '', ...rest] = wrap(oneLine(first, 500), Math.max(20, width - badge.length - 1))
  return [
    `${paint.bold(name)} ${paint.dim(rule)}`,
    `${color(paint.inverse(paint.bold(badge)))} ${top}`,
    ...rest.map((line) => ' '.repeat(badge.length + 1) + line),
    ...others.flatMap((reason) => labelled('  ·', reason, width)),
    '',
  ]
}

const range = ({ low, high, draws }: Rate): string =>
  `95 % interval ${share(low)} to ${share(high)}, ${count(draws)} simulated changes`

/** `a, b, c and 4 more`. */
export const someOf = (ids: readonly string[]): string =>
  ids.slice(0, MOST_NAMES).join(', ') + (ids.length > MOST_NAMES ? ` and ${count(ids.length - MOST_NAMES)} more` : '')

function nothingLines({ nothing_changed: rates, trials }: DoctorSuite, width: number): string[] {
  const { block, hold, pass, calls, most_calls: most, gates } = rates
  const which = gates.slice(0, 4).map(({ id, block: often }) => `${id} ${share(often.estimate)}`)
  const ladder = trials.min === trials.max ? plural(trials.max, 'trial') : `${trials.min} to ${trials.max} trials`
  return [
    ...labelled('blocks', `${share(block.estimate)} of changes that change nothing (${range(block)}).`, width),
    ...(which.length > 0 ? labelled('', `Gates that did so: ${which.join(', ')}.`, width) : []),
    ...labelled('', `It leaves ${share(hold.estimate)} undecided and passes ${share(pass.estimate)}, with ${count(Math.round(calls))} calls on average of ${count(most)} at most (${ladder} a case).`, width), // biome-ignore format: one line reads better
    '',
  ]
}

const cell = (text: string) => text.padStart(COLUMN)

function dropLines({ drops }: DoctorSuite, paint: Paint, width: number): string[] {
  if (drops.length === 0) return []
  const heads = ['blocked', 'held', 'passed', 'calls'].map(cell).join('')
  const name = Math.max(NAME, Math.min(44, width - 4 * COLUMN - 10))
  const row = (label: string, { block, hold, pass, calls }: DoctorSuite['nothing_changed']) =>
    `${oneLine(label, name).padEnd(name)}${[block, hold, pass].map(({ estimate }) => cell(share(estimate))).join('')}${cell(count(Math.round(calls)))}`
  const lines = drops.map(({ drop, kind, category, rates }) => {
    const what = kind === 'diffuse' ? 'every answer a little worse' : 'a few cases broken'
    return row(category === null ? `${shortShare(drop).replace(' %', ' points')}, ${what}` : `${shortShare(drop).replace(' %', ' points')} in ${category} alone`, rates) // biome-ignore format: one line reads better
  })
  const draws = Math.min(...drops.map(({ rates }) => rates.block.draws))
  return [
    paint.dim(`${'finds'.padEnd(10)}${'a true drop of'.padEnd(name)}${heads}`),
    ...lines.map((line) => `${' '.repeat(10)}${line}`),
    ...labelled('', `(at least ${count(draws)} simulated changes each: ± ${Math.round(98 / Math.sqrt(draws))} points)`, width, paint.dim), // biome-ignore format: one line reads better
    '',
  ]
}

function caseLines({ cases, variance, evidence }: DoctorSuite, width: number): string[] {
  const { flaky, never_fail: never, always_fail: always, untried } = cases
  const shown = flaky.slice(0, MOST_NAMES).map(({ id, passes, trials }) => `${id} (${passes} of ${trials})`)
  const left = flaky.length - shown.length
  const split =
    variance.icc === null || variance.within === null || variance.between === null
      ? 'The stored trials do not vary, so the split of the noise cannot be told.'
      : `The variance of one answer: ${share(variance.icc)} lies between cases (ICC), ${share(1 - variance.icc)} within a case.`
  const advice =
    variance.icc === null
      ? ''
      : variance.icc < 0.5
        ? ' Most of the noise is within cases: more trials help most.'
        : ' Most of it is between cases: more cases help most for new inputs.'
  return [
    ...labelled('cases', `${count(evidence.cases)}, ${share(variance.pass_rate)} of ${plural(evidence.trials, 'trial')} passed${evidence.errors > 0 ? `, ${plural(evidence.errors, 'trial')} not measured` : ''}.`, width), // biome-ignore format: one line reads better
    ...labelled('', flaky.length > 0 ? `${plural(flaky.length, 'flaky case')} (mixed trials): ${shown.join(', ')}${left > 0 ? ` and ${left} more` : ''}.` : 'No flaky case (mixed trials).', width), // biome-ignore format: one line reads better
    ...labelled('', `${plural(never.length, 'case')} never failed.${always.length > 0 ? ` ${plural(always.length, 'case')} always failed: ${someOf(always)}.` : ' None always failed.'}`, width), // biome-ignore format: one line reads better
    ...(untried.length > 0 ? labelled('', `${plural(untried.length, 'case')} never measured: ${someOf(untried)}.`, width) : []), // biome-ignore format: one line reads better
    ...labelled('', `${split}${advice}`, width),
    '',
  ]
}

/** One line a gate that can do something; critical cases are counted. */
function gateLines({ gates }: DoctorSuite, width: number): string[] {
  const able = gates.filter(({ problem }) => problem === null)
  const critical = able.filter(({ kind }) => kind === 'critical').length
  const ids = able.filter(({ kind }) => kind !== 'critical').map(({ id }: GateAbility) => id)
  const all = [...ids.slice(0, 12), ...(ids.length > 12 ? [`${ids.length - 12} more`] : [])]
  if (critical > 0) all.push(plural(critical, 'critical case'))
  return [...labelled('gates', `Able to fire and to pass: ${all.join(', ') || 'none'}.`, width), '']
}

function adviceLines({ advice }: DoctorSuite, paint: Paint, width: number): string[] {
  const lines = advice.flatMap(({ goal, now, wanted, met, ways }, at) => {
    const label = at === 0 ? 'needs' : ''
    if (met) return labelled(label, `Nothing more to ${goal}: ${share(now)} do, wanted ${shortShare(wanted)}.`, width)
    const seen = `To ${goal} (${share(now)} do now, wanted ${shortShare(wanted)})`
    if (ways.length === 0) return labelled(label, `${seen}: no affordable number of cases or trials would do; choose a larger margin.`, width, paint.yellow) // biome-ignore format: one line reads better
    return labelled(label, `${seen}, you need ${ways.map(({ sentence }) => sentence).join('; or ')}.`, width, paint.yellow) // biome-ignore format: one line reads better
  })
  return lines.length > 0 ? [...lines, ''] : []
}

function evidenceLine({ evidence }: DoctorSuite): string {
  const { baseline, runs, replayed } = evidence
  const from = baseline === null ? `the stored ${runs.length === 1 ? 'run' : 'runs'} ${someOf(runs)} (there is no baseline)` : `${baseline}${runs.length > 0 ? ` and ${plural(runs.length, 'stored run')}` : ''}` // biome-ignore format: one line reads better
  const left = replayed > 0 ? `; ${plural(replayed, 'run')} only replayed recorded answers and ${replayed === 1 ? 'adds' : 'add'} nothing` : '' // biome-ignore format: one line reads better
  return `${from}${left}`
}

export function warningLines(warnings: readonly string[], paint: Paint, width: number): string[] {
  return warnings.flatMap((warning) => labelled('warning', warning, width, paint.yellow))
}

function page(suite: Any, paint: Paint, width: number): string[] {
  const head = headOf(suite, WORDS[suite.outcome], paint, width)
  if (!('nothing_changed' in suite)) return [...head, ...warningLines(suite.warnings, paint, width)]
  return [
    ...head,
    ...nothingLines(suite, width),
    ...dropLines(suite, paint, width),
    ...gateLines(suite, width),
    ...caseLines(suite, width),
    ...adviceLines(suite, paint, width),
    ...warningLines(suite.warnings, paint, width),
    ...labelled('from', evidenceLine(suite), width, paint.dim),
    '',
  ]
}

/** The page for a person, at most `columns` wide (60 to 120); one suite after the other. */
export function doctorText(report: DoctorReport, { color, columns }: { color: boolean; columns: number }): string {
  const paint = paintFor(color)
  const width = Math.min(Math.max(columns, 60), 120)
  return disarm(['', ...report.suites.flatMap((suite) => page(suite, paint, width))].join('\n'))
}
