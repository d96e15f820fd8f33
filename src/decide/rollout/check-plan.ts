// What a plan asks that can never be, and what it had better not ask: found before the start.
import { limitFaults } from '../../schema/condition-limits.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'
import { boundOf, oddCriterion } from './criterion.ts'
import { leastEvents } from './least-events.ts'
import { judgingOf } from './metrics.ts'
import { saidTime } from './said-time.ts'
import { gateOf, leastTime } from './stages.ts'
import { type PlanProblem, strategyProblems } from './strategy.ts'

function stageProblems(plan: RolloutPlan): PlanProblem[] {
  return plan.stages.flatMap((stage, i) => {
    const found: PlanProblem[] = []
    const at = (key: string, problem: string, mend: string) => found.push({ path: ['stages', i, key], problem, mend })
    const before = plan.stages[i - 1]
    const waitsAtNone = stage.traffic === 0 && i === 0 && plan.strategy === 'blue-green'
    if (!waitsAtNone && !(stage.traffic > 0 && stage.traffic <= 1))
      at(
        'traffic',
        `Stage ${i + 1} serves ${stage.traffic * 100} % of the traffic.`,
        'Write a share above 0 and up to 100%.',
      )
    else if (!waitsAtNone && Math.round(stage.traffic * 1_000_000) < 1)
      at('traffic', `Stage ${i + 1} serves less than a millionth.`, 'Write at least 0.0001%.')
    if (before && stage.traffic < before.traffic)
      at('traffic', `Stage ${i + 1} serves less than the stage before it.`, 'Order the stages by traffic.')
    if (i === plan.stages.length - 1 && stage.traffic < 1)
      at(
        'traffic',
        `The last stage serves ${stage.traffic * 100} %: after it nobody would decide what the others get.`,
        'End with a stage of 100%; where people shall decide, write approval: true on this one.',
      )
    if (stage.bake !== undefined && i < plan.stages.length - 1)
      at('bake', `Stage ${i + 1} bakes, but is not the last.`, 'Write duration, or move bake to the last stage.')
    if (stage.traffic >= 1 && gateOf(stage) !== 'none')
      at(
        'gate',
        `Stage ${i + 1} serves everybody: there is no baseline left to compare with.`,
        'Leave the gate out, and put it on a stage before.',
      )
    if (stage.max_duration !== undefined && stage.max_duration < leastTime(stage, plan))
      at(
        'max_duration',
        `The deadline of stage ${i + 1} is before its least time.`,
        'Make max_duration longer than duration, and than the delay of every metric with a quarter of it.',
      )
    for (const [j, text] of (stage.success ?? []).entries()) {
      const bound = boundOf(plan, text)
      const path = ['stages', i, 'success', j]
      const odd = oddCriterion(plan, text)
      if (typeof bound === 'string')
        found.push({ path, problem: bound, mend: 'Name a metric of the plan and a limit in its unit.' })
      else if (odd !== null)
        found.push({ path, problem: odd, mend: 'Turn the sign round, or write the limit on the scale of the metric.' })
    }
    return found
  })
}

function triggerProblems(plan: RolloutPlan): PlanProblem[] {
  const seen = new Set<string>()
  return plan.triggers.flatMap((trigger, i) => {
    const found: PlanProblem[] = []
    const at = (key: string, problem: string, mend: string) => found.push({ path: ['triggers', i, key], problem, mend })
    const metric = plan.metrics[trigger.metric]
    if (!metric)
      at(
        'metric',
        `Trigger ${trigger.id} watches ${trigger.metric}, which is no metric of the plan.`,
        'Name one of metrics.',
      )
    const limits = [trigger.above, trigger.below, trigger.below_baseline].filter((one) => one !== undefined)
    if (limits.length !== 1)
      at(
        'id',
        `Trigger ${trigger.id} has ${limits.length} limits.`,
        'Write exactly one of above, below and below_baseline.',
      )
    for (const { key, problem, mend } of limitFaults(trigger, metric))
      at(key, `Trigger ${trigger.id}: ${problem}.`, mend)
    if (seen.has(trigger.id)) at('id', `There are two triggers named ${trigger.id}.`, 'Give each its own id.')
    seen.add(trigger.id)
    return found
  })
}

