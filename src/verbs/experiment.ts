// Variants side by side.
import { type Command, Option } from 'commander'
import type { Context } from '../ports.ts'
import { parseCount } from './arguments.ts'
import type { Verbs } from './verbs.ts'

/** `aigate experiment …`. */
export function experimentVerbs(context: Context, { program, verb, end }: Verbs): void {
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
        import('../commands/guard/experiment.ts').then((verbs) => verbs.experimentPlanCommand(context, name, options)),
      ),
    )
  looking(experimentVerb('report [experiment]', 'Show what came out, for people', experimentReportExamples))
    .addOption(new Option('--markdown', 'as Markdown').conflicts('json'))
    .action((name: string | undefined, options) =>
      end(
        import('../commands/guard/experiment.ts').then((verbs) =>
          verbs.experimentReportCommand(context, name, options),
        ),
      ),
    )
  looking(
    experimentVerb('verdict [experiment]', 'Decide: may a variant be shipped?', experimentVerdictExamples),
  ).action((name: string | undefined, options) =>
    end(
      import('../commands/guard/experiment.ts').then((verbs) => verbs.experimentVerdictCommand(context, name, options)),
    ),
  )
  experimentVerb('flags [experiment]', 'Print the flagd file that assigns the variants', [
    'aigate experiment flags short-answers > deploy/short-answers.flags.json',
  ]).action((name: string | undefined, options) =>
    end(
      import('../commands/guard/experiment.ts').then((verbs) => verbs.experimentFlagsCommand(context, name, options)),
    ),
  )
}

const experimentPlanExamples = ['aigate experiment plan short-answers', 'aigate experiment plan --days 14 --json']
const experimentReportExamples = [
  'aigate experiment report short-answers',
  'aigate experiment report --peek --markdown',
]
const experimentVerdictExamples = ['aigate experiment verdict short-answers', 'aigate experiment verdict --json']
