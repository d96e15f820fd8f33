// The plane that is a flag of a flagd file: its variants are versions, and everybody is served the one that is set.
import { basename, resolve } from 'node:path'
import { controlFailed, saying } from './failure.ts'
import { canonicalJson } from '../content-hash.ts'
import { member } from './flag-file.ts'
import { record, WHOLE } from './flagd-flag.ts'
import { killRef } from './kill-list.ts'
import { setMember } from './json-text.ts'
import type { BarePlane, PlaneOf, PlaneWorld } from './bare-plane.ts'
import { replaceFile, textOf } from './replace-file.ts'

type Flag = Record<string, unknown>
type Served = { version: string | null; detail?: string }

/**
 * Sets the default variant and takes targeting away, but for the rule of the kill switches at its beginning; a version that
 * has no variant yet gets one. A flag that a running rollout holds is stopped in that rollout's own form, with all others
 * of the rollout: everybody is served its baseline, and its runner holds. Where its baseline is not the wanted version, that
 * is `control_failed`.
 */
export function flagdPlane({ path, flag: name }: PlaneOf<'flagd'>, { root }: PlaneWorld): BarePlane {
  const file = resolve(root, path)
  const mend = 'Correct the file, or `path` and `flag` of this plane in aigate.yaml.'
  const flagIn = (text: string | null): Flag => {
    if (text === null) throw controlFailed(`there is no ${path}`, mend)
    const found = member(record(record(parsed(text, file))['flags']), name)
    if (found === undefined) throw controlFailed(`${path} has no flag ${name}`, mend)
    return record(found)
  }
  return {
    where: `flag ${name} in ${path}`,
    read: async () => served(flagIn(await textOf(file))),
    async apply({ version }, signal) {
      signal.throwIfAborted()
      await replaceFile(file, (text) => {
        const flag = flagIn(text)
        if (served(flag).version === version) return text ?? ''
        const held = rolloutOf(flag)
        if (held?.leased) return withoutRollout(text ?? '', requireBaseline(flag, held, version))
        return setMember(text ?? '', ['flags', name], switched(flag, version, name))
      })
    },
  }
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw controlFailed(`${basename(file)} is no JSON (${saying(error)})`, 'Restore it, then run the command again.')
  }
}

/** The version that a variant serves; one whose value is no plain one is known by its name. null: there is no such variant. */
export function versionOf(flag: Flag, variant: unknown): string | null {
  if (typeof variant !== 'string') return null
  const variants = record(flag['variants'])
  if (!Object.hasOwn(variants, variant)) return null
  const value = variants[variant]
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : variant
}

function served(flag: Flag): Served {
  if (flag['state'] !== 'ENABLED') return { version: null, detail: 'the default of the code: the flag is disabled' }
  const rules = rulesOf(flag)
  const held = rolloutOf(flag)
  if (held) return servedInRollout(flag, held)
  if (rules === null) return oneVariant(flag, flag['defaultVariant'])
  const { rest } = killRules(rules)
  if (rest.length === 0) return oneVariant(flag, flag['defaultVariant'])
  const [only] = rest
  if (rest.length === 1 && typeof only === 'string') return oneVariant(flag, only)
  return { version: null, detail: 'several versions, by the rules of the flag' }
}

function oneVariant(flag: Flag, variant: unknown): Served {
  const version = versionOf(flag, variant)
  return version === null ? { version, detail: 'no version: its default variant is none of its variants' } : { version }
}

/** The branches of the `if` of a targeting; null: none; one branch for a rule of another kind. */
function rulesOf(flag: Flag): unknown[] | null {
  const targeting = record(flag['targeting'])
  if (Object.keys(targeting).length === 0) return null
  const branches = targeting['if']
  return Array.isArray(branches) ? branches : [targeting]
}

/** The rule of the kill switches at the beginning stays whatever version is set; other shared rules may serve other versions. */
function killRules(rules: readonly unknown[]): { kill: unknown[]; rest: unknown[] } {
  let at = 0
  while (at + 1 < rules.length && canonicalJson(rules[at]) === canonicalJson(killRef)) at += 2
  return { kill: rules.slice(0, at), rest: rules.slice(at) }
}

type Held = { rollout: string; rules: unknown[]; stopped: number; ppm: number; leased: boolean }

/** A flag in the form that rollouts write; `stopped`: where in its rules it says whether it is stopped. */
function rolloutOf(flag: Flag): Held | undefined {
  const { rollout, lease_until: lease } = record(flag['metadata'])
  const rules = rulesOf(flag) ?? []
  const split: unknown = record(rules.at(-1))['fractional']
  const weight: unknown = Array.isArray(split) && Array.isArray(split[1]) ? split[1][1] : undefined
  const stopped = rules.findIndex((rule) => typeof rule === 'boolean')
  if (typeof rollout !== 'string' || typeof weight !== 'number' || stopped === -1) return undefined
  return { rollout, rules, stopped, ppm: weight, leased: typeof lease === 'string' }
}

function servedInRollout(flag: Flag, { rollout, rules, stopped, ppm }: Held): Served {
  if (rules[stopped] === true || ppm === 0) return oneVariant(flag, 'baseline')
  if (ppm === WHOLE) return oneVariant(flag, 'candidate')
  const both = `${versionOf(flag, 'candidate') ?? '?'} to ${ppm / 10_000} %, ${versionOf(flag, 'baseline') ?? '?'} to the rest`
  return { version: null, detail: `${both} (rollout ${rollout})` }
}

function switched(flag: Flag, version: string, name: string): Flag {
  const variants = { ...record(flag['variants']) }
  let variant = Object.keys(variants).find((one) => versionOf(flag, one) === version)
  if (variant === undefined) {
    if (Object.values(variants).some((value) => typeof value !== 'string'))
      throw controlFailed(
        `flag ${name} has no variant ${version}, and its variants are no texts`,
        'Add the variant to the file, then run the command again.',
      )
    variant = version
    variants[variant] = version
  }
  const { targeting: _rules, metadata, ...rest } = flag
  const { kill } = killRules(rulesOf(flag) ?? [])
  const kept = rolloutOf(flag) ? {} : record(metadata)
  return {
    ...rest,
    state: 'ENABLED',
    variants,
    defaultVariant: variant,
    ...(kill.length > 0 && { targeting: { if: [...kill, variant] } }),
    ...(Object.keys(kept).length > 0 && { metadata: kept }),
  }
}

function requireBaseline(flag: Flag, { rollout }: Held, version: string): string {
  const baseline = versionOf(flag, 'baseline')
  if (baseline === version) return rollout
  throw controlFailed(
    `the flag is held by the rollout ${rollout}, whose baseline is ${baseline ?? 'unknown'}, not ${version}`,
    `Abort it with \`aigate canary abort ${rollout}\`, then run this again.`,
  )
}

/**
 * Stops every flag of a rollout as the rollout itself would: its runner sees that, and holds instead of writing its share
 * again. Of one flag alone it would think that somebody had damaged the file.
 */
function withoutRollout(text: string, rollout: string): string {
  let next = text
  for (const [name, found] of Object.entries(record(record(JSON.parse(text))['flags']))) {
    const flag = record(found)
    const held = rolloutOf(flag)
    if (held?.rollout !== rollout) continue
    const rules = held.rules.map((rule, index) => (index === held.stopped ? true : rule))
    const metadata = { ...record(flag['metadata']), killed: true }
    next = setMember(next, ['flags', name], { ...flag, targeting: { if: rules }, metadata })
  }
  return next
}
