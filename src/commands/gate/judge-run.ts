// Judging finished runs: shared by compare (the policy of today), report (the policy of the run) and baseline accept.
import { dirname, join } from 'node:path'
import { judgeChange } from '../../decide/change/judge-change.ts'
import type { JudgeInput } from '../../decide/gate/judge.ts'
import { suiteReport } from '../../decide/explain/suite-report.ts'
import type { Context, Project } from '../../ports.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import type { Run } from '../../schema/run.ts'
import { type Outcome, type SuiteReport, worst } from '../../schema/verdict.ts'
import { baselineAt, baselineFile, readBaseline } from '../../store/baseline-file.ts'
import { findRuns, readRun } from '../../store/run-journal.ts'
import { recordedOtherSide } from './against-record.ts'
import { withWarnings } from './evaluate.ts'

/** The runs behind a reference: `latest`, an id or its beginning, a folder, a file. */
export async function runsOf(project: Project, ref: string): Promise<{ run: Run; file: string }[]> {
  const files = await findRuns(project.root, ref)
  return Promise.all(files.map(async (file) => ({ file, run: await readRun(file) })))
}

/**
 * What a run was compared with when it was judged: the copy beside its record, whatever has been accepted since. Records
 * without that are judged against the stored baseline of today.
 */
export async function recordedBaseline(
  project: Project,
  { run, file }: { run: Run; file: string },
): Promise<{ baseline: Baseline | null; file: string; failures?: string[] }> {
  const asked = await recordedOtherSide(run, file)
  if (asked) return asked
  const { compared_with: against, suite } = run.header
  if (against === undefined) return storedBaseline(project, suite)
  if (against === null) return { file: '', baseline: null }
  return {
    file: against.file,
    baseline: await readBaseline(join(dirname(file), against.copy), suite, { required: true }),
  }
}

/** Suites that the invocation was to run and of which there is no record: it was killed before it reached them. */
export function neverReached(ref: string, found: { run: Run }[]): string[] {
  if (ref.endsWith('.jsonl')) return []
  const planned = new Set(found.flatMap(({ run }) => run.header.suites ?? []))
  return [...planned].filter((suite) => !found.some(({ run }) => run.header.suite === suite))
}

/** Says aloud which suites were never reached; such an invocation measured less than was asked, so it cannot pass. */
export function endingOf(context: Context, ref: string, found: { run: Run }[], outcome: Outcome): Outcome {
  const missing = neverReached(ref, found)
  if (missing.length === 0) return outcome
  const was = missing.length === 1 ? 'was' : 'were'
  context.stderr.write(`not measured: ${missing.join(', ')} ${was} never reached; the run was killed before that.\n`)
  return worst([outcome, 'invalid'])
}

export async function storedBaseline(
  project: Project,
  suite: string,
): Promise<{ baseline: Baseline | null; file: string }> {
  const file = baselineFile(join(project.root, project.config.baselines), suite)
  return { file, baseline: await readBaseline(file, suite) }
}

/**
 * What a finished run was compared with: the side asked along, the baseline of its base commit, or the stored one.
 * `known`: a baseline that was read already, and its file.
 */
export async function otherSideOf(
  project: Project,
  { run, file }: { run: Run; file: string },
  known?: { baseline: Baseline | null; file: string | null },
): Promise<{ baseline: Baseline | null; file: string; failures?: string[] }> {
  const { suite, guard } = run.header
  const asked = await recordedOtherSide(run, file)
  if (asked) return asked
  const stored = baselineFile(join(project.root, project.config.baselines), suite)
  if (!guard || guard.base === null) {
    const isStored = known?.file === stored && known.baseline?.suite === suite
    return isStored ? { file: stored, baseline: known.baseline } : storedBaseline(project, suite)
  }
  const baseline = guard.baseline === null ? null : await baselineAt(project.root, guard.base, guard.baseline, suite)
  return { file: stored, baseline }
}

/** What a finished run is judged by, quarantine apart. */
export function judgeInputOf(run: Run, baseline: Baseline | null, policy: GatePolicy): JudgeInput {
  const { cases, trials, partial, target } = run.header
  const { observations, stopped } = run
  return { cases, observations, baseline, policy, trials, partial, stopped, imported: target.kind === 'results' }
}

export function judgeRun(
  { run, file }: { run: Run; file: string },
  against: { baseline: Baseline | null; file: string; failures?: string[] },
  policy: GatePolicy,
): SuiteReport {
  const { baseline } = against
  const judged = judgeChange({
    ...judgeInputOf(run, baseline, policy),
    quarantine: run.header,
    anchors: run.anchors,
  })
  const verdict = withWarnings(judged.verdict, against.failures)
  return suiteReport({ run, runFile: file, baseline, baselineFile: baseline ? against.file : null, verdict })
}
