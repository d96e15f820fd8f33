// Single cases: flaky ones, and new ones from production.
import { Option } from 'commander'
import type { Context } from '../ports.ts'
import { parseCount } from './arguments.ts'
import type { Verbs } from './verbs.ts'

/** `aigate cases …`. */
export function caseVerbs(context: Context, { program, verb, end }: Verbs): void {
  const cases = program.command('cases').description('Flaky cases: find them, take them out of the verdict for a while')
  verb('flaky [suite...]', 'List the cases that pass and fail under one configuration', flakyExamples, cases)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((suites: string[], options) =>
      end(import('../commands/cases.ts').then(({ flakyCommand }) => flakyCommand(context, suites, options))),
    )
  verb('history <suite> <case>', 'Show the trials of a case across runs', historyExamples, cases)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((suite: string, id: string, options) =>
      end(import('../commands/cases.ts').then(({ historyCommand }) => historyCommand(context, suite, id, options))),
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
        import('../commands/cases.ts').then(({ quarantineCommand }) => quarantineCommand(context, suite, id, options)),
      ),
    )
  verb('release <suite> <case>', 'Take a case out of the quarantine list', releaseExamples, cases)
    .option('--config <file>', 'configuration file')
    .option('--json', 'as data')
    .action((suite: string, id: string, options) =>
      end(import('../commands/cases.ts').then(({ releaseCommand }) => releaseCommand(context, suite, id, options))),
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
      end(import('../commands/guard/cases-add.ts').then((verbs) => verbs.casesAddCommand(context, name, options))),
    )
}

const flakyExamples = ['aigate cases flaky', 'aigate cases flaky support --json']
const historyExamples = ['aigate cases history support account_01']
const quarantineExamples = [
  'aigate cases quarantine support account_01 --owner Ada --reason "search index is rebuilt" --until 14d',
]
const releaseExamples = ['aigate cases release support account_01']
const casesAddExamples = [
  'aigate cases add --from journal support-1.3 --suite support',
  'aigate cases add --from events "logs/*.jsonl" --suite support --field question=input',
  'aigate cases add --accept --suite support',
]
