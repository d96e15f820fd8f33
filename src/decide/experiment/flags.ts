// The flags that serve an experiment: one a component for flagd, every unit in the same variant of all of them, for ever.
import type { ExperimentPlan } from '../../schema/experiment.ts'
import { treatmentsOf } from './metric-kind.ts'

const WHOLE = 1_000_000

export type ExperimentFlags = { $schema: string; flags: Record<string, ExperimentFlag> }
type ExperimentFlag = {
  state: 'ENABLED'
  variants: Record<string, string>
  defaultVariant: string
  targeting: { if: unknown[] }
  metadata: Record<string, string>
}

/** The control in the middle: if the treatments later get other shares at its cost, nobody changes from one to another. */
function inOrder(plan: ExperimentPlan): string[] {
  const treatments = treatmentsOf(plan)
  const half = Math.ceil(treatments.length / 2)
  return [...treatments.slice(0, half), plan.control, ...treatments.slice(half)]
}

/** Whole millionths that add up: a decimal weight would send everybody to the default variant. */
function weightsOf(plan: ExperimentPlan, names: readonly string[]): [string, number][] {
  let left = WHOLE
  return names.map((name, i) => {
    const weight = i === names.length - 1 ? left : Math.round((plan.variants[name]?.share ?? 0) * WHOLE)
    left -= weight
    return [name, weight]
  })
}

/**
 * A flag file of the form https://flagd.dev/schema/v0/flags.json with the flags `<experiment>-<component>`: the variant by the hash
 * of salt and targeting key. Without a key, and as `off`: what the control is, and it does not count. A variant that does not name a
 * component has that of the control.
 */
export function experimentFlags(plan: ExperimentPlan, hash: string): ExperimentFlags {
  const salt = plan.assignment.salt ?? plan.experiment
  const names = inOrder(plan)
  const components = [...new Set(names.flatMap((name) => Object.keys(plan.variants[name]?.components ?? {})))].sort()
  const key = { var: 'targetingKey' }
  const flagOf = (component: string): ExperimentFlag => {
    const control = plan.variants[plan.control]?.components[component] ?? ''
    const versions = names.map((name): [string, string] => [
      name,
      plan.variants[name]?.components[component] ?? control,
    ])
    return {
      state: 'ENABLED',
      variants: { ...Object.fromEntries(versions), off: control },
      defaultVariant: 'off',
      targeting: { if: [{ '!': [key] }, 'off', { fractional: [{ cat: [salt, key] }, ...weightsOf(plan, names)] }] },
      metadata: { experiment: plan.experiment, component, plan_hash: hash, salt },
    }
  }
  return {
    $schema: 'https://flagd.dev/schema/v0/flags.json',
    flags: Object.fromEntries(components.map((component) => [`${plan.experiment}-${component}`, flagOf(component)])),
  }
}
