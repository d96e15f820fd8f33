// tool_call: which tools the model called, with which arguments, how often, in which order.
import type { AssertionPlugin, Subject } from '../ports.ts'
import type { AssertionArgs } from '../schema/assertion.ts'
import type { Json } from '../schema/values.ts'
import { equalJson, includesJson, parseJson } from './json-value.ts'
import { list, quote, show, shorten } from './reason.ts'

type Args = AssertionArgs<'tool_call'>
type Call = Subject['completion']['tool_calls'][number]

// A tool without parameters is often called with an empty text.
const argumentsOf = (call: Call) => parseJson(call.arguments.trim() === '' ? '{}' : call.arguments)

/** What is wanted of the arguments; the schema is compiled already. */
type Wanted = Pick<Args, 'arguments' | 'exact_arguments' | 'arguments_match'> & { accepts?: (value: Json) => boolean }

function hasArguments(call: Call, wanted: Wanted): boolean {
  const parsed = argumentsOf(call)
  if (!parsed.ok) return false
  const { value } = parsed
  if (wanted.arguments !== undefined && !includesJson(value, wanted.arguments)) return false
  if (wanted.exact_arguments !== undefined && !equalJson(value, wanted.exact_arguments)) return false
  if (wanted.accepts !== undefined && !wanted.accepts(value)) return false
  return Object.entries(wanted.arguments_match ?? {}).every(([name, pattern]) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return false
    const found = value[name]
    return new RegExp(pattern, 'u').test(typeof found === 'string' ? found : JSON.stringify(found))
  })
}

/** What is wanted of the arguments, for people; null for nothing. */
function wantedText(args: Args): string | null {
  const parts = [
    args.arguments && show(args.arguments),
    args.exact_arguments && `exactly ${show(args.exact_arguments)}`,
    args.arguments_match && `arguments like ${show(args.arguments_match)}`,
    args.arguments_schema && 'arguments of the schema',
  ].filter((part) => part !== undefined)
  return parts.length === 0 ? null : parts.join(' and ')
}

const namesOf = (calls: readonly Call[]) =>
  calls.length === 0 ? 'no tool was called' : `called: ${list(calls.map(({ name }) => shorten(name)))}`

/** Whether the names appear in this order; other calls may stand between them. */
function inOrder(names: readonly string[], calls: readonly Call[]): boolean {
  let next = 0
  for (const { name } of calls) if (name === names[next]) next += 1
  return next === names.length
}

/** The calls of the wanted name and arguments: are there any, or as many as allowed? In words when not, else null. */
function missing(args: Args, wanted: Wanted, calls: readonly Call[]): string | null {
  const { name, count, max_count: most } = args
  const named = name === undefined ? calls : calls.filter((call) => call.name === name)
  const matching = named.filter((call) => hasArguments(call, wanted))
  const [least, limit] = count === undefined ? [most === undefined ? 1 : 0, most ?? Infinity] : [count, count]
  if (matching.length >= least && matching.length <= limit) return null
  const tool = name === undefined ? 'a tool' : quote(name)
  const text = wantedText(args)
  const what = text === null ? tool : `${tool} with ${text}`
  if (count !== undefined) return `${what} was called ${matching.length} times, expected ${count}`
  if (matching.length > limit) return `${what} was called ${matching.length} times, at most ${most} expected`
  const [closest] = named
  if (closest && text !== null)
    return `${quote(closest.name)} was called with ${shorten(closest.arguments)}, expected ${text}`
  return `${what} was not called; ${namesOf(calls)}`
}

/** The same name and the same arguments, whatever the order of their keys. */
function sameCalls(calls: readonly Call[]): { call: Call; times: number }[] {
  const found: { call: Call; value: Json; times: number }[] = []
  for (const call of calls) {
    const parsed = argumentsOf(call)
    const value = parsed.ok ? parsed.value : call.arguments
    const known = found.find((one) => one.call.name === call.name && equalJson(one.value, value))
    if (known) known.times += 1
    else found.push({ call, value, times: 1 })
  }
  return found
}

/** What is wrong with which tools were called, and in which order. */
function choiceProblems(args: Args, calls: readonly Call[]): string[] {
  const names = calls.map(({ name }) => name)
  const arrows = (wanted: readonly string[]) => wanted.map((name) => shorten(name)).join(' → ')
  const problems: string[] = []
  if (args.none && calls.length > 0) problems.push(`expected no tool; ${namesOf(calls)}`)
  if (args.order && !inOrder(args.order, calls))
    problems.push(`expected the order ${arrows(args.order)}; ${namesOf(calls)}`)
  if (args.sequence && (names.length !== args.sequence.length || args.sequence.some((name, i) => name !== names[i])))
    problems.push(`expected exactly ${arrows(args.sequence) || 'no tool'}; ${namesOf(calls)}`)
  const absent = args.all?.filter((name) => !names.includes(name)) ?? []
  if (absent.length > 0) problems.push(`${list(absent.map(quote))} was not called; ${namesOf(calls)}`)
  const beyond = names.filter((name) => (args.only && !args.only.includes(name)) || args.never?.includes(name))
  const [tooFar] = beyond
  if (tooFar !== undefined) problems.push(`${quote(tooFar)} may not be called; ${namesOf(calls)}`)
  return problems
}

/** What is wrong with how the tools went: calls that come again and again, and errors. */
function courseProblems(args: Args, { conversation, tool_calls: calls }: Subject['completion']): string[] {
  const problems: string[] = []
  const most = args.max_same ?? Infinity
  const looping = most === Infinity ? undefined : sameCalls(calls).find(({ times }) => times > most)
  if (looping) {
    const { name, arguments: written } = looping.call
    problems.push(`${quote(name)} was called ${looping.times} times with ${shorten(written)}, at most ${most} expected`)
  }
  if (args.no_errors) {
    if (conversation === undefined && calls.length > 0)
      throw new Error('no_errors: nobody tells what the tools answered; give the case `tools`')
    const failed = conversation?.steps.find(({ error }) => error)
    if (failed) problems.push(`${quote(failed.name ?? 'a tool')} answered with an error: ${shorten(failed.content)}`)
  }
  return problems
}

/** Keys that say which call is meant; without one of them no single call is looked for. */
const callKeys = [
  'name',
  'arguments',
  'exact_arguments',
  'arguments_schema',
  'arguments_match',
  'count',
  'max_count',
] as const

export const toolCall: AssertionPlugin<'tool_call'> = {
  deterministic: true,
  async grade(args, { completion }) {
    const calls = completion.tool_calls
    const problems = choiceProblems(args, calls)
    if (callKeys.some((key) => args[key] !== undefined)) {
      const wanted: Wanted = { ...args }
      if (args.arguments_schema !== undefined) {
        const { compileSchema } = await import('./json-schema-compiler.ts')
        const validate = compileSchema(args.arguments_schema)
        wanted.accepts = (value) => validate(value)
      }
      const problem = missing(args, wanted, calls)
      if (problem !== null) problems.push(problem)
    }
    const [first] = [...problems, ...courseProblems(args, completion)]
    return { score: first === undefined ? 1 : 0, passed: first === undefined, reason: first ?? namesOf(calls) }
  },
}
