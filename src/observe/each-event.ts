// Every event of a log, one after the other, as it was written: for those who need an event itself and not its count.
import { resolve } from 'node:path'
import { AigateError } from '../errors.ts'
import type { SourceConfig } from '../schema/rollout.ts'
import type { RawEvent } from './events.ts'
import { itself, objectIn } from './lines.ts'
import { newRoom, openChunks } from './log-chunks.ts'
import { logFiles } from './log-files.ts'
import type { World } from './world.ts'

/**
 * The events of a source of files. Throws AigateError `usage` for a source that holds no files, `source_failed` where
 * there is none or it cannot be read.
 */
export async function* eachEvent(source: SourceConfig, world: World, signal: AbortSignal): AsyncGenerator<RawEvent> {
  if (source.type !== 'jsonl' && source.type !== 'otlp') {
    const problem = `A source of type ${source.type} gives counts, not events.`
    throw new AigateError('usage', { problem, mend: 'Export its events as JSON lines, and use --from events.' })
  }
  const unpack = source.type === 'otlp' ? (await import('./otlp.ts')).unpackOtlp : itself
  const paths = [source.path].flat().filter((path) => path !== '-')
  const patterns = paths.map((path) => resolve(world.root, path).replaceAll('\\', '/'))
  const files = await logFiles(patterns, [], () => undefined)
  if (files.length === 0) {
    const problem = `there is no file ${paths.join(', ') || '(stdin can be read only once)'}`
    throw new AigateError('source_failed', { problem, mend: 'Name the log with the events.' })
  }
  const room = newRoom()
  for (const file of files) {
    const chunks = await openChunks(file, room, () => undefined)
    try {
      for (let bytes = await chunks.next(); bytes !== null; bytes = await chunks.next()) {
        signal.throwIfAborted()
        for (const line of bytes.toString('utf8').split('\n')) {
          const value = objectIn(line)
          const events = value && unpack(value)
          if (events) yield* events
        }
      }
    } finally {
      await chunks.close()
    }
  }
}
