// A row of small bars: how a number went, from nothing to a bound.
const bars = Array.from('▁▂▃▄▅▆▇█')
const letters = Array.from('_.-:=+*#')

/**
 * The last `width` values as one character each. 0 and below is the lowest bar; only a value that reaches `bound` gets
 * the highest, so that "almost" never looks like "proven". What is no number is a blank.
 */
export function sparkline(
  values: readonly (number | null)[],
  { bound, width, ascii = false }: { bound: number; width: number; ascii?: boolean | undefined },
): string {
  const steps = ascii ? letters : bars
  const top = steps.length - 1
  const bar = (value: number | null) => {
    if (value === null || Number.isNaN(value)) return ' '
    const at = value >= bound ? top : Math.floor((Math.max(0, value) / bound) * top)
    return steps[Math.min(at, value >= bound ? top : top - 1)] ?? ' '
  }
  return values.slice(-width).map(bar).join('').padStart(Math.min(width, values.length))
}
