// aigate report: a finished run once more, in other formats, judged by the policy and against the baseline that it was run with.
import { reportOf } from '../decide/explain/suite-report.ts'
import type { Context, Ending } from '../ports.ts'
import { loadProject } from '../store/project.ts'
import { recordedAttribution } from './gate/attribution-record.ts'
import { endingOf, judgeRun, recordedBaseline, runsOf } from './gate/judge-run.ts'
import type { ReportOptions } from './options.ts'
import { parseReporters, writeReports } from './write-reports.ts'

export async function reportCommand(
  context: Context,
  ref: string,
  options: ReportOptions & { config?: string },
): Promise<Ending> {
  const wanted = parseReporters(options.reporter)
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const suites = []
  const runs = await runsOf(project, ref)
  for (const found of runs) {
    const against = await recordedBaseline(project, found)
    const attribution = await recordedAttribution(found, against.baseline)
    suites.push({ ...judgeRun(found, against, found.run.header.policy), ...(attribution && { attribution }) })
  }
  const report = reportOf(suites, context.toolVersion)
  await writeReports(context, report, wanted, project.root)
  return endingOf(context, ref, runs, report.outcome)
}
