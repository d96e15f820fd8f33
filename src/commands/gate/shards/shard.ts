// eval --shard: which cases this machine asks, how far, and the file in which it hands them on.
import { rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { shardNext } from '../../../decide/shards/shard-ladder.ts'
import { type Load, splitCases } from '../../../decide/shards/split-cases.ts'
import { counted } from '../../../decide/words.ts'
import { AigateError } from '../../../errors.ts'
import type { Context, Ending, LoadedSuite } from '../../../ports.ts'
import { contentHash } from '../../../content-hash.ts'
import type { Baseline } from '../../../schema/baseline.ts'
import type { Observation, RunHeader } from '../../../schema/run.ts'
import type { ShardFile, Side } from '../../../schema/shard.ts'
import type { Unchanged } from '../../../schema/verdict.ts'
import { readBaseline } from '../../../store/baseline-file.ts'
import { readReport } from '../../../store/report-file.ts'
import { recordOf } from '../../../store/run-resume.ts'
import { readRun } from '../../../store/run-journal.ts'
import { requireWritable } from '../../../store/write-text.ts'
import { shardFileName, writeShard } from '../../../store/shard-file.ts'
import { AGAINST } from '../against-record.ts'
import { cellFolder, cellsIn } from '../attribution-record.ts'
import type { Session } from '../session.ts'

/** One of several machines. `cases`: what it asks, by suite. */
export type Shard = {
  shard: number
  of: number
  split: string
  cases: ReadonlyMap<string, ReadonlySet<string>>
  /** Passes that it asks; undefined: as many as the ladder of each suite may need. */
  passes: number | undefined
}
type ShardOptions = {
  shard?: string
  passes?: number
  durations?: string
  shardFile?: string
  reporter?: string
}

const MOST_SHARDS = 1000
const usage = (problem: string, mend: string) => new AigateError('usage', { problem, mend })

/** Reads `2/8`; undefined where no shard is asked for. @throws AigateError `usage` also for what shards cannot do */
export function parseShard(options: ShardOptions): { shard: number; of: number } | undefined {
  const { shard: text, passes, durations, shardFile, reporter } = options
  if (text === undefined) {
    const lone =
      passes !== undefined ? '--passes' : durations !== undefined ? '--durations' : shardFile && '--shard-file'
    if (lone) throw usage(`${lone} is for shards.`, 'Name the shard too: --shard 2/8.')
    return undefined
  }
  const [, first = '', second = ''] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []
  const [shard, of] = [Number(first), Number(second)]
  if (!(shard >= 1 && shard <= of && of <= MOST_SHARDS))
    throw usage(`"${text}" is no shard.`, `Write --shard 2/8: the second of eight, of at most ${MOST_SHARDS}.`)
  if (reporter !== undefined && reporter !== 'table')
    throw usage('A shard has no verdict that could be reported.', 'Give --reporter to `aigate merge`.')
  return { shard, of }
}

/**
 * Splits the cases of all suites by how long one answer took: in the report that --durations names, else in the baseline
 * that they are compared with. Both are the same for every shard, which what lies in the cache of a machine is not.
 */
export async function openShard(
  context: Context,
  { shard, of }: { shard: number; of: number },
  suites: readonly LoadedSuite[],
  baselines: readonly ({ baseline: Baseline | null } | undefined)[],
  { passes, durations }: ShardOptions,
): Promise<Shard> {
  const report = durations === undefined ? null : await readReport(at(context, durations))
  const loads = suites.flatMap(({ suite: { suite }, cases }, i): Load[] => {
    const known = report
      ? new Map(report.suites.find((one) => one.suite === suite)?.cases.map(({ id, latency_ms }) => [id, latency_ms]))
      : new Map(baselines[i]?.baseline?.cases.map(({ id, latencies_ms }) => [id, mean(latencies_ms)]))
    return cases.map(({ info: { id } }) => ({ suite, id, ms: known.get(id) ?? null }))
  })
  const shares = splitCases(loads, of)
  const own = shares.filter((one) => one.shard === shard)
  return {
    shard,
    of,
    split: contentHash(shares.map((one) => [one.suite, one.id, one.shard])),
    cases: new Map(
      suites.map(({ suite: { suite } }) => [
        suite,
        new Set(own.filter((one) => one.suite === suite).map(({ id }) => id)),
      ]),
    ),
    passes,
  }
}

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length

const at = (context: Context, file: string): string => (isAbsolute(file) ? file : join(context.cwd, file))

/** The cases of a suite that are asked here. */
export function ownCases(shard: Shard | undefined, { suite: { suite }, cases }: LoadedSuite): LoadedSuite['cases'] {
  return shard ? cases.filter(({ info: { id } }) => shard.cases.get(suite)?.has(id)) : cases
}

/** What the record of a suite says of the shard. */
export function shardOfHeader(shard: Shard | undefined, suite: LoadedSuite): Pick<RunHeader, 'shard'> {
  if (!shard) return {}
  const cases = ownCases(shard, suite).map(({ info: { id } }) => id)
  return { shard: { shard: shard.shard, of: shard.of, split: shard.split, cases } }
}

/** What a shard asks after its pass number `asked`. */
export function nextOfShard(
  { passes }: Shard,
  {
    header,
    observations,
    asked,
    baseline,
  }: { header: RunHeader; observations: readonly Observation[]; asked: number; baseline: Baseline | null },
) {
  const own = new Set(header.shard?.cases)
  const { quarantined } = header
  const { min, max } = header.trials
  const cases = header.cases.filter(({ id }) => own.has(id))
  return shardNext({ cases, observations, baseline, quarantined, asked, min, passes: Math.min(max, passes ?? max) })
}

/** The file of a shard, absolute; whether it can be written is found out before anything is paid for. */
export async function shardFileOf(
  context: Context,
  { shard, of }: { shard: number; of: number },
  { shardFile }: ShardOptions,
): Promise<string> {
  const file = at(context, shardFile ?? shardFileName(shard, of))
  await requireWritable(file)
  return file
}

/** Takes away what an earlier run wrote: a run that dies must not be taken for that. */
export const clearShard = (file: string | undefined): Promise<void> =>
  file === undefined ? Promise.resolve() : rm(file, { force: true })

/** Hands on what stands in the records of this shard, says so, and ends with `invalid` when not everything was asked. */
export async function finishShard(
  { context, folder, shard, suites }: Session & { shard: Shard },
  file: string,
  unchanged: readonly Unchanged[] | undefined,
): Promise<Ending> {
  const parts = []
  for (const suite of suites) {
    const part = await partOf(folder, suite)
    if (part) parts.push(part)
  }
  const { shard: nth, of, split } = shard
  if (parts.length < suites.length) {
    context.stderr.write(`${file} is not written: not every suite was begun.\n`)
    return 'invalid'
  }
  const head = { aigate: 'shard', version: 1, shard: nth, of, split } as const
  await writeShard(file, { ...head, suites: parts, ...(unchanged && { unchanged: [...unchanged] }) })
  const cases = parts.reduce((sum, one) => sum + one.cases.length, 0)
  const sides = parts.flatMap((one) => [one, ...(one.against ? [one.against] : []), ...(one.cells ?? [])])
  const answers = sides.reduce((sum, one) => sum + one.observations.length, 0)
  const stopped = sides.find((one) => one.stopped !== undefined)?.stopped
  context.stdout.write(
    `shard ${nth} of ${of}: ${counted(cases, 'case')}, ${counted(answers, 'answer')}${stopped === undefined ? '' : `, stopped: ${stopped}`}\nwritten to ${file}; the verdict on the whole: aigate merge shard-*.json\n`,
  )
  return stopped === undefined ? 'pass' : 'invalid'
}

/** What this shard has of a suite, with everything that was asked besides; undefined: it was not begun. */
async function partOf(folder: string, suite: string): Promise<ShardFile['suites'][number] | undefined> {
  const own = await sideOf(folder, suite)
  if (!own) return undefined
  const copy = own.header.compared_with?.copy
  const baseline = copy === undefined ? null : await readBaseline(join(folder, copy), suite)
  const against = own.header.against && (await sideOf(join(folder, AGAINST), suite))
  const cells = []
  for (const name of await cellsIn(folder)) {
    const cell = await sideOf(cellFolder(folder, name), suite)
    if (cell) cells.push({ name, ...cell })
  }
  const { cases = [] } = own.header.shard ?? {}
  return { ...own, baseline, cases, ...(against && { against }), ...(cells.length > 0 && { cells }) }
}

async function sideOf(folder: string, suite: string): Promise<Side | undefined> {
  const found = await recordOf(folder, suite)
  if (!found) return undefined
  const { header, observations, stopped } = await readRun(found.file)
  return { header, observations, ...(stopped !== undefined && { stopped }) }
}
