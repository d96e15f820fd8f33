// Lays the policy of a change over that of its base so that whichever is stricter holds, and says what the change loosens.
import type { GatePolicy } from '../../schema/gate.ts'
import { MIN_KAPPA } from '../../schema/judge.ts'
import { byText } from '../words.ts'

type Numbered = number | false | undefined
type Path = readonly [keyof GatePolicy, ...string[]]

/** Limits that are stricter the higher, or the lower, they are; `undefined` and `false` are no limit at all. */
const higher: readonly Path[] = [
  ['min_pass_rate'],
  ['min_coverage'],
  ['mean_score', 'min'],
  ['valid_output', 'min'],
  ['pass_at_k', 'min'],
  ['pass_hat_k', 'min'],
]
const lower: readonly Path[] = [
  ['max_regression'],
  ['category_max_regression'],
  ['latency_p95', 'max'],
  ['latency_p95', 'max_increase'],
  ['time_to_first_token_p95', 'max'],
  ['time_to_first_token_p95', 'max_increase'],
  ['cost_per_case', 'max'],
  ['cost_per_case', 'max_increase'],
  ['mean_score', 'max_drop'],
  ['harmful', 'max'],
  ['harmful', 'max_rate'],
  ['over_refusal', 'max'],
  ['baseline_max_age', 'warn'],
  ['baseline_max_age', 'stop'],
]
/** From loose to strict. */
const burdens = ['prove-bad', 'prove-good'] as const
const settlements = ['pass', 'hold', 'fail'] as const
/** Neither direction is stricter in every case, or they are permissions: these count from the merge on. */
const fixed = [
  'alpha',
  'exact',
  'scope',
  'naive',
  'allow_case_changes',
  'allow_target_changes',
  'allow_new_recordings',
  'allow_joint_changes',
] as const

type Tree = { [key: string]: unknown }

/**
 * The policy that judges a change: of every limit the stricter of base and head, and the base's own where no order
 * exists (alpha, exact, scope, naive, permissions). `owner` and `reviewed` are the head's.
 * @returns `loosened`: one sentence for each value of the head that does not count yet
 */
export function strictestPolicy(base: GatePolicy, head: GatePolicy): { policy: GatePolicy; loosened: string[] } {
  const policy = structuredClone(head) as Tree
  const loosened: string[] = []
  const keep = (path: Path, was: unknown, is: unknown) => {
    loosened.push(`${path.join('.')}: ${shown(was)} -> ${shown(is)}`)
    put(policy, path, was)
  }
  const settle = (path: Path, sign: 1 | -1) => {
    const was = at(base, path) as Numbered
    const is = at(head, path) as Numbered
    if (strictness(is, sign) < strictness(was, sign)) keep(path, was, is)
  }
  for (const path of higher) settle(path, 1)
  for (const path of lower) settle(path, -1)
  if (burdens.indexOf(head.burden) < burdens.indexOf(base.burden)) keep(['burden'], base.burden, head.burden)
  if (settlements.indexOf(head.on_inconclusive) < settlements.indexOf(base.on_inconclusive))
    keep(['on_inconclusive'], base.on_inconclusive, head.on_inconclusive)
  const [was = MIN_KAPPA, is = MIN_KAPPA] = [base.min_kappa, head.min_kappa]
  // A higher bar takes more judges out of the gate.
  if (is > was) keep(['min_kappa'], was, is)
  if (head.uncalibrated_judges === 'warn' && base.uncalibrated_judges !== 'warn')
    keep(['uncalibrated_judges'], base.uncalibrated_judges, head.uncalibrated_judges)
  for (const key of fixed) if (shown(base[key]) !== shown(head[key])) keep([key], base[key], head[key])
  settleCategories({ base, head, keep })
  // Which cases count is no matter of more or less: where the base has such a gate, its choice counts.
  for (const gate of ['harmful', 'over_refusal'] as const) {
    for (const choice of base[gate] ? (['tags', 'categories'] as const) : []) {
      const [was, is] = [base[gate]?.[choice], head[gate]?.[choice]]
      if (shown(was) !== shown(is)) keep([gate, choice], was, is)
    }
  }
  // One of more tries is easier, all of more tries is harder: where the base has such a gate, its number counts.
  for (const gate of ['pass_at_k', 'pass_hat_k'] as const) {
    const [was, is] = [base[gate]?.k, head[gate]?.k]
    if (was !== undefined && was !== is) keep([gate, 'k'], was, is)
  }
  return { policy: policy as GatePolicy, loosened }
}

type Sides = { base: GatePolicy; head: GatePolicy; keep: (path: Path, was: unknown, is: unknown) => void }

/** A category without a margin of its own has that of all categories, so that naming a category can loosen it too. */
function settleCategories({ base, head, keep }: Sides): void {
  const names = new Set([...Object.keys(base.categories ?? {}), ...Object.keys(head.categories ?? {})])
  for (const name of [...names].sort(byText)) {
    const was = base.categories?.[name]
    const is = head.categories?.[name]
    if (strictness(is?.min_pass_rate, 1) < strictness(was?.min_pass_rate, 1))
      keep(['categories', name, 'min_pass_rate'], was?.min_pass_rate, is?.min_pass_rate)
    const margin = was?.max_regression ?? base.category_max_regression
    const now = is?.max_regression ?? Math.min(head.category_max_regression, base.category_max_regression)
    if (now > margin) keep(['categories', name, 'max_regression'], margin, now)
  }
}

/** No limit is looser than any. */
const strictness = (limit: Numbered, sign: 1 | -1): number =>
  limit === undefined || limit === false ? -Infinity : sign * limit

function at(policy: GatePolicy, path: Path): unknown {
  return path.reduce<unknown>(
    (tree, key) =>
      typeof tree === 'object' && tree !== null && Object.hasOwn(tree, key) ? (tree as Tree)[key] : undefined,
    policy,
  )
}

function put(policy: Tree, path: Path, value: unknown): void {
  const [last = '', ...above] = [...path].reverse()
  let tree = policy
  for (const key of above.reverse()) {
    const under = Object.hasOwn(tree, key) ? tree[key] : undefined
    const next = typeof under === 'object' && under !== null ? (under as Tree) : {}
    Object.defineProperty(tree, key, { value: next, enumerable: true, writable: true, configurable: true })
    tree = next
  }
  if (value === undefined) delete tree[last]
  else Object.defineProperty(tree, last, { value, enumerable: true, writable: true, configurable: true })
}

const shown = (value: unknown): string =>
  value === undefined ? 'not set' : typeof value === 'string' ? value : JSON.stringify(value)
