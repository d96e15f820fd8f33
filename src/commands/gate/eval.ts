// aigate eval: run suites, compare with the baseline, decide, report.
import { latestDay } from '../../decide/flaky/quarantine.ts'
import { reportOf } from '../../decide/explain/suite-report.ts'
import type { Context, Ending, LoadedSuite, Project } from '../../ports.ts'
import { newBudget } from '../../run/budget.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { GuardRecord } from '../../schema/run.ts'
import type { SuiteReport } from '../../schema/verdict.ts'
import { gitState } from '../../store/git.ts'
import { loadProject } from '../../store/project.ts'
import { readQuarantine } from '../../store/quarantine-file.ts'
import { loadSuites } from '../../store/suites.ts'
import { closeCache, openCache, suitesToAsk } from './answer-memory.ts'
import { type Anchors, judgeWithAnchors, prepareAnchors } from './anchors.ts'
import { askCells, prepareCauses } from './attribute.ts'
import { holdWithoutOther, openAgainst, openOtherSide } from './against.ts'
import { type GuardOptions, guardChange } from './base-side.ts'
import { requireBatchable } from './batching.ts'
import { assertGradable, assertKeys, suitesLackingKeys } from '../gradable.ts'
import { changedSuites } from './changed.ts'
import { evaluateSuite } from './evaluate.ts'
import { type Comparison, openSession, type Session } from './session.ts'
import { frozenNotes } from './frozen.ts'
import { type AskOptions, budgetOf, type ReportOptions } from '../options.ts'
import { judgingOf } from '../judge/judging.ts'
import { forgetUnsaved } from './suite-recordings.ts'
import {
  findResumed,
  invocationOf,
  type Resumed,
  requireUnchanged,
  resumeCommand,
  resumedSuites,
  whileRunning,
} from './resume.ts'
import { storedBaseline } from './judge-run.ts'
import { foretell } from './planning/foretell.ts'
import type { Planned } from './planning/sides.ts'
import { holdEmptied, selectCases } from './selection.ts'
import { clearShard, finishShard, openShard, parseShard, shardFileOf } from './shards/shard.ts'
import { askedWhere, sideBySide } from './side-by-side.ts'
import { warnOfPrices } from './price-warnings.ts'
import { warnOfTokens } from './token-warnings.ts'
import { loadReporters, parseReporters, requireDestinations, writeReports } from '../write-reports.ts'

type EvalOptions = AskOptions &
  GuardOptions &
  ReportOptions & {
    against?: string
    baseline?: string | boolean
    threshold?: number
    trials?: number
    attribute?: boolean
    frozen?: boolean
    /** true: the newest run that was interrupted. */
    resume?: string | true
    /** true: against the base that --base would find. */
    changed?: string | true
    durations?: string
    shardFile?: string
  }

/** Runs suites to their verdicts, or goes on with a run as it was started. */
export async function evalCommand(context: Context, names: string[], options: EvalOptions): Promise<Ending> {
  const wanted = parseReporters(options.reporter)
  await requireDestinations(context, wanted)
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  if (options.resume === undefined) return evaluate({ context, project, wanted }, names, options, null)
  const resumed = await findResumed(project, options.resume, { names, options })
  const { invocation, seed } = resumed
  const asBefore = { ...options, ...invocation.options, seed }
  return evaluate({ context, project, wanted }, invocation.names, asBefore, resumed)
}

type World = { context: Context; project: Project; wanted: ReturnType<typeof parseReporters> }

