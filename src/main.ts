// The program: builds the Context once from process, tells commander the verbs, and turns an Outcome into an exit code.
import { Command, CommanderError, Option } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { AigateError, explain, toldErrors } from './errors.ts'
import type { Context, Ending } from './ports.ts'

/** What a pipeline sees of how a command ended: a contract, and the only place that knows it. */
export const exitCodes: Record<Ending, number> = {
  pass: 0,
  fail: 1,
  usage: 2,
  inconclusive: 3,
  invalid: 4,
  interrupted: 130,
}

const exitCodeHelp = `
Exit codes:
  0 pass · 1 fail (worse, or below a limit) · 2 usage (nothing was asked of a model)
  3 inconclusive (not enough evidence) · 4 invalid (could not measure) · 130 interrupted`

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
  const onSignal = () => (interrupt.signal.aborted ? exit(exitCodes.interrupted) : interrupt.abort())
  const onLost = (error: unknown) => {
    if (typeof error === 'object' && error !== null && toldErrors.has(error)) return
    const said = error instanceof Error ? error.message : String(error)
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

  asking(verb('eval [suite...]', 'Run suites, compare with the baseline, decide', evalExamples))
    .option('--baseline <file>', 'compare with this baseline file')
    .option('--no-baseline', 'absolute gates only')
    .addOption(
      new Option(
        '--against <ref>',
        'ask the base side now, as it is at this git ref, instead of the baseline',
      ).conflicts(['baseline', 'results']),
    )
    .option(
      '--base <ref>',
      'rules, baseline and quarantine list as the merge base with this ref has them (default in CI)',
    )
    .option('--no-base', 'rules of this change itself, also in CI')
    .addOption(new Option('--attribute', 'prompt, model or params changed together: measure each').conflicts('results'))
    .option('--frozen', 'pins and prompt versions only, and aigate.lock must hold (default where CI is set)')
    .option('--no-frozen', 'also where CI is set')
    .option('--threshold <rate>', 'floor for the pass rate, 0 to 1', parseRate)
    .option('--trials <n>', 'ask every case exactly n times', parseCount)
    .option('--results <file>', 'judge results that another tool made; nothing is asked')
    .option('--format <name>', 'format of --results, where the content does not tell')
    .option('--pass-score <score>', 'score from which on a trial of --results passes, 0 to 1', parsePassScore)
    .addOption(reporterOption())
    .action((suites: string[], options) =>
      end(
        options.results === undefined
          ? import('./commands/eval.ts').then(({ evalCommand }) => evalCommand(context, suites, options))
          : import('./commands/eval-results.ts').then((verb) => verb.evalResultsCommand(context, suites, options)),
      ),
    )

  verb('compare <run> [baseline]', 'Judge a run, or results of another tool, without asking a model', compareExamples)
    .option('--config <file>', 'configuration file')
    .option('--suite <name>', 'results of another tool: judge by the policy of this suite')
    .option('--format <name>', 'results of another tool: their format, where the content does not tell')
    .option('--pass-score <score>', 'results of another tool: score from which on a trial passes', parsePassScore)
    .option('--threshold <rate>', 'floor for the pass rate, 0 to 1', parseRate)
    .option('--base <ref>', 'by the rules that the merge base with this ref has (default in CI)')
    .option('--no-base', 'by the rules of this change itself, also in CI')
    .option('--regrade', 'grade the saved answers again, with the assertions as they are now')
    .addOption(reporterOption())
    .action((ref: string, baseline: string | undefined, options) =>
      end(
        import('./commands/compare.ts').then(({ compareCommand }) => compareCommand(context, ref, baseline, options)),
      ),
    )

  verb('report <run>', 'Render a finished run again, judged as it was', reportExamples)
    .option('--config <file>', 'configuration file')
    .addOption(reporterOption())
    .action((ref: string, options) =>
      end(import('./commands/report.ts').then(({ reportCommand }) => reportCommand(context, ref, options))),
    )

  verb('explain <run>', 'Say in plain words why a run was blocked, passed, or stayed undecided', explainExamples)
    .option('--config <file>', 'configuration file')
    .option('--suite <name>', 'only this suite of the run')
    .option('--json', 'for programs: schema/explanation.schema.json')
    .action((ref: string, options) =>
      end(import('./commands/explain.ts').then(({ explainCommand }) => explainCommand(context, ref, options))),
    )

  verb('doctor [suite...]', 'Say how often the policy errs on a suite, and what it needs', doctorExamples)
    .option('--config <file>', 'configuration file')
    .option('--run <ref...>', 'only these stored runs as evidence besides the baseline')
    .option('--ask', 'ask the suite twice (A/A) where nothing is stored')
    .option('--offline', 'with --ask: answers from the recordings only')
    .option(
      '--draws <n>',
      'simulated changes that change nothing (default: 2000, fewer where they are slow)',
      parseDraws,
    )
    .option('--seed <n>', 'of the simulations', parseSeed)
    .option('--json', 'for programs: schema/doctor.schema.json')
    .action((suites: string[], options) =>
      end(import('./commands/doctor.ts').then(({ doctorCommand }) => doctorCommand(context, suites, options))),
    )

  verb('power-check [suite...]', 'Break stored answers on purpose and see when the gate fires', powerExamples)
    .option('--config <file>', 'configuration file')
    .option('--run <ref>', 'the answers of this run instead of those of the baseline')
    .option('--draws <n>', 'random choices of broken cases (default: 100, fewer for large suites)', parseDraws)
    .option('--seed <n>', 'of the choices', parseSeed)
    .option('--json', 'for programs: schema/power-check.schema.json')
    .action((suites: string[], options) =>
      end(
        import('./commands/power-check.ts').then(({ powerCheckCommand }) =>
          powerCheckCommand(context, suites, options),
        ),
      ),
    )

  verb('check', 'Find everything that can be wrong without asking a model', checkExamples)
    .option('--config <file>', 'configuration file')
    .action((options) => end(import('./commands/check.ts').then(({ checkCommand }) => checkCommand(context, options))))

  verb('lock', 'Write down what decides behaviour, so that a change of it is seen', lockExamples)
    .option('--check', 'write nothing; exit 2 when the lock does not hold')
    .option('--config <file>', 'configuration file')
    .action((options) => end(import('./commands/lock.ts').then(({ lockCommand }) => lockCommand(context, options))))

  const model = program.command('model').description('The model registry: pins, statuses, and what the providers say')
  verb('list', 'List the models with the state of their pins and their statuses', modelListExamples, model)
    .option('--env <name>', 'statuses by the releases to this environment', 'production')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((options) =>
      end(import('./commands/model.ts').then(({ modelListCommand }) => modelListCommand(context, options))),
    )
  verb('show <name>', 'Show everything that the registry says about a model', modelShowExamples, model)
    .option('--env <name>', 'statuses by the releases to this environment', 'production')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((name: string, options) =>
      end(import('./commands/model.ts').then(({ modelShowCommand }) => modelShowCommand(context, name, options))),
    )
  verb(
    'check [name]',
    'Ask the providers whether the pins still exist and when they shut down',
    modelCheckExamples,
    model,
  )
    .option('--env <name>', 'statuses by the releases to this environment', 'production')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((name: string | undefined, options) =>
      end(import('./commands/model.ts').then(({ modelCheckCommand }) => modelCheckCommand(context, name, options))),
    )

  verb('init [folder]', 'Write a small working project; never overwrites', initExamples).action(
    (folder: string | undefined) =>
      end(import('./commands/init.ts').then(({ initCommand }) => initCommand(context, folder ?? '.'))),
  )

  const baseline = program.command('baseline').description('Record, accept, show and compare baselines')
  asking(verb('record [suite...]', 'Run suites as they stand and accept the result', recordExamples, baseline))
    .option('--trials <n>', 'trials of each case', parseCount, 5)
    .option('--reason <text>', 'why, for the record', 'recorded')
    .action((suites: string[], options) =>
      end(import('./commands/baseline.ts').then(({ recordCommand }) => recordCommand(context, suites, options))),
    )
  verb('accept <run>', 'Accept a finished run as the baseline', acceptExamples, baseline)
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--add', 'add its trials to the baseline of an unchanged configuration')
    .option('--config <file>', 'configuration file')
    .action((ref: string, options) =>
      end(import('./commands/baseline.ts').then(({ acceptCommand }) => acceptCommand(context, ref, options))),
    )
  verb(
    'show [suite...]',
    'Show the stored baselines',
    ['aigate baseline show', 'aigate baseline show support'],
    baseline,
  )
    .option('--config <file>', 'configuration file')
    .action((suites: string[], options) =>
      end(import('./commands/baseline.ts').then(({ showCommand }) => showCommand(context, suites, options))),
    )
  verb('verify [suite...]', 'Follow the chain of accepted baselines through git', verifyExamples, baseline)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((suites: string[], options) =>
      end(import('./commands/baseline-verify.ts').then(({ verifyCommand }) => verifyCommand(context, suites, options))),
    )
  verb('diff <before> [after]', 'Compare two baselines', diffExamples, baseline)
    .option('--config <file>', 'configuration file')
    .action((before: string, after: string | undefined, options) =>
      end(import('./commands/baseline.ts').then(({ diffCommand }) => diffCommand(context, before, after, options))),
    )

  const cases = program.command('cases').description('Flaky cases: find them, take them out of the verdict for a while')
  verb('flaky [suite...]', 'List the cases that pass and fail under one configuration', flakyExamples, cases)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((suites: string[], options) =>
      end(import('./commands/cases.ts').then(({ flakyCommand }) => flakyCommand(context, suites, options))),
    )
  verb('history <suite> <case>', 'Show the trials of a case across runs', historyExamples, cases)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((suite: string, id: string, options) =>
      end(import('./commands/cases.ts').then(({ historyCommand }) => historyCommand(context, suite, id, options))),
    )
  verb('quarantine <suite> <case>', 'Run and show a case, but do not count it', quarantineExamples, cases)
    .requiredOption('--owner <name>', 'who looks after it')
    .requiredOption('--reason <text>', 'why it does not count for now')
    .requiredOption('--until <day>', 'its last day: 2026-12-31 or 14d, at most 90 days ahead')
    .option('--allow-critical', 'also when the case is critical')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((suite: string, id: string, options) =>
      end(
        import('./commands/cases.ts').then(({ quarantineCommand }) => quarantineCommand(context, suite, id, options)),
      ),
    )
  verb('release <suite> <case>', 'Take a case out of the quarantine list', releaseExamples, cases)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((suite: string, id: string, options) =>
      end(import('./commands/cases.ts').then(({ releaseCommand }) => releaseCommand(context, suite, id, options))),
    )

  const prompt = program.command('prompt').description('Prompts are code: their versions, what changed, the next one')
  verb('list [name]', 'List the versions, their statuses, and the suites that ask them', promptListExamples, prompt)
    .option('--env <name>', 'statuses by the releases to this environment', 'production')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((name: string | undefined, options) =>
      end(import('./commands/prompt.ts').then(({ listCommand }) => listCommand(context, name, options))),
    )
  verb('diff <before> <after>', 'Show what changed, in the template and in real questions', promptDiffExamples, prompt)
    .option('--suite <name>', 'questions of this suite')
    .option('--case <id...>', 'questions of these cases')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((before: string, after: string, options) =>
      end(import('./commands/prompt.ts').then(({ diffCommand }) => diffCommand(context, before, after, options))),
    )
  verb('new <name>', 'Write version 1.0.0 of a new prompt', ['aigate prompt new support/answer'], prompt)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((name: string, options) =>
      end(import('./commands/prompt.ts').then(({ newCommand }) => newCommand(context, name, options))),
    )
  verb('bump <name[@version]>', 'Copy the newest version to the next one', promptBumpExamples, prompt)
    .option('--major', 'other variables or another output format')
    .option('--minor', 'other instructions (default, where no edit says otherwise)')
    .option('--patch', 'white space, comments, description')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((ref: string, options) =>
      end(import('./commands/prompt-bump.ts').then(({ bumpCommand }) => bumpCommand(context, ref, options))),
    )

  const release = program.command('release').description('What runs together: record it, compare it, go back to it')
  const releaseVerb = (usage: string, summary: string, examples: string[]) =>
    verb(usage, summary, examples, release).option('--config <file>', 'configuration file').option('--json', 'as data')
  const environment = () => new Option('--env <name>', 'environment').default('production')
  releaseVerb('record', 'Record what is released, with the evidence for it', releaseRecordExamples)
    .addOption(environment())
    .option('--run <ref...>', 'runs that speak for it (default: the newest stored ones that asked the same)')
    .option('--suite <name...>', 'only what these suites ask (default: all)')
    .option('--index <version>', 'version of the retrieval index; none: there is none any more')
    .option('--index-note <text>', 'what is new in it, for example "+50 docs"')
    .option('--guardrails <version>', 'version of the guardrails; none: there are none any more')
    .option('--guardrails-note <text>', 'what is new in them')
    .option('--container <tag>', 'tag or digest of the image')
    .option('--note <text>', 'for people')
    .option('--override <reason>', 'release against the evidence; recorded loudly')
    .option('--dry-run', 'show what would be recorded')
    .action((options) =>
      end(import('./commands/release.ts').then((verbs) => verbs.recordReleaseCommand(context, options))),
    )
  releaseVerb('list', 'List the releases, the newest first', [
    'aigate release list',
    'aigate release list --env staging',
  ])
    .option('--env <name>', 'only this environment')
    .action((options) =>
      end(import('./commands/release.ts').then((verbs) => verbs.listReleasesCommand(context, options))),
    )
  releaseVerb('show <release>', 'Show a release', ['aigate release show 2026-11-21.1', 'aigate release show current'])
    .addOption(environment())
    .action((ref: string, options) =>
      end(import('./commands/release.ts').then((verbs) => verbs.showReleaseCommand(context, ref, options))),
    )
  releaseVerb('current', 'Show what runs now', ['aigate release current', 'aigate release current --env staging'])
    .addOption(environment())
    .action((options) =>
      end(import('./commands/release.ts').then((verbs) => verbs.showReleaseCommand(context, 'current', options))),
    )
  releaseVerb('verify', 'Check every byte of the ledger', releaseVerifyExamples)
    .option('--head <hash>', 'a hash that was noted before: its record must still be there')
    .action((options) => end(import('./commands/release.ts').then((verbs) => verbs.verifyCommand(context, options))))
  releaseVerb('diff <before> <after>', 'Say what differs between two releases', releaseDiffExamples)
    .addOption(environment())
    .action((before: string, after: string, options) =>
      end(
        import('./commands/release.ts').then((verbs) => verbs.diffReleasesCommand(context, [before, after], options)),
      ),
    )
  releaseVerb('status [component]', 'List what was released and how long it is kept, or set it', releaseStatusExamples)
    .addOption(environment())
    .option('--set <status>', 'rollback_ready or archived')
    .option('--keep-until <day>', 'last day (UTC): 2026-12-31 or 90d')
    .option('--note <text>', 'for people')
    .action((component: string | undefined, options) =>
      end(import('./commands/release.ts').then((verbs) => verbs.releaseStatusCommand(context, component, options))),
    )
  releaseVerb('check', 'Is everything that a rollback needs still there?', releaseCheckExamples)
    .addOption(environment())
    .option('--to <release>', 'go back to this one (default: the last that passed before the current one)')
    .action((options) =>
      end(import('./commands/release-check.ts').then((verbs) => verbs.releaseCheckCommand(context, options))),
    )
  releaseVerb('bisect <good> <bad>', 'Find the release that broke a case', releaseBisectExamples)
    .addOption(environment())
    .requiredOption('--case <id>', 'the case')
    .option('--suite <name>', 'its suite, where several have such a case')
    .option('--trials <n>', 'most trials of a release, an odd number: the majority counts', parseCount, 5)
    .option('--seed <n>', 'of the jitter', parseSeed)
    .option('--record', 'ask for real, and keep the answers as recordings')
    .option('--offline', 'answers from the recordings only')
    .action((good: string, bad: string, options) =>
      end(import('./commands/release-bisect.ts').then((verbs) => verbs.bisectCommand(context, [good, bad], options))),
    )

  await program.parseAsync(argv.slice(2), { from: 'user' })
  return ending
}

