// `aigate explain` as text: the question, the answer, what carries it, what each gate needed, what is not the cause.
import type { Explanation, ExplanationReport, GateExplanation, Loss } from '../schema/explanation.ts'
import { forestLines } from './forest.ts'
import { plural, share, signed } from './numbers.ts'
import { type Paint, paint as paintFor } from './paint.ts'
import { outcomeWord } from './phrases.ts'
import { disarm, oneLine } from './safe-text.ts'
import { outcomeColor } from './table/table-gates.ts'
import { displayWidth, wrap } from './wrap.ts'

const SHOWN = { cases: 8, assertions: 6, gates: 8, others: 6, cleared: 8, next: 6 }
/** Columns of the shares of a case. */
const FACTS = 23
const WIDTH = { least: 40, usual: 80, most: 120 }

type Page = { paint: Paint; width: number; ascii: boolean | undefined }

/** Text under a first word, wrapped, the following lines indented under it. */
function hanging(first: string, text: string, width: number): string[] {
  const lines = wrap(text, Math.max(10, width - displayWidth(first)))
  return lines.map((line, at) => `${at === 0 ? first : ' '.repeat(displayWidth(first))}${line}`)
}

const more = (left: number, what: string) => (left > 0 ? [`  and ${plural(left, what)} more (see --json)`] : [])

function head({ suite, suite_version, run, outcome, question, answer }: Explanation, { paint, width }: Page): string[] {
  const color = outcomeColor(paint)[outcome]
  const name = oneLine(`${suite} ${suite_version}`, Math.max(12, width - 14))
  const from = oneLine(`run ${run}`, 60)
  const fits = displayWidth(`${name}  ${outcomeWord[outcome]}  ${from}`) <= width
  const title = `${paint.bold(name)}  ${color(outcomeWord[outcome])}${fits ? `  ${paint.dim(from)}` : ''}`
  return [
    title,
    '',
    ...wrap(oneLine(question, 200), width).map(paint.bold),
    ...hanging('  ', oneLine(answer, 800), width),
    '',
  ]
}

function causes(found: readonly GateExplanation[], title: string, { paint, width }: Page): string[] {
  if (found.length === 0) return []
  const lines = found
    .slice(0, SHOWN.gates)
    .flatMap(({ id, outcome, saw, needed }) => [
      `  ${paint.bold(oneLine(id, 60))}`,
      ...hanging('    saw     ', oneLine(saw, 600), width),
      ...needed.flatMap(({ sentence }, nth) =>
        hanging(
          nth === 0 ? `    ${outcome === 'pass' ? 'until ' : 'needed'}  ` : '            ',
          oneLine(sentence, 400),
          width,
        ),
      ),
    ])
  return [paint.bold(title), ...lines, ...more(found.length - SHOWN.gates, 'gate').map(paint.dim), '']
}

function carriers(loss: Loss, { paint, width }: Page): string[] {
  if (loss.lost === 0) return []
  const moved = `${plural(loss.compared, 'case')} compared: ${loss.lost} lost, ${loss.gained} gained, ${signed(loss.net * 100)} points in all.`
  const most = `${loss.carrying} of ${loss.compared} ${loss.carrying === 1 ? 'carries' : 'carry'} 80 % of what was lost.`
  const alone =
    loss.suspicious > 0
      ? `${plural(loss.suspicious, 'case')} ${loss.suspicious === 1 ? 'stands' : 'stand'} out beyond chance (marked *; q <= 0.10, so about one in ten of them wrongly).`
      : 'No single case stands out beyond chance.'
  const shown = loss.cases.slice(0, SHOWN.cases)
  const ids = shown.map(({ id }) => oneLine(id, Math.max(12, Math.min(32, width - 45))))
  const idWidth = Math.max(...ids.map(displayWidth))
  const lines = shown.map(({ now, before, share: part, cumulative, suspicious }, nth) => {
    const id = ids[nth] ?? ''
    const counts = `${now.passes}/${now.trials}, was ${before.passes}/${before.trials}`
    const mark = suspicious ? paint.red('*') : ' '
    const line = `  ${mark} ${id}${' '.repeat(idWidth - displayWidth(id))}  ${counts.padEnd(14)}`
    const facts = `${share(part).padStart(7)}  ${paint.dim(`(${Math.round(cumulative * 100)} % so far)`)}`
    return width < 4 + idWidth + 18 + FACTS ? line.trimEnd() : `${line}  ${facts}`
  })
  return [
    paint.bold('Which cases carry it'),
    ...hanging('  ', `${moved} ${most} ${alone}`, width),
    ...lines,
    ...more(loss.lost - SHOWN.cases, 'case').map(paint.dim),
    '',
  ]
}

