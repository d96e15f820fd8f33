// The picture of a rollout on a terminal: its stages, the evidence against its bounds, what happens next.
import type { Outcome } from '../schema/verdict.ts'
import { count, plural, share } from './numbers.ts'
import { type Paint, paint } from './paint.ts'
import { disarm, oneLine } from './safe-text.ts'
import { sparkline } from './sparkline.ts'
import { displayWidth, wrapLine } from './wrap.ts'

export type StageView = {
  /** Share of the candidate, 0 to 1. */
  traffic: number
  gate: string
  state: 'done' | 'now' | 'ahead' | 'stopped'
  /** What there is to say of it, most important first. */
  notes: string[]
}
export type MetricView = {
  name: string
  role: 'guardrail' | 'signal' | 'info'
  kind: 'rate' | 'mean'
  baseline: number | null
  candidate: number | null
  /** Risk ratio of a rate, difference of a mean, with its interval. */
  estimate: number | null
  low: number | null
  high: number | null
  /** Natural logarithm of the evidence, and from where on it is proof. */
  harm: number | null
  harm_bound: number
  safe: number | null
  safe_bound: number
  /** Evidence of harm at past looks, oldest first. */
  history: readonly (number | null)[]
}
export type RolloutView = {
  rollout: string
  baseline: string
  candidate: string
  /** Where it is, in words: `stage 2 of 5, observing`. */
  phase: string
  outcome: Outcome | null
  reasons: readonly string[]
  warnings: readonly string[]
  stages: readonly StageView[]
  metrics: readonly MetricView[]
  arms: Record<'baseline' | 'candidate', { requests: number; units: number }>
  /** user, session or request. */
  unit: string
  /** ISO 8601. */
  next_look: string | null
  /** How long ago the last look was, in words; null: there was none. `unwatched`: longer than the source may be silent. */
  last_look?: string | null
  unwatched?: boolean
  lease_until: string | null
  hours_left: number | null
  /** What a person has to do, if anything. */
  wanted: readonly string[]
}

export type ViewOptions = { color: boolean; columns: number; ascii?: boolean }

/** The picture; never wider than `columns` (at least 40). */
export function rolloutPicture(view: RolloutView, options: ViewOptions): string {
  const columns = Math.max(40, Math.min(options.columns, 120))
  const p = paint(options.color)
  const sized = { ...options, columns }
  const lines = [
    ...head(view, columns, p),
    '',
    ...view.stages.map((stage) => stageLine(stage, p, sized)),
    '',
    ...metricLines(view, p, sized),
    ...armLines(view, columns),
    '',
    ...ending(view, columns, p),
  ]
  return `${disarm(lines.map((line) => line.trimEnd()).join('\n'))}\n`
}

function head(view: RolloutView, columns: number, p: Paint): string[] {
  const name = oneLine(view.rollout, 60)
  const phase = oneLine(view.phase, columns)
  const gap = columns - displayWidth(name) - displayWidth(phase)
  const top = gap >= 2 ? `${p.bold(name)}${' '.repeat(gap)}${p.cyan(phase)}` : [p.bold(name), p.cyan(phase)].join('\n')
  return [top, ...wrapLine(oneLine(`${view.baseline} → ${view.candidate}`), columns).map(p.dim)]
}

function stageLine({ traffic, gate, state, notes }: StageView, p: Paint, options: ViewOptions): string {
  const marks = options.ascii
    ? { done: 'x', now: '>', ahead: ' ', stopped: '!' }
    : { done: '✓', now: '▶', ahead: ' ', stopped: '✗' }
  const text = ` ${marks[state]} ${percent(traffic).padStart(6)}  ${gate.padEnd(14)}${notes.join(' · ')}`
  const cut = cutTo(text, options.columns)
  if (state === 'now') return p.bold(cut)
  if (state === 'stopped') return p.red(cut)
  return state === 'done' ? p.green(cut) : p.dim(cut)
}

const percent = (traffic: number) => `${Number((traffic * 100).toFixed(3))} %`

/** What of the table finds room: on a narrow terminal the curve goes first, then the interval. */
function layoutOf(metrics: readonly MetricView[], columns: number) {
  const most = columns < 60 ? 10 : 20
  const name = Math.min(most, Math.max(6, ...metrics.map((metric) => displayWidth(metric.name))))
  const fixed = 3 + name + 1 + 8 + 1 + 9 + 1 + PROOF
  const effect = columns >= fixed + 26 ? Math.min(32, Math.max(25, ...metrics.map((one) => effectOf(one).length))) : 0
  const room = columns >= fixed + 10 ? 9 : 0
  const shown = effect === 0 ? room : columns >= fixed + 1 + effect ? effect : 25
  const left = columns - fixed - (shown > 0 ? shown + 1 : 0) - 1
  return { name, effect: shown, bars: left >= 6 ? Math.min(16, left) : 0 }
}
/** Columns of `no data` and `proof`. */
const PROOF = 7

