// Which flag files the kill switches of a project are in, and what they say now: for every status.
import { resolve } from 'node:path'
import { readKills, type KillState, type StandingKill } from '../act/kill-file.ts'
import type { KillOptions } from '../act/kill-list.ts'
import { AigateError } from '../errors.ts'
import type { Context, Project } from '../ports.ts'
import { collectPlans } from '../store/rollout-plan.ts'

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
