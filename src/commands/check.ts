// aigate check: everything that can be wrong without asking a model.
import { AigateError, explain } from '../errors.ts'
import type { Context, Ending, LoadedSuite, Project } from '../ports.ts'
import { outOfTries } from '../decide/gate/repeated.ts'
import { latestDay } from '../decide/flaky/quarantine.ts'
import { planNotes } from '../decide/rollout/check-plan.ts'
import type { Assertion } from '../schema/assertion.ts'
import { assertionsOf, type Case } from '../schema/suite.ts'
import { expander } from '../run/expand.ts'
import { neededKeys } from '../run/needed-keys.ts'
import { contextsIn } from '../score/judged/context-relevance.ts'
import { contextOf } from '../score/judged/faithful.ts'
import { relevanceOf } from '../score/retrieval.ts'
import { placesIn } from '../store/case-places.ts'
import { checkProject } from '../store/check.ts'
import { formFaults, promptFormFaults } from './form-faults.ts'
import { promptFindings } from './versions/prompt-check.ts'
import { guardFindings } from './guard/guard-check.ts'
import { fieldNotes } from './rollout/field-notes.ts'
import { allRolloutProblems } from './rollout/rollout-check.ts'
import { errorPaint } from './error-paint.ts'
import { storedBaseline } from './gate/judge-run.ts'
import { flatten } from '../store/faults.ts'
import { loadProject } from '../store/project.ts'
import { readQuarantine } from '../store/quarantine-file.ts'
import { saysNoSuites } from '../store/suites.ts'

export async function checkCommand(context: Context, options: { config?: string }): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const { suites, problems } = await checkProject(project)
  const listed = await quarantineProblems(context, project, suites)
  const prompts = await promptFindings(context, project)
  const rollouts = await allRolloutProblems(context, project)
  const guards = await guardFindings(project)
  const all = [
    ...problems.filter((problem) => rollouts.plans.length === 0 || !saysNoSuites(problem)),
    ...prompts.problems,
    ...(await assertionFaults(suites)),
    ...(await promptFormFaults(project, suites)),
    ...suites.flatMap(trialProblems),
    ...(await renderProblems(suites)),
    ...(await baselineProblems(project, suites)),
    ...listed,
    ...rollouts.problems,
    ...guards.problems,
  ]
  const planned = rollouts.plans.flatMap(({ plan }) =>
    [...planNotes(plan), ...fieldNotes(plan)].map((note) => `${plan.rollout}: ${note}.`),
  )
  for (const note of [...prompts.notes, ...anchorNotes(suites), ...playerNotes(suites), ...guards.notes, ...planned])
    context.stderr.write(`note: ${note}\n`)
  const paint = errorPaint(context)
  for (const problem of all) context.stderr.write(`${explain(problem, paint)}\n`)
  if (all.length > 0) {
    context.stderr.write(`${all.length} ${all.length === 1 ? 'problem' : 'problems'}.\n`)
    return 'usage'
  }
  const cases = suites.reduce((sum, suite) => sum + suite.cases.length, 0)
  const say = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`
  const { guards: guarded, experiments, shadows } = guards.counts
  const counted = { rollout: rollouts.plans.length, guard: guarded, experiment: experiments, 'shadow plan': shadows }
  const plans = Object.entries(counted)
    .map(([noun, count]) => (count > 0 ? `, ${say(count, noun)}` : ''))
    .join('')
  context.stdout.write(`${say(suites.length, 'suite')}, ${say(cases, 'case')}${plans}: nothing wrong.\n`)
  return 'pass'
}

/** Trials of one conversation repeated are worth one. */
const playerNotes = (suites: readonly LoadedSuite[]): string[] =>
  suites.flatMap(({ suite, file, users = {} }) =>
    suite.trials.max === 1
      ? []
      : Object.entries(users)
          .filter(([, { pin }]) => pin.params['temperature'] === 0)
          .map(
            ([name]) =>
              `${file}: ${name} plays users with temperature 0, so that every trial hears the same user; with a higher one and a seed each trial is a conversation of its own.`,
          ),
  )

/** Anchors are asked as the baseline asked them; of an application only its address is kept, and not its code. */
const anchorNotes = (suites: readonly LoadedSuite[]): string[] =>
  suites.flatMap(({ suite, file, target }) =>
    target.kind === 'prompt' || (suite.anchors ?? 0) === 0
      ? []
      : [
          `${file}: \`anchors: ${suite.anchors}\` does nothing, because the target is an application (${target.kind}) and the code that answered for the baseline is not kept; \`aigate eval --against <ref>\` asks it.`,
        ],
  )

