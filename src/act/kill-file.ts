// Switches kills on and off in a flag file, and reads back what it then says.
import { basename } from 'node:path'
import { AigateError } from '../errors.ts'
import type { KillEntry, KillScope } from '../schema/kill.ts'
import { controlFailed } from './failure.ts'
import { EMPTY_FLAG_FILE, canonical, parseFlagFile, record } from './flag-file.ts'
import {
  concerns,
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
  if (canonical(said) !== canonical(wanted))
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
  const found = parseFlagFile(text, basename(file)).flags[flag]
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
      flags[name] !== undefined &&
      offVariant(flags[name]) === undefined &&
      (kill === undefined || concerns(kill, name, flags)),
  )
}
