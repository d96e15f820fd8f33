// Source of JSON lines in files: globs, rotated and packed files, several writers at once, or stdin.
import { resolve } from 'node:path'
import * as z from 'zod'
import { AigateError } from '../errors.ts'
import type { Source, SourceRequest } from '../ports.ts'
import type { SourceConfig } from '../schema/rollout.ts'
import type { Json } from '../schema/values.ts'
import { closeUntil, keepAnswers, type Counting } from './counting.ts'
import { addLines, addText, itself, type Unpack } from './lines.ts'
import { newRoom, openChunks, type Chunks } from './log-chunks.ts'
import { FileMark, logFiles, markOf, type LogFile } from './log-files.ts'
import { lookAt } from './look.ts'
import { stdinLines } from './stdin.ts'
import type { World } from './world.ts'

type FileConfig = Extract<SourceConfig, { type: 'jsonl' | 'otlp' }>

const Place = z.strictObject({ files: z.array(FileMark) })

/** Events of log files, one JSON object a line. `-` is stdin. */
export function jsonlSource(config: FileConfig, world: World, unpack: Unpack = itself): Source {
  const paths = [config.path].flat()
  const patterns = paths.filter((path) => path !== '-').map((path) => inside(world.root, path))
  const lines = paths.includes('-') ? stdinLines() : undefined
  const feed = async (counting: Counting, place: Json): Promise<Json> => {
    const marks = Place.safeParse(place).data?.files ?? []
    const note = (text: string) => void counting.notes.add(text)
    const files = await logFiles(patterns, marks, note)
    if (files.length === 0 && lines === undefined && marks.length === 0)
      note(`There is no file ${paths.join(', ')} yet.`)
    const read = await readFiles(counting, files, unpack).catch((error: unknown) => {
      throw unreadable(error)
    })
    if (lines) keepAnswers(counting)
    if (lines) await lines((text) => addText(counting, text, unpack), counting.request.signal)
    // Through JSON, in which an absent key and an undefined one are the same.
    return JSON.parse(JSON.stringify({ files: read })) as Json
  }
  return { read: (request: SourceRequest) => lookAt(request, config.mapping, feed) }
}

/** Globs have forward slashes on every system; `..` and absolute paths are the user's own. */
function inside(root: string, path: string): string {
  return resolve(root, path).replaceAll('\\', '/')
}

function unreadable(error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && 'path' in error)) return error
  const problem = `${String(error.path)} cannot be read (${String(error.code)})`
  return new AigateError('source_failed', { problem, mend: 'Check the path and its permissions.' })
}

type Reader = { file: LogFile; chunks: Chunks; newest: number }

/**
 * Reads all files side by side, always on where time is least: then events of several writers come nearly in order, and
 * minutes can be closed while the rest is still unread, however long the logs are.
 */
async function readFiles(counting: Counting, files: readonly LogFile[], unpack: Unpack): Promise<FileMark[]> {
  const room = newRoom()
  const cut = (text: string) => void counting.notes.add(text)
  const marks = files.flatMap(({ unchanged }) => (unchanged ? [unchanged] : []))
  const open: Reader[] = []
  try {
    for (const file of files) {
      if (file.unchanged) continue
      open.push({ file, chunks: await openChunks(file, room, cut), newest: Number.NEGATIVE_INFINITY })
    }
    while (open.length > 0) {
      counting.request.signal.throwIfAborted()
      const reader = open.reduce((a, b) => (b.newest < a.newest ? b : a))
      const bytes = await reader.chunks.next()
      if (bytes === null) {
        open.splice(open.indexOf(reader), 1)
        await reader.chunks.close()
        marks.push(await markOf(reader.file, reader.chunks.offset(), reader.chunks.ended()))
        continue
      }
      addLines(counting, bytes, unpack)
      // A time in the future is a clock that runs ahead: it says nothing about what comes next.
      if (counting.last <= counting.request.until) reader.newest = Math.max(reader.newest, counting.last)
      const behind = Math.min(...open.map(({ newest }) => newest))
      closeUntil(counting, behind - counting.request.plan.source.lateness)
    }
  } finally {
    for (const { chunks } of open) await chunks.close()
  }
  return marks.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}
