// Switches kills on and off in a flag file, and reads back what it then says.
import { basename } from 'node:path'
import { AigateError } from '../errors.ts'
import type { KillEntry, KillScope } from '../schema/kill.ts'
import { controlFailed } from './failure.ts'
import { canonicalJson } from '../content-hash.ts'
import { EMPTY_FLAG_FILE, member, parseFlagFile, record } from './flag-file.ts'
import {
  concerns,
  KILL,
  type KillOptions,
  killProblems,
  killsIn,
  offVariant,
  scopeName,
  switchNames,
  withKills,
} from './kill-list.ts'
import { replaceFile, textOf } from './replace-file.ts'

/** A kill as it stands: `over` where it has ended by itself; `flags`: those that serve their variant `off`, for some users at least. */
export type StandingKill = KillEntry & { name: string; over: boolean; flags_concerned: string[]; switches: string[] }
/** `problems`: where flagd does not do what the list says; each names a flag or the rule. */
export type KillState = { file: string; kills: StandingKill[]; problems: string[] }

/**
 * What a flag file says at `now` (milliseconds since 1970). No file: nothing is killed.
 * Throws AigateError `control_failed` where the file or its list cannot be read, `newer_file`.
 */
export async function readKills(file: string, options: KillOptions, now: number): Promise<KillState> {
  const shown = basename(file)
  const text = await textOf(file)
  if (text === null) return { file, kills: [], problems: [] }
  const { flags } = parseFlagFile(text, shown)
  const asking = Object.keys(flags).filter((name) => offVariant(flags[name]) !== undefined)
  const kills = killsIn(flags, shown).map((kill) => ({
    ...kill,
    name: scopeName(kill.scope),
    over: kill.until !== null && Math.ceil(Date.parse(kill.until) / 1000) * 1000 <= now,
    flags_concerned: asking.filter((name) => !name.startsWith('aigate-kill') && concerns(kill, name, flags)),
    switches: ['aigate-kill', ...switchNames(kill.scope)],
  }))
  return { file, kills, problems: killProblems(text, shown, options) }
}

/** Adds a kill, or renews the one of the same scope. Kills that are over are taken off the list. */
export function switchOn(file: string, kill: KillEntry, options: KillOptions, now: number): Promise<KillState> {
  const everything = scopeName(kill.scope) === 'global'
  return change(file, options, now, everything, (kills) => [
    ...kills.filter(({ scope }) => scopeName(scope) !== scopeName(kill.scope)),
    kill,
  ])
}

/** Takes a kill off the list; `all`: every one. A scope that is not on the list changes nothing. */
export function switchOff(
  file: string,
  scope: KillScope | 'all',
  options: KillOptions,
  now: number,
): Promise<KillState> {
  return change(file, options, now, false, (kills) =>
    scope === 'all' ? [] : kills.filter((kill) => scopeName(kill.scope) !== scopeName(scope)),
  )
}

/**
 * What a kill would reach in a file that is there: flags that ask the list or will, and switches of it that were made before or that
 * the configuration names, since applications ask for them.
 * `known`: the flags that some kill reaches. Throws AigateError `control_failed`, `newer_file`.
 */
export async function reachOf(
  file: string,
  kill: KillEntry,
  options: KillOptions,
): Promise<{ flags: string[]; switches: string[]; known: string[] }> {
  const shown = basename(file)
  const text = (await textOf(file)) ?? EMPTY_FLAG_FILE
  const before = parseFlagFile(text, shown).flags
  const { flags } = parseFlagFile(withKills(text, shown, [kill], options), shown)
  const known = Object.keys(flags).filter((name) => !name.startsWith(KILL) && offVariant(flags[name]) !== undefined)
  // A switch of one feature or model is made on purpose; the one for everything comes with any kill.
  const own = switchNames(kill.scope).filter((name) => Object.hasOwn(before, name))
  const asked = [KILL, ...switchNames(kill.scope)].filter((name) => Object.hasOwn(options.flags, name))
  return {
    flags: known.filter((name) => concerns(kill, name, flags)),
    switches: [...new Set([...own, ...asked])],
    known,
  }
}

async function change(
  file: string,
  options: KillOptions,
  now: number,
  anew: boolean,
  edit: (kills: KillEntry[]) => KillEntry[],
): Promise<KillState> {
  const shown = basename(file)
  let wanted: KillEntry[] = []
  await replaceFile(file, (text) => {
    const before = text ?? EMPTY_FLAG_FILE
    const kills = knownKills(before, shown, anew).filter(
      ({ until }) => until === null || Math.ceil(Date.parse(until) / 1000) * 1000 > now,
    )
    wanted = edit(kills)
    return withKills(before, shown, wanted, options)
  })
  const there = await readKills(file, options, now)
  const said = there.kills.map(({ scope, reason, by, at, until, flags }) => ({ scope, reason, by, at, until, flags }))
  if (canonicalJson(said) !== canonicalJson(wanted))
    throw controlFailed(`${shown} lists other kills after it was written`, 'See who else writes the file.')
  return there
}

/** A kill of everything must work whatever the list is. */
function knownKills(text: string, shown: string, anew: boolean): KillEntry[] {
  try {
    return killsIn(parseFlagFile(text, shown).flags, shown)
  } catch (error) {
    if (anew && error instanceof AigateError && /kill list/.test(error.message)) return []
    throw error
  }
}

/** The names of the variants of a flag; undefined: the file has no such flag; null: there is no file. Throws AigateError `control_failed`. */
export async function variantsIn(file: string, flag: string): Promise<string[] | null | undefined> {
  const text = await textOf(file)
  if (text === null) return null
  const found = member(parseFlagFile(text, basename(file)).flags, flag)
  return found === undefined ? undefined : Object.keys(record(record(found)['variants']))
}

/**
 * Those of the flags that are in the file and do not ask its kill list, so that no kill reaches them; `kill`: only those
 * that this kill concerns. Throws AigateError `control_failed`.
 */
export async function flagsNotAsking(file: string, names: readonly string[], kill?: KillEntry): Promise<string[]> {
  const text = await textOf(file)
  if (text === null) return []
  const { flags } = parseFlagFile(text, basename(file))
  return names.filter(
    (name) =>
      Object.hasOwn(flags, name) &&
      offVariant(flags[name]) === undefined &&
      (kill === undefined || concerns(kill, name, flags)),
  )
}
