// The parts of guard.yaml as they are gathered from a deployment file, and the plan that they come to.
import { GuardPlan } from '../../schema/guard.ts'
import { readDuration } from './amounts.ts'
import type { Criterion } from './criteria.ts'
import type { Deed } from './deeds.ts'
import { type At, assumed, child, type Outline, use } from './outline.ts'
import { source } from './setting.ts'

type Data = Record<string, unknown>
/** Where no window is written. */
export const WINDOW = 300_000

/** A trigger of a rollout plan, with the metric that it needs there, and what it does to which rollouts. */
export type RolloutTrigger = { trigger: Data; definition: Data; does: { verb: string; only?: Deed['only'] }[] }
export type Guards = {
  metrics: Record<string, Data>
  triggers: Data[]
  breakers: Data[]
  actions: Record<string, Data>
  forRollouts: RolloutTrigger[]
}
export const noGuards = (): Guards => ({ metrics: {}, triggers: [], breakers: [], actions: {}, forRollouts: [] })

/** Why guard.yaml does not accept a part. */
export function refusal({ metrics, actions }: Guards, part: Data): string | undefined {
  const read = GuardPlan.safeParse({ guard: 'g', source, metrics, actions, ...part })
  return read.success ? undefined : read.error.issues.map(({ message }) => message).join('; ')
}

/** Says what a name was taken for. */
export function sayGuess(outline: Outline, { word, at, written }: Criterion): void {
  if (word.guessed !== undefined) assumed(outline, at, `${written} is taken as ${word.guessed}`)
}

/** The first of several keys that can be read as a duration, in milliseconds. */
export function duration(outline: Outline, at: At, keys: readonly string[]): number | undefined {
  const found = child(at, ...keys)
  const ms = found === undefined ? undefined : duringOf(found)
  if (ms !== undefined) use(outline, found)
  return ms
}
const duringOf = (at: At) => readDuration(at.value, String(at.path.at(-1)))

/** guard.yaml; undefined where there is nothing to watch. Whoever is told of a trigger is told when an action fails. */
export function guardPlan(outline: Outline, guards: Guards, name: string): Data | undefined {
  const { metrics, triggers, breakers, actions } = guards
  if (triggers.length === 0 && breakers.length === 0) return undefined
  const done = new Set([...triggers, ...breakers].flatMap((one) => (one['do'] as string[] | undefined) ?? []))
  const used = Object.fromEntries(Object.entries(actions).filter(([action]) => done.has(action)))
  const asked = new Set([...triggers, ...breakers.flatMap((one) => one['when'] as Data[])].map((one) => one['metric']))
  const seen = Object.fromEntries(Object.entries(metrics).filter(([metric]) => asked.has(metric)))
  const tellers = Object.keys(used).filter((action) =>
    ['webhook', 'pagerduty'].includes(String(used[action]?.['type'])),
  )
  if (tellers.length === 0) {
    assumed(
      outline,
      outline.root,
      'an action that fails is told to the address in AIGATE_WEBHOOK_URL (on_failure): say whom',
    )
    used['notify'] = { type: 'webhook', format: 'json', url_env: 'AIGATE_WEBHOOK_URL' }
  }
  const on_failure = tellers.length > 0 ? tellers : ['notify']
  return { guard: name, source, metrics: seen, triggers, breakers, actions: used, on_failure }
}