async function evaluate(
  { context, project, wanted }: World,
  names: string[],
  options: EvalOptions,
  resumed: Resumed | null,
): Promise<Ending> {
  const part = parseShard(options)
  const shardFile = part && (await shardFileOf(context, part, options))
  // Git takes its time, beside us.
  const git = gitState(project.root)
  const whole = await loadSuites(project, { suites: names, overrides: overridesOf(options) })
  const notes = await frozenNotes(context, project, whole, { names, options })
  const listed = await readQuarantine(project, { suites: whole, latest: latestDay(context.now()) })
  const head = { suites: whole, quarantine: listed, names, overrides: overridesOf(options) }
  const stored = options.against === undefined ? options.baseline : false
  const change = await guardChange(context, project, head, { ...options, baseline: stored })
  const selected = selectCases(change.suites, options)
  const { partial } = selected
  const guards = holdEmptied(change.records, selected.suites, options)
  const { quarantine } = change
  const changed =
    options.changed === undefined
      ? null
      : await changedSuites(context, project, whole, { ...options, names, guards, quarantine })
  for (const line of changed?.said ?? []) context.stderr.write(`${line}\n`)
  const suites = resumed
    ? resumedSuites(selected.suites, resumed)
    : selected.suites.filter(({ suite }) => !changed || changed.suites.includes(suite.suite))
  const unchanged = changed && { unchanged: changed.unchanged }
  if (suites.length === 0 && !part) {
    await writeReports(context, { ...reportOf([], context.toolVersion), ...unchanged }, wanted)
    return 'pass'
  }
  await assertGradable(suites)
  requireBatchable(suites, options)
  await warnOfTokens(context, project, suites)
  if (!options.offline) await warnOfPrices(context, suites, budgetOf(project, options))
  const baselines = suites.map(({ suite }) => change.baselines.get(suite.suite))
  const fresh = openSession(context, project, options, newBudget(budgetOf(project, options)), change.quarantine, suites)
  const opened = resumed ? { ...fresh, id: resumed.id, folder: resumed.folder, suites: resumed.suites } : fresh
  const known = options.against === undefined ? baselines : await storedBaselines(project, suites)
  const shard = part && (await openShard(context, part, suites, known, options))
  const whatIf = options.threshold === undefined ? [] : [`--threshold ${options.threshold}`]
  const { cache, notes: said } = await openCache(context, project, options)
  // Of a run that goes on, most answers are in its own record.
  const lacking = resumed ? [] : suitesLackingKeys(context.env, suites, options).map(({ suite }) => suite)
  if (lacking.length > 0) assertKeys(context.env, await suitesToAsk({ cache, project, context }, lacking), options)
  const invocation = resumed?.invocation ?? invocationOf(names, options)
  const bases = new Map([...change.records].map(([name, record]) => [name, record.base]))
  const session: Session = {
    ...opened,
    git,
    bases,
    notes: [...notes, ...said],
    whatIf,
    cache,
    invocation,
    resumed: resumed !== null,
    shard,
    meanwhile: () => loadReporters(shard ? [] : wanted),
  }
  const run = async () => {
    try {
      await clearShard(shardFile)
      return await judgeSuites(session, { suites, baselines, partial, guards, options })
    } finally {
      await closeCache(context, cache)
    }
  }
  const reports = await whileRunning(session.folder, run)
  const report = { ...reportOf(reports, context.toolVersion), ...unchanged }
  const ending =
    shard && shardFile !== undefined
      ? await finishShard({ ...session, shard }, shardFile, changed?.unchanged)
      : report.outcome
  if (!shard) await writeReports(context, report, wanted, project.root)
  sayBudget(session)
  return context.signal.aborted ? interrupted(session) : ending
}

/** Says how to go on. */
export function interrupted(session: Session): 'interrupted' {
  const { context, folder } = session
  const how = resumeCommand(context, session)
  context.stderr.write(`interrupted: every answer so far is saved in ${folder}\n  go on: ${how}\n`)
  return 'interrupted'
}

/** Nothing is compared with these, but they tell how long each case takes. */
const storedBaselines = (project: Project, suites: readonly LoadedSuite[]) =>
  Promise.all(suites.map(({ suite }) => storedBaseline(project, suite.suite)))

/** A budget that stopped the run: what was paid for is saved, and how to go on. */
export function sayBudget(session: Session): void {
  const { context, folder, budget } = session
  if (!budget.spent) return
  const flags = {
    max_calls: '--max-calls',
    max_cost_usd: '--max-cost',
    max_tokens: '--max-tokens',
    max_duration: '--max-duration',
  }
  const more = `${flags[budget.spent.limit]} <more>`
  context.stderr.write(
    `stopped: ${budget.spent.message} Every answer so far is saved in ${folder}\n  go on: ${resumeCommand(context, session)} ${more}\n`,
  )
}

