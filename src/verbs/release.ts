// The ledger of releases.
import { Option } from 'commander'
import type { Context } from '../ports.ts'
import { limited, parseCount, parseSeed } from './arguments.ts'
import type { Verbs } from './verbs.ts'

/** `aigate release …`: what runs together. */
export function releaseVerbs(context: Context, { program, verb, end }: Verbs): void {
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
      end(import('../commands/versions/release.ts').then((verbs) => verbs.recordReleaseCommand(context, options))),
    )
  releaseVerb('list', 'List the releases, the newest first', [
    'aigate release list',
    'aigate release list --env staging',
  ])
    .option('--env <name>', 'only this environment')
    .action((options) =>
      end(import('../commands/versions/release.ts').then((verbs) => verbs.listReleasesCommand(context, options))),
    )
  releaseVerb('show <release>', 'Show a release', ['aigate release show 2026-11-21.1', 'aigate release show current'])
    .addOption(environment())
    .action((ref: string, options) =>
      end(import('../commands/versions/release.ts').then((verbs) => verbs.showReleaseCommand(context, ref, options))),
    )
  releaseVerb('current', 'Show what runs now', ['aigate release current', 'aigate release current --env staging'])
    .addOption(environment())
    .action((options) =>
      end(
        import('../commands/versions/release.ts').then((verbs) =>
          verbs.showReleaseCommand(context, 'current', options),
        ),
      ),
    )
  releaseVerb('verify', 'Check every byte of the ledger', releaseVerifyExamples)
    .option('--head <hash>', 'a hash that was noted before: its record must still be there')
    .action((options) =>
      end(import('../commands/versions/release.ts').then((verbs) => verbs.verifyCommand(context, options))),
    )
  releaseVerb('diff <before> <after>', 'Say what differs between two releases', releaseDiffExamples)
    .addOption(environment())
    .action((before: string, after: string, options) =>
      end(
        import('../commands/versions/release.ts').then((verbs) =>
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
        import('../commands/versions/release.ts').then((verbs) =>
          verbs.releaseStatusCommand(context, component, options),
        ),
      ),
    )
  releaseVerb('check', 'Is everything that a rollback needs still there?', releaseCheckExamples)
    .addOption(environment())
    .option('--to <release>', 'go back to this one (default: the last that passed before the current one)')
    .action((options) =>
      end(import('../commands/versions/release-check.ts').then((verbs) => verbs.releaseCheckCommand(context, options))),
    )
  limited(releaseVerb('bisect <good> <bad>', 'Find the release that broke a case', releaseBisectExamples))
    .addOption(environment())
    .requiredOption('--case <id>', 'the case')
    .option('--suite <name>', 'its suite, where several have such a case')
    .option('--trials <n>', 'most trials of a release, an odd number: the majority counts', parseCount, 5)
    .option('--seed <n>', 'of the jitter', parseSeed)
    .option('--record', 'ask for real, and keep the answers as recordings')
    .option('--offline', 'answers from the recordings only')
    .action((good: string, bad: string, options) =>
      end(
        import('../commands/versions/release-bisect.ts').then((verbs) =>
          verbs.bisectCommand(context, [good, bad], options),
        ),
      ),
    )
}

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
