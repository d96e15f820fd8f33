// command, module: assertions that the user wrote as a program or as a function.
import type { AssertionPlugin, Grade, Subject } from '../ports.ts'
import { oneLine, shorten, show } from './reason.ts'

/** What custom code sees: the answer and the case without its assertions. `tool_calls[].arguments` is JSON text. */
function view({ completion, case: { vars, assert: _assert, threshold: _threshold, ...rest } }: Subject) {
  return { answer: completion.text, tool_calls: completion.tool_calls, vars, case: rest }
}

/**
 * `types/index.d.ts` is held equal to it.
 * @public
 */
export type GraderInput = ReturnType<typeof view>

/** A score without a verdict passes from here on; `threshold` on the assertion says otherwise. */
const passes = 0.5

/** Reads a verdict of custom code. Throws when it is none: a broken grader must not look like a bad answer. */
export function readVerdict(verdict: unknown, fallback: { passed?: boolean; reason: string }): Grade {
  if (typeof verdict === 'boolean') return { score: verdict ? 1 : 0, passed: verdict, reason: fallback.reason }
  const { score, passed, reason } = (typeof verdict === 'number' ? { score: verdict } : (verdict ?? {})) as Record<
    string,
    unknown
  >
  const said = passed ?? fallback.passed
  if (score === undefined && said === undefined) {
    throw new Error('expected true, false, a number or {score, passed, reason}')
  }
  if (score !== undefined && !(typeof score === 'number' && score >= 0 && score <= 1)) {
    throw new Error(`score is ${show(score)}, expected a number from 0 to 1`)
  }
  if (said !== undefined && typeof said !== 'boolean') throw new Error('passed is neither true nor false')
  if (reason !== undefined && typeof reason !== 'string') throw new Error('reason is no text')
  const value = score ?? (said ? 1 : 0)
  const shown = reason?.trim() ? oneLine(reason.trim()) : fallback.reason
  return { score: value, passed: said ?? value >= passes, reason: shown }
}

/** A crash of the interpreter also ends with 1: an uncaught exception of Python, Node.js, Ruby or Java is no verdict. */
const crash = /^Traceback \(most recent call last\):|^Node\.js v\d+|^Exception in thread "|^\S+:\d+:in .+\(\w+Error\)/m

/** The last line that says anything, for an error message. */
const lastLine = (text: string) => shorten(text.trimEnd().split('\n').pop()?.trim() ?? '')

export const command: AssertionPlugin<'command'> = {
  deterministic: false,
  async grade({ run, timeout }, subject, tools) {
    const { exitCode, stdout, stderr } = await tools.runCommand(run, JSON.stringify(view(subject)), timeout)
    if (exitCode !== 0 && exitCode !== 1) throw new Error(`exited with ${exitCode}: ${lastLine(stderr)}`)
    if (exitCode === 1 && crash.test(stderr)) throw new Error(`crashed: ${lastLine(stderr)}`)
    const passed = exitCode === 0
    const printed = stdout.trim()
    const reason = `exited with ${exitCode}${printed ? `: ${shorten(printed)}` : ''}`
    if (!printed.startsWith('{')) return { score: passed ? 1 : 0, passed, reason }
    const verdict: unknown = JSON.parse(printed)
    if (!passed && (verdict as Record<string, unknown>).passed === true) {
      throw new Error('exited with 1 but printed passed: true')
    }
    // With exit code 0 a printed score decides; without one, the exit code does.
    const hasScore = (verdict as Record<string, unknown>).score !== undefined
    return readVerdict(verdict, passed && hasScore ? { reason } : { passed, reason })
  },
}

/** Milliseconds that a function may take, unless written. */
const MODULE_TIMEOUT = 10_000

export const module: AssertionPlugin<'module'> = {
  deterministic: false,
  async grade(args, subject, tools) {
    const work = (async (): Promise<unknown> => {
      const grader = await tools.loadExport(args.path, args.export)
      if (typeof grader !== 'function') throw new Error(`${args.path} exports no function "${args.export}"`)
      // Its own copy: a grader that changes what it was given must not change what the next one sees.
      return grader(structuredClone({ ...view(subject), options: args.options }))
    })()
    const verdict = await (tools.within ? tools.within(work, args.timeout ?? MODULE_TIMEOUT) : work)
    const word = verdict === true ? 'accepts' : verdict === false ? 'rejects' : 'grades'
    const points = typeof verdict === 'number' ? ` with ${verdict}` : ''
    return readVerdict(verdict, { reason: `${shorten(args.path)} ${word} the answer${points}` })
  },
}
