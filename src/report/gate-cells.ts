// One gate as cells of text, the same in every reporter: now, before, difference, interval, limit, p, verdict.
import type { GateResult, Verdict } from '../schema/verdict.ts'
import { change, count, dollars, duration, points, pValue, share, shortShare, signed } from './numbers.ts'
import { outcomeWord } from './phrases.ts'
import { oneLine } from './safe-text.ts'

/** The cells of one gate, as text. `limit` says in which direction it binds. */
export type GateCells = Record<
  'gate' | 'now' | 'before' | 'difference' | 'interval' | 'limit' | 'p' | 'verdict',
  string
>

const amount = (value: number | null, unit: GateResult['unit']): string => {
  if (value === null) return '–'
  if (unit === 'share') return share(value)
  if (unit === 'ms') return duration(value)
  if (unit === 'usd') return dollars(value)
  if (unit === 'ratio') return `${value.toFixed(2)}×`
  return unit === 'cases' ? count(value) : value.toFixed(3)
}

/** Latency and cost are compared as ratios, whatever the unit of the estimate. */
const comparesRatios = ({ kind }: GateResult) => kind === 'latency' || kind === 'first_token' || kind === 'cost'

function difference(gate: GateResult): string {
  if (gate.difference === null) return '–'
  if (comparesRatios(gate)) return change(gate.difference)
  return gate.unit === 'share' ? points(gate.difference) : signed(gate.difference, gate.unit === 'cases' ? 0 : 3)
}

/** Of the difference or the ratio where the gate compares, else of the estimate itself. */
function interval(gate: GateResult): string {
  if (gate.interval === null) return '–'
  const { low, high } = gate.interval
  const between = (end: (value: number) => string, unit = '') => {
    const [from, to] = [low, high].map((value) => (Number.isFinite(value) ? end(value) : value < 0 ? '-∞' : '∞'))
    return `${from} to ${to}${unit}`
  }
  if (gate.difference === null) {
    // A bound is never rounded to what is not proven: 0.05816 is not under 5.8 %.
    if (gate.kind === 'harmful') return between((value) => (value === low ? Math.floor(value * 1000 + 1e-9) / 10 : Math.ceil(value * 1000 - 1e-9) / 10).toFixed(1), ' %') // biome-ignore format: one call
    if (gate.unit === 'share') return between((value) => (value * 100).toFixed(1), ' %')
    return between((value) => amount(value, gate.unit))
  }
  if (comparesRatios(gate)) return between((value) => signed((value - 1) * 100), ' %')
  return between((value) => (gate.unit === 'share' ? signed(value * 100) : signed(value, 3)))
}

function limit(gate: GateResult): string {
  if (gate.limit === null) return '–'
  const compared = gate.difference !== null
  if (comparesRatios(gate)) {
    return compared || gate.unit === 'ratio'
      ? `≤ ${change(gate.limit).replace('.0', '')}`
      : `≤ ${amount(gate.limit, gate.unit)}`
  }
  if (gate.kind === 'regression') return `≥ ${signed(-gate.limit * 100).replace(/\.0$/, '')} points`
  if (gate.kind === 'critical' || gate.kind === 'harmful') return `≤ ${count(gate.limit)}`
  if (gate.kind === 'over_refusal') return `≤ ${shortShare(gate.limit)}`
  if (gate.kind === 'score') return `≥ ${compared ? signed(-gate.limit, 2) : gate.limit}`
  return `≥ ${shortShare(gate.limit)}`
}

/** One gate as cells. A verdict in brackets does not decide anything. */
export function gateCells(gate: GateResult): GateCells {
  const verdict = outcomeWord[gate.outcome].toLowerCase()
  return {
    gate: oneLine(gate.id, 60),
    // A count of harm says little without what it was counted in.
    now:
      gate.kind === 'harmful' && gate.estimate !== null
        ? `${count(gate.estimate)} of ${count(gate.n)}`
        : amount(gate.estimate, gate.unit),
    before: amount(gate.baseline, gate.unit),
    difference: difference(gate),
    interval: interval(gate),
    limit: limit(gate),
    p: pValue(gate.adjusted_p ?? gate.p),
    verdict: gate.decides ? verdict : `(${verdict})`,
  }
}

/** A category of a case or two says nothing: its interval is as wide as the picture, and it decides nothing. */
export const isTiny = ({ kind, category, decides, n }: GateResult): boolean =>
  kind === 'regression' && category !== undefined && !decides && n < 5

/**
 * Gates to show. Critical cases that hold are counted instead of listed when there are more than three of them; `notes`
 * says what else was left out.
 */
export function shownGates({ gates }: Verdict): { shown: GateResult[]; criticalHeld: number; notes: string[] } {
  const tiny = gates.filter(isTiny)
  const held = gates.filter((gate) => gate.kind === 'critical' && gate.outcome === 'pass')
  const many = held.length > 3
  const all = gates.filter((gate) => !tiny.includes(gate) && !(many && held.includes(gate)))
  // Reports cut long tables: the families of harm stand before the single cases that make them up.
  const isHarm = ({ kind }: GateResult) => kind === 'harmful' || kind === 'over_refusal'
  const single = all.findIndex(({ kind }) => kind === 'critical')
  const ahead = single === -1 ? [] : all.slice(single).filter(isHarm)
  const shown =
    single === -1 ? all : [...all.slice(0, single), ...ahead, ...all.slice(single).filter((gate) => !isHarm(gate))]
  const categories = `${tiny.length} ${tiny.length === 1 ? 'category' : 'categories'}`
  const notes = tiny.length > 0 ? [`${categories} of fewer than 5 cases not shown`] : []
  return { shown, criticalHeld: many ? held.length : 0, notes }
}

/** What the interval is, in one sentence; null when no gate has one. */
export function intervalNote({ gates }: Verdict): string | null {
  const levels = [...new Set(gates.flatMap(({ interval: found }) => (found ? [found.level] : [])))].toSorted(
    (a, b) => a - b,
  )
  const [lowest, highest] = [levels[0], levels.at(-1)]
  if (lowest === undefined || highest === undefined) return null
  const range = (of: (level: number) => string) => (lowest === highest ? of(lowest) : `${of(lowest)} to ${of(highest)}`)
  const both = range((level) => shortShare(2 * level - 1))
  return `Interval: ${both}, each bound one-sided at ${range(shortShare)}. p: corrected for the number of gates.`
}
