// What happens to each answer: secrets are taken out, it is saved, kept for later runs, graded, and the grade is saved.
import type { AskRequest, GraderTools, LoadedSuite } from '../../ports.ts'
import { graderTools } from '../../run/grader-tools.ts'
import { codeRedactor, redactCompletion } from '../../run/redact.ts'
import type { Completion, Observation } from '../../schema/run.ts'
import type { Graded } from '../../score/grade.ts'
import { checkOutput, type OutputForm, outputFormOf } from '../../score/output-form.ts'
import { sharedScores } from '../../score/shared-scores.ts'
import type { RunJournal } from '../../store/run-journal.ts'
import type { Memory } from './answer-memory.ts'
import { answerRedactor } from './answer-redactor.ts'
import { judgingOf } from '../judge/judging.ts'
import type { Session } from './session.ts'

type Finishing = {
  session: Session
  suite: LoadedSuite
  journal: RunJournal
  observations: Observation[]
  memory?: Memory | undefined
  /** What the baseline answered; absent: nobody looks. */
  before?: GraderTools['baselineAnswer']
}

type Trial = Pick<Observation, 'case' | 'trial' | 'purpose'>
type Grades = Omit<Observation, 'case' | 'trial' | 'purpose' | 'completion'>

let loaded: Promise<typeof import('../../score/grade.ts')> | undefined
/** What grades answers, a fifth of the program: loaded when the first questions are out, or else for the first answer. */
export const graders = () => (loaded ??= import('../../score/grade.ts'))

/** Whole answers that wait in memory for their turn to be graded; the texts of others are read when it has come. */
const MOST_WAITING = 100

/**
 * Makes the function that gives a promise of the moment when all answers that came together are saved, and the questions that follow
 * are out: what else is done with an answer holds up none of them.
 */
function quietMoments(): () => Promise<void> {
  let next: Promise<void> | undefined
  return () => {
    next ??= new Promise((go) =>
      setImmediate(() => {
        next = undefined
        go()
      }),
    )
    return next
  }
}

/**
 * Makes the function that an answer goes through: it is saved when the call returns, and graded, one after the other, when
 * the promise resolves. Throws where it cannot be saved. An answer that stood in the record before is not written again, and one
 * that was graded keeps its grades. After an interruption nothing is graded any more: what is saved can be graded later.
 */
export function finisher({ session, suite, journal, observations, memory, before }: Finishing) {
  const { context } = session
  const redact = answerRedactor(session, suite)
  const clear = codeRedactor(context.env)
  const form = outputFormOf(suite.target)
  const plain = { ...graderTools({ dir: suite.dir, env: context.env }), baselineAnswer: before }
  const graded = async (request: AskRequest, completion: Completion) => {
    const judging = await judgingOf(session, suite)
    const tools = { ...plain, ...judging?.tools }
    const { grade } = await graders()
    // Judges take as long as the target does, and many can be asked at once; what runs here is graded one after the other.
    const work = () =>
      untilAborted(context.signal, async () => {
        const grades = withoutKeys(await grade(request.case, completion, tools, request.messages), { redact, clear })
        return form ? { ...grades, ...(await outputOf(form, completion)) } : grades
      })
    if (judging) return work()
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }
  const shared = sharedScores()
  const quiet = quietMoments()
  let turn: Promise<unknown> = Promise.resolve()
  let waiting = 0
  const finished = async (
    request: AskRequest,
    { kept, answer, before, ...key }: Trial & { kept: Completion; answer: Completion; before: Grades | undefined },
  ) => {
    const grades: Grades | null = before ?? (await graded(request, answer))
    waiting -= 1
    const observation = observationOf(key, kept, grades ?? ungraded)
    if (grades) journal.score(observation, isFree(grades))
    observation.scores = shared(observation.scores)
    observations.push(observation)
    return observation
  }
  return (request: AskRequest, given: Completion, purpose: Observation['purpose']): Promise<Observation> => {
    const key = { case: request.case.id, trial: request.trial, purpose }
    const known = journal.known(key)
    const completion = known?.completion ?? redactCompletion(given, redact)
    const kept = journal.answer({ ...key, completion })
    const isNew = !known && !completion.replayed
    // Where answers come faster than they are graded, those that wait need no memory either.
    const answer = waiting < MOST_WAITING ? completion : kept
    waiting += 1
    return quiet().then(() => {
      if (isNew) memory?.add(request, answer)
      return finished(request, { ...key, kept, answer, before: known?.grades })
    })
  }
}

