// command, module: assertions that the user wrote as a program or as a function.
import type { AssertionPlugin, Grade, Subject } from '../ports.ts'
import { oneLine, quote, shorten, show } from './reason.ts'

/** What custom code sees: the answer, the way to it where one is known, and the case without its assertions. */
function view({ completion, asked, case: { vars, assert: _assert, threshold: _threshold, ...rest } }: Subject) {
  const { text, tool_calls, conversation, contexts, state } = completion
  return {
    answer: text,
    tool_calls,
    vars,
    case: rest,
    ...(asked && { messages: [...asked] }),
    ...(conversation && { steps: conversation.steps }),
    ...(contexts && { contexts }),
    ...(state !== undefined && { state }),
  }
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
  const { score, passed, reason, ...rest } = (
    typeof verdict === 'number' ? { score: verdict } : (verdict ?? {})
  ) as Record<string, unknown>
  // {pass: false, score: 0.9} of another tool would pass by its score.
  const [strange] = Object.keys(rest)
  if (strange !== undefined && typeof verdict === 'object')
    throw new Error(`the verdict has the key ${quote(strange)}; known are score, passed and reason`)
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

/** A crash of the interpreter also ends with 1: what Python, Node.js, Bun, Deno, Ruby, Java, Lua and R say then is no verdict. */
const crash = new RegExp(
  [
    String.raw`^Traceback \(most recent call last\):`,
    String.raw`^(?:Syntax|Indentation|Tab)Error: `,
    String.raw`^Node\.js v\d+|^Bun v\d+|^error: Uncaught|^error: (?:Module|Script) not found`,
    String.raw`^Exception in thread "|^Error: (?:Could not find or load main class|Unable to access jarfile)`,
    String.raw`^\S+:\d+:in .+\(\w+(?:Error|Exception)?\)`,
    '^stack traceback:|^Execution halted',
  ].join('|'),
  'm',
)

/** The last line that says anything, for an error message. */
const lastLine = (text: string) => shorten(text.trimEnd().split('\n').pop()?.trim() ?? '')

export const command: AssertionPlugin<'command'> = {
  deterministic: false,
  async grade({ run, timeout }, subject, tools) {
    const { exitCode, stdout, stderr } = await tools.runCommand(run, JSON.stringify(view(subject)), timeout)
    if (exitCode !== 0 && exitCode !== 1) throw new Error(`exited with ${exitCode}: ${lastLine(stderr)}`)
    const passed = exitCode === 0
    const printed = stdout.trim()
    // A verdict that was printed stands: the grader may have run code of the answer, and shown how that crashed.
    if (exitCode === 1 && !printed.startsWith('{') && crash.test(stderr)) {
      throw new Error(`crashed: ${lastLine(stderr)}`)
    }
    const said = printed === '' && !passed ? lastLine(stderr) : shorten(printed)
    const reason = `exited with ${exitCode}${said ? `: ${said}` : ''}`
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
    const timeout = args.timeout ?? MODULE_TIMEOUT
    const work = (async (): Promise<unknown> => {
      const grader = await tools.loadExport(args.path, args.export)
      if (typeof grader !== 'function') throw new Error(`${args.path} exports no function "${args.export}"`)
      // Its own copy: a grader that changes what it was given must not change what the next one sees.
      const given = structuredClone({ ...view(subject), options: args.options })
      const call = (): unknown => grader(given)
      return tools.call ? tools.call(call, timeout) : call()
    })()
    const verdict = await (tools.within ? tools.within(work, timeout) : work)
    const word = verdict === true ? 'accepts' : verdict === false ? 'rejects' : 'grades'
    const points = typeof verdict === 'number' ? ` with ${verdict}` : ''
    return readVerdict(verdict, { reason: `${shorten(args.path)} ${word} the answer${points}` })
  },
}