/** The options of every verb that asks models. */
function asking(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (default: aigate.yaml here or above)')
    .option('--tag <tag...>', 'only cases with one of these tags')
    .option('--case <id...>', 'only these cases')
    .option('--model <name>', 'another model of the registry')
    .option('--prompt <name@version>', 'another version of the prompt')
    .option('--seed <n>', 'order of the calls and jitter', parseSeed)
    .option('--record', 'ask for real, and keep the answers as recordings')
    .option('--offline', 'answers from the recordings only')
    .option('--out <folder>', 'where the run is saved (default: .aigate/runs)')
}

const reporterOption = () =>
  new Option(
    '--reporter <list>',
    'table, json, junit, junit-strict, ctrf, codequality, markdown, html; each with :file to write it',
  ).default('table')

function parseRate(text: string): number {
  const value = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1) return value
  throw new AigateError('usage', { problem: `"${text}" is no rate between 0 and 1.`, mend: 'Write --threshold 0.85.' })
}

function parsePassScore(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1) return value
  throw new AigateError('usage', { problem: `"${text}" is no score between 0 and 1.`, mend: 'Write --pass-score 0.7.' })
}

function parseCount(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 1000) return value
  throw new AigateError('usage', { problem: `"${text}" is no count from 1 to 1000.`, mend: 'Write --trials 3.' })
}