/** Key by key: spreading both takes a hundred times as long. */
function observationOf(
  { case: id, trial, purpose }: Trial,
  completion: Completion,
  { scores, passed, score, grader_error, grader_cost, output }: Grades,
): Observation {
  const observation: Observation = { case: id, trial, purpose, completion, scores, passed, score }
  if (grader_error !== undefined) observation.grader_error = grader_error
  if (grader_cost !== undefined) observation.grader_cost = grader_cost
  if (output !== undefined) observation.output = output
  return observation
}

/** Grades that come out the same another time; those of judges, embeddings and programs cost something. */
const isFree = ({ scores, grader_error }: Grades): boolean =>
  grader_error === undefined && scores.every(({ deterministic }) => deterministic)

/** What graders of the user say: none of our secrets in a reason, and nothing like a key in what they throw. */
function withoutKeys(
  { scores, grader_error, ...graded }: Graded,
  { redact, clear }: Record<'redact' | 'clear', (text: string) => string>,
): Graded {
  return {
    ...graded,
    scores: scores.map((score) => ({ ...score, reason: redact(score.reason) })),
    ...(grader_error !== undefined && { grader_error: clear(grader_error) }),
  }
}

/** A schema that does not compile says nothing about any answer: the gate `valid_output` says then that none was checked. */
async function outputOf(form: OutputForm, completion: Completion): Promise<Pick<Observation, 'output'>> {
  const output = await checkOutput(form, completion).catch(() => undefined)
  return output ? { output } : {}
}

/**
 * Lets answers come in while earlier ones are graded, so that none waits unsaved behind a slow grader. `add` and `settled`
 * throw what went wrong in the grading before; `idle` only waits.
 */
export function gradingLine() {
  const pending = new Set<Promise<unknown>>()
  let failure: { error: unknown } | undefined
  const check = () => {
    if (failure) throw failure.error
  }
  const idle = async () => {
    while (pending.size > 0) await Promise.all(pending)
  }
  return {
    add: (grading: Promise<unknown>): void => {
      const done: Promise<unknown> = grading
        .catch((error: unknown) => {
          failure ??= { error }
        })
        .finally(() => pending.delete(done))
      pending.add(done)
      check()
    },
    settled: async (): Promise<void> => {
      await idle()
      check()
    },
    idle,
  }
}

const ungraded: Grades = { scores: [], passed: null, score: null, grader_error: 'interrupted before it was graded' }

/** By signal: what is still waited for. One listener for all of it: they cost more than most grades. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>()

function waitingFor(signal: AbortSignal): Set<() => void> {
  const known = waiting.get(signal)
  if (known) return known
  const stops = new Set<() => void>()
  waiting.set(signal, stops)
  signal.addEventListener('abort', () => stops.forEach((stop) => stop()), { once: true })
  return stops
}

/** What `work` gives, or null as soon as the signal is aborted: a program that grades may take its time. */
function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | null> {
  if (signal.aborted) return Promise.resolve(null)
  const stops = waitingFor(signal)
  return new Promise((resolve, reject) => {
    const stop = () => resolve(null)
    stops.add(stop)
    const over = () => stops.delete(stop)
    work().then(
      (given) => {
        over()
        resolve(given)
      },
      (error: unknown) => {
        over()
        reject(error)
      },
    )
  })
}
