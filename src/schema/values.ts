// Small value types that people write in YAML: shares, durations, money, versions, JSON.
import * as z from 'zod'

/** A number in [0, 1]. */
export const Unit = z.number().min(0).max(1)

/** A share written as `0.05` or `5%`; read as a fraction. */
export const Share = z
  .union([z.number(), z.string().regex(/^-?\d+(\.\d+)?%$/, 'expected a share such as 0.05 or 5%')])
  .transform((written) => (typeof written === 'number' ? written : Number(written.slice(0, -1)) / 100))
  .describe('A share, written as 0.05 or 5%')

const MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A duration written as `2000` (milliseconds), `2000ms`, `1.5s`, `5m`, `2h` or `1d`; read as milliseconds. */
export const Duration = z
  .union([
    z.number().nonnegative(),
    z.string().regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'expected a duration such as 500ms, 2s, 5m, 1h or 1d'),
  ])
  .transform((written) => {
    if (typeof written === 'number') return written
    const [, amount = '0', unit = 'ms'] = /^([\d.]+)(ms|s|m|h|d)$/.exec(written) ?? []
    return Number(amount) * MILLISECONDS[unit as keyof typeof MILLISECONDS]
  })
  .describe('A duration: 500ms, 2s, 5m, 1h, 1d, or a number of milliseconds')

/** US dollars written as `0.01` or `$0.01`; read as a number. */
export const Dollars = z
  .union([z.number().nonnegative(), z.string().regex(/^\$\d+(\.\d+)?$/, 'expected dollars such as 0.01 or $0.01')])
  .transform((written) => (typeof written === 'number' ? written : Number(written.slice(1))))
  .describe('US dollars, written as 0.01 or $0.01')

/** A version in the form of https://semver.org 2.0.0. */
export const SemVer = z
  .string()
  .regex(
    /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/,
    'expected a semantic version such as 1.2.0',
  )
  .describe('Semantic version, for example 1.2.0')

/** A name that is safe in file names and on the command line; `/` makes groups. */
export const Name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/,
    'expected letters, digits, ".", "_", "-" and "/"',
  )

/** Any JSON value. */
export const Json = z.json()
export type Json = z.infer<typeof Json>