type Judging = {
  suites: LoadedSuite[]
  baselines: readonly ({ baseline: Baseline | null; file: string | null } | undefined)[]
  partial: boolean
  guards: ReadonlyMap<string, GuardRecord>
  options: EvalOptions
}

/** A suite that is ready to be asked. */
type Plan = {
  suite: LoadedSuite
  cells: Awaited<ReturnType<typeof prepareCauses>>
  anchors: Anchors | null
  session: Session
  with: Comparison
}

/** Every suite is made ready, and compared with the record of a resumed run, before the first question is paid for. */
async function judgeSuites(
  session: Session,
  { suites, baselines, partial, guards, options }: Judging,
): Promise<SuiteReport[]> {
  const { context, project, notes = [] } = session
  const against = options.against === undefined ? null : await openAgainst(project, options.against)
  try {
    const plans: Plan[] = []
    for (const [i, suite] of suites.entries()) {
      // Before the other side, which is judged by the same judges.
      await judgingOf(session, suite)
      const other = against && (await openOtherSide(session, against, suite, partial))
      const { baseline = null, file = null } = baselines[i] ?? {}
      const before = { baseline: other?.baseline() ?? baseline, ref: options.against, target: other?.target }
      const cells = await prepareCauses(project, suite, before, options.attribute === true)
      const anchors: Anchors | null = other ? null : await prepareAnchors(session, suite, baseline)
      const own = guards.get(suite.suite.suite)
      const guard = against && !other ? holdWithoutOther(suite.suite.suite, against, own) : own
      const said = [...notes, ...(anchors?.notes ?? []), ...(other?.notes ?? [])]
      const comparison = { baseline, file, partial, other, guard, anchors: anchors?.header }
      plans.push({ suite, cells, anchors, session: { ...session, notes: said }, with: comparison })
    }
    if (session.resumed) await requireUnchanged(session, plans)
    await foretell(session, plans.map(plannedOf), budgetOf(project, options))
    const judgeOne = async (plan: (typeof plans)[number], own: Context) => {
      const session = { ...plan.session, context: own }
      const asked = await evaluateSuite(session, plan.suite, plan.with)
      const baseline = plan.with.other?.baseline() ?? plan.with.baseline
      const again = plan.anchors?.suite
      const record = { baseline, file: plan.with.file ?? '' }
      const done = again && baseline ? await judgeWithAnchors(session, again, asked, { ...record, baseline }) : asked
      const found =
        plan.cells && baseline
          ? { attribution: await askCells(session, plan.cells, { ...done, suite: plan.suite, baseline }) }
          : {}
      const { complete, anchors } = done.run
      const isOver = complete && anchors?.complete !== false && (found.attribution?.problem ?? null) === null
      if (isOver) await forgetUnsaved(session, plan.suite)
      return { ...done.report, ...found }
    }
    return await sideBySide(context, plans, ({ suite }) => askedWhere(suite, session.options), judgeOne)
  } finally {
    await against?.base.close()
  }
}

const plannedOf = ({ suite, cells, anchors, with: { baseline, other } }: Plan): Planned => ({
  suite,
  baseline: other ? null : baseline,
  other: other?.asks ?? null,
  cells,
  anchors: anchors?.suite ?? null,
  anchored: anchors?.header !== undefined,
})

/** What the command line changes in the suites. */
export function overridesOf({
  prompt,
  model,
  threshold,
  trials,
}: Pick<EvalOptions, 'prompt' | 'model' | 'threshold' | 'trials'>) {
  return {
    ...(prompt !== undefined && { prompt }),
    ...(model !== undefined && { model }),
    ...(threshold !== undefined && { policy: { min_pass_rate: threshold } }),
    ...(trials !== undefined && { trials: { min: trials, max: trials } }),
  }
}
