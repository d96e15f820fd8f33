// aigate cache: what is kept of answers, and how to look at it, bound it and throw it away.
import type { Context, Ending } from '../ports.ts'
import { cacheText, cachedAnswersText } from '../report/cache.ts'
import { plain, safeJson } from '../report/safe-text.ts'
import { answersOf, type CacheStats, cacheStats, clearCache, tidyCache } from '../store/cache/tidy.ts'
import { loadProject } from '../store/project.ts'
import { cacheSettings, shownFolder } from './gate/answer-memory.ts'

type Options = { config?: string; cacheDir?: string; json?: boolean; maxMb?: number; maxAge?: number }

async function settings(context: Context, options: Options) {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const { folder, bounds } = cacheSettings(context, project, options.cacheDir)
  const maxBytes = options.maxMb === undefined ? bounds.maxBytes : options.maxMb * 1_000_000
  return {
    folder,
    bounds: { maxBytes, maxAgeMs: options.maxAge ?? bounds.maxAgeMs },
    shown: shownFolder(context, folder),
  }
}

export async function cacheStatsCommand(context: Context, options: Options): Promise<Ending> {
  const { folder, bounds, shown } = await settings(context, options)
  const stats: CacheStats = cacheStats(folder, context.now(), bounds)
  const said = options.json
    ? safeJson(JSON.stringify({ ...stats, max_bytes: bounds.maxBytes, max_age_ms: bounds.maxAgeMs }, null, 2))
    : plain(cacheText({ ...stats, folder: shown }, bounds, context.now()), 10_000)
  context.stdout.write(`${said}\n`)
  return 'pass'
}

/** The answers of one case, or of one key. @returns fail where there is none */
export async function cacheShowCommand(context: Context, wanted: string, options: Options): Promise<Ending> {
  const { folder, shown } = await settings(context, options)
  const found = answersOf(folder, context.now(), wanted)
  if (found.length === 0 && !options.json) {
    context.stdout.write(
      `${shown} holds no answer of the case, or with a key that begins with, ${plain(wanted, 100)}.\n`,
    )
    return 'fail'
  }
  context.stdout.write(
    options.json ? `${safeJson(JSON.stringify(found, null, 2))}\n` : `${cachedAnswersText(found, context.now())}\n`,
  )
  return found.length === 0 ? 'fail' : 'pass'
}

/** Drops what is too old or too much, and joins the segments of finished runs. */
export async function cacheGcCommand(context: Context, options: Options): Promise<Ending> {
  const { folder, bounds, shown } = await settings(context, options)
  const done = await tidyCache(folder, context.now(), bounds)
  const megabytes = (bytes: number) => (bytes / 1_000_000).toFixed(1)
  const said = done
    ? `${shown}: ${done.kept} answers kept, ${done.dropped} dropped; ${megabytes(done.bytesBefore)} MB before, ${megabytes(done.bytesAfter)} MB now.`
    : `${shown}: nothing to do: there is no cache, or another process is tidying it up.`
  context.stdout.write(`${said}\n`)
  return 'pass'
}

/** Removes every segment that nobody writes. */
export async function cacheClearCommand(context: Context, options: Options): Promise<Ending> {
  const { folder, shown } = await settings(context, options)
  const { removed, left } = clearCache(folder, context.now())
  const rest =
    left > 0 ? ` ${left} stay: a process writes them, a newer aigate wrote them, or they are no segments.` : ''
  context.stdout.write(`${shown}: ${removed} segments removed.${rest}\n`)
  return 'pass'
}
