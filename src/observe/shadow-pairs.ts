// Reads the pairs of a shadow: events aigate.shadow.pair, and recorded outputs of both sides, from JSON lines.
import { resolve } from 'node:path'
import { AigateError } from '../errors.ts'
import { RecordedOutput, ShadowPair, type ShadowPlan } from '../schema/shadow.ts'
import { type Fields, fieldsOf, type RawEvent, timeOf } from './events.ts'
import { objectIn } from './lines.ts'
import { newRoom, openChunks } from './log-chunks.ts'
import { logFiles } from './log-files.ts'

export const PAIR_EVENT = 'aigate.shadow.pair'
export type PairsRead = { pairs: ShadowPair[]; unreadable: number; duplicates: number; notes: string[] }
export type OutputsRead = {
  outputs: Map<string, RecordedOutput>
  unreadable: number
  duplicates: number
  notes: string[]
}

/** Every line of the files that the paths name (globs, .gz too), the oldest file first. Throws AigateError `source_failed`. */
async function eachLine(
  root: string,
  paths: string | readonly string[],
  signal: AbortSignal,
  take: (line: string) => void,
): Promise<string[]> {
  const notes = new Set<string>()
  const patterns = [paths].flat().map((path) => resolve(root, path).replaceAll('\\', '/'))
  try {
    const files = await logFiles(patterns, [], (text) => void notes.add(text))
    if (files.length === 0) throw missing([paths].flat().join(', '), 'no such file')
    const room = newRoom()
    for (const file of files) {
      const chunks = await openChunks(file, room, (text) => void notes.add(text))
      try {
        for (let bytes = await chunks.next(); bytes !== null; bytes = await chunks.next()) {
          signal.throwIfAborted()
          for (const line of bytes.toString('utf8').split('\n')) if (line.trim() !== '') take(line)
        }
      } finally {
        await chunks.close()
      }
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'path' in error)) throw error
    throw missing(String(error.path), String(error.code))
  }
  return [...notes]
}

const missing = (path: string, why: string) =>
  new AigateError('source_failed', {
    problem: `${path} cannot be read (${why})`,
    mend: 'Check the path and its permissions.',
  })

const NUMBERS = {
  'aigate.similarity': 'similarity',
  'aigate.delta_ms': 'delta_ms',
  'aigate.baseline_ms': 'baseline_ms',
  'aigate.delta_cost_usd': 'delta_cost_usd',
  'aigate.baseline_cost_usd': 'baseline_cost_usd',
  'aigate.delta_confidence': 'delta_confidence',
} as const

type Reader = (event: RawEvent) => ShadowPair | undefined
const known = (value: unknown) => value !== undefined && value !== null

/** Reads one event as a pair; undefined: a value in it is none that it can be, such as a similarity of 3. */
function pairReader(field: Fields): Reader {
  const numbers = Object.entries(NUMBERS).map(([theirs, ours]) => ({ ours, read: field(theirs) }))
  const failures = (['baseline', 'candidate'] as const).map((side) => ({ side, read: field(`aigate.${side}_error`) }))
  const ids = ['aigate.pair.id', 'gen_ai.response.id', 'trace_id'].map((name) => field(name))
  const [winner, ts] = [field('aigate.winner'), field('ts')]
  return (event) => {
    const raw: Record<string, unknown> = {}
    for (const { ours, read } of numbers) {
      const value = read(event)
      if (known(value)) raw[ours] = typeof value === 'string' ? Number(value) : value
    }
    if (known(winner(event))) raw['winner'] = winner(event)
    for (const { side, read } of failures) {
      const failed = read(event)
      // Null says "no error"; a field that is not there says nothing.
      if (failed !== undefined) raw[`${side}_error`] = failed !== null && failed !== false && failed !== ''
    }
    const id = ids.map((read) => read(event)).find(known)
    if (typeof id === 'string' || typeof id === 'number') raw['id'] = `${id}`
    const at = timeOf(ts(event))
    if (!Number.isNaN(at)) raw['at'] = at
    return ShadowPair.safeParse(raw).data
  }
}

/** The pairs of the event log of a plan, those of its rollout and since `since` (milliseconds since 1970); a pair with an id counts once. */
export async function readPairs(
  plan: ShadowPlan,
  { root, since, signal }: { root: string; since: number | null; signal: AbortSignal },
): Promise<PairsRead> {
  const read: PairsRead = { pairs: [], unreadable: 0, duplicates: 0, notes: [] }
  if (!plan.pairs) return read
  const field = fieldsOf(plan.pairs.mapping)
  const [name, rollout] = [field('event.name'), field('aigate.rollout')]
  const pairOf = pairReader(field)
  const seen = new Set<string>()
  read.notes = await eachLine(root, plan.pairs.path, signal, (line) => {
    const event = objectIn(line)
    if (event && name(event) !== PAIR_EVENT) return
    if (event && plan.rollout !== undefined && rollout(event) !== plan.rollout) return
    const pair = event && pairOf(event)
    if (pair === undefined) read.unreadable += 1
    else if (since !== null && !(pair.at !== undefined && pair.at >= since)) return
    else if (pair.id !== undefined && seen.has(pair.id)) read.duplicates += 1
    else {
      if (pair.id !== undefined) seen.add(pair.id)
      read.pairs.push(pair)
    }
  })
  return read
}

/** Recorded outputs of one side by request id; the first of an id counts. */
export async function readOutputs(
  paths: string | readonly string[],
  { root, signal }: { root: string; signal: AbortSignal },
): Promise<OutputsRead> {
  const read: OutputsRead = { outputs: new Map(), unreadable: 0, duplicates: 0, notes: [] }
  read.notes = await eachLine(root, paths, signal, (line) => {
    const event = objectIn(line)
    const one = RecordedOutput.safeParse(event && { ...event, id: event['id'] ?? event['request_id'] }).data
    if (one === undefined) read.unreadable += 1
    else if (read.outputs.has(String(one.id))) read.duplicates += 1
    else read.outputs.set(String(one.id), one)
  })
  return read
}

/** The time of a record; undefined where it has none. */
export function recordedAt({ ts }: RecordedOutput): number | undefined {
  const at = timeOf(ts)
  return Number.isNaN(at) ? undefined : at
}
