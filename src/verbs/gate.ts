// What is done before the merge: ask, judge, explain, check, begin.
import { Option } from 'commander'
import { AigateError } from '../errors.ts'
import type { Context } from '../ports.ts'
import {
  asking,
  limited,
  parseCount,
  parseDraws,
  parsePassScore,
  parseRate,
  parseSeed,
  reporterOption,
} from './arguments.ts'
import type { Verbs } from './verbs.ts'

/** `aigate eval`, `plan`, `compare`, `report`, `explain`, `doctor`, `power-check`, `calibrate`, `check` and `init`. */
export function gateVerbs(context: Context, { verb, end }: Verbs): void {
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
    .addOption(
      new Option('--changed [ref]', 'only suites that differ from the base (default: as --base finds it)').conflicts([
        'results',
        'traces',
      ]),
    )
    .option('--resume [run]', 'go on with a run that was interrupted (default: the newest)')
    .addOption(
      new Option('--shard <n/m>', 'ask only the n-th of m parts, for `aigate merge`: --shard 2/8').conflicts('results'),
    )
    .addOption(
      new Option('--batch', 'through the Batch API: within a day, at half the price').conflicts(['record', 'results']),
    )
    .option(
      '--passes <n>',
      'with --shard: ask so many passes now (default: the most that the suite allows)',
      parseCount,
    )
    .option(
      '--durations <report>',
      'with --shard: split by the latencies of this JSON report (default: of the baseline)',
    )
    .option('--shard-file <file>', 'with --shard: what it writes (default: shard-2-of-8.json)')
    .addOption(
      new Option('--watch', 'run again what a saved prompt or suite changes, until Ctrl-C').conflicts([
        'results',
        'resume',
        'shard',
        'record',
        'refresh',
      ]),
    )
    .addOption(new Option('--only-suites <list>').hideHelp())
    .option('--no-cache', 'ask everything, and keep nothing for later runs')
    .option('--refresh', 'ask everything, and keep the answers for later runs')
    .option('--cache-dir <folder>', 'where answers are kept between runs (default: .aigate/cache)')
    .option('--results <file>', 'judge results that another tool made; nothing is asked')
    .addOption(
      new Option('--traces <file...>', 'grade OpenTelemetry GenAI traces (JSON lines); nothing is asked').conflicts([
        'results',
        'against',
        'attribute',
      ]),
    )
    .option('--case-attribute <name>', 'attribute of a span that names its case (default: aigate.case)')
    .option('--format <name>', 'format of --results, where the content does not tell')
    .option('--pass-score <score>', 'score from which on a trial of --results passes, 0 to 1', parsePassScore)
    .addOption(reporterOption())
    .action((suites: string[], options) => {
      if (options.traces !== undefined)
        return end(
          import('../commands/gate/eval-traces.ts').then((verb) => verb.evalTracesCommand(context, suites, options)),
        )
      return end(
        options.results === undefined
          ? options.watch
            ? import('../commands/gate/watching/watch-eval.ts').then(({ watchEvalCommand }) =>
                watchEvalCommand(
                  context,
                  suites,
                  options,
                  process.argv.slice(1).filter((word) => word !== '--watch'),
                ),
              )
            : import('../commands/gate/eval.ts').then(({ evalCommand }) =>
                evalCommand(context, options.onlySuites?.split(',') ?? suites, options),
              )
          : import('../commands/gate/eval-results.ts').then((verb) =>
              verb.evalResultsCommand(context, suites, options),
            ),
      )
    })
  limited(verb('plan [suite...]', 'Say what a run would ask, use, cost and last; nothing is asked', planExamples))
    .option('--config <file>', 'configuration file')
    .option('--tag <tag...>', 'only cases with one of these tags')
    .option('--case <id...>', 'only these cases')
    .option('--model <name>', 'another model of the registry')
    .option('--prompt <name@version>', 'another version of the prompt')
    .option('--trials <n>', 'ask every case exactly n times', parseCount)
    .option('--offline', 'answers from the recordings only')
    .option('--against <ref>', 'with the base side, as `eval --against` asks it')
    .option('--attribute', 'with the combinations that `eval --attribute` asks')
    .option('--batch', 'through the Batch API: within a day, at half the price')
    .option('--shard <n/m>', 'only the n-th of m parts: --shard 2/8')
    .option('--passes <n>', 'with --shard: so many passes', parseCount)
    .option('--durations <report>', 'with --shard: split by the latencies of this JSON report')
    .option('--no-cache', 'as if nothing were known from earlier runs')
    .option('--cache-dir <folder>', 'where answers are kept between runs (default: .aigate/cache)')
    .option('--json', 'for programs: schema/plan.schema.json')
    .action((suites: string[], options) =>
      end(import('../commands/gate/plan.ts').then(({ planCommand }) => planCommand(context, suites, options))),
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
        import('../commands/gate/compare.ts').then(({ compareCommand }) =>
          compareCommand(context, ref, baseline, options),
        ),
      ),
    )
  verb('merge <file...>', 'Join the files of all shards to the verdict of the whole run', mergeExamples)
    .option('--config <file>', 'configuration file')
    .addOption(reporterOption())
    .action((files: string[], options) =>
      end(import('../commands/gate/shards/merge.ts').then(({ mergeCommand }) => mergeCommand(context, files, options))),
    )
  verb('report <run>', 'Render a finished run again, judged as it was', reportExamples)
    .option('--config <file>', 'configuration file')
    .addOption(reporterOption())
    .action((ref: string, options) =>
      end(import('../commands/report.ts').then(({ reportCommand }) => reportCommand(context, ref, options))),
    )
  verb('explain <run>', 'Say in plain words why a run was blocked, passed, or stayed undecided', explainExamples)
    .option('--config <file>', 'configuration file')
    .option('--suite <name>', 'only this suite of the run')
    .option('--json', 'for programs: schema/explanation.schema.json')
    .action((ref: string, options) =>
      end(import('../commands/gate/explain.ts').then(({ explainCommand }) => explainCommand(context, ref, options))),
    )
  limited(verb('doctor [suite...]', 'Say how often the policy errs on a suite, and what it needs', doctorExamples))
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
      end(import('../commands/doctor.ts').then(({ doctorCommand }) => doctorCommand(context, suites, options))),
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
        import('../commands/gate/power-check.ts').then(({ powerCheckCommand }) =>
          powerCheckCommand(context, suites, options),
        ),
      ),
    )
  limited(
    verb(
      'calibrate <labels>',
      'Measure how well a judge agrees with people, and store it for the gate',
      calibrateExamples,
    ),
  )
    .option('--config <file>', 'configuration file')
    .option('--judge <name...>', 'this judge, or these as a jury, instead of those that the labels name')
    .option('--sample-of <run>', 'the labelled answers are a random sample of those of this run')
    .option('--check', 'write nothing: only measure, and end as the gate would')
    .option('--record', 'ask for real, and keep the answers of the judge as recordings')
    .option('--offline', 'answers of the judge from the recordings only')
    .option('--seed <n>', 'which answers are kept to see whether the judge moved', parseSeed)
    .option('--json', 'as data')
    .action((labels: string, options) =>
      end(
        import('../commands/judge/calibrate.ts').then(({ calibrateCommand }) =>
          calibrateCommand(context, labels, options),
        ),
      ),
    )
  verb('check', 'Find everything that can be wrong without asking a model', checkExamples)
    .option('--config <file>', 'configuration file')
    .action((options) => end(import('../commands/check.ts').then(({ checkCommand }) => checkCommand(context, options))))
  verb('init [folder]', 'Write a small working project; never overwrites', initExamples)
    .option(
      '--from <file>',
      'make a project of a file of promptfoo, OpenAI evals, GitHub Models, …, or plans of a deployment file',
    )
    .addOption(
      new Option('--github', 'also the workflow for GitHub; in a project that is there, only that').conflicts('from'),
    )
    .addOption(
      new Option('--security', 'write a suite of attacks on the target of a suite that is there').conflicts([
        'from',
        'github',
      ]),
    )
    .option('--suite <name>', 'with --security: the suite whose target is attacked')
    .option('--input <variable>', 'with --security: the variable that the question goes into')
    .option('--judge <name>', 'with --security: the judge that tells refusals from answers, from aigate.yaml')
    .option('--yes', 'for scripts; nothing is asked anyway')
    .action((folder: string = '.', { from, security, ...options }: InitOptions) => {
      if (security)
        return end(
          import('../commands/init/init-security.ts').then((verbs) =>
            verbs.initSecurityCommand(context, folder, options),
          ),
        )
      const alone = (['suite', 'input', 'judge'] as const).find((option) => options[option] !== undefined)
      if (alone) throw new AigateError('usage', { problem: `--${alone} says something only with --security.`, mend: `Write aigate init --security --${alone} ${options[alone]}.` }) // biome-ignore format: one error
      return end(
        from === undefined
          ? import('../commands/init/init.ts').then(({ initCommand }) => initCommand(context, folder, options))
          : import('../commands/init/init-from.ts').then((verbs) => verbs.initFromCommand(context, folder, from)),
      )
    })
}

