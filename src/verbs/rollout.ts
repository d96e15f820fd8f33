// Rollouts in stages, and who else asks how they stand.
import type { Context } from '../ports.ts'
import { parseDuration, parsePort, parseRatio, parseRuns, parseSeed, sinceOption } from './arguments.ts'
import type { Verbs } from './verbs.ts'

/** `aigate canary …` and `aigate serve`. */
export function rolloutVerbs(context: Context, { program, verb, end }: Verbs): void {
  verb('serve', 'Answer what the rollouts say: Argo Rollouts, Flagger, Prometheus', serveExamples)
    .option('--config <file>', 'configuration file')
    .option('--host <address>', 'where to listen; beyond this machine only with a token', '127.0.0.1')
    .option('--port <number>', 'port, 0 for any that is free', parsePort, 8844)
    .option('--token-env <name>', 'environment variable with the token that callers must have', 'AIGATE_SERVE_TOKEN')
    .action((options) =>
      end(import('../commands/rollout/serve.ts').then(({ serveCommand }) => serveCommand(context, options))),
    )
  const canary = program.command('canary').description('Staged rollouts: go on, hold, or go back, by evidence')
  const one = (usage: string, summary: string, examples: string[]) =>
    verb(usage, summary, examples, canary).option('--config <file>', 'configuration file').option('--json', 'as data')
  const canaries = () => import('../commands/rollout/canary.ts')

  one('plan [rollout]', 'Say what a plan can find, and how long its stages will take', canaryPlanExamples)
    .addOption(sinceOption('traffic of so long ago until now'))
    .action((name: string | undefined, options) =>
      end(import('../commands/rollout/canary-plan.ts').then((verbs) => verbs.planCommand(context, name, options))),
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
      end(import('../commands/rollout/canary-watch.ts').then((verbs) => verbs.watchCommand(context, name, options))),
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
      end(import('../commands/rollout/canary-replay.ts').then((verbs) => verbs.replayCommand(context, name, options))),
    )
  one('simulate [rollout]', 'Say how often a plan errs, and how soon it finds a bad candidate', canarySimulateExamples)
    .addOption(sinceOption('traffic of so long ago until now'))
    .option('--runs <n>', 'simulated rollouts', parseRuns, 200)
    .option('--ratio <ratio>', 'how many times as bad the bad candidate is', parseRatio, 2)
    .option('--seed <n>', 'of the simulation', parseSeed, 1)
    .action((name: string | undefined, options) =>
      end(import('../commands/rollout/canary-plan.ts').then((verbs) => verbs.simulateCommand(context, name, options))),
    )
  one('selftest [rollout]', 'A worse and a better candidate, made up: do they get the right verdicts?', [
    'aigate canary selftest',
  ]).action((name: string | undefined, options) =>
    end(import('../commands/rollout/canary-plan.ts').then((verbs) => verbs.selfTestCommand(context, name, options))),
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

const serveExamples = ['aigate serve', 'aigate serve --host 0.0.0.0 --port 8844']
const canaryPlanExamples = ['aigate canary plan', 'aigate canary plan support-1.3 --since 7d']
const canaryStartExamples = ['aigate canary start support-1.3 --note "new handbook"']
const canaryTickExamples = ['aigate canary tick', 'aigate canary tick support-1.3 --json']
const canaryWatchExamples = ['aigate canary watch support-1.3 --every 60s']
const canaryReplayExamples = [
  'aigate canary replay support-1.3',
  'aigate canary replay support-1.3 --events --since 3d',
]
const canarySimulateExamples = ['aigate canary simulate support-1.3 --ratio 2 --runs 500']
