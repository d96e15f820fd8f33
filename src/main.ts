// The program: builds the Context once from process, tells commander the verbs, and turns an Outcome into an exit code.
import { Command, CommanderError } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { AigateError, explain, toldErrors } from './errors.ts'
import type { Context, Ending } from './ports.ts'
import { withoutSecrets } from './secrets.ts'
import { cacheVerbs } from './verbs/cache.ts'
import { caseVerbs } from './verbs/cases.ts'
import { completionVerbs } from './verbs/completion.ts'
import { experimentVerbs } from './verbs/experiment.ts'
import { gateVerbs } from './verbs/gate.ts'
import { beforeVerbs, guardVerbs, killVerbs, proofVerbs } from './verbs/guard.ts'
import { releaseVerbs } from './verbs/release.ts'
import { rolloutVerbs } from './verbs/rollout.ts'
import { versionVerbs } from './verbs/versions.ts'

/** What a pipeline sees of how a command ended: a contract, and the only place that knows it. */
export const exitCodes: Record<Ending, number> = {
  pass: 0,
  fail: 1,
  usage: 2,
  inconclusive: 3,
  invalid: 4,
  action_failed: 5,
  interrupted: 130,
}

/** Signals that come closer together than anybody presses keys. */
const ONE_SIGNAL_MS = 300

const exitCodeHelp = `
Exit codes:
  0 pass · 1 fail (worse, or below a limit) · 2 usage (nothing was asked of a model)
  3 inconclusive (not enough evidence) · 4 invalid (could not measure)
  5 action failed (a rollback or another change could not be verified) · 130 interrupted`

type World = Pick<
  NodeJS.Process,
  'argv' | 'env' | 'cwd' | 'stdout' | 'stderr' | 'on' | 'removeListener' | 'exit' | 'exitCode' | 'versions'
>

/**
 * Runs the command line in `argv`.
 * Modules of the user run in this process, so three things are made sure of: `process.exit` of theirs is an error of theirs,
 * an exception that nobody caught is no verdict, and an end before the verdict is `invalid`.
 * @returns the exit code; nothing is thrown, and the process is not ended here (a second Ctrl-C and a lost exception apart).
 */
export async function main(world: World): Promise<number> {
  const interrupt = new AbortController()
  const exit = world.exit.bind(world)
  world.exitCode = exitCodes.invalid
  world.exit = (code) => {
    throw new Error(`the code that was run called process.exit(${code ?? ''})`)
  }
  // Standard output belongs to the report: what a module says goes to standard error.
  const { log, info, debug } = console
  console.log = console.info = console.debug = console.error.bind(console)
  let firstAt = 0
  const onSignal = () => {
    // A terminal sends Ctrl-C to all of its processes, and whoever started us may hand it on besides: that is one, not two.
    if (interrupt.signal.aborted && performance.now() - firstAt > ONE_SIGNAL_MS) exit(exitCodes.interrupted)
    if (!interrupt.signal.aborted) firstAt = performance.now()
    interrupt.abort()
  }
  const onLost = (error: unknown) => {
    if (typeof error === 'object' && error !== null && toldErrors.has(error)) return
    const said = withoutSecrets(error instanceof Error ? error.message : String(error), world.env)
    world.stderr.write(
      `error: An exception was thrown outside of every call: ${said}\n  fix: Catch it in your module.\n`,
    )
    exit(exitCodes.invalid)
  }
  world.on('SIGINT', onSignal)
  world.on('SIGTERM', onSignal)
  world.on('uncaughtException', onLost)
  const context: Context = {
    cwd: world.cwd(),
    env: world.env,
    stdout: world.stdout,
    stderr: world.stderr,
    now: () => new Date(),
    monotonic: () => performance.now(),
    signal: interrupt.signal,
    toolVersion: packageJson.version,
  }
  try {
    return exitCodes[await run(context, world.argv)]
  } catch (error) {
    return exitCodes[await sayError(context, error)]
  } finally {
    world.exit = exit
    Object.assign(console, { log, info, debug })
    world.removeListener('SIGINT', onSignal)
    world.removeListener('SIGTERM', onSignal)
    world.removeListener('uncaughtException', onLost)
  }
}

/** Prints what went wrong, once, without a stack trace for anything that a user can mend. */
async function sayError(context: Context, error: unknown): Promise<Ending> {
  if (error instanceof AigateError) {
    const { errorPaint } = await import('./commands/error-paint.ts')
    context.stderr.write(explain(error, errorPaint(context)))
    return error.outcome
  }
  if (error instanceof CommanderError) return error.exitCode === 0 ? 'pass' : 'usage'
  const { stack } = error instanceof Error ? error : { stack: String(error) }
  context.stderr.write(
    `error: aigate itself failed, which is a fault of aigate and not a verdict.\n${stack}\n  fix: please report it with the lines above.\n`,
  )
  return 'invalid'
}

async function run(context: Context, argv: string[]): Promise<Ending> {
  let ending: Ending = 'pass'
  const program = new Command('aigate')
    .description('The release gate for LLM behaviour: is this change worse than what we have?')
    .version(context.toolVersion)
    .showHelpAfterError('(add --help for the options and examples)')
    .addHelpText('after', exitCodeHelp)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      getOutHelpWidth: () => context.stdout.columns ?? 100,
    })
  const end = (result: Promise<Ending>) => result.then((value) => void (ending = value))
  const verb = (usage: string, summary: string, examples: string[], parent: Command = program) =>
    parent
      .command(usage)
      .description(summary)
      .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`)

  const verbs = { program, verb, end }
  program.commandsGroup('Before the merge:')
  gateVerbs(context, verbs)
  caseVerbs(context, verbs)
  cacheVerbs(context, verbs)
  program.commandsGroup('Versions and releases:')
  versionVerbs(context, verbs)
  releaseVerbs(context, verbs)
  program.commandsGroup('While it rolls out:')
  beforeVerbs(context, verbs)
  rolloutVerbs(context, verbs)
  experimentVerbs(context, verbs)
  program.commandsGroup('In production:')
  guardVerbs(context, verbs)
  killVerbs(context, verbs)
  proofVerbs(context, verbs)
  program.commandsGroup('For the shell:')
  completionVerbs(context, verbs)

  await program.parseAsync(argv.slice(2), { from: 'user' })
  return ending
}
