// tool_call: which tools the model called, with which arguments, how often, in which order.
import type { AssertionPlugin, Subject } from '../ports.ts'
import type { AssertionArgs } from '../schema/assertion.ts'
import type { Json } from '../schema/values.ts'
import { includesJson, parseJson } from './json-value.ts'
import { list, quote, show, shorten } from './reason.ts'

type Args = AssertionArgs<'tool_call'>
type Call = Subject['completion']['tool_calls'][number]

function hasArguments(call: Call, wanted: Record<string, Json>): boolean {
  // A tool without parameters is often called with an empty text.
  const parsed = parseJson(call.arguments.trim() === '' ? '{}' : call.arguments)
  return parsed.ok && includesJson(parsed.value, wanted)
}

const namesOf = (calls: readonly Call[]) =>
  calls.length === 0 ? 'no tool was called' : `called: ${list(calls.map(({ name }) => shorten(name)))}`

/** Whether the names appear in this order; other calls may stand between them. */
function inOrder(names: readonly string[], calls: readonly Call[]): boolean {
  let next = 0
  for (const { name } of calls) if (name === names[next]) next += 1
  return next === names.length
}

/** The calls of the wanted name and arguments: are there any, or exactly `count`? In words when not, else null. */
function missing({ name, arguments: wanted, count }: Args, calls: readonly Call[]): string | null {
  const named = name === undefined ? calls : calls.filter((call) => call.name === name)
  const matching = wanted === undefined ? named : named.filter((call) => hasArguments(call, wanted))
  if (count === undefined ? matching.length > 0 : matching.length === count) return null
  const tool = name === undefined ? 'a tool' : quote(name)
  const what = wanted === undefined ? tool : `${tool} with ${show(wanted)}`
  if (count !== undefined) return `${what} was called ${matching.length} times, expected ${count}`
  const [closest] = named
  if (closest && wanted !== undefined)
    return `${quote(closest.name)} was called with ${shorten(closest.arguments)}, expected ${show(wanted)}`
  return `${what} was not called; ${namesOf(calls)}`
}

export const toolCall: AssertionPlugin<'tool_call'> = {
  deterministic: true,
  grade(args, { completion }) {
    const calls = completion.tool_calls
    const problems: string[] = []
    if (args.none && calls.length > 0) problems.push(`expected no tool; ${namesOf(calls)}`)
    if (args.order && !inOrder(args.order, calls)) {
      problems.push(`expected the order ${args.order.map((name) => shorten(name)).join(' → ')}; ${namesOf(calls)}`)
    }
    if (args.name !== undefined || args.arguments !== undefined || args.count !== undefined) {
      const problem = missing(args, calls)
      if (problem !== null) problems.push(problem)
    }
    const [first] = problems
    return { score: first === undefined ? 1 : 0, passed: first === undefined, reason: first ?? namesOf(calls) }
  },
}