/**
 * @param options `recorded`: the answers come from elsewhere (traces), with contexts that a model itself would not tell
 * @throws AigateError with every assertion that could never grade: a bad pattern, path or schema
 */
export async function assertGradable(suites: LoadedSuite[], options: { recorded?: boolean } = {}): Promise<void> {
  const [first, ...more] = await assertionFaults(suites, options)
  if (first)
    throw more.length === 0
      ? first
      : new AigateError('bad_file', { problem: first.message, mend: first.mend }, first.places[0], more)
}

type Keys = { record?: boolean; offline?: boolean }

/** Suites that cannot be asked for want of keys, with the names of those. */
export function suitesLackingKeys(
  env: Context['env'],
  suites: readonly LoadedSuite[],
  { record = false, offline = false }: Keys,
): { suite: LoadedSuite; names: string[] }[] {
  if (offline) return []
  return suites.flatMap((suite) => {
    const names = neededKeys(suite, { record }).filter((name) => (env[name] ?? '') === '')
    return names.length > 0 ? [{ suite, names }] : []
  })
}

/**
 * Before anything is asked and paid for: every key of every suite is there.
 * @throws AigateError `keys_missing` that names all that are not
 */
export function assertKeys(env: Context['env'], suites: readonly LoadedSuite[], options: Keys): void {
  const lacking = suitesLackingKeys(env, suites, options)
  if (lacking.length === 0) return
  const names = [...new Set(lacking.flatMap((one) => one.names))]
  const wanting = lacking.map(({ suite }) => suite.suite.suite)
  throw new AigateError('keys_missing', {
    names: `${names.length === 1 ? 'The environment variable' : 'The environment variables'} ${names.join(', ')} ${names.length === 1 ? 'is' : 'are'}`,
    suites: `${wanting.length === 1 ? 'suite' : 'suites'} ${wanting.join(', ')}`,
  })
}

/** Loads the graders' parsers only here: an eval that is judged again needs none of them. */
async function assertionFaults(suites: LoadedSuite[], { recorded = false } = {}): Promise<AigateError[]> {
  const { assertionProblems } = await import('../score/problems.ts')
  const found: AigateError[] = []
  for (const suite of suites) {
    const written = problemsOf(suite, assertionProblems, recorded)
    const places = written.length > 0 ? await placesIn(suite) : null
    const errors = written.map(({ id, index, problem, mend, file, line }) => {
      const at = index === undefined ? undefined : places?.assertion(id, index)
      // What stands in the suite is wrong once, and not in each of its cases.
      const said = at?.shared ? problem : `case ${id}: ${problem}`
      return new AigateError('bad_file', { problem: said, mend }, at?.place ?? { file, line })
    })
    found.push(...flatten([...errors, ...(await formFaults(suite))]))
  }
  return found
}

/** `index`: of the assertion that is wrong, among those of the case. */
type Written = { id: string; index?: number; problem: string; mend: string; file: string; line: number }

function problemsOf(
  suite: LoadedSuite,
  assertionProblems: (assertion: Assertion) => string | null,
  recorded: boolean,
): Written[] {
  const teller = recorded ? 'module' : suite.target.kind
  return suite.cases.flatMap(({ case: one, info }): Written[] => {
    const { id } = one
    const assert = assertionsOf(one)
    const fault = (problem: string, mend: string, index?: number): Written => ({
      id,
      ...(index !== undefined && { index }),
      problem,
      mend,
      file: info.file,
      line: info.line,
    })
    if (assert.length === 0) {
      return [fault('it has no assertion, so it could never fail.', 'Add `assert` to the case or to the suite.')]
    }
    const misfit = conversationProblem(one, suite.target.kind)
    if (misfit !== null) return [fault(misfit.problem, misfit.mend)]
    return assert.flatMap((assertion, index) => {
      const problem = assertionProblems(assertion) ?? contextProblem(assertion, one, teller)
      const name = `${assertion.not ? 'not_' : ''}${assertion.type}`
      return problem === null ? [] : [fault(problem, `Correct ${name} here.`, index)]
    })
  })
}

