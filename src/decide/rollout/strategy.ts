// What the strategies blue-green and rolling ask of a plan: without two arms at the same time nothing can be compared.
import type { RolloutPlan } from '../../schema/rollout.ts'

/** `path`: keys and indexes into the plan, for a place in the file. */
export type PlanProblem = { path: (string | number)[]; problem: string; mend: string }

const ORCHESTRATED = ['code', 'container', 'image']

/** A limit against the baseline would compare before with after, and blame the new one for the hour of the day. */
function comparisons(plan: RolloutPlan): PlanProblem[] {
  const { strategy = 'canary' } = plan
  const triggers = plan.triggers.flatMap((trigger, i): PlanProblem[] => {
    if (trigger.below_baseline === undefined) return []
    const problem = `Trigger ${trigger.id} compares with the baseline, which under ${strategy} does not run at the same time.`
    return [
      { path: ['triggers', i, 'below_baseline'], problem, mend: 'Write above or below, or use the strategy canary.' },
    ]
  })
  const gates = plan.stages.flatMap((stage, i): PlanProblem[] => {
    if (stage.gate === undefined || stage.gate === 'none' || stage.traffic >= 1) return []
    const problem = `Stage ${i + 1} has a gate, but under ${strategy} there are no two arms to compare.`
    return [{ path: ['stages', i, 'gate'], problem, mend: 'Leave the gate out.' }]
  })
  return [...triggers, ...gates, ...nothingWatched(plan)]
}

function nothingWatched(plan: RolloutPlan): PlanProblem[] {
  const last = plan.stages.at(-1)
  const watches = plan.triggers.length > 0 || (last?.success ?? []).length > 0
  if (watches && (last?.bake ?? last?.duration ?? 0) > 0) return []
  const at = plan.stages.length - 1
  return [
    {
      path: ['stages', at],
      problem: 'Nothing is watched after everybody is served the new one.',
      mend: 'Give the last stage `bake`, and write absolute triggers or criteria (success).',
    },
  ]
}

function blueGreen(plan: RolloutPlan): PlanProblem[] {
  const [first, last] = plan.stages
  const two = plan.stages.length === 2 && first?.traffic === 0 && last?.traffic === 1
  const found: PlanProblem[] = []
  if (!two)
    found.push({
      path: ['stages'],
      problem: 'A blue-green rollout has two stages: nobody, then everybody.',
      mend: 'Write stages: [{traffic: 0%}, {traffic: 100%, bake: 1h, success: […]}].',
    })
  for (const [i, text] of (first?.traffic === 0 ? (first.success ?? []) : []).entries())
    found.push({
      path: ['stages', 0, 'success', i],
      problem: `${text} is asked while nobody is served the candidate.`,
      mend: 'Move it to the second stage.',
    })
  return [...found, ...comparisons(plan)]
}

function rolling(plan: RolloutPlan): PlanProblem[] {
  const found: PlanProblem[] = []
  if (plan.control.type !== 'command' && plan.control.type !== 'http')
    found.push({
      path: ['control', 'type'],
      problem: 'Under rolling the orchestrator moves the traffic: aigate only reads how far it is.',
      mend: 'Write control with type command or http, whose `read` asks the orchestrator.',
    })
  if (plan.stages.length !== 1 || plan.stages[0]?.traffic !== 1)
    found.push({
      path: ['stages'],
      problem: 'A rolling rollout has one stage: the orchestrator decides the steps.',
      mend: 'Write stages: [{traffic: 100%, bake: 1h, success: […]}].',
    })
  for (const part of Object.keys(plan.release).filter((one) => !ORCHESTRATED.includes(one)))
    found.push({
      path: ['release', part],
      problem: `rolling is for code alone: ${part} changes what models answer, and needs a comparison.`,
      mend: `Roll ${part} out by a plan of its own with the strategy canary; here name ${ORCHESTRATED.join(', ')}.`,
    })
  return [...found, ...comparisons(plan)]
}

/** What in a plan does not fit its strategy; empty where all does. */
export function strategyProblems(plan: RolloutPlan): PlanProblem[] {
  const foreign = (['pre_check', 'warm_up', 'keep_old'] as const).flatMap((key): PlanProblem[] =>
    plan.strategy === 'blue-green' || plan[key] === undefined
      ? []
      : [
          {
            path: [key],
            problem: `${key} is of blue-green rollouts only.`,
            mend: `Remove ${key}, or write strategy: blue-green.`,
          },
        ],
  )
  if (plan.strategy === 'blue-green') return blueGreen(plan)
  return plan.strategy === 'rolling' ? [...foreign, ...rolling(plan)] : foreign
}
