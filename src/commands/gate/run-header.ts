// What the record of a run begins with: everything that explains the run a year later, and that must be so again to go on with it.
import { join } from 'node:path'
import { pinNotes } from '../../decide/change/frozen.ts'
import { quarantineOf } from '../../decide/flaky/quarantine.ts'
import type { LoadedSuite } from '../../ports.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { RunHeader } from '../../schema/run.ts'
import { writeBaseline } from '../../store/baseline-file.ts'
import { gitState } from '../../store/git.ts'
import { fileNameOf } from '../../store/run-journal.ts'
import { namedCode, targetCode } from '../../store/target-code.ts'
import { judgingOf } from '../judge/judging.ts'
import type { Comparison, Session } from './session.ts'
import { gradersForLock } from './graders.ts'
import { selectionOf } from './selection.ts'
import { shardOfHeader } from './shards/shard.ts'

/** The header of the record of a suite, with all that it is compared with. */
export async function suiteHeader(session: Session, suite: LoadedSuite, against: Comparison): Promise<RunHeader> {
  const { guard, other, anchors } = against
  const code = await codeOf(session, suite)
  return {
    ...(await headerOf(session, suite, against)),
    ...(Object.keys(code).length > 0 && { code }),
    ...(session.invocation && { invocation: session.invocation }),
    ...(guard && { guard }),
    ...(anchors && { anchors }),
    ...(other && { against: { ref: other.ref, commit: other.commit } }),
  }
}

/** The files that answer and grade, as far as they can be told, with their hashes. */
export async function codeOf(
  { project }: Pick<Session, 'project'>,
  suite: LoadedSuite,
): Promise<Record<string, string>> {
  const told = await targetCode(suite)
  const answering = 'files' in told ? told.files : await namedCode(suite)
  const grading = (await gradersForLock(project, [suite])).get(suite.suite.suite)
  return { ...answering, ...grading }
}

const copyName = (suite: string): string => `${fileNameOf(suite)}.baseline.json`

/** What a record says of the baseline that it is compared with; `keepBaseline` writes the copy that it names. */
export const comparedWith = (
  suite: string,
  { baseline, file }: { baseline: Baseline | null; file: string | null },
): Pick<RunHeader, 'compared_with'> => ({
  compared_with: baseline && file !== null ? { file, copy: copyName(suite) } : null,
})

/** Keeps the baseline beside the record: whatever is accepted later, the run can be judged again as it was. */
export async function keepBaseline(folder: string, suite: string, baseline: Baseline | null): Promise<void> {
  if (baseline) await writeBaseline(join(folder, copyName(suite)), baseline)
}

export async function headerOf(
  session: Session,
  suite: LoadedSuite,
  { baseline, file, partial }: { baseline: Baseline | null; file: string | null; partial: boolean },
): Promise<RunHeader> {
  const { context, project } = session
  const now = context.now()
  const judging = await judgingOf(session, suite)
  const cases = suite.cases.map(({ info }) => info)
  return {
    aigate: 'run',
    version: 1,
    id: session.id,
    suite: suite.suite.suite,
    suite_version: suite.suite.version,
    target: snapshotTarget(suite.target, project.config.components ?? {}),
    policy: suite.policy,
    trials: suite.suite.trials,
    seed: session.seed,
    partial,
    ...(partial && selectionOf(session.options)),
    ...(session.whatIf && session.whatIf.length > 0 && { what_if: [...session.whatIf] }),
    cases,
    suites: session.suites,
    ...comparedWith(suite.suite.suite, { baseline, file }),
    ...shardOfHeader(session.shard, suite),
    git: await (session.git ?? gitState(project.root)),
    tool_version: context.toolVersion,
    node: process.versions.node,
    started_at: now.toISOString(),
    ...(judging && { judging: judging.header }),
    ...changeNotes(suite, session),
    ...quarantineOf(session.quarantine, { suite: suite.suite.suite, cases, now }),
  }
}

/** What the verdict says about the pin of the suite's model, and about the lock. */
function changeNotes({ target }: LoadedSuite, { notes = [] }: Session): Pick<RunHeader, 'change_notes'> {
  const all = [...pinNotes(target), ...notes]
  return all.length > 0 ? { change_notes: all } : {}
}
