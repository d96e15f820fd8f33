// aigate eval: run suites, compare with the baseline, decide, report.
import { isAbsolute, join } from 'node:path'
import { latestDay } from '../decide/quarantine.ts'
import { reportOf } from '../decide/suite-report.ts'
import type { Context, Ending, LoadedSuite, Project } from '../ports.ts'
import { newBudget } from '../run/budget.ts'
import type { SuiteReport } from '../schema/verdict.ts'
import { baselineFile, readBaseline } from '../store/baseline-file.ts'
import { loadProject } from '../store/project.ts'
import { readQuarantine } from '../store/quarantine-file.ts'
import { loadSuites } from '../store/suites.ts'
import { assertGradable } from './check.ts'
import { evaluateSuite, openSession, selectCases } from './evaluate.ts'
import type { AskOptions, ReportOptions } from './options.ts'
import { parseReporters, requireDestinations, writeReports } from './write-reports.ts'

type EvalOptions = AskOptions & ReportOptions & { baseline?: string | boolean; threshold?: number; trials?: number }

export async function evalCommand(context: Context, names: string[], options: EvalOptions): Promise<Ending> {
  const wanted = parseReporters(options.reporter)
  await requireDestinations(context, wanted)
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const whole = await loadSuites(project, { suites: names, overrides: overridesOf(options) })
  const quarantine = await readQuarantine(project, { suites: whole, latest: latestDay(context.now()) })
  const { suites, partial } = selectCases(whole, options)
  await assertGradable(suites)
  const baselines = []
  for (const suite of suites) baselines.push(await baselineOf(context, project, suite, options.baseline))
  const session = openSession(context, project, options, newBudget(project.config.budget), quarantine, suites)
  const reports: SuiteReport[] = []
  for (const [i, suite] of suites.entries()) {
    const { baseline = null, file = null } = baselines[i] ?? {}
    const { report } = await evaluateSuite(session, suite, { baseline, file, partial })
    reports.push(report)
    if (context.signal.aborted) break
  }
  const report = reportOf(reports, context.toolVersion)
  await writeReports(context, report, wanted)
  if (!context.signal.aborted) return report.outcome
  context.stderr.write(`interrupted: every answer so far is saved in ${session.folder}\n`)
  return 'interrupted'
}

/** What the command line changes in the suites. */
export function overridesOf({ prompt, model, threshold, trials }: EvalOptions) {
  return {
    ...(prompt !== undefined && { prompt }),
    ...(model !== undefined && { model }),
    ...(threshold !== undefined && { policy: { min_pass_rate: threshold } }),
    ...(trials !== undefined && { trials: { min: trials, max: trials } }),
  }
}

async function baselineOf(
  context: Context,
  project: Project,
  suite: LoadedSuite,
  choice: string | boolean | undefined,
) {
  if (choice === false) return { baseline: null, file: null }
  const named = typeof choice === 'string'
  const stored = baselineFile(join(project.root, project.config.baselines), suite.suite.suite)
  const file = named ? (isAbsolute(choice) ? choice : join(context.cwd, choice)) : stored
  const baseline = await readBaseline(file, suite.suite.suite, { required: named })
  return { baseline, file: baseline ? file : null }
}
