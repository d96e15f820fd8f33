// One comparison of an experiment in words: values, difference, interval.
import type { Compared } from '../../schema/experiment-report.ts'
import { fixed, percent } from '../words.ts'

/** Four significant digits at most, without an exponent where people read the number. */
export const plainNumber = (value: number): string =>
  Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(4)))

/** A value of a metric: rates in percent, all else as a number. */
export function valueText({ kind }: Pick<Compared, 'kind'>, value: number | null): string {
  if (value === null) return 'nothing'
  return kind === 'rate' ? percent(value) : plainNumber(value)
}

const plus = (value: number, text: string) => (value > 0 ? `+${text}` : text)

/** The size of an effect, as its kind says it: points of a rate, a change in percent of skewed values, a difference of means. */
export function effectText({ kind, difference, ratio }: Compared): string {
  const bounds = ratio ?? difference
  if (bounds === null) return 'not measured'
  const say = (value: number | null) => {
    if (value === null) return 'no end'
    if (ratio) return `${plus(value - 1, fixed(100 * (value - 1), 1))} %`
    return kind === 'rate' ? plus(value, fixed(100 * value, 2)) : plus(value, plainNumber(value))
  }
  const unit = !ratio && kind === 'rate' ? ' points' : ''
  return `${say(bounds.estimate)}${unit} (${say(bounds.low)} to ${say(bounds.high)})`
}

/** `error_rate 4.1 % instead of 5.2 %: -1.10 points (-1.60 to -0.60)` */
export function comparedText(one: Compared): string {
  const { control, variant } = one.value
  return `${one.metric} ${valueText(one, variant)} instead of ${valueText(one, control)}: ${effectText(one)}`
}