function metricProblems(plan: RolloutPlan): PlanProblem[] {
  const found = Object.entries(plan.metrics).flatMap(([name, metric]): PlanProblem[] => {
    const path = ['metrics', name, 'margin']
    if ('mean' in metric && metric.margin?.risk_ratio !== undefined)
      return [{ path, problem: `${name} is a mean: a risk ratio is no margin for it.`, mend: 'Write abs or rel.' }]
    if (!('mean' in metric) && (metric.margin?.abs !== undefined || metric.margin?.rel !== undefined))
      return [
        { path, problem: `${name} is a rate: its margin is a risk ratio.`, mend: 'Write risk_ratio, for example 1.5.' },
      ]
    if ('mean' in metric && metric.margin?.abs !== undefined && metric.margin.rel !== undefined)
      return [{ path, problem: `${name} has two margins.`, mend: 'Write abs or rel.' }]
    return []
  })
  const gated = plan.stages.some((stage) => gateOf(stage) !== 'none')
  if (gated && !judgingOf(plan).some((one) => one.role === 'guardrail'))
    found.push({
      path: ['metrics'],
      problem: 'A stage has a gate, but no metric is a guardrail.',
      mend: 'Add a metric, or write gate: none.',
    })
  return found
}

/** What a plan does otherwise than it reads: how many must be seen for no harm, and how long labels are waited for. */
export function planNotes(plan: RolloutPlan): string[] {
  const guardrails = judgingOf(plan).filter((one) => one.role === 'guardrail')
  return plan.stages.flatMap((stage, i) => {
    const written = Math.max(stage.duration ?? 0, stage.bake ?? 0)
    const least = leastTime(stage, plan)
    const found =
      least > written ? [`stage ${i + 1} lasts ${saidTime(least)} at least, for labels come late (\`delay\`)`] : []
    if (gateOf(stage) !== 'no-harm') return found
    const needs = Math.max(0, ...guardrails.map((one) => leastEvents(one, stage.traffic)))
    const few = needs > (stage.min_users ?? 0)
    return few
      ? [
          ...found,
          `stage ${i + 1} is left after ${needs} of the candidate at the earliest: with fewer, even one bad of five would not show`,
        ]
      : found
  })
}

/** What a source cannot know, whatever the rest of the plan says. */
function sourceProblems({ assignment, source }: RolloutPlan): PlanProblem[] {
  if (source.type !== 'prometheus' || assignment.unit === 'request') return []
  const problem = `Prometheus counts requests: it knows no ${assignment.unit}s.`
  const mend = 'Write request where requests are assigned one by one, or read events (jsonl, otlp, sql) instead.'
  return [{ path: ['assignment', 'unit'], problem, mend }]
}

const fits = (interval: number) => interval >= 1000 && interval <= 3_600_000

/** Everything in the plan that can never be fulfilled or contradicts itself; empty: it can be started. */
export function checkPlan(plan: RolloutPlan): PlanProblem[] {
  const found = [
    ...stageProblems(plan),
    ...triggerProblems(plan),
    ...metricProblems(plan),
    ...strategyProblems(plan),
    ...sourceProblems(plan),
  ]
  const parts = Object.keys(plan.release)
  if (parts.length === 0)
    found.push({
      path: ['release'],
      problem: 'The release has no component.',
      mend: 'Name at least one, for example prompt.',
    })
  for (const part of Object.keys(plan.baseline))
    if (!Object.hasOwn(plan.release, part))
      found.push({
        path: ['baseline', part],
        problem: `${part} is not part of the release.`,
        mend: 'Take it out, or add it to release.',
      })
  const { rollback } = plan.on_degradation
  for (const part of Array.isArray(rollback) ? rollback : [])
    if (!Object.hasOwn(plan.release, part))
      found.push({
        path: ['on_degradation', 'rollback'],
        problem: `${part} is not part of the release.`,
        mend: 'Name components of release.',
      })
  const alone = Array.isArray(rollback) && parts.some((part) => !rollback.includes(part))
  if (alone && plan.control.type !== 'flagd')
    found.push({
      path: ['on_degradation', 'rollback'],
      problem: `A control plane of type ${plan.control.type} has one share for the whole release: no component can go back alone.`,
      mend: 'Write control.type flagd, or on_degradation: {rollback: all}.',
    })
  if (plan.control.type === 'flagd' && plan.control.lease < 60_000)
    found.push({
      path: ['control', 'lease'],
      problem: 'The lease is shorter than a minute.',
      mend: 'Write at least 1m, better 15m.',
    })
  if ('interval' in plan.source && plan.source.interval !== undefined && !fits(plan.source.interval))
    found.push({
      path: ['source', 'interval'],
      problem: 'A block must last from 1 second to 1 hour.',
      mend: 'Write 60s, or less where a candidate must be found within seconds.',
    })
  if (plan.source.freshness <= plan.source.lateness)
    found.push({
      path: ['source', 'freshness'],
      problem: 'Events may be later than they may be old: every look would be without data.',
      mend: 'Make freshness longer than lateness.',
    })
  return found
}
