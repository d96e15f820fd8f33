// The words and numbers that every page about an experiment shares.
import type { Compared, ExperimentReport } from '../schema/experiment-report.ts'
import { count, pValue, share, signed } from './numbers.ts'

const NOTHING = '–'

/** Four significant digits at most. */
const plainly = (value: number) => (Math.abs(value) >= 1000 ? count(Math.round(value)) : String(Number(value.toPrecision(4)))) // biome-ignore format: one line

/** A value of a metric as its kind is read. */
export function valueOf(kind: Compared['kind'], value: number | null): string {
  if (value === null) return NOTHING
  return kind === 'rate' ? share(value) : value < 0 ? `-${plainly(-value)}` : plainly(value)
}

const withSign = (value: number) => `${value > 0 ? '+' : ''}${Number(value.toPrecision(3))}`

/** The estimate and its interval: points of a rate, percent of skewed values, else a difference. */
export function effectOf({ kind, difference, ratio }: Compared): { effect: string; interval: string } {
  const bounds = ratio ?? difference
  if (bounds === null) return { effect: NOTHING, interval: NOTHING }
  const say = (value: number | null) => {
    if (value === null) return 'no end'
    if (ratio) return signed(100 * (value - 1))
    return kind === 'rate' ? signed(100 * value, 2) : withSign(value)
  }
  const unit = ratio ? ' %' : kind === 'rate' ? ' points' : ''
  return { effect: `${say(bounds.estimate)}${unit}`, interval: `${say(bounds.low)} to ${say(bounds.high)}` }
}

/** The chance of being greater, in words; null where it was not compared by rank. */
export function chanceOf({ superiority: chance }: Compared): string | null {
  return chance && `has more than one of the control in ${share(chance.estimate)} of pairs (50 % is no difference)`
}

const findings: Record<Compared['finding'], string> = {
  better: 'better',
  worse: 'WORSE',
  open: 'no difference seen',
  'not measured': 'not measured',
}

/** p adjusted where there is one, and what it means. */
export function findingOf({ finding, adjusted }: Compared): { p: string; finding: string } {
  return { p: pValue(adjusted), finding: findings[finding] }
}

export type Row = readonly [string, ...string[]]

/** `metric, variant`, control, variant, difference, interval, p, finding. */
export function comparedRow(one: Compared, label: string): Row {
  const { effect, interval } = effectOf(one)
  const { p, finding } = findingOf(one)
  const { control, variant } = one.value
  return [label, valueOf(one.kind, control), valueOf(one.kind, variant), effect, interval, p, finding]
}

export const comparedHead = (level: number, first: string): Row => [
  first,
  'control',
  'variant',
  'difference',
  `${Number((100 * level).toFixed(2))} % interval`,
  'p adjusted',
  'finding',
]

/** The label of a row: the metric alone where there is one variant besides the control. */
export function labelOf({ metric, variant }: Compared, report: ExperimentReport): string {
  return report.split.variants.length > 2 ? `${metric}, ${variant}` : metric
}

export const guardrailWords = {
  held: 'held',
  broken: 'BROKEN',
  open: 'not proven',
  'not measured': 'not measured',
} as const

export const SEGMENT_WARNING =
  'Exploratory: with many segments one of them looks special by chance. What is seen here is a question for the next experiment, never an answer of this one.'
export const PEEK_NOTE =
  'The horizon is not reached. These intervals may be read every day; they are wider than those of the verdict for that.'