/** What of a conversation does not fit together, or not the target. */
function conversationProblem(
  { turns, user, tools, state, max_steps, messages = [] }: Case,
  kind: LoadedSuite['target']['kind'],
): { problem: string; mend: string } | null {
  if (turns && user) return { problem: 'it has both turns and user.', mend: 'Script the user, or let a model play it.' }
  if (tools && kind !== 'prompt')
    return {
      problem: `it has tools, but the target (${kind}) calls its own.`,
      mend: 'Remove `tools`; an application returns its tool calls in `trajectory`.',
    }
  if (state && !tools) return { problem: 'it has a state, but no tools that could change it.', mend: 'Add `tools`.' }
  if (max_steps !== undefined && !tools) return { problem: 'max_steps is for cases with tools.', mend: 'Remove it.' }
  const last = messages.at(-1)?.role
  if ((turns || user) && last === 'user')
    return {
      problem: 'its messages end with one of the user, and a turn would be another.',
      mend: 'Make it the first turn.',
    }
  return null
}

/** What an assertion takes from its case must be there: contexts, relevance and state; a model retrieves none itself. */
function contextProblem(
  assertion: Assertion,
  { vars, tools }: Case,
  kind: LoadedSuite['target']['kind'],
): string | null {
  const { type } = assertion
  try {
    if (type === 'retrieval') relevanceOf(assertion.args, vars)
    if (type === 'citations' && assertion.args !== true && assertion.args.context_from !== undefined)
      contextsIn([assertion.args.context_from], vars)
    if (type === 'final_state' && kind === 'prompt' && tools === undefined)
      throw new Error('a model without `tools` leaves no state')
    if (type === 'faithful' && kind === 'prompt') contextOf(assertion.args, vars)
    if (type !== 'context_relevance') return null
    const from = assertion.args === true ? undefined : assertion.args.context_from
    if (from === undefined && kind === 'prompt') throw new Error('a model retrieves nothing; write context_from')
    contextsIn([from ?? []].flat(), vars)
    return null
  } catch (error) {
    return `${type}: ${error instanceof Error ? error.message : String(error)}.`
  }
}

/** pass@k and pass^k of more tries than there will be: their gates would stay undecided in every run. */
const trialProblems = ({ suite, policy, file }: LoadedSuite): AigateError[] =>
  outOfTries(policy, suite.trials.max).map(
    ({ kind, k }) =>
      new AigateError(
        'bad_file',
        {
          problem: `gate.${kind}: k is ${k}, but suite ${suite.suite} asks for at most ${suite.trials.max} ${suite.trials.max === 1 ? 'trial' : 'trials'} of a case, so it could never be decided.`,
          mend: `Set \`trials: {max: ${k}}\` in the suite, or k to ${suite.trials.max} or less.`,
        },
        { file },
      ),
  )

/** What is wrong in the quarantine list, as a list. */
async function quarantineProblems(context: Context, project: Project, suites: LoadedSuite[]): Promise<AigateError[]> {
  try {
    await readQuarantine(project, { suites, latest: latestDay(context.now()) })
    return []
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return flatten([error])
  }
}

/** Renders every case once: what a template cannot do with a value shows here and not in the middle of a run. */
async function renderProblems(suites: LoadedSuite[]): Promise<AigateError[]> {
  const found: AigateError[] = []
  for (const suite of suites) {
    const ask = await expander(suite.target)
    for (const each of suite.cases) {
      try {
        ask(each.case, 1)
      } catch (error) {
        if (!(error instanceof AigateError)) throw error
        found.push(error)
      }
    }
  }
  return found
}

/** Reads every stored baseline: a torn one would stop the next eval. */
async function baselineProblems(project: Project, suites: LoadedSuite[]): Promise<AigateError[]> {
  const found: AigateError[] = []
  for (const { suite } of suites) {
    try {
      await storedBaseline(project, suite.suite)
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      found.push(error)
    }
  }
  return found
}
