// What a tool answers when the model calls it: recorded, or live code of the user. Whatever goes wrong is an answer too.
import { NOT_RECORDED, type ToolBehaviour } from '../../schema/conversation.ts'
import type { ToolCall } from '../../schema/suite.ts'
import type { Json } from '../../schema/values.ts'
import { callWithin } from '../call-within.ts'
import { loadExport } from '../modules.ts'
import { bareEnv, runProgram } from '../programs.ts'
import { codeRedactor } from '../redact.ts'
import { includes } from './includes.ts'

export type ToolAnswer = { content: string; error?: true; state: Json | undefined }
export type ToolWorld = {
  /** Absolute folder of the suite. */
  dir: string
  env: Readonly<Record<string, string | undefined>>
  signal: AbortSignal
}
/** What a call is answered with besides its arguments. `state`: as the calls before left it. */
type Given = { vars: Record<string, Json>; state: Json | undefined }

/** No tool may answer with more characters. */
const LONGEST_RESULT = 1_000_000

const asText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
const sentence = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

/**
 * Answers one call. Never rejects: an unknown tool, arguments that are no JSON object, a tool that throws, exits, hangs or
 * says too much are errors that the model reads, as it would in production.
 */
export async function answerCall(
  call: ToolCall,
  tools: Readonly<Record<string, ToolBehaviour>>,
  given: Given,
  world: ToolWorld,
): Promise<ToolAnswer> {
  const refuse = (why: string): ToolAnswer => ({ content: `Error: ${why}`, error: true, state: given.state })
  const tool = Object.hasOwn(tools, call.name) ? tools[call.name] : undefined
  if (tool === undefined) return refuse(`there is no tool ${call.name}`)
  let args: Json
  try {
    args = JSON.parse(call.arguments.trim() === '' ? '{}' : call.arguments) as Json
  } catch {
    return refuse('the arguments are not valid JSON')
  }
  if (typeof args !== 'object' || args === null || Array.isArray(args))
    return refuse('the arguments are not a JSON object')
  try {
    const found = await answerOf(tool, call.name, args, given, world)
    return found.content.length > LONGEST_RESULT
      ? refuse(`the tool answered with more than ${LONGEST_RESULT} characters`)
      : found
  } catch (error) {
    // Neither the model nor a report is told a key that a library repeats.
    return refuse(codeRedactor(world.env)(sentence(error)).slice(0, 500))
  }
}

async function answerOf(
  tool: ToolBehaviour,
  name: string,
  args: Record<string, Json>,
  given: Given,
  world: ToolWorld,
): Promise<ToolAnswer> {
  const { state } = given
  if ('results' in tool) {
    const fitting = tool.results.find((one) => one.arguments === undefined || includes(args, one.arguments))
    if (fitting === undefined) return { content: `${NOT_RECORDED} ${name} with these arguments`, error: true, state }
    if (fitting.error !== undefined) return { content: `Error: ${fitting.error}`, error: true, state }
    return { content: asText(fitting.result), state }
  }
  return 'module' in tool ? byModule(tool, args, given, world) : byCommand(tool, name, args, given, world)
}

/** A function of the user's: (arguments, {state, vars, signal}) → result. It may change `state`. */
async function byModule(
  { module, export: named, timeout }: Extract<ToolBehaviour, { module: string }>,
  args: Record<string, Json>,
  { vars, state }: Given,
  { dir, signal }: ToolWorld,
): Promise<ToolAnswer> {
  const run = await loadExport(dir, module, named)
  if (typeof run !== 'function') throw new Error(`${module} exports no function "${named}"`)
  // A copy: a call that fails half way, or that goes on after its time, leaves no half change behind.
  const own = structuredClone(state)
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)])
  const late = new Promise<never>((_, reject) => {
    limit.addEventListener('abort', () => reject(new Error(`the tool did not answer within ${timeout} ms`)), {
      once: true,
    })
  })
  late.catch(() => undefined)
  const given = { state: own, vars: structuredClone(vars), signal: limit }
  const work = callWithin(
    () => (run as (args: unknown, world: unknown) => unknown)(structuredClone(args), given),
    timeout,
  )
  const result: unknown = await Promise.race([work, late])
  return { content: asText(result), state: plain(own) }
}

/** A program: JSON on stdin; it prints the result, or {result, state}. */
async function byCommand(
  { command, timeout }: Extract<ToolBehaviour, { command: string[] }>,
  name: string,
  args: Record<string, Json>,
  { vars, state }: Given,
  { dir, env, signal }: ToolWorld,
): Promise<ToolAnswer> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)])
  const ended = await runProgram({
    argv: command,
    stdin: JSON.stringify({ name, arguments: args, state, vars }),
    cwd: dir,
    env: bareEnv(env),
    maxOutput: LONGEST_RESULT,
    signal: limit,
  })
  if (limit.aborted) throw new Error(`the tool did not answer within ${timeout} ms`)
  const last = ended.stderr.trim().split('\n').at(-1) ?? ''
  if (ended.problem !== undefined) throw new Error(ended.problem)
  if (ended.exitCode !== 0) throw new Error(`the tool exited with ${ended.exitCode}${last === '' ? '' : `: ${last}`}`)
  const printed = ended.stdout.trim()
  const read = printed.startsWith('{') ? (parsed(printed) as { result?: unknown; state?: Json } | undefined) : undefined
  if (read === undefined || !('result' in read)) return { content: printed, state }
  return { content: asText(read.result), state: read.state ?? state }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** What of a value can be written down. */
const plain = (value: unknown): Json | undefined =>
  value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as Json)
