// What a plan can tell with the traffic that there is: hours until each gate can conclude, and what each stage can find.
// Source of the rates: the expected growth of the log evidence is a Kullback-Leibler divergence an event (Wald 1945).
import type { RolloutPlan } from '../../schema/rollout.ts'
import { sequenceHalfWidth } from '../../statistics/mean-sequence.ts'
import { wordsOf } from './evidence.ts'
import {
  criteriaFeasibility,
  eventsEach,
  type CriterionFeasibility,
  eventsPerHour,
  type TriggerFeasibility,
  triggerFeasibility,
  usualOf,
} from './feasibility-limits.ts'
import { leastEvents } from './least-events.ts'
import type { Judging } from './metrics.ts'
import { saidNumber, saidShare } from './said-time.ts'
import { gateOf, leastTime } from './stages.ts'
import type { Traffic } from './traffic.ts'

export type MetricFeasibility = {
  name: string
  /** Hours of this stage until "not worse by the margin" is proven of an equal candidate; null: never, or not asked. */
  safe_hours: number | null
  /** Hours until a candidate twice as bad is found (rates and tails); null for means. */
  double_hours: number | null
  /** The smallest risk ratio, or difference of means, that is found within the least time of the stage; null: none up to 20. */
  detectable: number | null
}
export type StageFeasibility = {
  stage: number
  traffic: number
  gate: string
  /** Hours that the stage will take: its least time, or longer where its gate needs it; null: it cannot conclude. */
  hours: number | null
  metrics: MetricFeasibility[]
  criteria: CriterionFeasibility[]
  triggers: TriggerFeasibility[]
}
export type Feasibility = { stages: StageFeasibility[]; total_hours: number | null; warnings: string[] }

const HOUR = 3_600_000
/** What mixing over alternatives costs: -ln of the weight of the best one, and of those that do nearly as well. */
const SAFE_COST = 0.6
const HARM_COST = 0.9
const LARGEST = 20

/** Relative entropy of two chances. */
const entropy = (p: number, q: number) => p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q))
const shifted = (share: number, ratio: number) => (share * ratio) / (share * ratio + 1 - share)

type Setting = { one: Judging; share: number; traffic: Traffic }

/** Bad events per minute with the candidate at `ratio` times the base rate; where users are followed, the first of each. */
function badPerMinute({ one, share, traffic }: Setting, ratio: number): number {
  const firsts = one.method === 'arm-share' ? (traffic.firsts?.[one.name] ?? 1) : 1
  const rate = (traffic.rates[one.name] ?? 0) * firsts * eventsEach(traffic, one.name)
  return traffic.per_minute * rate * (share * ratio + 1 - share)
}

/** Growth of the evidence per hour that an equal candidate is not worse by the margin. */
function safeGrowth(setting: Setting): number {
  const { one, share } = setting
  if (one.method === 'means' || share <= 0 || share >= 1) return 0
  return 60 * badPerMinute(setting, 1) * entropy(share, shifted(share, one.risk_ratio))
}

/** Hours until a candidate with `ratio` times the bad events is found. */
function harmHours(setting: Setting, ratio: number): number {
  const { one, share } = setting
  const growth = 60 * badPerMinute(setting, ratio) * entropy(shifted(share, ratio), share)
  return growth > 0 ? (one.harm_bound + HARM_COST) / growth : Infinity
}

/** Effective pairs per hour for a difference of means. */
const pairsPerHour = ({ one, share, traffic }: Setting) =>
  120 * traffic.per_minute * eventsEach(traffic, one.name) * share * (1 - share)

function widthAfter(setting: Setting, pairs: number, alpha: number): number {
  const deviation = setting.traffic.means[setting.one.name]?.deviation ?? 0
  return pairs < 100 ? Infinity : sequenceHalfWidth(pairs, deviation * Math.SQRT2, alpha)
}

function pairsNeeded(setting: Setting, promoteAlpha: number): number {
  const usual = setting.traffic.means[setting.one.name]
  const { margin } = setting.one
  const width = 'abs' in margin ? margin.abs : margin.rel * Math.abs(usual?.mean ?? 0)
  if (!usual || !(width > 0)) return Infinity
  let pairs = 100
  while (pairs < 1e12 && widthAfter(setting, pairs, promoteAlpha) > width) pairs *= 1.05
  return pairs < 1e12 ? pairs : Infinity
}