function metricLines({ metrics }: RolloutView, p: Paint, options: ViewOptions): string[] {
  if (metrics.length === 0) return []
  const { name, effect, bars } = layoutOf(metrics, options.columns)
  const title = [
    `   ${'metric'.padEnd(name)} ${'baseline'.padStart(8)} ${'candidate'.padStart(9)}`,
    ...(effect > 0 ? [(effect < 19 ? 'effect' : 'ratio or difference').padStart(effect)] : []),
    ...(bars > 0 ? ['proof of harm'] : ['harm']),
  ].join(' ')
  const rows = metrics.map((metric) => {
    const proven = metric.harm !== null && metric.harm >= metric.harm_bound
    const safe = metric.safe !== null && metric.safe >= metric.safe_bound
    const mark = proven ? '!' : safe ? '=' : ' '
    const curve = sparkline(metric.history, { bound: metric.harm_bound, width: bars, ascii: options.ascii })
    const full = effectOf(metric)
    // An interval that finds no room is left to --json; half of one would mislead.
    const shown = full.length <= effect ? full : (full.split(' (')[0] ?? '')
    const cells = [
      ` ${mark} ${cutTo(oneLine(metric.name), name).padEnd(name)}`,
      level(metric, metric.baseline).padStart(8),
      level(metric, metric.candidate).padStart(9),
      ...(effect > 0 ? [shown.padStart(effect)] : []),
      ...(bars > 0 ? [curve.padEnd(bars)] : []),
      evidence(metric),
    ]
    const cut = cutTo(cells.join(' '), options.columns)
    return proven ? (metric.role === 'guardrail' ? p.red(cut) : p.yellow(cut)) : safe ? p.green(cut) : cut
  })
  const legend = '   ! harm is proven   = it is proven that it is not worse by the margin'
  return [p.dim(cutTo(title, options.columns)), ...rows, ...wrapLine(legend, options.columns).map(p.dim), '']
}

const level = ({ kind }: MetricView, value: number | null) => (kind === 'rate' ? share(value) : short(value))

function effectOf({ kind, estimate, low, high, baseline }: MetricView): string {
  if (estimate === null) return '–'
  // A difference that is but rounding is none.
  const least = kind === 'mean' ? 1e-6 * Math.abs(baseline ?? 0) : 0
  const sign = (written: number | null) => {
    const value = written !== null && Math.abs(written) < least ? 0 : written
    return kind === 'mean' && value !== null && value > 0 ? `+${short(value)}` : short(value)
  }
  return low === null && high === null ? sign(estimate) : `${sign(estimate)} (${sign(low)} to ${sign(high)})`
}

/** Evidence as a share of what proof needs: people need not think in logarithms. */
function evidence({ harm, harm_bound, baseline, candidate }: MetricView): string {
  if (baseline === null && candidate === null) return 'no data'
  if (harm === null) return 'none'
  return harm >= harm_bound ? 'proof' : `${Math.max(0, Math.min(99, Math.floor((harm / harm_bound) * 100)))} %`
}

/** Three significant digits; a bound that is not known is open. */
function short(value: number | null): string {
  if (value === null) return '–'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞'
  if (Math.abs(value) >= 1e5) return value > 0 ? '> 99999' : '< -99999'
  const text = String(Number(value.toPrecision(3)))
  return text.length <= 8 ? text : value.toExponential(1)
}

function armLines({ arms, unit }: RolloutView, columns: number): string[] {
  return (['baseline', 'candidate'] as const).map((arm) => {
    const { requests, units } = arms[arm]
    const people = unit === 'request' ? '' : `, ${plural(Math.round(units), unit)}`
    return cutTo(`   ${arm.padEnd(10)} ${plural(Math.round(requests), 'request')}${people}`, columns)
  })
}

const colors = { pass: 'green', fail: 'red', inconclusive: 'yellow', invalid: 'red' } as const

function ending(view: RolloutView, columns: number, p: Paint): string[] {
  const { outcome, reasons, warnings, wanted } = view
  const list = (prefix: string, texts: readonly string[]) =>
    texts.flatMap((text) =>
      wrapLine(oneLine(`${prefix}${text}`, 600), columns - 2).map((line, i) => `${i > 0 ? '  ' : ''}${line}`),
    )
  const said = outcome === null ? ['not looked at yet'] : reasons.length > 0 ? reasons : ['nothing to say']
  const lines = list(outcome === null ? '' : `${outcome}: `, said)
  const age = view.last_look == null ? '' : `last look ${view.last_look} ago`
  const times = [
    view.unwatched ? '' : age,
    view.next_look === null ? '' : `next look ${atSecond(view.next_look)}`,
    view.lease_until === null ? '' : `lease until ${atSecond(view.lease_until)}`,
    view.hours_left === null ? '' : `about ${hours(view.hours_left)} to go`,
  ].filter((one) => one !== '')
  return [
    ...(outcome === null ? lines.map(p.dim) : lines.map(p[colors[outcome]])),
    ...list('warning: ', [...(view.unwatched ? [`${age}: nobody watches the rollout`] : []), ...warnings]).map(
      p.yellow,
    ),
    ...list('wanted: ', wanted).map(p.bold),
    ...(times.length > 0 ? wrapLine(times.join(' · '), columns).map(p.dim) : []),
  ]
}

/** 07:29:05 UTC: of what is near, the day does not matter but the seconds do. */
const atSecond = (iso: string) => iso.replace(/^\S+T(\d\d:\d\d:\d\d)\S*Z$/, '$1 UTC')

const hours = (value: number) =>
  value < 1
    ? plural(Math.max(1, Math.round(value * 60)), 'minute')
    : value < 48
      ? plural(Math.round(value), 'hour')
      : `${count(Math.round(value / 24))} days`

/** At most `columns` columns of a line; what is cut ends in an ellipsis. */
function cutTo(line: string, columns: number): string {
  if (displayWidth(line) <= columns) return line
  let kept = ''
  for (const character of line) {
    if (displayWidth(kept + character) > columns - 1) break
    kept += character
  }
  return `${kept}…`
}
