// Production: go back, look, switch off, and prove that all is well.
import { type Command, Option } from 'commander'
import type { Context } from '../ports.ts'
import { limited, parseCount, parseDuration, parseSeed } from './arguments.ts'
import type { Verbs } from './verbs.ts'

/** `aigate rollback` and `aigate watch`. */
export function guardVerbs(context: Context, { verb, end }: Verbs): void {
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
        import('../commands/guard/rollback.ts').then(({ rollbackCommand }) =>
          rollbackCommand(context, components, options),
        ),
      ),
    )
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
      end(import('../commands/guard/watch.ts').then((verbs) => verbs.watchGuardCommand(context, file, options))),
    )
}

/** `aigate shadow …` and `aigate health`: what is known before anybody is served the candidate. */
export function beforeVerbs(context: Context, { program, verb, end }: Verbs): void {
  const shadow = program.command('shadow').description('Both answer, one is served: what the pairs say')
  const shadows = () => import('../commands/guard/shadow.ts')
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
      end(import('../commands/guard/health.ts').then((verbs) => verbs.healthCommand(context, options))),
    )
}

/** What production is held against: drift, incidents, readiness. */
export function proofVerbs(context: Context, { program, verb, end }: Verbs): void {
  const one = (usage: string, summary: string, examples: string[]) =>
    verb(usage, summary, examples, program).option('--config <file>', 'configuration file').option('--json', 'as data')
  limited(
    one('drift [suite...]', 'Ask the pinned baselines again: does the same model still answer alike?', driftExamples),
  )
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
          ? import('../commands/guard/drift.ts').then((verbs) => verbs.driftCommand(context, suites, options))
          : import('../commands/guard/drift-live.ts').then((verbs) => verbs.driftLiveCommand(context, live, options)),
      ),
    )
  one('incident [id]', 'Write the timeline: what was deployed, measured and done', incidentExamples)
    .option('--since <time>', 'from this time on, instead of what the id tells')
    .option('--until <time>', 'up to this time')
    .action((id: string | undefined, options) =>
      end(import('../commands/guard/incident.ts').then((verbs) => verbs.incidentCommand(context, id, options))),
    )
  one('ready', 'Is everything there for a release? Each answer with its evidence', readyExamples)
    .option('--env <name>', 'what is to be released to', 'production')
    .option('--notify', 'send the test notice to whoever is on call')
    .action((options) =>
      end(import('../commands/guard/ready.ts').then((verbs) => verbs.readyCommand(context, options))),
    )
}

/** `aigate kill …`: off at once, for everybody or for some. */
export function killVerbs(context: Context, { program, verb, end }: Verbs): void {
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
  const kills = () => import('../commands/guard/kill.ts')
  scoped(one('on', 'Everybody gets the baseline: all, or those named', killExamples))
    .requiredOption('--reason <text>', 'why: every status shows it')
    .option('--until <end>', 'over by itself then: 30m, 2h, 1d or a time')
    .option('--create', 'make the flag file or the switch where there is none')
    .action((options) => end(kills().then((verbs) => verbs.killOnCommand(context, options))))
  scoped(one('off', 'Take a kill back', ['aigate kill off --reason "fixed"']))
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--all', 'every kill that there is')
    .action((options) => end(kills().then((verbs) => verbs.killOffCommand(context, options))))
  one('status', 'What is killed, by whom, why and until when', ['aigate kill status']).action((options) =>
    end(kills().then((verbs) => verbs.killStatusCommand(context, options))),
  )
}

const killExamples = [
  'aigate kill on --reason "answers are wrong"',
  'aigate kill on --feature support --segment pro --reason "refunds" --until 2h',
]
const rollbackExamples = [
  'aigate rollback',
  'aigate rollback --apply --reason "answers name competitors"',
  'aigate rollback prompt --to support/answer@1.2.0 --apply',
  'aigate rollback --drill',
]
const watchExamples = ['aigate watch guard.yaml', 'aigate watch guard.yaml --once --json']
const shadowPairsExamples = [
  'aigate shadow pairs --baseline baseline.jsonl --candidate candidate.jsonl --out pairs.jsonl',
]
const driftExamples = ['aigate drift', 'aigate drift support --trials 5', 'aigate drift --live drift.yaml --learn']
const incidentExamples = ['aigate incident support-1.3 > incident.md', 'aigate incident --since 2h']
const readyExamples = ['aigate ready', 'aigate ready --env production --notify --json']
const healthExamples = ['aigate health', 'aigate health --env production --json']
