// One look of a source of events: what was known before, new events, what is known afterwards.
import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { SourceRequest } from '../ports.ts'
import type { Reading } from '../schema/rollout-journal.ts'
import { Json } from '../schema/values.ts'
import { AigateError } from '../errors.ts'
import { noFields } from './asked-fields.ts'
import { finishCounting, intervalOf, startCounting, type Counting, type Known } from './counting.ts'
import type { Mapping } from './events.ts'
import { loadTables, saveTables } from './known-file.ts'

const FORMAT = 1
const Cursor = z.strictObject({
  version: z.literal(FORMAT),
  /** What the numbers of the tables mean: they are worth nothing for other metrics. */
  meaning: z.string(),
  closed: z.number().nullable(),
  newest: z.number().nullable(),
  histograms: z.record(z.string(), z.record(z.string(), z.number())),
  models: z.array(z.string()),
  /** Absent in cursors of before. */
  fields: z
    .strictObject({ had: z.array(z.string()), said: z.array(z.string()), requests: z.number(), labels: z.number() })
    .optional(),
  tables: z.strictObject({ file: z.string(), checksum: z.string() }),
  place: Json,
})
type Cursor = z.infer<typeof Cursor>

/** Reads what is new from `place` on (null: from the start) and gives the place where the next look goes on. */
type Feed = (counting: Counting, place: Json) => Promise<Json>

/**
 * A look: loads what is known, lets `feed` add the new events, closes what can be closed and saves. Where what is known
 * was lost, everything is read again, and only blocks that were not returned before come back.
 */
export async function lookAt(request: SourceRequest, mapping: Mapping, feed: Feed): Promise<Reading> {
  const meaning = meaningOf(request, mapping)
  const cursor = request.cursor === null ? undefined : readCursor(request.cursor)
  const known = cursor?.meaning === meaning ? await knownBefore(request, cursor) : undefined
  const counting = startCounting(request, mapping, known)
  if (cursor && !known)
    counting.notes.add(
      cursor.meaning === meaning
        ? 'The table of units is lost or damaged: everything that is still there was read again.'
        : 'What is measured was changed: everything that is still there was read again.',
    )
  const place = await feed(counting, known && cursor ? cursor.place : null)
  const reading = finishCounting(counting)
  const { closed, newest, histograms, models, fields, ...tables } = counting.known
  const saved = await saveTables(request.folder, tables, cursor?.tables).catch((error: unknown) => {
    if (!(error instanceof AigateError)) throw error
    return error.message
  })
  // A disk that is full must not hide a bad candidate: what is new is told all the same, and read again by the next look.
  if (typeof saved === 'string')
    return {
      ...reading,
      notes: [...reading.notes, `${saved.trimEnd()} The next look reads this again.`],
      cursor: request.cursor,
    }
  const next = {
    version: FORMAT,
    meaning,
    closed,
    newest,
    histograms,
    models,
    fields,
    tables: saved,
    place,
  } satisfies Cursor
  return { ...reading, cursor: next }
}

function readCursor(written: Json): Cursor {
  const version = z.looseObject({ version: z.number() }).safeParse(written).data?.version ?? FORMAT
  if (version > FORMAT) throw new AigateError('newer_file', { kind: 'a cursor of a log', version, known: FORMAT })
  const read = Cursor.safeParse(written)
  if (read.success) return read.data
  const problem = 'the cursor of the last look is none of this source'
  throw new AigateError('source_failed', { problem, mend: 'Was `source` changed? Start the rollout anew.' })
}

async function knownBefore(request: SourceRequest, cursor: Cursor): Promise<Known | undefined> {
  const tables = await loadTables(request.folder, cursor.tables)
  if (tables === undefined) return undefined
  const { newest, histograms, models, fields = noFields() } = cursor
  // What a clock that ran days ahead has closed is open again: it goes on behind the blocks that were returned.
  const closed = cursor.closed !== null && cursor.closed > request.until ? request.closed : cursor.closed
  return {
    closed,
    newest,
    histograms: structuredClone(histograms),
    models: [...models],
    fields: structuredClone(fields),
    ...tables,
  }
}

function meaningOf({ plan, since }: SourceRequest, mapping: Mapping): string {
  const { metrics, assignment, segments, rollout, source } = plan
  const means = Object.entries(metrics).map(([name, metric]) => {
    const { margin: _, role: _role, weight: _weight, judged: _judged, ...read } = { ...metric }
    // Tables of before know no values of units.
    const each = assignment.unit !== 'request' && ('mean' in metric || metric.judged !== undefined)
    return [name, read, ...(each ? ['by unit'] : [])]
  })
  const text = JSON.stringify([means, assignment.unit, segments, rollout, source.arm, mapping, since, intervalOf(plan)])
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