function parseDraws(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 20 && value <= 100_000) return value
  throw new AigateError('usage', { problem: `"${text}" is no count from 20 to 100000.`, mend: 'Write --draws 500.' })
}

function parseSeed(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value)) return value
  throw new AigateError('usage', { problem: `"${text}" is no whole number.`, mend: 'Write --seed 7.' })
}

const evalExamples = [
  'aigate eval',
  'aigate eval support --tag smoke --trials 1',
  'aigate eval support --prompt support/answer@1.1.0',
  'aigate eval support --prompt support/answer@1.1.0 --model next --attribute',
  'aigate eval support --against main',
  'aigate eval --reporter table,json:run.json,junit:junit.xml,markdown:summary.md',
  'aigate eval support --results results.json',
]
const compareExamples = [
  'aigate compare latest',
  'aigate compare latest baselines/support.json --threshold 0.9',
  'aigate compare new/results.json old/results.json',
  "aigate compare 'results.json#gpt-4o-mini' 'results.json#gpt-4o'",
]
const promptListExamples = ['aigate prompt list', 'aigate prompt list support/answer --json']
const promptDiffExamples = [
  'aigate prompt diff support/answer@1.0.0 support/answer@1.1.0',
  'aigate prompt diff support/answer@1.0.0 support/answer@latest --suite support --case tc_001',
]
const promptBumpExamples = ['aigate prompt bump support/answer', 'aigate prompt bump support/answer@1.0.0 --patch']
const reportExamples = ['aigate report latest', 'aigate report latest --reporter markdown:summary.md']
const explainExamples = ['aigate explain latest', 'aigate explain latest --suite support --json']
const doctorExamples = ['aigate doctor', 'aigate doctor support --draws 500 --json', 'aigate doctor --ask']
const powerExamples = ['aigate power-check', 'aigate power-check support --run latest']
const checkExamples = ['aigate check', 'aigate check --config services/chat/aigate.yaml']
const lockExamples = ['aigate lock', 'aigate lock --check']
const modelListExamples = ['aigate model list']
const modelShowExamples = ['aigate model show support-main']
const modelCheckExamples = ['aigate model check', 'aigate model check support-main']
const initExamples = ['aigate init', 'aigate init evals-demo']
const recordExamples = ['aigate baseline record', 'aigate baseline record support --reason "new handbook"']
const acceptExamples = [
  'aigate baseline accept latest --reason "agreed in review"',
  'aigate baseline accept latest --add --reason "nightly run"',
]
const flakyExamples = ['aigate cases flaky', 'aigate cases flaky support --json']
const historyExamples = ['aigate cases history support account_01']
const quarantineExamples = [
  'aigate cases quarantine support account_01 --owner Ada --reason "search index is rebuilt" --until 14d',
]
const releaseExamples = ['aigate cases release support account_01']
const verifyExamples = ['aigate baseline verify', 'aigate baseline verify support --json']
const diffExamples = ['aigate baseline diff support', 'aigate baseline diff old.json new.json']
const releaseRecordExamples = [
  'aigate release record --env production',
  'aigate release record --index kb-2026-11 --index-note "+50 docs" --container app:1.4.2',
  'aigate release record --override "hotfix, agreed with Ada"',
]
const releaseVerifyExamples = ['aigate release verify', 'aigate release verify --head 3f9a52c1d0b7']
const releaseDiffExamples = ['aigate release diff 2026-11-20.1 current']
const releaseStatusExamples = [
  'aigate release status',
  'aigate release status index:kb-2026-10 --set rollback_ready --keep-until 90d',
]
const releaseCheckExamples = ['aigate release check', 'aigate release check --to 2026-11-20.1 --json']
const releaseBisectExamples = ['aigate release bisect --case account_01 2026-11-01.1 current']
