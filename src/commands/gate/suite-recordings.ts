// The recordings of a suite, and of its judges, as its run adds to them: without secrets, since they are committed, and whole also after a run that was killed.
import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { LoadedSuite, Recordings } from '../../ports.ts'
import { redactCompletion } from '../../run/redact.ts'
import { judgeRecordings, openRecordings, type RecordingsFile } from '../../store/recordings.ts'
import { answerRedactor } from './answer-redactor.ts'
import type { Session } from './session.ts'

export type SuiteRecordings = Recordings & Pick<RecordingsFile, 'save' | 'told'>

/** Beside the records of the run: a run that goes on elsewhere takes it along. */
const unsavedFolder = ({ folder }: Session) => join(folder, 'recordings')
/** No two suites have one: names hold no `+`. */
const unsavedFile = (session: Session, name: string) =>
  join(unsavedFolder(session), `${name.replaceAll('/', '+')}.jsonl`)

/**
 * `name`: `judgeRecordings` for those of the judges. Where a run records that can be gone on with, each answer is on the disk before it
 * is used. Throws as `openRecordings` does.
 */
export async function suiteRecordings(
  session: Session,
  suite: LoadedSuite,
  name = suite.suite.suite,
): Promise<SuiteRecordings> {
  const { project, options, invocation } = session
  const unsaved = options.record && invocation ? unsavedFile(session, name) : undefined
  const file = await openRecordings(join(project.root, project.config.recordings), name, unsaved)
  const redact = answerRedactor(session, suite)
  return {
    ...file,
    add: ({ completion, ...about }) => file.add({ ...about, completion: redactCompletion(completion, redact) }),
  }
}

/** When a suite has its verdict, and its recordings are saved: nobody will go on with them. */
export async function forgetUnsaved(session: Session, { suite: { suite } }: LoadedSuite): Promise<void> {
  if (!session.options.record) return
  for (const name of [suite, judgeRecordings(suite)]) await rm(unsavedFile(session, name), { force: true })
  // Empty where no other suite still needs it.
  await rmdir(unsavedFolder(session)).catch(() => undefined)
}