function assertions({ assertions: found, loss }: Explanation, { paint, width }: Page): string[] {
  if (found.length === 0) return []
  const where = loss && loss.lost > 0 ? ' (in the cases that lost)' : ''
  const lines = found
    .slice(0, SHOWN.assertions)
    .flatMap(({ assertion, trials, cases }) =>
      hanging('  ', `${oneLine(assertion, 60)}: ${plural(trials, 'trial')} of ${plural(cases, 'case')}`, width),
    )
  const left = more(found.length - SHOWN.assertions, 'assertion').map(paint.dim)
  return [...wrap(`Which assertions failed${where}`, width).map(paint.bold), ...lines, ...left, '']
}

function list(title: string, found: readonly string[], most: number, { paint, width }: Page): string[] {
  if (found.length === 0) return []
  const lines = found.slice(0, most).flatMap((text) => hanging('  - ', oneLine(text, 400), width))
  return [paint.bold(title), ...lines, ...more(found.length - most, 'line').map(paint.dim), '']
}

function steps({ next }: Explanation, { paint, width }: Page): string[] {
  const lines = next.slice(0, SHOWN.next).flatMap(({ say, command }) => {
    const text = oneLine(say, 400)
    // A command keeps a line to itself, to be copied whole.
    return command === null
      ? hanging('  - ', text, width)
      : [...hanging('  - ', `${text}:`, width), `      ${paint.cyan(oneLine(command, 200))}`]
  })
  return [paint.bold('What to do next'), ...lines, '']
}

function suiteLines(found: Explanation, page: Page): string[] {
  const plot = forestLines(found.units, page)
  return [
    ...head(found, page),
    ...(found.loss ? carriers(found.loss, page) : []),
    ...assertions(found, page),
    ...causes(found.causes, found.measured === 'pass' ? 'What decided' : 'What stopped it', page),
    ...(plot.length > 0 ? [page.paint.bold('By category'), ...plot.map((line) => `  ${line}`), ''] : []),
    ...list(
      found.measured === 'pass' ? 'What else is in order' : 'What is not the cause',
      found.cleared,
      SHOWN.cleared,
      page,
    ),
    ...list(
      'Neither a cause nor clear',
      found.others.map(({ saw }) => saw),
      SHOWN.others,
      page,
    ),
    ...steps(found, page),
  ]
}

/** The explanation for a person, at most `columns` wide (40 to 120); `ascii` draws the plot without box characters. */
export function explainText(
  { suites, outcome }: ExplanationReport,
  { color, columns, ascii }: { color: boolean; columns: number; ascii?: boolean | undefined },
): string {
  const width = Math.min(Math.max(Math.floor(columns) || WIDTH.usual, WIDTH.least), WIDTH.most)
  const page = { paint: paintFor(color), width, ascii }
  const narrower = { ...page, width: width - 2 }
  const lines = suites.flatMap((suite) => suiteLines(suite, suite.units.length > 1 ? narrower : page))
  const nothing = suites.length === 0 ? [`${outcomeWord[outcome]}: no suite was run.`, ''] : []
  return disarm(['', ...lines, ...nothing].join('\n'))
}
