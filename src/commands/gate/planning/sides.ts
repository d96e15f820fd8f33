// What a run would ask of one suite: the target, and beside it the other side, combinations and anchors; and what of it is known.
import { join } from 'node:path'
import type { AskRequest, LoadedSuite } from '../../../ports.ts'
import type { Baseline } from '../../../schema/baseline.ts'
import { openRecordings } from '../../../store/recordings.ts'
import { trialName } from '../../../store/run-journal.ts'
import { recordOf } from '../../../store/run-resume.ts'
import { AGAINST } from '../against-record.ts'
import type { OtherAsked } from '../against.ts'
import { openMemory, SAME_TIME_MS } from '../answer-memory.ts'
import type { Cells } from '../attribute.ts'
import { cellFolder } from '../attribution-record.ts'
import type { Session } from '../session.ts'
import { ownCases } from '../shards/shard.ts'
import { askedWhere } from '../side-by-side.ts'

/** What is there already: an answer, or its grades as well. */
type Known = 'answer' | 'grades' | undefined
/** `suite` has the target and the cases that are asked here; `batched`: through the Batch API where its provider can. */
export type PlannedSide = {
  what: string
  suite: LoadedSuite
  known(request: AskRequest): Known
  batched: boolean
  recorded: boolean
}

/** What is asked of a suite besides its target. `anchored`: its answers are compared with some of today. */
export type Beside = {
  other: OtherAsked | null
  cells: Cells | null
  anchors: LoadedSuite | null
  anchored: boolean
}

export type Planned = Beside & {
  suite: LoadedSuite
  /** The stored one; null where the other side is asked instead. */
  baseline: Baseline | null
}

/** A suite that is asked for itself, and compared with nothing. */
export const alone = (suite: LoadedSuite): Planned => ({
  suite,
  baseline: null,
  other: null,
  cells: null,
  anchors: null,
  anchored: false,
})

/** All sides of a suite, the target first; of a shard, its own cases. */
export async function sidesOf(session: Session, suite: LoadedSuite, beside: Beside): Promise<PlannedSide[]> {
  const { project, options, shard, folder, context } = session
  const { other, cells, anchors, anchored } = beside
  const own = (of: LoadedSuite): LoadedSuite => ({ ...of, cases: ownCases(shard, of) })
  const since = other || anchored ? new Date(context.now().getTime() - SAME_TIME_MS) : undefined
  const recorded = askedWhere(suite, options) === 'recordings'
  const memory = await openMemory(session, { suite, since })
  const before = await trialsIn(session, folder, suite)
  const recordings = recorded
    ? await openRecordings(join(project.root, project.config.recordings), suite.suite.suite)
    : null
  const target: PlannedSide = {
    what: 'target',
    suite: own(suite),
    known: (request) =>
      before(request) ?? answerIf(recordings ? recordings.find(request.key, request.trial) : memory.askedAt(request)),
    batched: options.record !== true,
    recorded,
  }
  const sides = [target]
  if (other) {
    const told = await trialsIn(session, join(folder, AGAINST), suite)
    sides.push({
      what: other.ref,
      suite: { ...other.asked, cases: other.here },
      known: (request) => told(request) ?? answerIf(other.memory.askedAt(request)),
      batched: true,
      recorded: askedWhere(other.asked, { ...options, record: false }) === 'recordings',
    })
  }
  for (const { name, suite: cell } of cells?.suites ?? []) {
    const told = await trialsIn(session, cellFolder(folder, name), suite)
    const kept = await openMemory(session, { suite: cell, side: `cell ${name}` })
    const known = (request: AskRequest) => told(request) ?? answerIf(kept.askedAt(request))
    sides.push({ what: `only ${name}`, suite: own(cell), known, batched: false, recorded })
  }
  if (anchors) sides.push({ what: 'anchors', suite: anchors, known: () => undefined, batched: false, recorded: false })
  return sides
}

const answerIf = (there: unknown): Known => (there === undefined ? undefined : 'answer')

/** What stands in the record of a run that is gone on with. */
async function trialsIn({ resumed }: Session, folder: string, { suite }: LoadedSuite) {
  const found = resumed ? await recordOf(folder, suite.suite) : undefined
  const there = new Map(
    found?.record.trials.flatMap(({ answer, score }): [string, Known][] => {
      const { outcome } = answer.completion
      if (outcome === 'error' || outcome === 'timeout') return []
      return [[trialName(answer), score ? 'grades' : 'answer']]
    }),
  )
  return ({ case: { id }, trial }: AskRequest): Known => there.get(trialName({ case: id, trial, purpose: 'pass' }))
}
