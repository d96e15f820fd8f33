// The road of one suite: ask a pass, grade each answer as it comes, judge, and ask again while the verdict is open.
import { setTimeout as after } from 'node:timers/promises'
import { judgeChange } from '../../decide/change/judge-change.ts'
import { suiteReport } from '../../decide/explain/suite-report.ts'
import { caseBook } from '../../decide/gate/case-book.ts'
import { FIRST_CONFIRMATION } from '../../decide/shards/whole-run.ts'
import type { AskRequest, GraderTools, LoadedSuite } from '../../ports.ts'
import { buildProvider } from '../../run/build-provider.ts'
import { expander } from '../../run/expand.ts'
import { interleave } from '../../run/interleave.ts'
import { runKnowing } from '../../run/known-answers.ts'
import type { Completion, Observation, Run } from '../../schema/run.ts'
import type { SuiteReport } from '../../schema/verdict.ts'
import { openMemory, SAME_TIME_MS } from './answer-memory.ts'
import { batching } from './batching.ts'
import { finisher, graders, gradingLine } from './finish-answer.ts'
import { judgingOf } from '../judge/judging.ts'
import { startProgress } from '../progress.ts'
import { keepBaseline, suiteHeader } from './run-header.ts'
import { BROKEN_OFF, type Comparison, interruption, openRecord, type Session } from './session.ts'
import { nextOfShard, ownCases } from './shards/shard.ts'
import { suiteRecordings } from './suite-recordings.ts'

/** So long after a pass begins its first questions are on their way; nothing must hold them up. */
const FIRST_QUESTIONS_MS = 10

/**
 * Runs one suite to its verdict. Every answer is in the journal before it is graded, and every grade before it is judged.
 * @returns the report of the suite and the run behind it; failures of the other side are data in both, never thrown.
 */
