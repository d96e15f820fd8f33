// Reads the log of an experiment from its beginning to the end of a span, every time anew: a verdict hangs on nothing but the log.
import { resolve } from 'node:path'
import { AigateError } from '../../errors.ts'
import type { ExperimentPlan } from '../../schema/experiment.ts'
import type { ExperimentSummary } from '../../schema/experiment-summary.ts'
import type { SourceConfig } from '../../schema/rollout.ts'
import { foldUnits, type Span, type UnitFold } from './experiment-units.ts'
import { itself, objectIn, type Unpack } from '../lines.ts'
import { type Chunks, newRoom, openChunks } from '../log-chunks.ts'
import { logFiles } from '../log-files.ts'
import type { World } from '../world.ts'

const NO_UNITS = 'does not say which unit an event is of'

/** Why the log of an experiment could never be read from this source; undefined: it can. */
export function experimentSourceProblem(
  source: SourceConfig,
): { at: string; problem: string; mend: string } | undefined {
  if (source.type === 'prometheus' || source.type === 'sql') {
    const problem = `An experiment follows units over their whole time, and a source of type ${source.type} ${NO_UNITS}.`
    return {
      at: 'type',
      problem,
      mend: 'Let the source be a log, or a program that prints one: type jsonl, otlp or command.',
    }
  }
  if (source.type === 'command' || ![source.path].flat().includes('-')) return undefined
  const problem = 'The log of an experiment is read again at every look, and stdin can be read only once.'
  return { at: 'path', problem, mend: 'Write the events to a file and name it in source.path.' }
}

/**
 * The summary of an experiment over a span. Throws AigateError `source_failed` where the log cannot be read, `usage` for a source
 * that knows no units.
 */
export async function readExperiment(
  plan: ExperimentPlan,
  world: World,
  span: Span,
  signal: AbortSignal,
): Promise<ExperimentSummary> {
  const { source } = plan
  const wrong = experimentSourceProblem(source)
  if (wrong || source.type === 'prometheus' || source.type === 'sql')
    throw new AigateError('usage', { problem: wrong?.problem ?? NO_UNITS, mend: wrong?.mend ?? '' })
  const fold = foldUnits(plan, source.mapping, span)
  if (source.type === 'command') {
    const { runForSpan } = await import('../command.ts')
    const times = { since: new Date(span.since).toISOString(), until: new Date(span.until).toISOString() }
    await runForSpan(source, world, { span: times, signal }, (text) => addLines(text, fold, itself))
    return fold.finish()
  }
  const paths = [source.path].flat()
  const unpack = source.type === 'otlp' ? (await import('../otlp.ts')).unpackOtlp : itself
  try {
    await readFiles({ paths, fold, unpack, signal }, world)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'path' in error)) throw error
    const problem = `${String(error.path)} cannot be read (${String(error.code)})`
    throw new AigateError('source_failed', { problem, mend: 'Check the path and its permissions.' })
  }
  return fold.finish()
}

type Reading = { paths: string[]; fold: UnitFold; unpack: Unpack; signal: AbortSignal }
type Reader = { chunks: Chunks; newest: number }

/** All files side by side, always on where time is least, so that labels come soon after their answers. */
async function readFiles({ paths, fold, unpack, signal }: Reading, { root }: World): Promise<void> {
  const patterns = paths.map((path) => resolve(root, path).replaceAll('\\', '/'))
  const files = await logFiles(patterns, [], fold.note)
  if (files.length === 0) {
    const problem = `there is no file ${paths.join(', ')}`
    throw new AigateError('source_failed', { problem, mend: 'Let the application log its events there first.' })
  }
  const room = newRoom()
  const open: Reader[] = []
  try {
    for (const file of files) open.push({ chunks: await openChunks(file, room, fold.note), newest: -Infinity })
    while (open.length > 0) {
      signal.throwIfAborted()
      const reader = open.reduce((a, b) => (b.newest < a.newest ? b : a))
      const bytes = await reader.chunks.next()
      if (bytes === null) {
        open.splice(open.indexOf(reader), 1)
        await reader.chunks.close()
        continue
      }
      addLines(bytes.toString('utf8'), fold, unpack)
      reader.newest = Math.max(reader.newest, fold.last() || reader.newest)
    }
  } finally {
    for (const { chunks } of open) await chunks.close()
  }
}

function addLines(text: string, fold: UnitFold, unpack: Unpack): void {
  for (const line of text.split('\n')) {
    const value = objectIn(line)
    const events = value && unpack(value)
    if (events) for (const event of events) fold.add(event)
    else if (line.trim() !== '') fold.addUnreadable()
  }
}
