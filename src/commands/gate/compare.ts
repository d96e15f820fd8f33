// aigate compare: judge finished runs again without asking a model, by the policy, and if wanted the assertions, of today.
import { isAbsolute, join } from 'node:path'
import { baselineFrom } from '../../decide/baseline/accept-baseline.ts'
import { requireOneCause } from '../../decide/change/causes.ts'
import { latestDay, quarantineOf, withQuarantine } from '../../decide/flaky/quarantine.ts'
import { reportOf } from '../../decide/explain/suite-report.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, LoadedSuite, Project } from '../../ports.ts'
import { expander } from '../../run/expand.ts'
import { graderTools } from '../../run/grader-tools.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { Run } from '../../schema/run.ts'
import { grade } from '../../score/grade.ts'
import { readBaseline } from '../../store/baseline-file.ts'
import { loadProject } from '../../store/project.ts'
import { readQuarantine } from '../../store/quarantine-file.ts'
import { loadSuites } from '../../store/suites.ts'
import { recordedAttribution } from './attribution-record.ts'
import { guardChange } from './base-side.ts'
import { compareResults } from './compare-results.ts'
import { type ForeignOptions, foreignBaseline, foreignRun } from './foreign-results.ts'
import { endingOf, judgeRun, otherSideOf, runsOf } from './judge-run.ts'
import { boundYoungSpace } from '../memory-bounds.ts'
import type { ReportOptions } from '../options.ts'
import { parseReporters, writeReports } from '../write-reports.ts'

type CompareOptions = ReportOptions &
  ForeignOptions & { config?: string; threshold?: number; regrade?: boolean; suite?: string; base?: string | boolean }

export async function compareCommand(
  context: Context,
  ref: string,
  against: string | undefined,
  options: CompareOptions,
): Promise<Ending> {
  boundYoungSpace()
  const foreign = await foreignRun(context, ref, options)
  if (foreign) return compareResults(context, foreign, against, options)
  const wanted = parseReporters(options.reporter)
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const policy = options.threshold === undefined ? {} : { min_pass_rate: options.threshold }
  const current = await loadSuites(project, { suites: [], overrides: { policy } })
  const now = context.now()
  const quarantine = await readQuarantine(project, { suites: current, latest: latestDay(now) })
  const head = { suites: current, quarantine, names: [], overrides: { policy } }
  const change = await guardChange(context, project, head, { ...options, baseline: against === undefined })
  const suites = []
  const runs = await runsOf(project, ref)
  for (const found of runs) {
    const { header } = found.run
    const guard = change.records.get(header.suite) ?? header.guard
    const suite = change.suites.find((one) => one.suite.suite === header.suite)
    const regraded = async (one: Run) => (options.regrade && suite ? regrade(context, one, suite) : one)
    const graded = await regraded(found.run)
    const today = quarantineOf(change.quarantine, { suite: header.suite, cases: graded.header.cases, now })
    const run = { ...graded, header: { ...withQuarantine(graded.header, today), ...(guard && { guard }) } }
    const other =
      (against === undefined ? null : await foreignBaseline(context, against, options)) ??
      (await otherSide(context, project, { ...found, run, known: change.baselines.get(header.suite) }, against))
    const rules = suite?.policy ?? { ...header.policy, ...policy }
    const attribution = await recordedAttribution({ run, file: found.file }, other.baseline, regraded)
    if (other.baseline) {
      // Who names the other side chose both; the stored baseline is the gate.
      const allowed = against !== undefined || rules.allow_joint_changes === true
      const attribute = attribution !== null
      requireOneCause(header.suite, { before: other.baseline.target, after: header.target }, { allowed, attribute })
    }
    if (other.baseline?.runs.some(({ id }) => id === header.id)) {
      context.stderr.write(
        `warning: run ${header.id} is part of this baseline, so ${header.suite} is compared with itself.\n`,
      )
    }
    suites.push({ ...judgeRun({ run, file: found.file }, other, rules), ...(attribution && { attribution }) })
  }
  const report = reportOf(suites, context.toolVersion)
  await writeReports(context, report, wanted, project.root)
  return endingOf(context, ref, runs, report.outcome)
}

/** The baseline file that was named, the run that was named, or the stored baseline of the suite. */
async function otherSide(
  context: Context,
  project: Project,
  judged: { run: Run; file: string; known?: { baseline: Baseline | null; file: string | null } | undefined },
  against: string | undefined,
) {
  const { suite } = judged.run.header
  if (against === undefined) return otherSideOf(project, judged, judged.known)
  if (against.endsWith('.json')) {
    const file = isAbsolute(against) ? against : join(context.cwd, against)
    return { file, baseline: await readBaseline(file, suite, { required: true }) }
  }
  const runs = await runsOf(project, against)
  const found = runs.find(({ run }) => run.header.suite === suite)
  if (!found) {
    const problem = `The run ${against} has no suite ${suite}, so there is nothing to compare it with.`
    const mend = `Its suites: ${runs.map(({ run }) => run.header.suite).join(', ')}. Name a run that has ${suite}.`
    throw new AigateError('usage', { problem, mend })
  }
  const accepted = { at: found.run.header.started_at, by: 'aigate compare', reason: 'compared with a run' }
  const baseline: Baseline = baselineFrom({ run: found.run, accepted })
  return { file: found.file, baseline }
}

/** Grades the saved answers with the assertions of today. Cases that the suite no longer has keep their grades. */
async function regrade(context: Context, run: Run, suite: LoadedSuite): Promise<Run> {
  const tools = graderTools({ dir: suite.dir, env: context.env })
  // What was asked is known again only where the suite still asks it in the same way.
  const same = snapshotTarget(suite.target).hash === run.header.target.hash
  const asked = same ? await expander(suite.target) : undefined
  const now = new Map(suite.cases.map((each) => [each.info.id, each]))
  const hashes = new Map(run.header.cases.map(({ id, hash }) => [id, hash]))
  const observations = []
  for (const { grader_error: _, ...old } of run.observations) {
    const each = now.get(old.case)
    // Judges and embeddings were paid for: the same case by the same ones keeps its grades.
    if (each && hashes.get(old.case) === each.info.hash && old.scores.some((one) => one.judged ?? one.embedded)) {
      observations.push(old)
      continue
    }
    observations.push(
      each
        ? { ...old, ...(await grade(each.case, old.completion, tools, asked?.(each.case, old.trial).messages)) }
        : old,
    )
  }
  const cases = run.header.cases.map((info) => now.get(info.id)?.info ?? info)
  return { ...run, header: { ...run.header, cases }, observations }
}
