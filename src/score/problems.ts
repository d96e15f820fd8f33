// What can be wrong with an assertion without asking a model: for `aigate check` and for loading suites.
import type { Assertion, AssertionArgs, AssertionType } from '../schema/assertion.ts'
import { shorten } from './reason.ts'
import { ambiguousRepeat } from './regex-ambiguity.ts'
import { compileRegex } from './regex.ts'
import { idRegions } from './safety/national-ids.ts'

function needsBound(args: AssertionArgs<'prompt_tokens'>): string | null {
  if (typeof args === 'number') return null
  const { max, min } = args
  if (max === undefined && min === undefined) return 'it needs max or min'
  return max !== undefined && min !== undefined && min > max ? 'min is larger than max' : null
}

type Compile = typeof import('./json-schema-compiler.ts').compileSchema
type ParsePath = typeof import('jsonpath-rfc9535/parser').default

const forEver = (part: string): string =>
  `${shorten(part)} repeats a repeat, which can take for ever on a long answer; repeat only once`

type Checks = { [T in AssertionType]?: (args: AssertionArgs<T>) => string | null }

const checksBy = (compileSchema: Compile, parsePath: ParsePath): Checks => ({
  regex(args) {
    const expression = compileRegex(args)
    const part = ambiguousRepeat(expression.source)
    return part === null ? null : forEver(part)
  },
  json_path({ path, equals, exists, contains }) {
    parsePath(path)
    if (equals === undefined && exists === undefined && contains === undefined) {
      return 'it needs equals, exists or contains'
    }
    return exists === false && (equals !== undefined || contains !== undefined)
      ? 'exists: false goes with neither equals nor contains'
      : null
  },
  rubric: (args) =>
    typeof args === 'object' && args.scale !== undefined && Object.keys(args.scale).length < 2
      ? 'a scale needs at least two scores'
      : null,
  final_state({ path, equals, exists, contains }) {
    parsePath(path)
    return equals === undefined && exists === undefined && contains === undefined
      ? 'it needs equals, exists or contains'
      : null
  },
  citations(args) {
    if (args === true) return null
    const groups = new RegExp(`${args.pattern}|`, 'gu').exec('')?.length ?? 1
    const part = ambiguousRepeat(args.pattern)
    if (part !== null) return forEver(part)
    return groups < 2 ? 'its pattern needs a group for the id' : null
  },
  json_schema(schema) {
    compileSchema(schema)
    return null
  },
  number_close: ({ tolerance, relative }) =>
    tolerance === undefined && relative === undefined ? 'it needs tolerance or relative (0 for exactly)' : null,
  prompt_tokens: needsBound,
  completion_tokens: needsBound,
  history: ({ max_messages, max_characters }) =>
    max_messages === undefined && max_characters === undefined ? 'it needs max_messages or max_characters' : null,
  no_leak(args) {
    if (args === true || args.system) return null
    return (args.texts ?? args.canaries ?? []).length > 0 ? null : 'without system it needs texts or canaries'
  },
  no_pii(args) {
    const wanted = args === true || args.kinds?.includes('national_id') !== true ? [] : (args.regions ?? [])
    const unknown = wanted.filter((region) => !idRegions.includes(region))
    return unknown.length > 0
      ? `no national id of ${unknown.join(', ')} is known; known are ${idRegions.join(', ')}`
      : null
  },
  tool_call(args) {
    const keys = Object.entries(args).filter(([, value]) => value !== undefined)
    if (keys.length === 0) return 'it needs name, arguments, count, order, none, only or never'
    for (const pattern of Object.values(args.arguments_match ?? {})) {
      void RegExp(pattern, 'u')
      const part = ambiguousRepeat(pattern)
      if (part !== null) return forEver(part)
    }
    if (args.arguments_schema !== undefined) compileSchema(args.arguments_schema)
    if (args.count !== undefined && args.max_count !== undefined) return 'count and max_count do not go together'
    return args.none && keys.length > 1 ? 'none goes with nothing else' : null
  },
})

const hasSchema = ({ type, args }: Assertion): boolean =>
  type === 'json_schema' || (type === 'tool_call' && args.arguments_schema !== undefined)

const hasPath = ({ type }: Assertion): boolean => type === 'json_path' || type === 'final_state'

const notLoaded = (): never => {
  throw new Error('what checks this is not loaded')
}

/**
 * Makes the function that says what is wrong with an assertion, as one sentence; null when nothing is. It never throws.
 * @param assertions those that it will be asked about; without any that has a JSON schema or a path, what reads those is not loaded
 */
export async function assertionChecker(
  assertions?: readonly Assertion[],
): Promise<(assertion: Assertion) => string | null> {
  const needs = (what: (assertion: Assertion) => boolean) => assertions?.some(what) ?? true
  const checks = checksBy(
    needs(hasSchema) ? (await import('./json-schema-compiler.ts')).compileSchema : notLoaded,
    needs(hasPath) ? (await import('jsonpath-rfc9535/parser')).default : notLoaded,
  )
  return (assertion) => {
    const { type, not, args } = assertion
    const name = not ? `not_${type}` : type
    const check = checks[type] as ((args: unknown) => string | null) | undefined
    try {
      const problem = check?.(args) ?? null
      return problem === null ? null : `${name}: ${problem}.`
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return `${name}: ${shorten(why.replace(/\.$/, ''), 300)}.`
    }
  }
}
