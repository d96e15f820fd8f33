// The answers that are kept between runs: look at them, bound them, throw them away.
import type { Command } from 'commander'
import { AigateError } from '../errors.ts'
import type { Context } from '../ports.ts'
import { parseDuration } from './arguments.ts'
import type { Verbs } from './verbs.ts'

/** `aigate cache …`. */
export function cacheVerbs(context: Context, { program, verb, end }: Verbs): void {
  const cache = program.command('cache').description('Answers that are kept between runs: look, bound, throw away')
  const place = (command: Command) =>
    command
      .option('--config <file>', 'configuration file')
      .option('--cache-dir <folder>', 'the cache (default: .aigate/cache, or cache.folder of aigate.yaml)')
  place(verb('stats', 'Say what the cache holds', statsExamples, cache))
    .option('--json', 'as data')
    .action((options) =>
      end(import('../commands/cache.ts').then(({ cacheStatsCommand }) => cacheStatsCommand(context, options))),
    )
  place(verb('show <case>', 'Show the kept answers of a case, or of a key', showExamples, cache))
    .option('--json', 'as data')
    .action((wanted: string, options) =>
      end(import('../commands/cache.ts').then(({ cacheShowCommand }) => cacheShowCommand(context, wanted, options))),
    )
  place(verb('gc', 'Drop what is too old or too much, and join the segments of finished runs', gcExamples, cache))
    .option('--max-mb <n>', 'megabytes to keep (default: cache.max_mb of aigate.yaml)', parseMegabytes)
    .option('--max-age <duration>', 'age to keep (default: cache.max_age of aigate.yaml)', parseDuration)
    .action((options) =>
      end(import('../commands/cache.ts').then(({ cacheGcCommand }) => cacheGcCommand(context, options))),
    )
  place(verb('clear', 'Remove all kept answers that no running process writes', clearExamples, cache)).action(
    (options) =>
      end(import('../commands/cache.ts').then(({ cacheClearCommand }) => cacheClearCommand(context, options))),
  )
}

function parseMegabytes(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && Number.isFinite(value)) return value
  throw new AigateError('usage', { problem: `"${text}" is no number of megabytes.`, mend: 'Write --max-mb 100.' })
}

const statsExamples = ['aigate cache stats', 'aigate cache stats --json']
const showExamples = ['aigate cache show tc_001', 'aigate cache show 3f9a01c4']
const gcExamples = ['aigate cache gc', 'aigate cache gc --max-mb 100 --max-age 3d']
const clearExamples = ['aigate cache clear']