function detectable(setting: Setting, hours: number): number | null {
  if (setting.share <= 0 || setting.share >= 1) return null
  if (setting.one.method === 'means') {
    const width = widthAfter(setting, pairsPerHour(setting) * hours, setting.one.alpha)
    return Number.isFinite(width) ? width : null
  }
  for (let ratio = 1.05; ratio <= LARGEST; ratio *= 1.05) if (harmHours(setting, ratio) <= hours) return ratio
  return null
}

const finite = (hours: number) => (Number.isFinite(hours) ? hours : null)

/** Evidence (or pairs) that is still needed after the earlier stages, as hours of this one. */
function safeHours(setting: Setting, gained: number, plan: RolloutPlan): number {
  if (setting.share <= 0 || setting.share >= 1) return Infinity
  if (setting.one.method === 'means')
    return Math.max(0, pairsNeeded(setting, plan.promote_alpha) - gained) / pairsPerHour(setting)
  const growth = safeGrowth(setting)
  return growth > 0 ? Math.max(0, setting.one.safe_bound + SAFE_COST - gained) / growth : Infinity
}

/** Users that a request brings while few were seen. */
const usersEach = ({ early_users: early, new_users: fresh = 1 }: Traffic) => early ?? fresh

/** Hours until so many of the candidate were seen that gross harm would show. */
function leastHours({ one, share, traffic }: Setting): number {
  const least = leastEvents(one, share)
  const each = Math.min(eventsEach(traffic, one.name), one.method === 'arm-share' ? usersEach(traffic) : 1)
  return least === 0 ? 0 : least / Math.max(1e-9, 60 * traffic.per_minute * each * share)
}

function warningsOf(stage: StageFeasibility, max: number | undefined): string[] {
  const said: string[] = []
  const name = `Stage ${stage.stage + 1} (${saidShare(stage.traffic)})`
  if (stage.traffic >= 1) return said
  for (const one of stage.metrics) {
    if (one.double_hours === null) continue
    if (one.detectable === null)
      said.push(`${name} cannot find even ${LARGEST} times the ${one.name} in its least time.`)
    else if (one.detectable > 3)
      said.push(`${name} only catches disasters: ${one.name} must be ${saidNumber(one.detectable)} times the usual.`)
  }
  if (stage.hours === null)
    said.push(`${name} cannot conclude: for a metric or a limit of it there is no traffic or nothing is known.`)
  else if (max !== undefined && stage.hours * HOUR > max)
    said.push(`${name} needs about ${saidNumber(stage.hours)} h, but its deadline is ${saidNumber(max / HOUR)} h.`)
  return said
}

/** Absolute limits that the baseline itself does not keep, by what is usual: whatever the candidate does, they are broken. */
function brokenByBaseline(plan: RolloutPlan, traffic: Traffic): string[] {
  const said: string[] = []
  for (const [text, bound] of wordsOf(plan).criteria) {
    const usual = usualOf(bound, traffic)
    if (usual === null) continue
    const kept = bound.kind === 'mean' && bound.side === 'above' ? usual > bound.limit : usual < bound.limit
    const seen = bound.kind === 'mean' ? saidNumber(usual) : saidShare(usual)
    if (!kept) said.push(`The baseline itself breaks ${text} (usual: ${seen}): no stage that asks for it can be left.`)
  }
  for (const { id, metric, above, below } of plan.triggers) {
    const usual = traffic.means[metric]?.mean ?? traffic.rates[metric] ?? null
    if (usual === null || (traffic.means[metric] === undefined && (above ?? 0) > 1)) continue
    const fires = (above !== undefined && usual > above) || (below !== undefined && usual < below)
    const seen = traffic.means[metric] === undefined ? saidShare(usual) : saidNumber(usual)
    if (fires) said.push(`The baseline itself would fire the trigger ${id} (usual ${metric}: ${seen}).`)
  }
  return said
}

/** Where users ask more often than this, their events hang together. */
const OFTEN = 5

/** Less of the bad events than this are the first of their user. */
const FEW_FIRSTS = 0.5

