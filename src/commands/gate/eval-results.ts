// aigate eval --results: results that another tool made, judged by a suite's policy and baseline, and saved as a run.
import { dirname, join, resolve } from 'node:path'
import { latestDay, quarantineOf, withQuarantine } from '../../decide/flaky/quarantine.ts'
import { reportOf } from '../../decide/explain/suite-report.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, LoadedSuite, Project } from '../../ports.ts'
import type { Run } from '../../schema/run.ts'
import { baselineFile, readBaseline } from '../../store/baseline-file.ts'
import { loadProjectOrDefaults } from '../../store/project.ts'
import { readQuarantine } from '../../store/quarantine-file.ts'
import { UNDATED } from '../../store/imports/assemble.ts'
import { createRun, newRunId } from '../../store/run-journal.ts'
import { loadSuites } from '../../store/suites.ts'
import { guardChange } from './base-side.ts'
import { type ForeignOptions, foreignBaseline, foreignRun, underPolicy } from './foreign-results.ts'
import { comparedWith, keepBaseline } from './run-header.ts'
import { judgeRun } from './judge-run.ts'
import type { AskOptions, ReportOptions } from '../options.ts'
import { parseReporters, writeReports } from '../write-reports.ts'

type ResultsOptions = AskOptions &
  ReportOptions &
  ForeignOptions & {
    results: string
    base?: string | boolean
    baseline?: string | boolean
    threshold?: number
    trials?: number
  }

export async function evalResultsCommand(context: Context, names: string[], options: ResultsOptions): Promise<Ending> {
  refuseAsking(names, options)
  const wanted = parseReporters(options.reporter)
  const project = await loadProjectOrDefaults({ cwd: context.cwd, config: options.config })
  const policy = options.threshold === undefined ? {} : { min_pass_rate: options.threshold }
  const change = await guardedSuite(context, project, { name: names[0], policy }, options)
  const suite = change?.suite
  const found = await foreignRun(context, options.results, options)
  if (found === null) {
    const problem = `${options.results} is no results file of another tool.`
    throw new AigateError('usage', {
      problem,
      mend: 'Name a file that is there; to judge a run of aigate again, use `aigate compare`.',
    })
  }
  const name = suite?.suite.suite ?? found.run.header.suite
  const stored = options.baseline === undefined && change?.guard?.base ? change.chosen : undefined
  const against = stored
    ? { baseline: stored.baseline, file: stored.file ?? '' }
    : await baselineOf(context, project, name, options)
  const judged = await underPolicy(context, project, found.run, { suite, policy, baseline: against.baseline })
  const { cases } = judged.header
  const today = change && { suite: change.suite.suite.suite, cases, now: context.now() }
  const counted = today ? withQuarantine(judged.header, quarantineOf(change.quarantine, today)) : judged.header
  const held = change?.guard && { guard: change.guard }
  const run = saved(
    { ...judged, header: { ...counted, ...held, ...comparedWith(counted.suite, against) } },
    context.now(),
  )
  const file = await save(context, project, run, options.out)
  await keepBaseline(dirname(file), run.header.suite, against.baseline)
  const report = reportOf([judgeRun({ run, file }, against, run.header.policy)], context.toolVersion)
  await writeReports(context, report, wanted, project.root)
  return report.outcome
}

/** Options that change what is asked have no meaning where nothing is asked. */
function refuseAsking(names: readonly string[], options: ResultsOptions): void {
  const asking = ['tag', 'case', 'model', 'prompt', 'seed', 'record', 'offline', 'trials'] as const
  const given = asking.find((name) => options[name] !== undefined)
  const problem =
    given !== undefined
      ? `--${given} changes what is asked, and --results asks nothing.`
      : names.length > 1
        ? `One results file is judged by one suite, not by ${names.length}.`
        : undefined
  if (problem === undefined) return
  throw new AigateError('usage', { problem, mend: 'Write, for example, `aigate eval support --results results.json`.' })
}

/** The suite under the rules that count, with the baseline and the quarantine list that do; null when none is named. */
export async function guardedSuite(
  context: Context,
  project: Project,
  { name, policy }: { name: string | undefined; policy: { min_pass_rate?: number } },
  { base }: Pick<ResultsOptions, 'base'>,
) {
  const own = await suiteOf(project, name, policy)
  if (!own) return null
  const quarantine = await readQuarantine(project, { suites: [own], latest: latestDay(context.now()) })
  const head = { suites: [own], quarantine, names: [own.suite.suite], overrides: { policy } }
  const change = await guardChange(context, project, head, { ...(base !== undefined && { base }) })
  const { suite } = own.suite
  return {
    suite: change.suites[0] ?? own,
    quarantine: change.quarantine,
    chosen: change.baselines.get(suite),
    guard: change.records.get(suite),
  }
}

async function suiteOf(
  project: Project,
  name: string | undefined,
  policy: { min_pass_rate?: number },
): Promise<LoadedSuite | undefined> {
  if (name === undefined) return undefined
  const [suite] = await loadSuites(project, { suites: [name], overrides: { policy } })
  return suite
}

export async function baselineOf(
  context: Context,
  project: Project,
  suite: string,
  { baseline: choice, ...options }: Pick<ResultsOptions, 'baseline' | 'format' | 'passScore'>,
) {
  if (choice === false) return { baseline: null, file: '' }
  if (typeof choice === 'string') {
    const foreign = await foreignBaseline(context, choice, options)
    if (foreign) return foreign
    const file = join(context.cwd, choice)
    return { file, baseline: await readBaseline(file, suite, { required: true }) }
  }
  const file = baselineFile(join(project.root, project.config.baselines), suite)
  return { file, baseline: await readBaseline(file, suite) }
}

/** The run as it is kept: each reading is a run of its own, and one of a file without a date is of now. */
function saved({ header, ...run }: Run, now: Date): Run {
  const started_at = header.started_at === UNDATED ? now.toISOString() : header.started_at
  return { ...run, header: { ...header, id: newRunId(now, header.id.slice(-4)), started_at } }
}

/** Like any run, so that `baseline accept latest` and `report latest` work with it. */
async function save(context: Context, project: Project, run: Run, out: string | undefined): Promise<string> {
  const { id } = run.header
  const journal = await createRun(
    out ? resolve(context.cwd, out, id) : join(project.root, '.aigate', 'runs', id),
    run.header,
  )
  for (const { completion, ...grades } of run.observations) {
    const { case: name, trial, purpose } = grades
    journal.answer({ case: name, trial, purpose, completion })
    journal.score(grades)
  }
  await journal.end({ complete: run.complete, stopped: run.stopped })
  return journal.file
}
