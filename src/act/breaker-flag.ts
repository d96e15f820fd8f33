// The flag of a circuit breaker: everybody is served one variant, and while it is half open a small share tries the primary.
import { resolve } from 'node:path'
import type { Breaker } from '../schema/guard.ts'
import { controlFailed } from './failure.ts'
import { canonicalJson } from '../content-hash.ts'
import { EMPTY_FLAG_FILE, parseFlagFile, record, member } from './flag-file.ts'
import { WHOLE } from './flagd-flag.ts'
import { setMember } from './json-text.ts'
import { keepKills, killRef, offVariant } from './kill-list.ts'
import { replaceFile, textOf } from './replace-file.ts'

/** `ppm`: millionths who try the primary while `serving` serves the others. */
export type BreakerServing = { serving: string; ppm: number; generation: number }

/** The flag as JSON. `off`: the variant of a kill switch that the flag asks first; undefined: it asks none. */
function flagFor({ id, flag }: Breaker, { serving, ppm, generation }: BreakerServing, off: string | undefined): object {
  const [primary = ''] = Object.keys(flag.variants)
  const key = { var: 'targetingKey' }
  const split = { fractional: [{ cat: [`${id}-probe`, key] }, [primary, ppm], [serving, WHOLE - ppm]] }
  // Without a key nobody can be followed: such a request does not probe.
  const probe = ppm > 0 && serving !== primary ? { if: [{ '!': [key] }, serving, split] } : null
  const targeting = off === undefined ? (probe ?? {}) : { if: [killRef, off, probe] }
  return {
    state: 'ENABLED',
    variants: flag.variants,
    defaultVariant: serving,
    targeting,
    metadata: { aigate: 'breaker', breaker: id, generation, serving, probe_ppm: ppm },
  }
}

/**
 * Makes the flag of the breaker say what is wanted and reads it back; all other flags keep every byte. A kill switch that
 * the flag asks stays. Throws AigateError `control_failed`.
 */
export async function serveBreaker(breaker: Breaker, wanted: BreakerServing, root: string): Promise<void> {
  const file = resolve(root, breaker.flag.path)
  const { name, path } = breaker.flag
  if (await isServed(breaker, wanted, root)) return
  await replaceFile(file, (text) => {
    const before = text ?? EMPTY_FLAG_FILE
    const off = offVariant(member(parseFlagFile(before, path).flags, name))
    const next = setMember(before, ['flags', name], flagFor(breaker, wanted, off))
    return off === undefined ? next : keepKills(next, path)
  })
  if (!(await isServed(breaker, wanted, root)))
    throw controlFailed(`${path} says something else for ${name} after it was written`, 'See who else writes it.')
}

/** Whether the flag file says what is wanted, wholly. Throws AigateError `control_failed` where it cannot be read. */
export async function isServed(breaker: Breaker, wanted: BreakerServing, root: string): Promise<boolean> {
  const text = await textOf(resolve(root, breaker.flag.path))
  if (text === null) return false
  const found = record(member(parseFlagFile(text, breaker.flag.path).flags, breaker.flag.name))
  return canonicalJson(found) === canonicalJson(flagFor(breaker, wanted, offVariant(found)))
}
