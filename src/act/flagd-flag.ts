// What a flag of a rollout looks like to flagd, and what a flag that was found there says.
import type { RolloutPlan } from '../schema/rollout.ts'
import type { Desired } from '../schema/rollout-journal.ts'
import { canonicalJson } from '../content-hash.ts'
import { record } from './flag-file.ts'
import { killRef } from './kill-list.ts'

export { record } from './flag-file.ts'

export const WHOLE = 1_000_000

/** A flag as JSON, of the form https://flagd.dev/schema/v0/flags.json. */
export type Flag = {
  state: 'ENABLED'
  variants: Record<string, string>
  defaultVariant: string
  targeting: { if: unknown[] }
  metadata: Record<string, string | number | boolean>
}

/** What a flag says is served: `on` is false where this component alone is back at the baseline. */
export type FlagState = Pick<Desired, 'ppm' | 'generation' | 'killed' | 'lease_until'> & { on: boolean }

/** The name of the flag of each component of the release. Two components never share one. */
export function flagNames(plan: RolloutPlan): Record<string, string> {
  const named = plan.control.type === 'flagd' ? (plan.control.flags ?? {}) : {}
  return Object.fromEntries(
    Object.keys(plan.release).map((component) => [component, named[component] ?? `${plan.rollout}-${component}`]),
  )
}

/**
 * The flag of a component. First match: stopped, on the kill list, no targeting key, lease over, segment excluded or not yet in: `off`, the
 * baseline's version without being compared; else by the hash of salt and targeting key: `candidate` below the share,
 * `baseline` above. The candidate comes first, so that a growing share keeps everybody who has it; weights are whole
 * millionths, since a decimal weight would send everybody to the default variant. One salt serves all components: a user
 * is in one arm everywhere. The lease is compared in whole seconds, rounded down: it never lasts longer than it should.
 */
export function flagOf(plan: RolloutPlan, hash: string | undefined, component: string, state: FlagState): Flag {
  const salt = plan.assignment.salt ?? plan.rollout
  const ppm = state.on ? state.ppm : 0
  const key = { var: 'targetingKey' }
  const segment = { var: 'segment' }
  const { first, exclude } = plan.segments ?? {}
  const lease = state.lease_until === null ? [] : [leaseClause(state.lease_until), 'off']
  const excluded = exclude?.length ? [{ in: [segment, exclude] }, 'off'] : []
  const notYet = first?.length && ppm < lastShare(plan) ? [{ '!': [{ in: [segment, first] }] }, 'off'] : []
  const split = { fractional: [{ cat: [salt, key] }, ['candidate', ppm], ['baseline', WHOLE - ppm]] }
  return {
    state: 'ENABLED',
    variants: {
      candidate: plan.release[component] ?? '',
      baseline: plan.baseline[component] ?? '',
      off: plan.baseline[component] ?? '',
    },
    defaultVariant: 'off',
    targeting: {
      if: [
        state.killed || !state.on,
        'off',
        killRef,
        'off',
        { '!': [key] },
        'off',
        ...lease,
        ...excluded,
        ...notYet,
        split,
      ],
    },
    metadata: {
      rollout: plan.rollout,
      component,
      generation: state.generation,
      ...(hash === undefined ? {} : { plan_hash: hash }),
      salt,
      killed: state.killed,
      on: state.on,
      ...(state.lease_until === null ? {} : { lease_until: state.lease_until }),
    },
  }
}

/** Segments that go first go alone until the last stage. */
function lastShare(plan: RolloutPlan): number {
  return Math.round((plan.stages.at(-1)?.traffic ?? 1) * WHOLE)
}

function leaseClause(until: string): object {
  return { '>=': [{ var: '$flagd.timestamp' }, Math.floor(Date.parse(until) / 1000)] }
}

/**
 * What a flag that was found really serves, by its rules, not by its metadata; or the sentence that says in which part it
 * is no flag that aigate writes for this plan (an edit by hand, another salt, `state: DISABLED`).
 */
export function understand(plan: RolloutPlan, component: string, found: unknown): FlagState | string {
  const flag = record(found)
  const metadata = record(flag['metadata'])
  const { generation, killed, on, lease_until: lease = null } = metadata
  const rules = record(flag['targeting'])['if']
  if (typeof generation !== 'number' || typeof killed !== 'boolean' || typeof on !== 'boolean')
    return 'its metadata is not that of aigate'
  if (lease !== null && (typeof lease !== 'string' || Number.isNaN(Date.parse(lease)))) return 'its lease is no time'
  const ppm = weightIn(rules)
  if (ppm === undefined) return 'its targeting has no share of the candidate in millionths'
  const state: FlagState = { ppm, generation, killed, on, lease_until: lease }
  const hash = typeof metadata['plan_hash'] === 'string' ? metadata['plan_hash'] : undefined
  const wanted: Record<string, unknown> = flagOf(plan, hash, component, state)
  const odd = Object.keys({ ...wanted, ...flag }).find(
    (part) => canonicalJson(wanted[part]) !== canonicalJson(flag[part]),
  )
  return odd === undefined ? state : `its ${odd} was changed`
}

function weightIn(rules: unknown): number | undefined {
  const split: unknown = Array.isArray(rules) ? record(rules.at(-1))['fractional'] : undefined
  const bucket: unknown = Array.isArray(split) ? split[1] : undefined
  const weight: unknown = Array.isArray(bucket) ? bucket[1] : undefined
  return typeof weight === 'number' && Number.isInteger(weight) && weight >= 0 && weight <= WHOLE ? weight : undefined
}
