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
  action_failed: 5,
  interrupted: 130,
}

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
          ? import('./commands/gate/eval.ts').then(({ evalCommand }) => evalCommand(context, suites, options))
          : import('./commands/gate/eval-results.ts').then((verb) => verb.evalResultsCommand(context, suites, options)),
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
        import('./commands/gate/compare.ts').then(({ compareCommand }) =>
          compareCommand(context, ref, baseline, options),
        ),
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
      end(import('./commands/gate/explain.ts').then(({ explainCommand }) => explainCommand(context, ref, options))),
    )

  verb('doctor [suite...]', 'Say how often the policy errs on a suite, and what it needs', doctorExamples)
    .option('--config <file>', 'configuration file')
    .option('--run <ref...>', 'only these stored runs as evidence besides the baseline')
    .option('--ask', 'ask the suite twice (A/A) where nothing is stored')
    .option('--offline', 'with --ask: answers from the recordings only')
    .option(
      '--draws <n>',
      'simulated changes that change nothing (default: 2000, fewer where they are slow)',
      (text: string) => parseDraws(text),
    )
    .option('--seed <n>', 'of the simulations', parseSeed)
    .option('--json', 'for programs: schema/doctor.schema.json')
    .action((suites: string[], options) =>
      end(import('./commands/doctor.ts').then(({ doctorCommand }) => doctorCommand(context, suites, options))),
    )

  verb('power-check [suite...]', 'Break stored answers on purpose and see when the gate fires', powerExamples)
    .option('--config <file>', 'configuration file')
    .option('--run <ref>', 'the answers of this run instead of those of the baseline')
    .option('--draws <n>', 'random choices of broken cases (default: 100, fewer for large suites)', (text: string) =>
      parseDraws(text),
    )
    .option('--seed <n>', 'of the choices', parseSeed)
    .option('--json', 'for programs: schema/power-check.schema.json')
    .action((suites: string[], options) =>
      end(
        import('./commands/gate/power-check.ts').then(({ powerCheckCommand }) =>
          powerCheckCommand(context, suites, options),
        ),
      ),
    )

  verb('check', 'Find everything that can be wrong without asking a model', checkExamples)
    .option('--config <file>', 'configuration file')
    .action((options) => end(import('./commands/check.ts').then(({ checkCommand }) => checkCommand(context, options))))

  verb('serve', 'Answer what the rollouts say: Argo Rollouts, Flagger, Prometheus', serveExamples)
    .option('--config <file>', 'configuration file')
    .option('--host <address>', 'where to listen; beyond this machine only with a token', '127.0.0.1')
    .option('--port <number>', 'port, 0 for any that is free', parsePort, 8844)
    .option('--token-env <name>', 'environment variable with the token that callers must have', 'AIGATE_SERVE_TOKEN')
    .action((options) =>
      end(import('./commands/rollout/serve.ts').then(({ serveCommand }) => serveCommand(context, options))),
    )
  verb('lock', 'Write down what decides behaviour, so that a change of it is seen', lockExamples)
    .option('--check', 'write nothing; exit 2 when the lock does not hold')
    .option('--config <file>', 'configuration file')
    .action((options) =>
      end(import('./commands/versions/lock.ts').then(({ lockCommand }) => lockCommand(context, options))),
    )

  const model = program.command('model').description('The model registry: pins, statuses, and what the providers say')
  verb('list', 'List the models with the state of their pins and their statuses', modelListExamples, model)
    .option('--env <name>', 'statuses by the releases to this environment', 'production')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((options) =>
      end(import('./commands/versions/model.ts').then(({ modelListCommand }) => modelListCommand(context, options))),
    )
  verb('show <name>', 'Show everything that the registry says about a model', modelShowExamples, model)
    .option('--env <name>', 'statuses by the releases to this environment', 'production')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((name: string, options) =>
      end(
        import('./commands/versions/model.ts').then(({ modelShowCommand }) => modelShowCommand(context, name, options)),
      ),
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
      end(
        import('./commands/versions/model.ts').then(({ modelCheckCommand }) =>
          modelCheckCommand(context, name, options),
        ),
      ),
    )

  verb('init [folder]', 'Write a small working project; never overwrites', initExamples)
    .option('--from <file>', 'make plans of a deployment file: canary_stages, auto_rollback, circuit_breakers, …')
    .action((folder: string | undefined, { from }: { from?: string }) =>
      end(
        from === undefined
          ? import('./commands/init/init.ts').then(({ initCommand }) => initCommand(context, folder ?? '.'))
          : import('./commands/init/init-from.ts').then((verbs) => verbs.initFromCommand(context, folder ?? '.', from)),
      ),
    )

  const baseline = program.command('baseline').description('Record, accept, show and compare baselines')
  asking(verb('record [suite...]', 'Run suites as they stand and accept the result', recordExamples, baseline))
    .option('--trials <n>', 'trials of each case', parseCount, 5)
    .option('--reason <text>', 'why, for the record', 'recorded')
    .action((suites: string[], options) =>
      end(
        import('./commands/versions/baseline.ts').then(({ recordCommand }) => recordCommand(context, suites, options)),
      ),
    )
  verb('accept <run>', 'Accept a finished run as the baseline', acceptExamples, baseline)
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--add', 'add its trials to the baseline of an unchanged configuration')
    .option('--config <file>', 'configuration file')
    .action((ref: string, options) =>
      end(import('./commands/versions/baseline.ts').then(({ acceptCommand }) => acceptCommand(context, ref, options))),
    )
  verb(
    'show [suite...]',
    'Show the stored baselines',
    ['aigate baseline show', 'aigate baseline show support'],
    baseline,
  )
    .option('--config <file>', 'configuration file')
    .action((suites: string[], options) =>
      end(import('./commands/versions/baseline.ts').then(({ showCommand }) => showCommand(context, suites, options))),
    )
  verb('verify [suite...]', 'Follow the chain of accepted baselines through git', verifyExamples, baseline)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((suites: string[], options) =>
      end(
        import('./commands/versions/baseline-verify.ts').then(({ verifyCommand }) =>
          verifyCommand(context, suites, options),
        ),
      ),
    )
  verb('diff <before> [after]', 'Compare two baselines', diffExamples, baseline)
    .option('--config <file>', 'configuration file')
    .action((before: string, after: string | undefined, options) =>
      end(
        import('./commands/versions/baseline.ts').then(({ diffCommand }) =>
          diffCommand(context, before, after, options),
        ),
      ),
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

  verb('add [rollout]', 'Make draft cases of events that failed in production', casesAddExamples, cases)
    .requiredOption('--suite <name>', 'the suite that they are for')
    .addOption(new Option('--from <source>', 'where events failed').choices(['journal', 'events']))
    .option('--where <condition>', 'which events failed, for example "error.type != null"')
    .option('--field <var=path...>', 'the field of an event that holds a variable of the prompt')
    .option('--most <n>', 'so many drafts at most', parseCount, 50)
    .option('--accept', 'let the suite count the drafts that have assertions')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((name: string | undefined, options) =>
      end(import('./commands/guard/cases-add.ts').then((verbs) => verbs.casesAddCommand(context, name, options))),
    )

  const prompt = program.command('prompt').description('Prompts are code: their versions, what changed, the next one')
  verb('list [name]', 'List the versions, their statuses, and the suites that ask them', promptListExamples, prompt)
    .option('--env <name>', 'statuses by the releases to this environment', 'production')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((name: string | undefined, options) =>
      end(import('./commands/versions/prompt.ts').then(({ listCommand }) => listCommand(context, name, options))),
    )
  verb('diff <before> <after>', 'Show what changed, in the template and in real questions', promptDiffExamples, prompt)
    .option('--suite <name>', 'questions of this suite')
    .option('--case <id...>', 'questions of these cases')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((before: string, after: string, options) =>
      end(
        import('./commands/versions/prompt.ts').then(({ diffCommand }) => diffCommand(context, before, after, options)),
      ),
    )
  verb('new <name>', 'Write version 1.0.0 of a new prompt', ['aigate prompt new support/answer'], prompt)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((name: string, options) =>
      end(import('./commands/versions/prompt.ts').then(({ newCommand }) => newCommand(context, name, options))),
    )
  verb('bump <name[@version]>', 'Copy the newest version to the next one', promptBumpExamples, prompt)
    .option('--major', 'other variables or another output format')
    .option('--minor', 'other instructions (default, where no edit says otherwise)')
    .option('--patch', 'white space, comments, description')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((ref: string, options) =>
      end(import('./commands/versions/prompt-bump.ts').then(({ bumpCommand }) => bumpCommand(context, ref, options))),
    )

  verb('rollback [component...]', 'Put production back to the last known good release', rollbackExamples)
    .option('--to <release>', 'this release; for one component also a version that was released')
    .option('--plan', 'print what would change, and change nothing (the default)')
    .option('--apply', 'do it, read everything back, and record it')
    .option('--drill', 'do it on copies and say how long it takes')
    .option('--reason <text>', 'why; recorded')
    .option('--force', 'also where a part is missing or a step in between cannot be undone')
    .option('--env <name>', 'the environment', 'production')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((components, options) =>
      end(
        import('./commands/guard/rollback.ts').then(({ rollbackCommand }) =>
          rollbackCommand(context, components, options),
        ),
      ),
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
    .option('--irreversible <note...>', 'what going back would not undo: a migration, a changed schema')
    .option('--dry-run', 'show what would be recorded')
    .action((options) =>
      end(import('./commands/versions/release.ts').then((verbs) => verbs.recordReleaseCommand(context, options))),
    )
  releaseVerb('list', 'List the releases, the newest first', [
    'aigate release list',
    'aigate release list --env staging',
  ])
    .option('--env <name>', 'only this environment')
    .action((options) =>
      end(import('./commands/versions/release.ts').then((verbs) => verbs.listReleasesCommand(context, options))),
    )
  releaseVerb('show <release>', 'Show a release', ['aigate release show 2026-11-21.1', 'aigate release show current'])
    .addOption(environment())
    .action((ref: string, options) =>
      end(import('./commands/versions/release.ts').then((verbs) => verbs.showReleaseCommand(context, ref, options))),
    )
  releaseVerb('current', 'Show what runs now', ['aigate release current', 'aigate release current --env staging'])
    .addOption(environment())
    .action((options) =>
      end(
        import('./commands/versions/release.ts').then((verbs) => verbs.showReleaseCommand(context, 'current', options)),
      ),
    )
  releaseVerb('verify', 'Check every byte of the ledger', releaseVerifyExamples)
    .option('--head <hash>', 'a hash that was noted before: its record must still be there')
    .action((options) =>
      end(import('./commands/versions/release.ts').then((verbs) => verbs.verifyCommand(context, options))),
    )
  releaseVerb('diff <before> <after>', 'Say what differs between two releases', releaseDiffExamples)
    .addOption(environment())
    .action((before: string, after: string, options) =>
      end(
        import('./commands/versions/release.ts').then((verbs) =>
          verbs.diffReleasesCommand(context, [before, after], options),
        ),
      ),
    )
  releaseVerb('status [component]', 'List what was released and how long it is kept, or set it', releaseStatusExamples)
    .addOption(environment())
    .option('--set <status>', 'rollback_ready or archived')
    .option('--keep-until <day>', 'last day (UTC): 2026-12-31 or 90d')
    .option('--note <text>', 'for people')
    .action((component: string | undefined, options) =>
      end(
        import('./commands/versions/release.ts').then((verbs) =>
          verbs.releaseStatusCommand(context, component, options),
        ),
      ),
    )
  releaseVerb('check', 'Is everything that a rollback needs still there?', releaseCheckExamples)
    .addOption(environment())
    .option('--to <release>', 'go back to this one (default: the last that passed before the current one)')
    .action((options) =>
      end(import('./commands/versions/release-check.ts').then((verbs) => verbs.releaseCheckCommand(context, options))),
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
      end(
        import('./commands/versions/release-bisect.ts').then((verbs) =>
          verbs.bisectCommand(context, [good, bad], options),
        ),
      ),
    )

  canaryVerbs(context, { verb, program, end })
  beforeVerbs(context, { verb, program, end })

  verb(
    'watch <guard>',
    'Look at live events by guard.yaml, and do what its triggers and breakers ask for',
    watchExamples,
  )
    .option('--once', 'one look, and end with what it came to')
    .option('--every <duration>', 'how often', parseDuration, 60_000)
    .option('--close <breaker>', 'close a breaker that stays open, in your name')
    .option('--reason <text>', 'why, for the record')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((file: string, options) =>
      end(import('./commands/guard/watch.ts').then((verbs) => verbs.watchGuardCommand(context, file, options))),
    )
  killVerbs(context, { verb, program, end })
  proofVerbs(context, { verb, program, end })

  const experiment = program
    .command('experiment')
    .description('Two or more variants side by side: how large, what came out')
  const experimentVerb = (usage: string, summary: string, examples: string[]) =>
    verb(usage, summary, examples, experiment).option('--config <file>', 'configuration file')
  const looking = (command: Command) =>
    command
      .option('--peek', 'before the horizon: intervals that may be read every day')
      .option('--plan-hash <hash>', 'the plan must be the one of this hash, which `plan` printed')
      .option('--json', 'for programs: schema/experiment-report.schema.json')
  experimentVerb('plan [experiment]', 'Say how many units and days it needs', experimentPlanExamples)
    .option('--days <n>', 'so much of the log says what is usual', parseCount, 28)
    .option('--json', 'for programs: schema/experiment-plan.schema.json')
    .action((name: string | undefined, options) =>
      end(
        import('./commands/guard/experiment.ts').then((verbs) => verbs.experimentPlanCommand(context, name, options)),
      ),
    )
  looking(experimentVerb('report [experiment]', 'Show what came out, for people', experimentReportExamples))
    .addOption(new Option('--markdown', 'as Markdown').conflicts('json'))
    .action((name: string | undefined, options) =>
      end(
        import('./commands/guard/experiment.ts').then((verbs) => verbs.experimentReportCommand(context, name, options)),
      ),
    )
  looking(
    experimentVerb('verdict [experiment]', 'Decide: may a variant be shipped?', experimentVerdictExamples),
  ).action((name: string | undefined, options) =>
    end(
      import('./commands/guard/experiment.ts').then((verbs) => verbs.experimentVerdictCommand(context, name, options)),
    ),
  )
  experimentVerb('flags [experiment]', 'Print the flagd file that assigns the variants', [
    'aigate experiment flags short-answers > deploy/short-answers.flags.json',
  ]).action((name: string | undefined, options) =>
    end(import('./commands/guard/experiment.ts').then((verbs) => verbs.experimentFlagsCommand(context, name, options))),
  )

  await program.parseAsync(argv.slice(2), { from: 'user' })
  return ending
}

type Verbs = {
  program: Command
  verb: (usage: string, summary: string, examples: string[], parent?: Command) => Command
  end: (result: Promise<Ending>) => Promise<void>
}

/** `aigate shadow …` and `aigate health`: what is known before anybody is served the candidate. */
function beforeVerbs(context: Context, { program, verb, end }: Verbs): void {
  const shadow = program.command('shadow').description('Both answer, one is served: what the pairs say')
  const shadows = () => import('./commands/guard/shadow.ts')
  verb('report [plan]', 'Each criterion by itself, with its interval', ['aigate shadow report support-1.3'], shadow)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((name: string | undefined, options) =>
      end(shadows().then((verbs) => verbs.shadowReportCommand(context, name, options))),
    )
  verb('verdict [plan]', 'May it be promoted?', ['aigate shadow verdict support-1.3 --json'], shadow)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((name: string | undefined, options) =>
      end(shadows().then((verbs) => verbs.shadowVerdictCommand(context, name, options))),
    )
  const measures = ['auto', 'exact', 'json', 'cosine', 'levenshtein', 'rouge_l', 'bleu']
  verb('pairs', 'Make pair events from the recorded outputs of both sides', shadowPairsExamples, shadow)
    .requiredOption('--baseline <file>', 'JSON lines: id, output, latency_ms, cost_usd, error, confidence, embedding')
    .requiredOption('--candidate <file>', 'the same of the candidate')
    .option('--out <file>', 'where the events go (default: stdout)')
    .addOption(new Option('--measure <name>', 'how alike two outputs are').choices(measures).default('auto'))
    .option('--embedding-model <name>', 'a model of the registry: the cosine of its embeddings')
    .option('--rollout <name>', 'written into the events')
    .option('--config <file>', 'configuration file')
    .action((options) => end(shadows().then((verbs) => verbs.shadowPairsCommand(context, options))))
  verb('health', 'Ask every model in use and every application one real question', healthExamples)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .option('--env <name>', 'what the current release of this environment holds')
    .action((options) =>
      end(import('./commands/guard/health.ts').then((verbs) => verbs.healthCommand(context, options))),
    )
}

/** `aigate canary …`: rollouts in stages. */
function canaryVerbs(context: Context, { program, verb, end }: Verbs): void {
  const canary = program.command('canary').description('Staged rollouts: go on, hold, or go back, by evidence')
  const one = (usage: string, summary: string, examples: string[]) =>
    verb(usage, summary, examples, canary).option('--config <file>', 'configuration file').option('--json', 'as data')
  const canaries = () => import('./commands/rollout/canary.ts')

  one('plan [rollout]', 'Say what a plan can find, and how long its stages will take', canaryPlanExamples)
    .addOption(sinceOption('traffic of so long ago until now'))
    .action((name: string | undefined, options) =>
      end(import('./commands/rollout/canary-plan.ts').then((verbs) => verbs.planCommand(context, name, options))),
    )
  one('start [rollout]', 'Begin a rollout: check its plan and give the candidate its first share', canaryStartExamples)
    .option('--again', 'also where a rollout of this name has ended before')
    .option('--note <text>', 'for people')
    .action((name: string | undefined, options) =>
      end(canaries().then((verbs) => verbs.startCommand(context, name, options))),
    )
  one('tick [rollout...]', 'One pass: read, decide, write down, act, read back', canaryTickExamples).action(
    (names: string[], options) => end(canaries().then((verbs) => verbs.tickCommand(context, names, options))),
  )
  one('watch [rollout]', 'Tick again and again, with a live picture', canaryWatchExamples)
    .option('--every <duration>', 'how often', parseDuration, 60_000)
    .action((name: string | undefined, options) =>
      end(import('./commands/rollout/canary-watch.ts').then((verbs) => verbs.watchCommand(context, name, options))),
    )
  one('status [rollout]', 'Show the stages, the evidence against its bounds, and what comes next', [
    'aigate canary status',
  ]).action((name: string | undefined, options) =>
    end(canaries().then((verbs) => verbs.statusCommand(context, name, options))),
  )
  one('verdict [rollout]', 'Print what the last look came to, and end with it', [
    'aigate canary verdict support-1.3',
  ]).action((name: string | undefined, options) =>
    end(canaries().then((verbs) => verbs.verdictCommand(context, name, options))),
  )
  for (const [said, summary] of canarySayings) {
    const command = one(`${said} [rollout]`, summary, [`aigate canary ${said} support-1.3 --reason "agreed with Ada"`])
    if (said === 'abort')
      command.option('--force', 'by the plan and the control plane alone, where the journal is damaged or lost')
    command
      .option('--reason <text>', 'why, for the record')
      .action((name: string | undefined, options) =>
        end(canaries().then((verbs) => verbs.sayCommand(context, said, name, options))),
      )
  }
  one('replay [rollout]', 'Decide every look of the journal again: the same decisions?', canaryReplayExamples)
    .option('--events', 'run the plan over the events of the past instead; nothing is changed')
    .addOption(sinceOption('with --events: from so long ago until now'))
    .action((name: string | undefined, options) =>
      end(import('./commands/rollout/canary-replay.ts').then((verbs) => verbs.replayCommand(context, name, options))),
    )
  one('simulate [rollout]', 'Say how often a plan errs, and how soon it finds a bad candidate', canarySimulateExamples)
    .addOption(sinceOption('traffic of so long ago until now'))
    .option('--runs <n>', 'simulated rollouts', parseRuns, 200)
    .option('--ratio <ratio>', 'how many times as bad the bad candidate is', parseRatio, 2)
    .option('--seed <n>', 'of the simulation', parseSeed, 1)
    .action((name: string | undefined, options) =>
      end(import('./commands/rollout/canary-plan.ts').then((verbs) => verbs.simulateCommand(context, name, options))),
    )
  one('selftest [rollout]', 'A worse and a better candidate, made up: do they get the right verdicts?', [
    'aigate canary selftest',
  ]).action((name: string | undefined, options) =>
    end(import('./commands/rollout/canary-plan.ts').then((verbs) => verbs.selfTestCommand(context, name, options))),
  )
}

/** What production is held against: drift, incidents, readiness. */
function proofVerbs(context: Context, { program, verb, end }: Verbs): void {
  const one = (usage: string, summary: string, examples: string[]) =>
    verb(usage, summary, examples, program).option('--config <file>', 'configuration file').option('--json', 'as data')
  one('drift [suite...]', 'Ask the pinned baselines again: does the same model still answer alike?', driftExamples)
    .option('--trials <n>', 'answers to each case (default: the most that the suite allows)', parseCount)
    .option('--results <run>', 'what was answered is in this run or results file; nothing is asked')
    .option('--seed <n>', 'order of the calls and jitter', parseSeed)
    .addOption(
      new Option('--live <file>', 'live traffic by this drift plan against what was normal').conflicts([
        'trials',
        'results',
        'seed',
      ]),
    )
    .option('--learn', 'with --live: learn what is normal, and write the reference')
    .option('--for <duration>', 'with --live: only so long after the newest release', parseDuration)
    .option('--env <name>', 'with --for: releases to this environment', 'production')
    .action((suites: string[], { live, ...options }) =>
      end(
        live === undefined
          ? import('./commands/guard/drift.ts').then((verbs) => verbs.driftCommand(context, suites, options))
          : import('./commands/guard/drift-live.ts').then((verbs) => verbs.driftLiveCommand(context, live, options)),
      ),
    )
  one('incident [id]', 'Write the timeline: what was deployed, measured and done', incidentExamples)
    .option('--since <time>', 'from this time on, instead of what the id tells')
    .option('--until <time>', 'up to this time')
    .action((id: string | undefined, options) =>
      end(import('./commands/guard/incident.ts').then((verbs) => verbs.incidentCommand(context, id, options))),
    )
  one('ready', 'Is everything there for a release? Each answer with its evidence', readyExamples)
    .option('--env <name>', 'what is to be released to', 'production')
    .option('--notify', 'send the test notice to whoever is on call')
    .action((options) => end(import('./commands/guard/ready.ts').then((verbs) => verbs.readyCommand(context, options))))
}

/** `aigate kill …`: off at once, for everybody or for some. */
function killVerbs(context: Context, { program, verb, end }: Verbs): void {
  const kill = program.command('kill').description('Kill switches: off within seconds, through the flag file')
  const one = (usage: string, summary: string, examples: string[]) =>
    verb(usage, summary, examples, kill)
      .option('--file <path>', 'the flag file (default: those that aigate.yaml and the rollout plans name)')
      .option('--config <file>', 'configuration file')
      .option('--json', 'as data')
  const scoped = (command: Command) =>
    command
      .option('--model <name>', 'only flags that serve this model')
      .option('--feature <name>', 'only flags of this feature')
      .option('--segment <name>', 'only users of this segment')
      .option('--user <key>', 'only this user')
  const kills = () => import('./commands/guard/kill.ts')
  scoped(one('on', 'Everybody gets the baseline: all, or those named', killExamples))
    .requiredOption('--reason <text>', 'why: every status shows it')
    .option('--until <end>', 'over by itself then: 30m, 2h, 1d or a time')
    .action((options) => end(kills().then((verbs) => verbs.killOnCommand(context, options))))
  scoped(one('off', 'Take a kill back', ['aigate kill off --reason "fixed"']))
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--all', 'every kill that there is')
    .action((options) => end(kills().then((verbs) => verbs.killOffCommand(context, options))))
  one('status', 'What is killed, by whom, why and until when', ['aigate kill status']).action((options) =>
    end(kills().then((verbs) => verbs.killStatusCommand(context, options))),
  )
}

const canarySayings = [
  ['pause', 'Hold a rollout where it is; triggers and proven harm still go back'],
  ['resume', 'Go on after a pause or a hold, and take the control plane over again'],
  ['approve', 'Approve the step after this stage'],
  ['advance', 'Go to the next stage without waiting for the evidence, in your name'],
  ['abort', 'End a rollout: everybody gets the baseline'],
  ['amend', 'Take the plan as its file is now'],
] as const

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

function parsePort(text: string): number {
  const value = Number(text)
  if (/^\d{1,5}$/.test(text) && value <= 65_535) return value
  throw new AigateError('usage', { problem: `"${text}" is no port.`, mend: 'Write --port 8844.' })
}

function parseCount(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 1000) return value
  throw new AigateError('usage', { problem: `"${text}" is no count from 1 to 1000.`, mend: 'Write --trials 3.' })
}

