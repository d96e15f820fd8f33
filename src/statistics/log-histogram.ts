// A histogram with buckets in steps of 2 %: any quantile within 1 % of the value, in bounded memory, and two add up by bucket.
// Source of the layout: Masson, Rim & Lee, DDSketch, PVLDB 12 (2019).

const step = Math.log(1.02)
/** Nearer to 0 than this is 0. */
const smallest = 1e-12

/** The bucket of a value: `0`, `p<k>` above zero, `m<k>` below it. Throws RangeError unless it is finite. */
export function bucketOf(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`only finite values have a bucket, not ${value}`)
  const size = Math.abs(value)
  if (size < smallest) return '0'
  return nameOf(value > 0 ? above : below, Math.ceil(Math.log(size) / step))
}

/** Names of buckets by number: a text that is made anew for each value costs more than its logarithm. */
const above = new Map<number, string>()
const below = new Map<number, string>()
function nameOf(names: Map<number, string>, place: number): string {
  const known = names.get(place)
  if (known !== undefined) return known
  const name = `${names === above ? 'p' : 'm'}${place}`
  names.set(place, name)
  return name
}

/** The value in the middle of a bucket: within 1 % of all that it holds. Throws RangeError on what is no bucket. */
export function valueOf(bucket: string): number {
  if (bucket === '0') return 0
  const match = /^([pm])(-?\d{1,6})$/.exec(bucket)
  if (match === null) throw new RangeError(`not a bucket: ${bucket}`)
  const size = (Math.exp(Number(match[2]) * step) * 2) / (1 + Math.exp(step))
  return match[1] === 'p' ? size : -size
}

/** The value below or at which a share `q` (0 to 1) of the counted values lies, within 1 %; null where nothing was counted. */
export function histogramQuantile(counts: Readonly<Record<string, number>>, q: number): number | null {
  if (!(q >= 0 && q <= 1)) throw new RangeError(`q must lie between 0 and 1, not ${q}`)
  const sorted = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([bucket, count]) => ({ value: valueOf(bucket), count }))
    .sort((a, b) => a.value - b.value)
  const total = sorted.reduce((sum, { count }) => sum + count, 0)
  let seen = 0
  for (const { value, count } of sorted) {
    seen += count
    if (seen >= q * total) return value
  }
  return sorted.at(-1)?.value ?? null
}