/** Where those who meet bad events come back, soon all have met one, and nothing more is to be learnt of them. */
function usedUp({ assignment: { unit } }: RolloutPlan, { firsts = {} }: Traffic): string[] {
  return Object.entries(firsts).flatMap(([name, share]) =>
    share < FEW_FIRSTS
      ? [
          `Only ${saidShare(share)} of the bad events of ${name} within a day are the first of a ${unit}, and only first ones are compared. After a day it may take far longer than is said here: use large shares and short stages, and limits such as ${name} < ….`,
        ]
      : [],
  )
}

/** What is counted by the event, where a few users make most of the events. */
function heavyUsers(plan: RolloutPlan, traffic: Traffic): string[] {
  const each = 1 / (traffic.new_users ?? 1)
  if (plan.assignment.unit === 'request' || each <= OFTEN) return []
  const { judging, criteria } = wordsOf(plan)
  const metrics = judging
    .filter(({ role, method }) => role !== 'info' && method !== 'arm-share')
    .map(({ name }) => name)
  const names = [...metrics, ...criteria.map(([text]) => text)]
  if (names.length === 0) return []
  return [
    `A ${plan.assignment.unit} makes ${saidNumber(each)} requests on average, and these count by the event: ${names.join(', ')}. Events of one ${plan.assignment.unit} are alike, so false alarms and false proofs are more frequent than alpha and promote_alpha say; rates and tails (\`bad\`, \`value\`) without \`judged\` count each ${plan.assignment.unit} once.`,
  ]
}

/**
 * Hours per stage and what each can find, with evidence pooled over the stages, for a candidate that is as good as the
 * baseline. Expected values: half of the rollouts take longer.
 */
export function planFeasibility(plan: RolloutPlan, traffic: Traffic): Feasibility {
  const gained = new Map<string, number>()
  const shown = new Map<string, number>()
  const guardrails = wordsOf(plan).judging.filter((one) => one.role === 'guardrail')
  const warnings: string[] = []
  const stages = plan.stages.map((stage, index): StageFeasibility => {
    const least = leastTime(stage, plan) / HOUR
    const share = stage.traffic
    const gated = gateOf(stage) === 'non-inferior'
    const settings = guardrails.map((one) => ({ one, share, traffic }))
    const needs = settings.map((setting) => safeHours(setting, gained.get(setting.one.name) ?? 0, plan))
    const users = (stage.min_users ?? 0) / Math.max(1e-9, 60 * traffic.per_minute * usersEach(traffic) * share)
    const enough = gateOf(stage) === 'no-harm' ? settings.map(leastHours) : gated ? needs : []
    const criteria = criteriaFeasibility(plan, traffic, stage, shown)
    const limits = criteria.map((one) => one.hours ?? Infinity)
    const hours = finite(Math.max(least, users, ...enough, ...limits))
    for (const [text, { metric }] of wordsOf(plan).criteria)
      shown.set(text, (shown.get(text) ?? 0) + eventsPerHour(plan, metric, traffic, share) * (hours ?? least))
    for (const setting of settings) {
      const rate = setting.one.method === 'means' ? pairsPerHour(setting) : safeGrowth(setting)
      gained.set(setting.one.name, (gained.get(setting.one.name) ?? 0) + rate * (hours ?? least))
    }
    const metrics = settings.map(
      (setting, i): MetricFeasibility => ({
        name: setting.one.name,
        safe_hours: finite(needs[i] ?? Infinity),
        double_hours: setting.one.method === 'means' || share >= 1 ? null : finite(harmHours(setting, 2)),
        detectable: detectable(setting, Math.max(least, 1 / 60)),
      }),
    )
    const triggers = plan.triggers.map((trigger) => triggerFeasibility(plan, traffic, trigger, share))
    const found = { stage: index, traffic: share, gate: gateOf(stage), hours, metrics, criteria, triggers }
    warnings.push(...warningsOf(found, stage.max_duration))
    return found
  })
  const total = stages.reduce<number | null>(
    (sum, { hours }) => (sum === null || hours === null ? null : sum + hours),
    0,
  )
  return {
    stages,
    total_hours: total,
    warnings: [...warnings, ...heavyUsers(plan, traffic), ...usedUp(plan, traffic), ...brokenByBaseline(plan, traffic)],
  }
}