/** How far back traffic is read: a week unless written. */
function sinceOption(description: string): Option {
  return new Option('--since <duration>', description).argParser(parseDuration).default(7 * 86_400_000, '7d')
}

function parseDraws(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 20 && value <= 100_000) return value
  throw new AigateError('usage', { problem: `"${text}" is no count from 20 to 100000.`, mend: 'Write --draws 500.' })
}

function parseRuns(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 10 && value <= 100_000) return value
  throw new AigateError('usage', { problem: `"${text}" is no count from 10 to 100000.`, mend: 'Write --runs 200.' })
}

function parseSeed(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value)) return value
  throw new AigateError('usage', { problem: `"${text}" is no whole number.`, mend: 'Write --seed 7.' })
}

function parseDuration(text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? []
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  const value = Number(amount) * (units[unit] ?? 0)
  if (value > 0) return value
  throw new AigateError('usage', { problem: `"${text}" is no duration.`, mend: 'Write 30s, 5m, 2h or 7d.' })
}

function parseRatio(text: string): number {
  const value = Number(text)
  if (value > 1 && value <= 100) return value
  throw new AigateError('usage', { problem: `"${text}" is no ratio above 1.`, mend: 'Write --ratio 2.' })
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
const serveExamples = ['aigate serve', 'aigate serve --host 0.0.0.0 --port 8844']
const killExamples = [
  'aigate kill on --reason "answers are wrong"',
  'aigate kill on --feature support --segment pro --reason "refunds" --until 2h',
]
const lockExamples = ['aigate lock', 'aigate lock --check']
const modelListExamples = ['aigate model list']
const modelShowExamples = ['aigate model show support-main']
const modelCheckExamples = ['aigate model check', 'aigate model check support-main']
const initExamples = ['aigate init', 'aigate init evals-demo', 'aigate init --from deployment.yaml']
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
const rollbackExamples = [
  'aigate rollback',
  'aigate rollback --apply --reason "answers name competitors"',
  'aigate rollback prompt --to support/answer@1.2.0 --apply',
  'aigate rollback --drill',
]
const releaseExamples = ['aigate cases release support account_01']
const verifyExamples = ['aigate baseline verify', 'aigate baseline verify support --json']
const diffExamples = ['aigate baseline diff support', 'aigate baseline diff old.json new.json']
const releaseRecordExamples = [
  'aigate release record --env production',
  'aigate release record --index kb-2026-11 --index-note "+50 docs" --container app:1.4.2',
  'aigate release record --override "hotfix, agreed with Ada"',
]
const watchExamples = ['aigate watch guard.yaml', 'aigate watch guard.yaml --once --json']
const shadowPairsExamples = [
  'aigate shadow pairs --baseline baseline.jsonl --candidate candidate.jsonl --out pairs.jsonl',
]
const driftExamples = ['aigate drift', 'aigate drift support --trials 5', 'aigate drift --live drift.yaml --learn']
const incidentExamples = ['aigate incident support-1.3 > incident.md', 'aigate incident --since 2h']
const readyExamples = ['aigate ready', 'aigate ready --env production --notify --json']
const casesAddExamples = [
  'aigate cases add --from journal support-1.3 --suite support',
  'aigate cases add --from events "logs/*.jsonl" --suite support --field question=input',
  'aigate cases add --accept --suite support',
]
const healthExamples = ['aigate health', 'aigate health --env production --json']
const canaryPlanExamples = ['aigate canary plan', 'aigate canary plan support-1.3 --since 7d']
const canaryStartExamples = ['aigate canary start support-1.3 --note "new handbook"']
const canaryTickExamples = ['aigate canary tick', 'aigate canary tick support-1.3 --json']
const canaryWatchExamples = ['aigate canary watch support-1.3 --every 60s']
const canaryReplayExamples = [
  'aigate canary replay support-1.3',
  'aigate canary replay support-1.3 --events --since 3d',
]
const canarySimulateExamples = ['aigate canary simulate support-1.3 --ratio 2 --runs 500']
const releaseVerifyExamples = ['aigate release verify', 'aigate release verify --head 3f9a52c1d0b7']
const releaseDiffExamples = ['aigate release diff 2026-11-20.1 current']
const releaseStatusExamples = [
  'aigate release status',
  'aigate release status index:kb-2026-10 --set rollback_ready --keep-until 90d',
]
const releaseCheckExamples = ['aigate release check', 'aigate release check --to 2026-11-20.1 --json']
const releaseBisectExamples = ['aigate release bisect --case account_01 2026-11-01.1 current']
const experimentPlanExamples = ['aigate experiment plan short-answers', 'aigate experiment plan --days 14 --json']
const experimentReportExamples = [
  'aigate experiment report short-answers',
  'aigate experiment report --peek --markdown',
]
const experimentVerdictExamples = ['aigate experiment verdict short-answers', 'aigate experiment verdict --json']
