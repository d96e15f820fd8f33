// What must hold before anybody is asked: every assertion can grade, and every key is there.
import { AigateError } from '../errors.ts'
import type { Context, LoadedSuite } from '../ports.ts'
import type { Assertion } from '../schema/assertion.ts'
import { assertionsOf, type Case } from '../schema/suite.ts'
import { neededKeys } from '../run/needed-keys.ts'
import { contextsIn } from '../score/judged/context-relevance.ts'
import { contextOf } from '../score/judged/faithful.ts'
import { relevanceOf } from '../score/retrieval.ts'
import { placesIn } from '../store/case-places.ts'
import { flatten } from '../store/faults.ts'
import { formFaults } from './form-faults.ts'

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
export async function assertionFaults(suites: LoadedSuite[], { recorded = false } = {}): Promise<AigateError[]> {
  const { assertionChecker } = await import('../score/problems.ts')
  // Cases that add none of their own share the list of their suite.
  const lists = new Set(suites.flatMap(({ cases }) => cases.map((one) => assertionsOf(one.case))))
  const all = new Set([...lists].flat())
  const check = await assertionChecker([...all])
  // Those of a suite are those of each of its cases.
  const wrong = new Map([...all].map((assertion) => [assertion, check(assertion)]))
  const found: AigateError[] = []
  for (const suite of suites) {
    const written = problemsOf(suite, (assertion) => wrong.get(assertion) ?? null, recorded)
    const places = written.length > 0 ? await placesIn(suite) : null
    const errors = written.map(({ id, index, problem, mend, file, line }) => {
      const at = index === undefined ? undefined : places?.assertion(id, index)
      // What stands in the suite is wrong once, and not in each of its cases.
      const said = at?.shared ? problem : `case ${id}: ${problem}`
      return new AigateError('bad_file', { problem: said, mend }, at?.place ?? places?.case(id) ?? { file, line })
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
  const known = new Map<readonly Assertion[], boolean>()
  /** Nothing is wrong with any of them, whatever the case holds. */
  const isFaultless = (assert: readonly Assertion[]): boolean => {
    const before = known.get(assert)
    if (before !== undefined) return before
    const faultless = assert.every((one) => assertionProblems(one) === null && !takesFromCase.has(one.type))
    known.set(assert, faultless)
    return faultless
  }
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
    if (isFaultless(assert)) return []
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

/** What `contextProblem` looks at. */
const takesFromCase: ReadonlySet<Assertion['type']> = new Set([
  'retrieval',
  'citations',
  'final_state',
  'faithful',
  'context_relevance',
] as const)

/** What an assertion takes from its case must be there: contexts, relevance and state; a model retrieves none itself. */
function contextProblem(
  assertion: Assertion,
  { vars, tools }: Case,
  kind: LoadedSuite['target']['kind'],
): string | null {
  const { type } = assertion
  if (!takesFromCase.has(type)) return null
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
