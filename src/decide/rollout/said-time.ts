// Durations, shares and evidence in the words of a sentence.

const UNITS: [number, string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
]

/** `2h 5m`, `90s` as `1m 30s`; two units at most. `ms` may be anything finite; below a second: `0s`. */
export function saidTime(ms: number): string {
  const parts: string[] = []
  let rest = Math.max(0, Math.round(ms / 1000) * 1000)
  for (const [size, unit] of UNITS) {
    const count = Math.floor(rest / size)
    if (count > 0 && parts.length < 2) parts.push(`${count}${unit}`)
    else if (parts.length > 0) break
    rest -= count * size
  }
  return parts.join(' ') || '0s'
}

/** A share (0 to 1) in percent with up to three digits. */
export function saidShare(share: number): string {
  return `${Number((share * 100).toPrecision(3))}%`
}

/** A number with up to three digits that count. */
export function saidNumber(value: number): string {
  return `${Number(value.toPrecision(3))}`
}
