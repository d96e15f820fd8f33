// Lays gate policies over each other: what is written later wins, key by key.
import { defaultPolicy, type GatePolicy, type GatePolicyInput, STRICT_ALPHA } from '../schema/gate.ts'

type Layer = Record<string, unknown>

/**
 * The policy in force: the defaults, then each layer in turn. Maps (`categories`, `latency_p95`, …) are laid over each
 * other key by key as well, so that a suite can change one limit of the repository and keep the others. A floor that is laid
 * over raw thresholds (`naive`) is their floor.
 */
export function mergePolicy(layers: readonly (GatePolicyInput | undefined)[]): GatePolicy {
  const merged = layers.reduce<Layer>((below, above) => overlay(below, rawFloor(below, spelledOut(above))), {
    ...defaultPolicy,
  })
  return merged as GatePolicy
}

/** `strict` is a word for an alpha; the alpha that stands beside it in the same file is meant. */
function spelledOut({ strict, ...layer }: GatePolicyInput = {}): Layer {
  if (strict === undefined || layer.alpha !== undefined) return layer
  return { ...layer, alpha: strict ? STRICT_ALPHA : defaultPolicy.alpha }
}

/** The floor of raw thresholds is the one that decides: a layer that writes only `min_pass_rate` means it. */
function rawFloor(below: Layer, above: Layer): Layer {
  if (!isMap(below.naive) || above.naive !== undefined || above.min_pass_rate === undefined) return above
  return { ...above, naive: { min_pass_rate: above.min_pass_rate } }
}

function overlay(below: Layer, above: Layer): Layer {
  const entries = Object.entries(above).filter(([, value]) => value !== undefined)
  const laid = entries.map(([key, value]) => {
    const under = Object.hasOwn(below, key) ? below[key] : undefined
    return [key, isMap(value) && isMap(under) ? overlay(under, value) : value]
  })
  return { ...below, ...(Object.fromEntries(laid) as Layer) }
}

const isMap = (value: unknown): value is Layer => typeof value === 'object' && value !== null && !Array.isArray(value)
