// aigate merge: the files of all shards become the run that one machine would have made, and its verdict.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { reportOf } from '../../../decide/explain/suite-report.ts'
import { finishedPasses } from '../../../decide/gate/tally.ts'
import { type ShardRun, wholeRun } from '../../../decide/shards/whole-run.ts'
import { counted, dollars } from '../../../decide/words.ts'
import type { Context, Ending, Project } from '../../../ports.ts'
import { mergedJudging } from '../../../decide/judge/merged-judging.ts'
import type { Observation, Run, RunHeader } from '../../../schema/run.ts'
import type { ShardFile } from '../../../schema/shard.ts'
import type { SuiteReport } from '../../../schema/verdict.ts'
import { loadProject } from '../../../store/project.ts'
import { createRun, newRunId } from '../../../store/run-journal.ts'
import { findShards, readShard } from '../../../store/shard-file.ts'
import { parseReporters, requireDestinations, writeReports } from '../../write-reports.ts'
import type { ReportOptions } from '../../options.ts'
import { AGAINST, baselineOf, keptNote, recordedOtherSide } from '../against-record.ts'
import { cellFolder, recordedAttribution } from '../attribution-record.ts'
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

type Part = ShardFile['suites'][number] & { shard: number }

async function mergeSuite(
  shards: readonly ShardFile[],
  suite: string,
  { folder, id }: { folder: string; id: string },
): Promise<{ report: SuiteReport; unused: Observation[] } & Pick<ReturnType<typeof wholeRun>, 'needed'>> {
  const own = shards.flatMap((one) =>
    one.suites.flatMap((part): Part[] => (part.header.suite === suite ? [{ ...part, shard: one.shard }] : [])),
  )
  const [first] = own
  if (!first) throw new RangeError(`no shard has the suite ${suite}`)
  const { baseline } = first
  const kept = keptIn(own)
  const judging = mergedJudging(own.map((one) => one.header.judging))
  const header = { ...wholeHeader(first.header, { id, sides: own, kept }), ...(judging && { judging }) }
  const other = first.against && wholeHeader(first.against.header, { id, sides: sidesIn(own), kept })
  const { against } = header
  const runs: ShardRun[] = own.map(({ against: beside, ...part }) => ({ ...part, other: beside?.observations }))
  const asked = other && against && { cases: other.cases, baseline: baselineMaker(other, against) }
  const { run, needed, unused, other: beside } = wholeRun(header, asked ?? baseline, runs, shards.length)
  const how = { complete: run.complete && needed === null, stopped: run.stopped }
  const file = await writeRecord(folder, run, how)
  await keepBaseline(folder, suite, baseline)
  if (other) await writeRecord(join(folder, AGAINST), { header: other, observations: beside }, how)
  const spare = await mergeCells(folder, own, { run, complete: how.complete })
  const compared = (await recordedOtherSide(run, file)) ?? { baseline, file: header.compared_with?.file ?? '' }
  const found = first.cells ? await recordedAttribution({ run, file }, compared.baseline) : null
  const report = { ...judgeRun({ run, file }, compared, header.policy), ...(found && { attribution: found }) }
  return { report, needed, unused: [...unused, ...spare] }
}

const sidesIn = (parts: readonly Part[]) => parts.flatMap(({ against }) => against ?? [])

const baselineMaker =
  (header: RunHeader, against: NonNullable<RunHeader['against']>) => (observations: Observation[]) =>
    baselineOf({ header, observations, complete: true }, against)

/** Answers of the other side that were there before, of all shards together. */
function keptIn(parts: readonly Part[]): RunHeader['kept'] {
  const all = sidesIn(parts).flatMap(({ header }) => header.kept ?? [])
  const [oldest] = all.map((one) => one.oldest).sort()
  return oldest === undefined ? undefined : { answers: all.reduce((sum, { answers }) => sum + answers, 0), oldest }
}

async function writeRecord(
  folder: string,
  { header, observations }: Pick<Run, 'header' | 'observations'>,
  how: { complete: boolean; stopped?: string | undefined },
): Promise<string> {
  const journal = await createRun(folder, header)
  for (const { case: name, trial, purpose, completion, ...grades } of observations) {
    journal.answer({ case: name, trial, purpose, completion })
    journal.score({ case: name, trial, purpose, ...grades })
  }
  await journal.end(how)
  return journal.file
}

/**
 * The combinations of old and new, each asked as often as the whole asked the candidate: shards may have asked more.
 * @returns what no effect is computed from
 */
async function mergeCells(
  folder: string,
  parts: readonly Part[],
  { run, complete }: { run: Run; complete: boolean },
): Promise<Observation[]> {
  const passes = run.stopped === undefined ? finishedPasses(run.observations, run.header.cases) : 0
  const spare: Observation[] = []
  for (const { name } of parts[0]?.cells ?? []) {
    const sides = parts.flatMap(({ shard, cells = [] }) =>
      cells.filter((cell) => cell.name === name).map((cell) => ({ ...cell, shard })),
    )
    const [first] = sides
    if (!first) continue
    const { id } = run.header
    const header = wholeHeader(first.header, { id: `${id}-${name}`, sides, kept: undefined })
    const all = sides.flatMap(({ observations }) => observations)
    const observations = all.filter(({ trial }) => trial <= passes)
    spare.push(...all.filter(({ trial }) => trial > passes))
    // A shard that was stopped later on asked all that is wanted.
    const lacking = observations.length < passes * header.cases.length
    const because = lacking ? sides.find((side) => side.stopped !== undefined) : undefined
    const stopped = run.stopped ?? (because && `shard ${because.shard} of ${parts.length}: ${because.stopped}`)
    await writeRecord(cellFolder(folder, name), { header, observations }, { complete: complete && !stopped, stopped })
  }
  return spare
}

/** The header of the run that the shards are parts of. */
function wholeHeader(
  { shard: _shard, invocation: _invocation, kept: _kept, ...header }: RunHeader,
  { id, sides, kept }: { id: string; sides: readonly { header: RunHeader }[]; kept: RunHeader['kept'] },
): RunHeader {
  const { against, change_notes: notes = [] } = header
  const said = against && kept ? [...notes, keptNote(kept, against.ref)] : notes
  const started_at = sides.map((one) => one.header.started_at).sort()[0] ?? header.started_at
  return {
    ...header,
    id,
    started_at,
    ...(said.length > 0 && { change_notes: said }),
    ...(!against && kept && { kept }),
  }
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
