// The recordings of a suite as its run adds to them: without secrets, since they are committed, and whole also after a run that was killed.
import { join } from 'node:path'
import type { AskRequest, LoadedSuite, Recordings } from '../../ports.ts'
import { redactCompletion } from '../../run/redact.ts'
import type { Completion } from '../../schema/run.ts'
import { openRecordings, type RecordingsFile } from '../../store/recordings.ts'
import { answerRedactor } from './answer-redactor.ts'
import type { Session } from './session.ts'

export type SuiteRecordings = Recordings &
  Pick<RecordingsFile, 'save'> & {
    /** Records, where that is wanted, an answer that stood in the record of the run before: who was killed saved no recordings. */
    addKnown(request: AskRequest, completion: Completion): void
  }

/** Throws as `openRecordings` does. */
export async function suiteRecordings(session: Session, suite: LoadedSuite): Promise<SuiteRecordings> {
  const { project, options } = session
  const folder = join(project.root, project.config.recordings)
  const file = await openRecordings(folder, suite.suite.suite)
  const redact = answerRedactor(session, suite)
  const add: Recordings['add'] = ({ completion, ...about }) =>
    file.add({ ...about, completion: redactCompletion(completion, redact) })
  return {
    ...file,
    add,
    addKnown: ({ key, trial, case: { id } }, completion) => {
      if (!options.record || completion.replayed) return
      const { cost_usd: _cost, ...unpriced } = completion
      // A model tells no cost of its own: it is that of the day on which the answer is replayed.
      const isPriced = suite.target.kind === 'prompt' && completion.conversation === undefined
      add({ key, trial, case: id, completion: isPriced ? unpriced : completion })
    },
  }
}
