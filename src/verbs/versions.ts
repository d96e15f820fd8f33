// What has versions: the lock, models, baselines and prompts.
import type { Context } from '../ports.ts'
import { asking, parseCount } from './arguments.ts'
import type { Verbs } from './verbs.ts'

/** `aigate lock`, `model …`, `baseline …` and `prompt …`. */
export function versionVerbs(context: Context, { program, verb, end }: Verbs): void {
  verb('lock', 'Write down what decides behaviour, so that a change of it is seen', lockExamples)
    .option('--check', 'write nothing; exit 2 when the lock does not hold')
    .option('--config <file>', 'configuration file')
    .action((options) =>
      end(import('../commands/versions/lock.ts').then(({ lockCommand }) => lockCommand(context, options))),
    )
  const model = program.command('model').description('The model registry: pins, statuses, and what the providers say')
  verb('list', 'List the models with the state of their pins and their statuses', modelListExamples, model)
    .option('--env <name>', 'statuses by the releases to this environment', 'production')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((options) =>
      end(import('../commands/versions/model.ts').then(({ modelListCommand }) => modelListCommand(context, options))),
    )
  verb('show <name>', 'Show everything that the registry says about a model', modelShowExamples, model)
    .option('--env <name>', 'statuses by the releases to this environment', 'production')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((name: string, options) =>
      end(
        import('../commands/versions/model.ts').then(({ modelShowCommand }) =>
          modelShowCommand(context, name, options),
        ),
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
        import('../commands/versions/model.ts').then(({ modelCheckCommand }) =>
          modelCheckCommand(context, name, options),
        ),
      ),
    )
  const baseline = program.command('baseline').description('Record, accept, show and compare baselines')
  asking(verb('record [suite...]', 'Run suites as they stand and accept the result', recordExamples, baseline))
    .option('--trials <n>', 'trials of each case (default: 5)', parseCount)
    .option('--reason <text>', 'why, for the record (default: "recorded")')
    .option('--resume [run]', 'go on with a recording that was interrupted (default: the newest)')
    .action((suites: string[], options) =>
      end(
        import('../commands/versions/baseline.ts').then(({ recordCommand }) => recordCommand(context, suites, options)),
      ),
    )
  verb('accept <run>', 'Accept a finished run as the baseline', acceptExamples, baseline)
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--add', 'add its trials to the baseline of an unchanged configuration')
    .option('--config <file>', 'configuration file')
    .action((ref: string, options) =>
      end(import('../commands/versions/baseline.ts').then(({ acceptCommand }) => acceptCommand(context, ref, options))),
    )
  verb(
    'show [suite...]',
    'Show the stored baselines',
    ['aigate baseline show', 'aigate baseline show support'],
    baseline,
  )
    .option('--config <file>', 'configuration file')
    .action((suites: string[], options) =>
      end(import('../commands/versions/baseline.ts').then(({ showCommand }) => showCommand(context, suites, options))),
    )
  verb('verify [suite...]', 'Follow the chain of accepted baselines through git', verifyExamples, baseline)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((suites: string[], options) =>
      end(
        import('../commands/versions/baseline-verify.ts').then(({ verifyCommand }) =>
          verifyCommand(context, suites, options),
        ),
      ),
    )
  verb('diff <before> [after]', 'Compare two baselines', diffExamples, baseline)
    .option('--config <file>', 'configuration file')
    .action((before: string, after: string | undefined, options) =>
      end(
        import('../commands/versions/baseline.ts').then(({ diffCommand }) =>
          diffCommand(context, before, after, options),
        ),
      ),
    )
  const prompt = program.command('prompt').description('Prompts are code: their versions, what changed, the next one')
  verb('list [name]', 'List the versions, their statuses, and the suites that ask them', promptListExamples, prompt)
    .option('--env <name>', 'statuses by the releases to this environment', 'production')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((name: string | undefined, options) =>
      end(import('../commands/versions/prompt.ts').then(({ listCommand }) => listCommand(context, name, options))),
    )
  verb('diff <before> <after>', 'Show what changed, in the template and in real questions', promptDiffExamples, prompt)
    .option('--suite <name>', 'questions of this suite')
    .option('--case <id...>', 'questions of these cases')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((before: string, after: string, options) =>
      end(
        import('../commands/versions/prompt.ts').then(({ diffCommand }) =>
          diffCommand(context, before, after, options),
        ),
      ),
    )
  verb('new <name>', 'Write version 1.0.0 of a new prompt', ['aigate prompt new support/answer'], prompt)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((name: string, options) =>
      end(import('../commands/versions/prompt.ts').then(({ newCommand }) => newCommand(context, name, options))),
    )
  verb('bump <name[@version]>', 'Copy the newest version to the next one', promptBumpExamples, prompt)
    .option('--major', 'other variables or another output format')
    .option('--minor', 'other instructions (default, where no edit says otherwise)')
    .option('--patch', 'white space, comments, description')
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((ref: string, options) =>
      end(import('../commands/versions/prompt-bump.ts').then(({ bumpCommand }) => bumpCommand(context, ref, options))),
    )
}

const promptListExamples = ['aigate prompt list', 'aigate prompt list support/answer --json']
const promptDiffExamples = [
  'aigate prompt diff support/answer@1.0.0 support/answer@1.1.0',
  'aigate prompt diff support/answer@1.0.0 support/answer@latest --suite support --case tc_001',
]
const promptBumpExamples = ['aigate prompt bump support/answer', 'aigate prompt bump support/answer@1.0.0 --patch']
const lockExamples = ['aigate lock', 'aigate lock --check']
const modelListExamples = ['aigate model list']
const modelShowExamples = ['aigate model show support-main']
const modelCheckExamples = ['aigate model check', 'aigate model check support-main']
const recordExamples = ['aigate baseline record', 'aigate baseline record support --reason "new handbook"']
const acceptExamples = [
  'aigate baseline accept latest --reason "agreed in review"',
  'aigate baseline accept latest --add --reason "nightly run"',
]
const verifyExamples = ['aigate baseline verify', 'aigate baseline verify support --json']
const diffExamples = ['aigate baseline diff support', 'aigate baseline diff old.json new.json']
