// Which flag files the kill switches of a project are in, and what they say now: for every status.
import { relative, resolve } from 'node:path'
import { flagsNotAsking, readKills, type KillState, type StandingKill } from '../../act/kill-file.ts'
import type { KillOptions } from '../../act/kill-list.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Project } from '../../ports.ts'
import type { KillEntry } from '../../schema/kill.ts'
import { collectGuards } from '../../store/guard-file.ts'
import { collectPlans } from '../../store/rollout-plan.ts'

/**
 * The absolute paths of the flag files: `kill.path`, or those of the planes and rollout plans. A plan that cannot be read
 * is no reason not to kill; empty: none is known.
 */
export async function killFiles(project: Project): Promise<string[]> {
  const { config, root } = project
  if (config.kill?.path !== undefined) return [resolve(root, config.kill.path)]
  const planes = [config.production ?? {}, ...Object.values(config.environments ?? {})].flatMap((one) =>
    Object.values(one).flatMap((plane) => (plane.type === 'flagd' ? [plane.path] : [])),
  )
  const { plans } = await collectPlans(project)
  const controls = plans.flatMap(({ plan: { control } }) => (control.type === 'flagd' ? [control.path] : []))
  return [...new Set([...planes, ...controls].map((path) => resolve(root, path)))]
}

export const killOptions = ({ config }: Project): KillOptions => ({ flags: config.kill?.flags ?? {} })

/** What all files say; `unreadable`: sentences about those that cannot be read. Never throws for what is in a file. */
export async function killStates(
  context: Context,
  files: readonly string[],
  options: KillOptions,
): Promise<{ states: KillState[]; unreadable: string[] }> {
  const states: KillState[] = []
  const unreadable: string[] = []
  for (const file of files) {
    try {
      states.push(await readKills(file, options, context.now().getTime()))
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      unreadable.push(error.message)
    }
  }
  return { states, unreadable }
}

/** One line for a kill: what, until when, who, why. */
export function killLine({ name, by, at, until, reason, over }: StandingKill): string {
  const end = until === null ? '' : over ? `, over since ${time(until)}` : ` until ${time(until)}`
  return `${name === 'global' ? 'everything' : name}${end} (${by}, ${time(at)}: ${reason})`
}
const time = (iso: string) => `${iso.slice(0, 16).replace('T', ' ')} UTC`

/**
 * The lines that every status shows: what is killed now, with who and why, and flag files that cannot be read. Empty: nothing
 * is killed. Never throws for what is in a file: a status must not fail because of it.
 */
export async function killLines(context: Context, project: Project): Promise<string[]> {
  let files: string[]
  try {
    files = await killFiles(project)
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return []
  }
  const { states, unreadable } = await killStates(context, files, killOptions(project))
  const on = states.flatMap(({ kills }) => kills.filter(({ over }) => !over))
  return [
    ...new Set([...on.map((kill) => `KILLED: ${killLine(kill)}`), ...unreadable.map((one) => `kill list: ${one}`)]),
  ]
}

type Reached = { file: string; flag: string; of: string }

/** Flags that serve a part of production without being written by a rollout: those of the planes and of the breakers. */
async function servingFlags(project: Project): Promise<Reached[]> {
  const { config, root } = project
  const environments = { production: config.production ?? {}, ...config.environments }
  const planes = Object.entries(environments).flatMap(([env, found]) =>
    Object.entries(found).flatMap(([name, plane]) =>
      plane.type === 'flagd'
        ? [{ file: resolve(root, plane.path), flag: plane.flag, of: `the plane ${name} of ${env}` }]
        : [],
    ),
  )
  const { plans } = await collectGuards(project)
  const breakers = plans.flatMap(({ plan }) =>
    plan.breakers.map(({ id, flag }) => ({
      file: resolve(root, flag.path),
      flag: flag.name,
      of: `the breaker ${id} of ${plan.guard}`,
    })),
  )
  return [...planes, ...breakers]
}

/**
 * Flags of planes and breakers that no kill switches off, because they do not ask the kill list; `kill`: only those that this kill
 * concerns. Those under `kill.flags` will ask it from the next kill on. Never throws for what is in a file.
 */
export async function flagsWithoutKill(
  project: Project,
  kill?: KillEntry,
): Promise<{ file: string; flag: string; said: string }[]> {
  const named = project.config.kill?.flags ?? {}
  const found: { file: string; flag: string; said: string }[] = []
  for (const { file, flag, of } of await servingFlags(project)) {
    if (Object.hasOwn(named, flag) || found.some((one) => one.file === file && one.flag === flag)) continue
    try {
      if ((await flagsNotAsking(file, [flag], kill)).length === 0) continue
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      continue
    }
    const said = `no kill switch reaches the flag ${flag} in ${relative(project.root, file)} (${of}): to change that, write its variant that is off under \`kill.flags\` of aigate.yaml.`
    found.push({ file, flag, said })
  }
  return found
}
