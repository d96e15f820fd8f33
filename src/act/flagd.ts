// The control plane that is a flagd file: applications read it through OpenFeature, and its lease ends by itself.
import { resolve } from 'node:path'
import type { Actuator } from '../ports.ts'
import type { RolloutPlan } from '../schema/rollout.ts'
import type { Desired } from '../schema/rollout-journal.ts'
import { controlFailed } from './failure.ts'
import { EMPTY_FLAG_FILE, member, parseFlagFile, record } from './flag-file.ts'
import { type FlagState, flagNames, flagOf, understand, WHOLE } from './flagd-flag.ts'
import { setMember } from './json-text.ts'
import { keepKills } from './kill-list.ts'
import type { ActuatorOptions, ControlOf } from './actuator-options.ts'
import { replaceFile, textOf } from './replace-file.ts'

/**
 * One flag a component of the release, set in the file `control.path`; flags of others keep every byte. `apply` reads back
 * what it wrote. `read` throws where a flag is missing, was edited other than in its share, or where the components are
 * of two generations or shares. A flag that an unfinished rollout of another name holds is not taken from it.
 */
export function flagdActuator(
  control: ControlOf<'flagd'>,
  plan: RolloutPlan,
  { root, planHash }: ActuatorOptions,
): Actuator {
  const file = resolve(root, control.path)
  const read = async () => {
    const text = await textOf(file)
    if (text === null) throw controlFailed(`there is no ${control.path}`, 'Let aigate write it again, or restore it.')
    return standing(plan, parseFlagFile(text, file).flags)
  }
  return {
    leases: true,
    read,
    async apply(desired, signal) {
      signal.throwIfAborted()
      await replaceFile(file, (text) => withFlags(text ?? EMPTY_FLAG_FILE, file, { plan, planHash, desired }))
      const there = await read()
      const differs = differenceOf(desired, there)
      if (differs !== undefined)
        throw controlFailed(`${control.path} says ${differs} after it was written`, 'See who else writes the file.')
    },
  }
}

function differenceOf(desired: Desired, there: Awaited<ReturnType<Actuator['read']>>): string | undefined {
  const components = there.components ?? []
  if (there.ppm !== desired.ppm) return `a share of ${there.ppm} instead of ${desired.ppm} millionths`
  if (there.generation !== desired.generation) return `generation ${there.generation} instead of ${desired.generation}`
  if (there.killed !== desired.killed) return there.killed ? 'stopped' : 'not stopped'
  if (there.lease_until !== desired.lease_until) return 'another lease'
  const odd = [...components, ...desired.components].find(
    (name) => !components.includes(name) || !desired.components.includes(name),
  )
  return odd === undefined ? undefined : `another share for ${odd}`
}

type Wanted = { plan: RolloutPlan; planHash: string | undefined; desired: Desired }

function withFlags(text: string, file: string, { plan, planHash, desired }: Wanted): string {
  const flags = parseFlagFile(text, file).flags
  let next = text
  for (const [component, name] of Object.entries(flagNames(plan))) {
    requireFree(plan, name, member(flags, name))
    const state: FlagState = { ...desired, on: desired.components.includes(component) }
    next = setMember(next, ['flags', name], flagOf(plan, planHash, component, state))
  }
  return keepKills(next, file)
}

/** Two rollouts must not move one flag at the same time; what one has finished with, the next may have. */
function requireFree(plan: RolloutPlan, name: string, found: unknown): void {
  const flag = record(found)
  const { rollout, killed, on } = record(flag['metadata'])
  if (typeof rollout !== 'string' || rollout === plan.rollout || killed === true || on === false) return
  const rules = record(flag['targeting'])['if']
  if (JSON.stringify(rules).includes('["candidate",0]') || JSON.stringify(rules).includes(`["candidate",${WHOLE}]`))
    return
  throw controlFailed(
    `the flag ${name} belongs to the rollout ${rollout}, which is under way`,
    'Finish or abort that rollout first, or name another flag under control.flags.',
  )
}

/** What all flags of the rollout say together. */
function standing(plan: RolloutPlan, flags: Record<string, unknown>): Awaited<ReturnType<Actuator['read']>> {
  const mend = 'aigate writes the flags anew at its next tick; see who edits them.'
  const [problem] = lintFlags(plan, flags)
  if (problem !== undefined) throw controlFailed(problem, mend)
  const states = Object.entries(flagNames(plan)).flatMap(([component, name]) => {
    const state = understand(plan, component, member(flags, name))
    return typeof state === 'string' ? [] : [{ component, state }]
  })
  const on = states.filter(({ state }) => state.on)
  const { state } = on[0] ?? states[0] ?? {}
  if (state === undefined) throw controlFailed('the release has no component', 'Name one under `release`.')
  const { ppm, generation, killed, lease_until } = state
  return { ppm, generation, killed, lease_until, components: on.map(({ component }) => component) }
}

/**
 * What is wrong with the flags of a rollout, as sentences without a full stop: one that is missing or was edited, shares or
 * generations that differ, flags of the same rollout under names that the plan does not have.
 */
function lintFlags(plan: RolloutPlan, flags: Record<string, unknown>): string[] {
  const names = flagNames(plan)
  const problems: string[] = []
  const states: { name: string; state: FlagState }[] = []
  for (const [component, name] of Object.entries(names)) {
    const found = member(flags, name)
    const state = found === undefined ? 'it is missing' : understand(plan, component, found)
    if (typeof state === 'string') problems.push(`the flag ${name} is not as aigate wrote it: ${state}`)
    else states.push({ name, state })
  }
  const all = (of: (state: FlagState) => unknown, among = states) => new Set(among.map(({ state }) => of(state))).size
  const on = states.filter(({ state }) => state.on)
  if (all(({ generation }) => generation) > 1) problems.push('the flags of the components are of several generations')
  if (all(({ killed }) => killed) > 1) problems.push('some flags of the components are stopped, others not')
  if (all(({ ppm }) => ppm, on) > 1) problems.push('the flags of the components have several shares')
  if (all(({ lease_until: until }) => until) > 1) problems.push('the flags of the components have several leases')
  for (const [name, flag] of Object.entries(flags)) {
    const { rollout } = record(record(flag)['metadata'])
    if (rollout === plan.rollout && !Object.values(names).includes(name))
      problems.push(`the flag ${name} is of this rollout, but the plan does not name it`)
  }
  return problems
}
