// aigate merge: the files of all shards become the run that one machine would have made, and its verdict.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { reportOf } from '../../../decide/explain/suite-report.ts'
import { type ShardRun, wholeRun } from '../../../decide/shards/whole-run.ts'
import { counted, dollars } from '../../../decide/words.ts'
import type { Context, Ending, Project } from '../../../ports.ts'
import type { Observation, RunHeader } from '../../../schema/run.ts'
import type { ShardFile } from '../../../schema/shard.ts'
import type { SuiteReport } from '../../../schema/verdict.ts'
import { loadProject } from '../../../store/project.ts'
import { createRun, newRunId } from '../../../store/run-journal.ts'
import { findShards, readShard } from '../../../store/shard-file.ts'
import { parseReporters, requireDestinations, writeReports } from '../../write-reports.ts'
import type { ReportOptions } from '../../options.ts'
import { judgeRun } from '../judge-run.ts'
import { keepBaseline } from '../run-header.ts'
import { type NamedShard, requireWhole } from './fitting.ts'

/** Judges the whole, and keeps it as a run: report, explain and baseline accept take it as any other. */
export async function mergeCommand(
  context: Context,
  files: string[],
  options: ReportOptions & { config?: string },
): Promise<Ending> {
  const wanted = parseReporters(options.reporter)
  await requireDestinations(context, wanted)
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const shards: NamedShard[] = []
  for (const file of await findShards(context.cwd, files)) shards.push({ file, content: await readShard(file) })
  await requireWhole(project.root, shards)
  const [first] = shards
  if (!first) return 'usage'
  const parts = shards.map(({ content }) => content)
  const { folder, id } = runFolder(context, project)
  const suites: SuiteReport[] = []
  const lacking: number[] = []
  const unused: Observation[] = []
  for (const { header } of first.content.suites) {
    const merged = await mergeSuite(parts, header.suite, { folder, id })
    suites.push(merged.report)
    unused.push(...merged.unused)
    if (merged.needed) lacking.push(merged.needed.kind === 'pass' ? merged.needed.trial : 1)
  }
  const { unchanged } = first.content
  const report = { ...reportOf(suites, context.toolVersion), ...(unchanged && { unchanged }) }
  await writeReports(context, report, wanted, project.root)
  sayUnused(context, unused)
  if (lacking.length > 0)
    context.stderr.write(
      `not decided yet: run every shard again with --passes ${Math.max(...lacking)}, and merge again; what is in the cache is not asked twice.\n`,
    )
  return report.outcome
}

function runFolder(context: Context, { root }: Project): { folder: string; id: string } {
  const now = context.now()
  const entropy = createHash('sha256').update(`${now.toISOString()} ${context.monotonic()}`).digest('hex')
  const id = newRunId(now, entropy)
  return { id, folder: join(root, '.aigate', 'runs', id) }
}

async function mergeSuite(
  shards: readonly ShardFile[],
  suite: string,
  { folder, id }: { folder: string; id: string },
): Promise<{ report: SuiteReport } & Pick<ReturnType<typeof wholeRun>, 'needed' | 'unused'>> {
  const own = shards.flatMap((one) =>
    one.suites.flatMap((part) => (part.header.suite === suite ? [{ ...part, shard: one.shard }] : [])),
  )
  const [first] = own
  if (!first) throw new RangeError(`no shard has the suite ${suite}`)
  const { baseline } = first
  const header: RunHeader = {
    ...wholeHeader(first.header),
    id,
    started_at: own.map((one) => one.header.started_at).sort()[0] ?? '',
  }
  const runs: ShardRun[] = own.map(({ shard, cases, observations, stopped }) => ({
    shard,
    cases,
    observations,
    stopped,
  }))
  const { run, needed, unused } = wholeRun(header, baseline, runs, shards.length)
  const journal = await createRun(folder, header)
  await keepBaseline(folder, suite, baseline)
  for (const { case: name, trial, purpose, completion, ...grades } of run.observations) {
    journal.answer({ case: name, trial, purpose, completion })
    journal.score({ case: name, trial, purpose, ...grades })
  }
  await journal.end({ complete: run.complete && needed === null, stopped: run.stopped })
  const against = { baseline, file: header.compared_with?.file ?? '' }
  return { report: judgeRun({ run, file: journal.file }, against, header.policy), needed, unused }
}

/** The header of the run that the shards are parts of. */
function wholeHeader({ shard: _shard, invocation: _invocation, ...header }: RunHeader): RunHeader {
  return header
}

/** What was paid for and enters no verdict, because the whole was decided before. */
function sayUnused(context: Context, unused: readonly Observation[]): void {
  const asked = unused.filter(({ completion }) => !completion.replayed)
  if (asked.length === 0) return
  const cost = asked.reduce((sum, { completion }) => sum + (completion.cost_usd ?? 0), 0)
  context.stderr.write(
    `${counted(asked.length, 'answer')} of further passes ${asked.length === 1 ? 'was' : 'were'} not needed${cost > 0 ? ` (about ${dollars(cost)})` : ''}: --passes asks fewer.\n`,
  )
}
