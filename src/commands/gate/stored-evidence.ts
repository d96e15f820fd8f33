// What is stored of each suite, gathered for doctor and power-check: its plan without quarantined cases, baseline, runs.
import { relative } from 'node:path'
import { historyOf, type History } from '../../decide/doctor/history.ts'
import type { Plan } from '../../decide/doctor/walk.ts'
import { countedInput, latestDay, quarantineOf } from '../../decide/flaky/quarantine.ts'
import type { Context, LoadedSuite, Project } from '../../ports.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import type { QuarantineEntry } from '../../schema/quarantine.ts'
import type { Run } from '../../schema/run.ts'
import { readQuarantine } from '../../store/quarantine-file.ts'
import { recentRuns } from '../../store/run-record.ts'
import { runsOf, storedBaseline } from './judge-run.ts'
import { assertionsOf } from '../../schema/suite.ts'

/** So many invocations are looked back on. */
const MOST_RUNS = 50

export type Stored = {
  plan: Plan
  history: History
  /** Relative to the working folder; null: there is none. */
  baselineFile: string | null
  deterministic: Set<string>
}

/** The runs that are named, or the newest ones that are stored; newest first. Damaged records are said on stderr. */
export async function evidenceRuns(context: Context, project: Project, refs: readonly string[]): Promise<Run[]> {
  if (refs.length > 0) {
    const found = []
    for (const ref of refs) found.push(...(await runsOf(project, ref)))
    return found.map(({ run }) => run)
  }
  const { runs, unreadable } = await recentRuns(project.root, MOST_RUNS)
  for (const file of unreadable) context.stderr.write(`${file}: cannot be read and is left out.\n`)
  return runs.reverse()
}

export async function quarantineList(context: Context, project: Project, suites: LoadedSuite[]) {
  return readQuarantine(project, { suites, latest: latestDay(context.now()) })
}

/** Everything about one suite; null when neither a baseline nor a whole run of it is stored. */
export async function storedOf(
  context: Context,
  project: Project,
  suite: LoadedSuite,
  { runs, quarantine }: { runs: readonly Run[]; quarantine: readonly QuarantineEntry[] },
): Promise<Stored | null> {
  const { baseline, file } = await storedBaseline(project, suite.suite.suite)
  const cases = suite.cases.map(({ info }) => info)
  const deterministic = await deterministicCases(suite)
  const name = suite.suite.suite
  const found = historyOf({
    suite: name,
    targetHash: snapshotTarget(suite.target).hash,
    cases,
    deterministic,
    baseline,
    runs,
  })
  if (!found) return null
  const { policy } = suite
  const frame = {
    cases,
    observations: [],
    baseline: found.baseline,
    policy,
    trials: suite.suite.trials,
    partial: false,
  }
  const counted = countedInput(frame, quarantineOf(quarantine, { suite: name, cases, now: context.now() }))
  const kept = new Set(counted.cases.map(({ id }) => id))
  const history = { ...found, histories: found.histories.filter(({ info }) => kept.has(info.id)) }
  const baselineFile = baseline ? relative(context.cwd, file) || file : null
  return { plan: counted, history, baselineFile, deterministic }
}

/** Cases all of whose assertions grade the same answer alike. */
export async function deterministicCases({ cases }: LoadedSuite): Promise<Set<string>> {
  const { isDeterministic } = await import('../../score/grade.ts')
  const sure = cases.filter((each) => assertionsOf(each.case).every(isDeterministic))
  return new Set(sure.map(({ info }) => info.id))
}
