// aigate compare with results of another tool as the candidate; it needs no configuration file.
import { isAbsolute, join } from 'node:path'
import { reportOf } from '../../decide/explain/suite-report.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, Project } from '../../ports.ts'
import type { Run } from '../../schema/run.ts'
import { readBaseline } from '../../store/baseline-file.ts'
import { loadProjectOrDefaults } from '../../store/project.ts'
import { loadSuites } from '../../store/suites.ts'
import { type ForeignOptions, foreignBaseline, underPolicy } from './foreign-results.ts'
import { judgeRun, storedBaseline } from './judge-run.ts'
import type { ReportOptions } from '../options.ts'
import { parseReporters, writeReports } from '../write-reports.ts'

type Options = ReportOptions &
  ForeignOptions & { config?: string; threshold?: number; regrade?: boolean; suite?: string }

export async function compareResults(
  context: Context,
  candidate: { run: Run; file: string },
  against: string | undefined,
  options: Options,
): Promise<Ending> {
  if (options.regrade) {
    const problem = '--regrade grades answers by the assertions of a suite; results of another tool have none.'
    throw new AigateError('usage', { problem, mend: 'Leave --regrade out.' })
  }
  const wanted = parseReporters(options.reporter)
  const project = await loadProjectOrDefaults({ cwd: context.cwd, config: options.config })
  const policy = options.threshold === undefined ? {} : { min_pass_rate: options.threshold }
  const [suite] =
    options.suite === undefined ? [] : await loadSuites(project, { suites: [options.suite], overrides: { policy } })
  const name = suite?.suite.suite ?? candidate.run.header.suite
  const other = await otherSide(context, project, { suite: name, against, options })
  const run = await underPolicy(context, project, candidate.run, { suite, policy, baseline: other.baseline })
  const report = reportOf([judgeRun({ run, file: candidate.file }, other, run.header.policy)], context.toolVersion)
  await writeReports(context, report, wanted, project.root)
  return report.outcome
}

type Wanted = { suite: string; against: string | undefined; options: Options }

/** Other results, a baseline file of ours (of any suite: it was named), or the stored baseline. */
async function otherSide(context: Context, project: Project, { suite, against, options }: Wanted) {
  if (against === undefined) return storedBaseline(project, suite)
  const foreign = await foreignBaseline(context, against, options)
  if (foreign) return foreign
  const file = isAbsolute(against) ? against : join(context.cwd, against)
  return { file, baseline: await readBaseline(file, options.suite === undefined ? null : suite, { required: true }) }
}
