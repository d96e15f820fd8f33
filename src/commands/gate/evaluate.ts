// The road of one suite: ask a pass, grade each answer as it comes, judge, and ask again while the verdict is open.
import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { pinNotes } from '../../decide/change/frozen.ts'
import { judgeChange } from '../../decide/change/judge-change.ts'
import { quarantineOf } from '../../decide/flaky/quarantine.ts'
import { suiteReport } from '../../decide/explain/suite-report.ts'
import type { AskRequest, Context, GraderTools, LoadedSuite, Project } from '../../ports.ts'
import { buildProvider } from '../../run/build-provider.ts'
import type { BudgetState } from '../../run/budget.ts'
import { runPass } from '../../run/engine.ts'
import { expander } from '../../run/expand.ts'
import { graderTools } from '../../run/grader-tools.ts'
import { interleave } from '../../run/interleave.ts'
import { namesIn, redactCompletion, redactor, secretNames } from '../../run/redact.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { QuarantineEntry } from '../../schema/quarantine.ts'
import type { Completion, GuardRecord, Observation, Run, RunHeader } from '../../schema/run.ts'
import type { SuiteReport } from '../../schema/verdict.ts'
import { grade } from '../../score/grade.ts'
import { checkOutput, type OutputForm, outputFormOf } from '../../score/output-form.ts'
import { writeBaseline } from '../../store/baseline-file.ts'
import { gitState } from '../../store/git.ts'
import { openRecordings } from '../../store/recordings.ts'
import { createRun, fileNameOf, newRunId, type RunJournal } from '../../store/run-journal.ts'
import type { OtherSide } from './against.ts'
import { judgingOf, type SuiteJudging } from '../judge/judging.ts'
import type { AskOptions } from '../options.ts'
import { startProgress } from '../progress.ts'
import { selectionOf } from './selection.ts'

/** What all suites of one invocation share. */
export type Session = {
  context: Context
  project: Project
  id: string
  folder: string
  seed: number
  budget: BudgetState
  options: AskOptions
  /** Names of all suites of the invocation. */
  suites: string[]
  /** The list of today, already checked against the suites. */
  quarantine: readonly QuarantineEntry[]
  /** What the verdict of every suite must say about the lock. */
  notes?: readonly string[]
  /** Rules of the suites that the command line set aside. */
  whatIf?: readonly string[]
  /** By suite: its judges, once they are open. */
  judging: Map<string, Promise<SuiteJudging | null>>
  /** By suite: the commit whose rules judge; null or absent: none. */
  bases?: ReadonlyMap<string, string | null>
}

export function openSession(
  context: Context,
  project: Project,
  options: AskOptions,
  budget: BudgetState,
  quarantine: readonly QuarantineEntry[],
  suites: readonly LoadedSuite[],
): Session {
  const started = context.now()
  const entropy = createHash('sha256').update(`${started.toISOString()} ${context.monotonic()}`).digest('hex')
  const id = newRunId(started, entropy.slice(0, 4))
  const folder = options.out ? resolve(context.cwd, options.out, id) : join(project.root, '.aigate', 'runs', id)
  return {
    context,
    project,
    id,
    folder,
    seed: options.seed ?? 1,
    budget,
    options,
    quarantine,
    suites: suites.map(({ suite }) => suite.suite),
    judging: new Map(),
  }
}

/** What a suite is compared with: a stored baseline, or another side that is asked along. */
type Comparison = {
  baseline: Baseline | null
  file: string | null
  partial: boolean
  guard?: GuardRecord | undefined
  other?: OtherSide | null | undefined
  anchors?: RunHeader['anchors']
}

/**
 * Runs one suite to its verdict. Every answer is in the journal before it is graded, and every grade before it is judged.
 * @returns the report of the suite and the run behind it; failures of the other side are data in both, never thrown.
 */
