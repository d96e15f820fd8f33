// aigate plan: what a run would ask, use, cost and last, and whether the budget allows it. Nothing is asked.
import { join } from 'node:path'
import { planRun, type SuiteFacts } from '../../decide/plan/run-plan.ts'
import type { AskRequest, Context, Ending, LoadedSuite, Project } from '../../ports.ts'
import { runPlanText } from '../../report/run-plan.ts'
import { safeJson } from '../../report/safe-text.ts'
import { expander } from '../../run/expand.ts'
import { estimateTokens } from '../../run/pacing/tokens.ts'
import { pricer } from '../../run/price.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import type { Observation, Run } from '../../schema/run.ts'
import { RunPlan } from '../../schema/run-plan.ts'
import { loadProject } from '../../store/project.ts'
import { openRecordings } from '../../store/recordings.ts'
import { recentRuns } from '../../store/run-journal.ts'
import { loadSuites } from '../../store/suites.ts'
import { openCache, openMemory, type SessionCache } from './answer-memory.ts'
import { overridesOf } from './eval.ts'
import { graderFacts } from './plan-graders.ts'
import { storedBaseline } from './judge-run.ts'
import { selectCases } from './selection.ts'
import { askedWhere } from './side-by-side.ts'
import { type AskOptions, budgetOf } from '../options.ts'
import { wantsColor } from '../wants-color.ts'

type PlanOptions = AskOptions & { trials?: number; json?: boolean }

/** So many invocations are looked through for tokens, prices and latencies. */
const LOOKED_AT = 10
/** Tokens of an answer whose length nothing limits and nobody has seen. */
const TYPICAL_ANSWER = 300

/** Ends with `fail` when the budget would be exceeded by what is asked in any case. */
export async function planCommand(context: Context, names: string[], options: PlanOptions): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const whole = await loadSuites(project, { suites: names, overrides: overridesOf(options) })
  const { suites } = selectCases(whole, options)
  const { runs } = await recentRuns(project.root, LOOKED_AT)
  const { cache } = await openCache(context, project, options)
  const facts: SuiteFacts[] = []
  try {
    for (const suite of suites) facts.push(await factsOf({ context, project, options, cache, runs }, suite))
  } finally {
    cache?.answers.close()
  }
  const plan = planRun(facts, { budget: budgetOf(project, options), toolVersion: context.toolVersion })
  const look = { color: wantsColor(context.env, context.stdout), columns: context.stdout.columns ?? 100 }
  const text = options.json ? `${safeJson(JSON.stringify(RunPlan.parse(plan), null, 2))}\n` : runPlanText(plan, look)
  context.stdout.write(text)
  return plan.outcome
}

type World = {
  context: Context
  project: Project
  options: PlanOptions
  cache: SessionCache | null
  runs: readonly Run[]
}

async function factsOf(world: World, suite: LoadedSuite): Promise<SuiteFacts> {
  const { project, options, runs } = world
  const { target } = suite
  const { suite: name, version, trials } = suite.suite
  const snapshot = snapshotTarget(target)
  const own = runs.filter(({ header }) => header.suite === name && sameModel(header.target, snapshot))
  const seen = own.flatMap(({ observations }) => observations).filter(isMeasured)
  const isKnown = await knownAnswers(world, suite)
  const ask = await expander(target)
  const price = await pricer()
  const group = askedWhere(suite, options)
  const planned = suite.cases.map(({ case: one, info }) => {
    const open = Array.from({ length: trials.max }, (_, i) => ask(one, i + 1)).map((request) => !isKnown(request))
    const { input, output } = estimateTokens(ask(one, 1), TYPICAL_ANSWER)
    return {
      id: info.id,
      least: open.slice(0, trials.min).filter(Boolean).length,
      most: open.filter(Boolean).length,
      estimate: target.kind === 'prompt' ? { input, output } : null,
    }
  })
  const graders = group === 'recordings' && options.offline ? [] : await graderFacts(project, { suite, planned, seen })
  return {
    suite: name,
    graders,
    suite_version: version,
    target: snapshot.label,
    provider: target.kind === 'prompt' ? target.provider.name : target.kind,
    model: target.kind === 'prompt' ? target.model.pin.id : null,
    trials,
    group,
    // A missing recording is no call either: nobody is asked.
    cases: group === 'recordings' ? planned.map((one) => ({ ...one, least: 0, most: 0 })) : planned,
    missing: group === 'recordings' ? planned.reduce((sum, { least }) => sum + least, 0) : 0,
    measured: tokensByCase(seen),
    latency: await latencyOf(project, name, seen),
    price: ({ input, output }) => {
      if (target.kind !== 'prompt') return null
      const usage = { input_tokens: Math.round(input), output_tokens: Math.round(output) }
      const answer = { outcome: 'answered', text: '', tool_calls: [], attempts: 1, usage } as const
      return price(target.model.pin, { ...answer, tool_calls: [] }) ?? null
    },
    paid: mean(seen.flatMap(({ completion }) => completion.cost_usd ?? [])),
    limits: limitsOf(suite),
  }
}

const isMeasured = ({ completion: { outcome } }: Observation): boolean => outcome !== 'error' && outcome !== 'timeout'

/** The tokens, prices and latencies of another model say nothing. */
const sameModel = (one: Run['header']['target'], other: Run['header']['target']): boolean =>
  one.kind === other.kind && one.model?.id === other.model?.id

/** Whether a question has its answer in the cache, or in the recordings where only those are asked. */
async function knownAnswers(
  { context, project, options, cache }: World,
  suite: LoadedSuite,
): Promise<(request: AskRequest) => boolean> {
  if (askedWhere(suite, options) === 'recordings') {
    const recordings = await openRecordings(join(project.root, project.config.recordings), suite.suite.suite)
    return ({ key, trial }) => recordings.find(key, trial) !== undefined
  }
  const memory = await openMemory({ cache, project, context }, { suite })
  return (request) => memory.askedAt(request) !== undefined
}

function tokensByCase(seen: readonly Observation[]): Map<string, { input: number; output: number }> {
  const sums = new Map<string, { input: number; output: number; count: number }>()
  for (const { case: id, completion } of seen) {
    if (!completion.usage) continue
    const sum = sums.get(id) ?? { input: 0, output: 0, count: 0 }
    sum.input += completion.usage.input_tokens
    sum.output += completion.usage.output_tokens
    sum.count += 1
    sums.set(id, sum)
  }
  return new Map(
    [...sums].map(([id, { input, output, count }]) => [id, { input: input / count, output: output / count }]),
  )
}

async function latencyOf(
  project: Project,
  suite: string,
  seen: readonly Observation[],
): Promise<SuiteFacts['latency']> {
  const own = mean(seen.flatMap(({ completion }) => completion.latency_ms ?? []))
  if (own !== null) return { ms: own, from: 'runs' }
  const { baseline } = await storedBaseline(project, suite)
  const before = mean(baseline?.cases.flatMap(({ latencies_ms }) => latencies_ms) ?? [])
  return before === null ? null : { ms: before, from: 'baseline' }
}

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length

function limitsOf({ target }: LoadedSuite): SuiteFacts['limits'] {
  if (target.kind !== 'prompt') return { concurrency: target.target.concurrency }
  const { config } = target.provider
  const live = config.type === 'replay' ? config.of : config
  const { rpm, tpm } = target.model.pin
  const least = (one?: number, other?: number) =>
    one === undefined ? other : other === undefined ? one : Math.min(one, other)
  return { concurrency: live?.concurrency ?? 1, rpm: least(live?.rpm, rpm), tpm: least(live?.tpm, tpm) }
}