type InitOptions = { from?: string; github?: boolean; security?: true; suite?: string; input?: string; judge?: string }

const evalExamples = [
  'aigate eval',
  'aigate eval support --tag smoke --trials 1',
  'aigate eval support --prompt support/answer@1.1.0',
  'aigate eval support --prompt support/answer@1.1.0 --model next --attribute',
  'aigate eval support --against main',
  'aigate eval --changed',
  'aigate eval support --watch',
  'aigate eval --shard 2/8',
  'aigate eval --resume',
  'aigate eval --reporter table,json:run.json,junit:junit.xml,markdown:summary.md',
  'aigate eval support --results results.json',
  'aigate eval support --traces traces.jsonl',
]
const mergeExamples = [
  'aigate merge shard-*.json',
  'aigate merge shards --reporter table,json:run.json,junit:junit.xml',
]
const planExamples = ['aigate plan', 'aigate plan support --max-cost 0.50', 'aigate plan --json']
const compareExamples = [
  'aigate compare latest',
  'aigate compare latest baselines/support.json --threshold 0.9',
  'aigate compare new/results.json old/results.json',
  "aigate compare 'results.json#gpt-4o-mini' 'results.json#gpt-4o'",
]
const reportExamples = ['aigate report latest', 'aigate report latest --reporter markdown:summary.md']
const explainExamples = ['aigate explain latest', 'aigate explain latest --suite support --json']
const doctorExamples = ['aigate doctor', 'aigate doctor support --draws 500 --json', 'aigate doctor --ask']
const powerExamples = ['aigate power-check', 'aigate power-check support --run latest']
const calibrateExamples = [
  'aigate calibrate labels.jsonl',
  'aigate calibrate labels.jsonl --judge careful quick --check',
]
const checkExamples = ['aigate check', 'aigate check --config services/chat/aigate.yaml']
const initExamples = [
  'aigate init',
  'aigate init --github',
  'aigate init evals-demo',
  'aigate init --from promptfooconfig.yaml',
  'aigate init --from deployment.yaml',
  'aigate init --security',
]