export async function evaluateSuite(
  session: Session,
  suite: LoadedSuite,
  against: Comparison,
): Promise<{ report: SuiteReport; run: Run; file: string }> {
  const { context, options } = session
  const { other, anchors } = against
  const recordings = await suiteRecordings(session, suite)
  const settings = {
    record: options.record === true,
    offline: options.offline === true,
    batch: options.batch,
    recordings,
  }
  const provider = await buildProvider(suite, { env: context.env, clock: context, ...settings })
  const journal = await openRecord(session, session.folder, await suiteHeader(session, suite, against))
  const { header } = journal
  const sameTime = other || anchors ? new Date(context.now().getTime() - SAME_TIME_MS) : undefined
  const memory = await openMemory(session, { suite, since: sameTime })
  if (memory.untold) context.stderr.write(`${header.suite}: no answers are kept for the next run: ${memory.untold}.\n`)
  await keepBaseline(session.folder, header.suite, against.baseline)
  const observations: Observation[] = []
  const book = caseBook(header.cases, observations, other ? null : against.baseline)
  const ask = await expander(suite.target)
  const progress = startProgress(context, suite.suite.suite)
  let stopped: string | undefined
  let decided = false
  let purpose: Observation['purpose'] = 'pass'
  const own = ownCases(session.shard, suite)
  let requests = own.map((each) => ask(each.case, 1))
  let trials = 1
  const decide = () => {
    const { cases, policy } = header
    const { partial } = against
    const baseline = other ? other.baseline() : against.baseline
    const frame = { cases, observations, book, baseline, policy, trials: header.trials, partial, stopped }
    return judgeChange({ ...frame, quarantine: header })
  }
  const judging = await judgingOf(session, suite)
  const before = answersOf(against, suite)
  const finish = finisher({ session, suite, journal, observations, memory, before })
  const known = ({ case: { id }, trial }: AskRequest) => journal.known({ case: id, trial, purpose })?.completion
  const grading = gradingLine()
  /** While the first answers are waited for: what they will need, and what the report will. */
  const makeReady = async () => {
    await after(FIRST_QUESTIONS_MS)
    await Promise.all([graders(), session.meanwhile?.()])
    if (!other) book.prepare()
  }
  let ready: Promise<void> | undefined
  let decision: ReturnType<typeof decide>
  try {
    for (;;) {
      const side = { requests, provider }
      const both = interleave(other && purpose === 'pass' ? [side, other.part(trials)] : [side])
      progress.pass(trials, both.requests.length, purpose)
      const onCompletion = (request: AskRequest, completion: Completion) =>
        grading.add(
          (other?.owns(request) ? other.finish(request, completion) : finish(request, completion, purpose)).then(
            (observation) => {
              // What it is compared with is known at once, or only at the end.
              if (!other) book.prepare(observation.case)
              progress.done(observation)
            },
          ),
        )
      const { seed, budget } = session
      const asking = runKnowing(
        {
          ...both,
          ...batching(session, suite),
          seed: seed + trials,
          signal: context.signal,
          enough: judging?.died,
          clock: context,
          budget,
          onCompletion,
          onEvent: progress.event,
        },
        (request) => (other?.owns(request) ? other.find(request) : (known(request) ?? memory.find(request))),
      )
      ready ??= makeReady()
      const [pass] = await Promise.all([asking, ready])
      await grading.settled()
      stopped = judging?.dead() ?? pass.stopped?.message ?? interruption(context)
      decision = decide()
      const next = session.shard
        ? nextOfShard(session.shard, {
            header,
            observations,
            asked: trials,
            baseline: other?.baseline() ?? against.baseline,
          })
        : decision.next
      if (stopped !== undefined || !next) break
      purpose = next.kind
      if (next.kind === 'pass') trials = next.trial
      requests = next.kind === 'pass' ? own.map((each) => ask(each.case, trials)) : confirmations(next, suite, ask)
    }
    decided = true
  } finally {
    await grading.idle()
    progress.end()
    const how = decided ? { complete: stopped === undefined, stopped } : { complete: false, stopped: BROKEN_OFF }
    await journal.end(how)
    await other?.end(how)
    if (options.record) await recordings.save()
    await judging?.save()
  }
  const run: Run = { header, observations, complete: stopped === undefined, stopped }
  const baselineFile = other ? other.file : against.file
  const report = suiteReport({
    run,
    runFile: journal.file,
    baseline: other ? other.baseline() : against.baseline,
    baselineFile,
    verdict: withWarnings(decision.verdict, other?.failures()),
    book,
  })
  return { report, run, file: journal.file }
}

/** What is said besides, before all other warnings. */
export const withWarnings = <V extends { warnings: string[] }>(verdict: V, said: readonly string[] = []): V =>
  said.length === 0 ? verdict : { ...verdict, warnings: [...said, ...verdict.warnings] }

/** Fresh trials of critical cases; numbered far above the passes, so that no answer of a pass can stand in for them. */
function confirmations(
  wanted: { cases: string[]; trials: number },
  suite: LoadedSuite,
  ask: (each: LoadedSuite['cases'][number]['case'], trial: number) => AskRequest,
): AskRequest[] {
  const chosen = suite.cases.filter(({ info }) => wanted.cases.includes(info.id))
  return chosen.flatMap((each) =>
    Array.from({ length: wanted.trials }, (_, i) => ask(each.case, FIRST_CONFIRMATION + i)),
  )
}

/** The answers of the baseline, for cases that are still the same. */
function answersOf(
  { baseline, other }: Comparison,
  { cases }: LoadedSuite,
): NonNullable<GraderTools['baselineAnswer']> {
  if (other) return () => ({ problem: 'compare needs the stored baseline: run without --against' })
  const hashes = new Map(cases.map(({ info }) => [info.id, info.hash]))
  const known = new Map(baseline?.cases.map((one) => [one.id, one]))
  return (id) => {
    const old = known.get(id)
    if (!baseline) return { none: 'there is no baseline to compare with' }
    if (!old || old.hash !== hashes.get(id)) return { none: 'the baseline does not have this case as it is now' }
    return old.answer === undefined ? { none: 'the baseline keeps no answer to this case' } : { text: old.answer }
  }
}
