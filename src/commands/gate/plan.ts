// aigate plan: what a run would ask, use, cost and last, and whether the budget allows it. Nothing is asked.
import { planRun, type SuiteFacts } from '../../decide/plan/run-plan.ts'
import type { Context, Ending, LoadedSuite } from '../../ports.ts'
import { runPlanText } from '../../report/run-plan.ts'
import { safeJson } from '../../report/safe-text.ts'
import { newBudget } from '../../run/budget.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import { RunPlan } from '../../schema/run-plan.ts'
import { loadProject } from '../../store/project.ts'
import { recentFigures } from '../../store/run-figures.ts'
import { loadSuites } from '../../store/suites.ts'
import { type AskOptions, budgetOf } from '../options.ts'
import { wantsColor } from '../wants-color.ts'
import { type Against, openAgainst, otherAsked } from './against.ts'
import { prepareAnchors } from './anchors.ts'
import { openCache } from './answer-memory.ts'
import { prepareCauses } from './attribute.ts'
import { requireBatchable } from './batching.ts'
import { overridesOf } from './eval.ts'
import { openSession, type Session } from './session.ts'
import { storedBaseline } from './judge-run.ts'
import { factsOf } from './planning/facts.ts'
import type { Planned } from './planning/sides.ts'
import { selectCases } from './selection.ts'
import { openShard, parseShard } from './shards/shard.ts'

type PlanOptions = AskOptions & {
  trials?: number
  json?: boolean
  against?: string
  attribute?: boolean
  durations?: string
}

/** So many invocations are looked through for tokens, prices and latencies. */
const LOOKED_AT = 10

/** Ends with `fail` when the budget would be exceeded by what is asked in any case. */
export async function planCommand(context: Context, names: string[], options: PlanOptions): Promise<Ending> {
  const part = parseShard(options)
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const whole = await loadSuites(project, { suites: names, overrides: overridesOf(options) })
  const { suites } = selectCases(whole, options)
  requireBatchable(suites, options)
  const baselines = await Promise.all(suites.map(({ suite }) => storedBaseline(project, suite.suite)))
  const shard = part && (await openShard(context, part, suites, baselines, options))
  const asked = suites.map(({ suite }) => suite.suite)
  const figures = await recentFigures(project.root, LOOKED_AT, asked)
  const { cache } = await openCache(context, project, options)
  const opened = openSession(context, project, options, newBudget(), [], suites)
  const session: Session = { ...opened, cache, shard }
  const facts: SuiteFacts[] = []
  const against = options.against === undefined ? null : await openAgainst(project, options.against)
  try {
    for (const [i, suite] of suites.entries()) {
      const planned = await plannedOf(session, suite, { against, baseline: baselines[i]?.baseline ?? null, options })
      facts.push(await factsOf(session, planned, figures))
    }
  } finally {
    cache?.answers.close()
    await against?.base.close()
  }
  const plan = planRun(facts, { budget: budgetOf(project, options), toolVersion: context.toolVersion, shard: part })
  const look = { color: wantsColor(context.env, context.stdout), columns: context.stdout.columns ?? 100 }
  const text = options.json ? `${safeJson(JSON.stringify(RunPlan.parse(plan), null, 2))}\n` : runPlanText(plan, look)
  context.stdout.write(text)
  return plan.outcome
}

type Given = { against: Against | null; baseline: Planned['baseline']; options: PlanOptions }

/** Everything that `eval` would ask besides, with the same options. */
async function plannedOf(
  session: Session,
  suite: LoadedSuite,
  { against, baseline: stored, options }: Given,
): Promise<Planned> {
  const { project } = session
  const other = against && (await otherAsked(session, against, suite))
  const baseline = against ? null : stored
  const components = against?.base.project.config.components ?? {}
  const before = other ? { target: snapshotTarget(other.target, components) } : baseline
  const causes = { baseline: before, ref: options.against, target: other?.target }
  const cells = options.attribute ? await prepareCauses(project, suite, causes, true) : null
  const anchors = other ? null : await prepareAnchors(session, suite, baseline)
  return { suite, baseline, other, cells, anchors: anchors?.suite ?? null, anchored: anchors?.header !== undefined }
}
