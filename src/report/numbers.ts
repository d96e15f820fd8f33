// Numbers as people read them: 91.2 %, +3.1 points, p < 0.001, about $0.0123, 1.53 s.

const NOTHING = '–'

/** A number of things, with thousands apart: 12,345. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1 case`, `2 cases`; the plural is the singular with s unless it is given. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** A share in [0, 1] as a percentage. What is not quite all is never written as 100 %, nor what is not quite nothing as 0 %. */
export function share(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return NOTHING
  if (value === 0 || value === 1) return `${value * 100} %`
  const rounded = (value * 100).toFixed(1)
  if (rounded === '100.0' && value < 1) return '> 99.9 %'
  if (rounded === '0.0' && value > 0) return '< 0.1 %'
  return `${rounded} %`
}

/** A share without needless decimals, for limits: 85 %, 99.5 %. */
export function shortShare(value: number): string {
  return `${Number((value * 100).toFixed(2))} %`
}

/** A number with its sign, never -0. `digits` after the point. */
export function signed(value: number, digits = 1): string {
  const text = value.toFixed(digits)
  if (Number(text) === 0) return (0).toFixed(digits)
  return value > 0 ? `+${text}` : text
}

/** A difference of shares in percentage points: +3.1 points. */
export function points(value: number | null): string {
  return value === null || !Number.isFinite(value) ? NOTHING : `${signed(value * 100)} points`
}

/** A ratio as a change: 1.08 is +8.0 %. */
export function change(ratio: number | null): string {
  return ratio === null || !Number.isFinite(ratio) ? NOTHING : `${signed((ratio - 1) * 100)} %`
}

/** A p-value without its name: 0.004, < 0.001. */
export function pValue(p: number | null): string {
  if (p === null || !Number.isFinite(p)) return NOTHING
  return p < 0.001 ? '< 0.001' : p.toFixed(3)
}

/** US dollars: two decimals from one dollar on, below that four, or as many as two digits of the amount need. */
export function dollars(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return NOTHING
  if (value === 0) return '$0'
  if (value < 1e-8) return '< $0.00000001'
  const decimals = value >= 1 ? 2 : Math.max(4, 1 - Math.floor(Math.log10(value)))
  const [whole = '0', rest = ''] = value.toFixed(decimals).split('.')
  return `$${count(Number(whole))}.${rest}`
}

/** Milliseconds as 812 ms, 1.53 s or 2 min 5 s. */
export function duration(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return NOTHING
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** The middle value (mean of the two middle ones); null for none. */
export function median(values: readonly number[]): number | null {
  const sorted = new Float64Array(values).sort()
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]
  return upper === undefined || lower === undefined ? null : (upper + lower) / 2
}

/** An ISO 8601 time to the minute: 2026-11-21 07:29 UTC. Anything else comes back as it is. */
export function moment(iso: string): string {
  const found = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)\S*Z$/.exec(iso)
  return found ? `${found[1]} ${found[2]} UTC` : iso
}