export async function evaluateSuite(
  session: Session,
  suite: LoadedSuite,
  against: Comparison,
): Promise<{ report: SuiteReport; run: Run; file: string }> {
  const { context, project, options } = session
  const { guard, other, anchors } = against
  const sides = other && { against: { ref: other.ref, commit: other.commit } }
  const header = {
    ...(await headerOf(session, suite, against)),
    ...(guard && { guard }),
    ...(anchors && { anchors }),
    ...sides,
  }
  const recordings = await openRecordings(join(project.root, project.config.recordings), suite.suite.suite)
  const settings = { record: options.record === true, offline: options.offline === true, recordings }
  const provider = await buildProvider(suite, { env: context.env, clock: context, ...settings })
  const journal = await createRun(session.folder, header)
  await keepBaseline(session.folder, header.suite, against.baseline)
  const observations: Observation[] = []
  const ask = await expander(suite.target)
  const progress = startProgress(context, suite.suite.suite)
  let stopped: string | undefined
  let purpose: Observation['purpose'] = 'pass'
  let requests = suite.cases.map((each) => ask(each.case, 1))
  let trials = 1
  const decide = () => {
    const { cases, policy } = header
    const { partial } = against
    const baseline = other ? other.baseline() : against.baseline
    const frame = { cases, observations, baseline, policy, trials: header.trials, partial, stopped }
    return judgeChange({ ...frame, quarantine: header })
  }
  const judging = await judgingOf(session, suite)
  const finish = finisher({ session, suite, journal, observations, before: answersOf(against, suite) })
  const waiting: Promise<unknown>[] = []
  let decision = decide()
  try {
    for (;;) {
      const own = { requests, provider }
      const both = interleave(other && purpose === 'pass' ? [own, other.part(trials)] : [own])
      progress.pass(trials, both.requests.length, purpose)
      const onCompletion = (request: AskRequest, completion: Completion) => {
        const finished = (
          other?.owns(request) ? other.finish(request, completion) : finish(request, completion, purpose)
        ).then((observation) => progress.done(observation))
        if (!judging) return finished
        // Judges take as long as the target does: the next answer does not wait for them.
        waiting.push(finished)
        finished.catch(() => undefined)
        return undefined
      }
      const { seed, budget } = session
      const signal = judging ? AbortSignal.any([context.signal, judging.died]) : context.signal
      const pass = await runPass({
        ...both,
        seed: seed + trials,
        signal,
        clock: context,
        budget,
        onCompletion,
      })
      await Promise.all(waiting.splice(0))
      stopped = judging?.dead() ?? pass.stopped?.message
      decision = decide()
      if (stopped !== undefined || !decision.next) break
      const next = decision.next
      purpose = next.kind
      if (next.kind === 'pass') trials = next.trial
      requests =
        next.kind === 'pass' ? suite.cases.map((each) => ask(each.case, trials)) : confirmations(next, suite, ask)
    }
  } finally {
    progress.end()
    await journal.end({ complete: stopped === undefined, stopped })
    await other?.end({ complete: stopped === undefined, stopped })
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
  return chosen.flatMap((each) => Array.from({ length: wanted.trials }, (_, i) => ask(each.case, 1001 + i)))
}

type Finishing = {
  session: Session
  suite: LoadedSuite
  journal: RunJournal
  observations: Observation[]
  /** What the baseline answered; absent: nobody looks. */
  before?: GraderTools['baselineAnswer']
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

/** What happens to each answer: take secrets out, save it, grade it, save the grade. */
export function finisher({ session, suite, journal, observations, before }: Finishing) {
  const { context, project } = session
  const { target } = suite
  const names = [
    ...secretNames(project.config),
    ...(target.kind === 'http' ? namesIn(JSON.stringify(target.target)) : []),
  ]
  // Only what we know to be secret is taken out of answers: a suite may well test that a model invents no key of its own.
  const redact = redactor(context.env, names, { patterns: false })
  const form = outputFormOf(target)
  const plain = { ...graderTools({ dir: suite.dir, env: context.env }), baselineAnswer: before }
  return async (request: AskRequest, answer: Completion, purpose: Observation['purpose']): Promise<Observation> => {
    const completion = redactCompletion(answer, redact)
    const key = { case: request.case.id, trial: request.trial, purpose }
    journal.answer({ ...key, completion })
    const tools = { ...plain, ...(await judgingOf(session, suite))?.tools }
    const grades = await grade(request.case, completion, tools, request.messages)
    const output = await outputOf(form, completion)
    journal.score({ ...key, ...grades, ...output })
    const observation: Observation = { ...key, completion, ...grades, ...output }
    observations.push(observation)
    return observation
  }
}

/** A schema that does not compile says nothing about any answer: the gate `valid_output` says then that none was checked. */
async function outputOf(form: OutputForm | null, completion: Completion): Promise<Pick<Observation, 'output'>> {
  const output = form && (await checkOutput(form, completion).catch(() => undefined))
  return output ? { output } : {}
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
    git: await gitState(project.root),
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
