// What a run would ask, use, cost and last, part by part, and whether that fits the budget.
import type { Budget } from '../../schema/config.ts'
import type { PlannedPart, PlannedSuite, RunPlan } from '../../schema/run-plan.ts'
import { counted } from '../words.ts'
import { againstBudget } from './over-budget.ts'
import { add, beside, NOTHING, type PartFacts, spendingOf } from './spending.ts'

/** What is known of one suite before it is asked. */
export type SuiteFacts = Pick<PlannedSuite, 'suite' | 'suite_version' | 'target' | 'provider' | 'model' | 'trials'> & {
  /** Suites of one group are asked one after the other, groups side by side. */
  group: string
  /** Cases that are asked about here. */
  cases: number
  /** The first is the target itself. */
  parts: readonly PartFacts[]
  /** Conversations whose number of calls was never seen. */
  guessed: number
  /** Answers that nobody is asked for and that are not recorded either, in the least passes. */
  missing: number
}

type Frame = { budget: Budget; toolVersion: string; shard?: RunPlan['shard'] }

/** The plan of a run. `fail`: what is asked in any case would exceed a limit of the budget. */
export function planRun(facts: readonly SuiteFacts[], { budget, toolVersion, shard }: Frame): RunPlan {
  const suites = facts.map(planSuite)
  const total = { least: totalOf(facts, suites, 'least'), most: totalOf(facts, suites, 'most') }
  const { exceeded, warnings } = againstBudget(total, suites, budget)
  return {
    aigate: 'plan',
    version: 1,
    tool_version: toolVersion,
    ...(shard && { shard }),
    outcome: exceeded.length > 0 ? 'fail' : 'pass',
    suites,
    models: modelsOf(suites),
    total,
    budget,
    exceeded,
    warnings: [...warnings, ...facts.flatMap(notRecorded)],
  }
}

const notRecorded = ({ suite, missing }: SuiteFacts): string[] =>
  missing === 0
    ? []
    : [
        `Of ${suite} ${counted(missing, 'answer')} would be missing: not recorded. \`aigate eval ${suite} --record\` asks for them.`,
      ]

function planSuite(facts: SuiteFacts): PlannedSuite {
  const { suite, suite_version, target, provider, model, trials, cases, parts, guessed } = facts
  const planned = parts.map((part) => plannedPart(part))
  const [own] = parts
  const asked = own?.cases.filter(({ most }) => most > 0) ?? []
  const open = (passes: 'least' | 'most') => asked.reduce((sum, one) => sum + one[passes], 0)
  const told = asked.filter(({ id }) => own?.measured.has(id)).length
  const priced = asked.length > 0 && planned[0]?.most.cost_usd !== null
  const listed = own?.price({ input: 1, output: 1 }) !== null
  const batch = parts.some((part) => part.batch && part.cases.some(({ most }) => most > 0))
  return {
    suite,
    suite_version,
    target,
    provider,
    model,
    cases,
    trials,
    open: { least: open('least'), most: open('most') },
    least: sumOf(parts, planned, 'least'),
    most: sumOf(parts, planned, 'most'),
    parts: planned.filter(({ most }, at) => at === 0 || most.calls > 0),
    known: { least: cases * trials.min - open('least'), most: cases * trials.max - open('most') },
    evidence: {
      measured: told,
      estimated: asked.filter(({ id, estimate }) => !own?.measured.has(id) && estimate !== null).length,
      guessed,
      latency: own?.latency?.from ?? null,
      price: listed ? 'list' : priced ? 'runs' : null,
      batch,
    },
  }
}

const plannedPart = (part: PartFacts): PlannedPart => {
  const { what, provider, model } = part
  return { what, provider, model, least: spendingOf(part, 'least'), most: spendingOf(part, 'most') }
}

/** Targets are asked in turn, judges and users meanwhile. */
function sumOf(parts: readonly PartFacts[], planned: readonly PlannedPart[], passes: 'least' | 'most') {
  const of = (hidden: boolean) => planned.filter((_, at) => (parts[at]?.beside === true) === hidden)
  const inTurn = of(false).reduce((sum, one) => add(sum, one[passes]), NOTHING)
  return beside([inTurn, ...of(true).map((one) => one[passes])])
}

/** Everything adds up but the time of groups that are asked side by side: there the longest counts. */
function totalOf(facts: readonly SuiteFacts[], suites: readonly PlannedSuite[], passes: 'least' | 'most') {
  const groups = new Map<string, PlannedSuite['least']>()
  for (const [i, { group }] of facts.entries())
    groups.set(group, add(groups.get(group) ?? NOTHING, suites[i]?.[passes] ?? NOTHING))
  return beside([...groups.values()])
}

function modelsOf(suites: readonly PlannedSuite[]): RunPlan['models'] {
  const models = new Map<string, RunPlan['models'][number]>()
  for (const { provider, model, least, most } of suites.flatMap(({ parts }) => parts)) {
    const key = `${provider}\0${model ?? ''}`
    const known = models.get(key) ?? { provider, model, least: NOTHING, most: NOTHING }
    models.set(key, { ...known, least: add(known.least, least), most: add(known.most, most) })
  }
  return [...models.values()]
}
