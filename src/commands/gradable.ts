// What must hold before anybody is asked: every assertion can grade, and every key is there.
import { AigateError } from '../errors.ts'
import type { Context, LoadedSuite } from '../ports.ts'
import type { Assertion } from '../schema/assertion.ts'
import { assertionsOf, type Case } from '../schema/suite.ts'
import { neededKeys } from '../run/needed-keys.ts'
import { contextsIn } from '../score/judged/context-relevance.ts'
import { contextOf } from '../score/judged/faithful.ts'

/** @throws AigateError with every assertion that could never grade: a bad pattern, path or schema. */
export async function assertGradable(suites: LoadedSuite[]): Promise<void> {
  const [first, ...more] = await assertionFaults(suites)
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
export async function assertionFaults(suites: LoadedSuite[]): Promise<AigateError[]> {
  const { assertionChecker } = await import('../score/problems.ts')
  const all = new Set(suites.flatMap(({ cases }) => cases.flatMap((one) => assertionsOf(one.case))))
  const check = await assertionChecker([...all])
  // Those of a suite are those of each of its cases.
  const found = new Map([...all].map((assertion) => [assertion, check(assertion)]))
  return suites.flatMap((suite) => problemsOf(suite, (assertion) => found.get(assertion) ?? null))
}

function problemsOf(suite: LoadedSuite, assertionProblems: (assertion: Assertion) => string | null): AigateError[] {
  return suite.cases.flatMap(({ case: one, info }) => {
    const { id } = one
    const assert = assertionsOf(one)
    const fault = (problem: string, mend: string) =>
      new AigateError('bad_file', { problem: `case ${id}: ${problem}`, mend }, { file: info.file, line: info.line })
    if (assert.length === 0) {
      return [fault('it has no assertion, so it could never fail.', 'Add `assert` to the case or to the suite.')]
    }
    const misfit = conversationProblem(one, suite.target.kind)
    if (misfit !== null) return [fault(misfit.problem, misfit.mend)]
    return assert.flatMap((assertion) => {
      const problem = assertionProblems(assertion) ?? contextProblem(assertion, one, suite.target.kind)
      const name = `${assertion.not ? 'not_' : ''}${assertion.type}`
      return problem === null ? [] : [fault(problem, `Correct ${name} in this case.`)]
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

/** `faithful` and `context_relevance` take contexts from variables that the case must have; a model retrieves none itself. */
function contextProblem(assertion: Assertion, { vars }: Case, kind: LoadedSuite['target']['kind']): string | null {
  const { type } = assertion
  try {
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
