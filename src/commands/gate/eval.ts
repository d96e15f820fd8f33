// aigate eval: run suites, compare with the baseline, decide, report.
import { latestDay } from '../../decide/flaky/quarantine.ts'
import { reportOf } from '../../decide/explain/suite-report.ts'
import type { Context, Ending } from '../../ports.ts'
import { newBudget } from '../../run/budget.ts'
import type { SuiteReport } from '../../schema/verdict.ts'
import { loadProject } from '../../store/project.ts'
import { readQuarantine } from '../../store/quarantine-file.ts'
import { loadSuites } from '../../store/suites.ts'
import { type Anchors, judgeWithAnchors, prepareAnchors } from './anchors.ts'
import { askCells, prepareCauses } from './attribute.ts'
import { holdWithoutOther, openAgainst, openOtherSide } from './against.ts'
import { type GuardOptions, guardChange } from './base-side.ts'
import { assertGradable } from '../check.ts'
import { evaluateSuite, openSession } from './evaluate.ts'
import { frozenNotes } from './frozen.ts'
import type { AskOptions, ReportOptions } from '../options.ts'
import { judgingOf } from '../judge/judging.ts'
import { holdEmptied, selectCases } from './selection.ts'
import { warnOfTokens } from './token-warnings.ts'
import { parseReporters, requireDestinations, writeReports } from '../write-reports.ts'

type EvalOptions = AskOptions &
  GuardOptions &
  ReportOptions & {
    against?: string
    baseline?: string | boolean
    threshold?: number
    trials?: number
    attribute?: boolean
    frozen?: boolean
  }

export async function evalCommand(context: Context, names: string[], options: EvalOptions): Promise<Ending> {
  const wanted = parseReporters(options.reporter)
  await requireDestinations(context, wanted)
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const whole = await loadSuites(project, { suites: names, overrides: overridesOf(options) })
  const notes = await frozenNotes(context, project, whole, { names, options })
  const listed = await readQuarantine(project, { suites: whole, latest: latestDay(context.now()) })
  const head = { suites: whole, quarantine: listed, names, overrides: overridesOf(options) }
  const stored = options.against === undefined ? options.baseline : false
  const change = await guardChange(context, project, head, { ...options, baseline: stored })
  const { suites, partial } = selectCases(change.suites, options)
  const guards = holdEmptied(change.records, suites, options)
  await assertGradable(suites)
  await warnOfTokens(context, project, suites)
  const baselines = suites.map(({ suite }) => change.baselines.get(suite.suite))
  const opened = openSession(context, project, options, newBudget(project.config.budget), change.quarantine, suites)
  const whatIf = options.threshold === undefined ? [] : [`--threshold ${options.threshold}`]
  const bases = new Map([...change.records].map(([name, record]) => [name, record.base]))
  const session = { ...opened, notes, whatIf, bases }
  const against = options.against === undefined ? null : await openAgainst(project, options.against)
  const reports: SuiteReport[] = []
  try {
    const plans = []
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
      const said = [...session.notes, ...(anchors?.notes ?? []), ...(other?.notes ?? [])]
      const comparison = { baseline, file, partial, other, guard, anchors: anchors?.header }
      plans.push({ suite, cells, anchors, session: { ...session, notes: said }, with: comparison })
    }
    for (const plan of plans) {
      const asked = await evaluateSuite(plan.session, plan.suite, plan.with)
      const baseline = plan.with.other?.baseline() ?? plan.with.baseline
      const again = plan.anchors?.suite
      const record = { baseline, file: plan.with.file ?? '' }
      const done = again && baseline ? await judgeWithAnchors(session, again, asked, { ...record, baseline }) : asked
      const found =
        plan.cells && baseline ? { attribution: await askCells(session, plan.cells, { ...done, baseline }) } : {}
      reports.push({ ...done.report, ...found })
      if (context.signal.aborted) break
    }
  } finally {
    await against?.base.close()
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
