// Which answers of earlier runs may stand for a question: what decides an answer becomes its key, and what cannot be told is asked.
import { createHash } from 'node:crypto'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { AskRequest, Context, LoadedSuite, Project } from '../../ports.ts'
import { providerKey } from '../../run/address.ts'
import { contentHash } from '../../run/canonical.ts'
import { CacheConfig } from '../../schema/config.ts'
import type { Completion } from '../../schema/run.ts'
import type { Case } from '../../schema/suite.ts'
import { type AnswerCache, openAnswerCache } from '../../store/cache/answer-cache.ts'
import { expander } from '../../run/expand.ts'
import { type Bounds, tidyCache } from '../../store/cache/tidy.ts'
import { filesAt } from '../../store/git-objects.ts'
import { targetCode } from '../../store/target-code.ts'
import type { AskOptions } from '../options.ts'

/** The cache of one invocation. `since`: older answers are asked again; `read` false: nothing is taken, what comes is kept. */
export type SessionCache = {
  answers: AnswerCache
  since: Date
  read: boolean
  folder: string
  bounds: Bounds
}

/** What is known of the questions of one target before it is asked. */
export type Memory = {
  /** Where nothing is kept, or not of every case: why. */
  untold: string | null
  find(request: AskRequest): Completion | undefined
  /** When it was asked what `find` gives (ISO 8601). */
  askedAt(request: AskRequest): string | undefined
  add(request: AskRequest, completion: Completion): void
}

const MEGABYTE = 1_000_000
/** Where several targets are compared at one time: what the provider changes within a day is not taken for an effect. */
export const SAME_TIME_MS = 86_400_000

const nothingKnown = (untold: string | null): Memory => ({
  untold,
  find: () => undefined,
  askedAt: () => undefined,
  add: () => undefined,
})

export function cacheSettings(context: Context, project: Project, dir?: string): { folder: string; bounds: Bounds } {
  const { folder, max_mb, max_age } = project.config.cache ?? CacheConfig.parse({})
  return {
    folder: dir === undefined ? resolve(project.root, folder) : resolve(context.cwd, dir),
    bounds: { maxBytes: max_mb * MEGABYTE, maxAgeMs: max_age },
  }
}

/**
 * Opens the cache of an invocation; `cache` is null where it is switched off or answers come from recordings anyway. Answers that the
 * commit itself brings are not taken: its author could have written them.
 */
export async function openCache(
  context: Context,
  project: Project,
  options: Pick<AskOptions, 'cache' | 'cacheDir' | 'refresh' | 'record' | 'offline'>,
): Promise<{ cache: SessionCache | null; notes: string[] }> {
  const { folder, bounds } = cacheSettings(context, project, options.cacheDir)
  if (options.cache === false || options.offline || bounds.maxBytes === 0) return { cache: null, notes: [] }
  const inside = relative(project.root, folder).split(sep).join('/')
  const outside = inside.startsWith('..') || isAbsolute(inside)
  if (!outside && (await committed(project.root, inside))) {
    return {
      cache: null,
      notes: [`${inside} is committed: nothing is taken from it, because its author could have written it.`],
    }
  }
  const now = context.now()
  const answers = openAnswerCache(folder, now)
  const since = new Date(Math.max(0, now.getTime() - bounds.maxAgeMs))
  const read = options.refresh !== true && options.record !== true
  return { cache: { answers, since, read, folder, bounds }, notes: [] }
}

const committed = (root: string, folder: string): Promise<boolean> =>
  filesAt(root, 'HEAD', folder).then(
    (files) => files.length > 0,
    // Outside of git nothing is committed.
    () => false,
  )

/** Closes the cache, says what was wrong with it, and keeps it within its bounds. */
export async function closeCache(context: Context, cache: SessionCache | null): Promise<void> {
  if (!cache) return
  const { answers, folder, bounds } = cache
  const { bytes } = answers
  answers.close()
  for (const note of answers.notes) context.stderr.write(`cache: ${note}\n`)
  if (bytes <= bounds.maxBytes) return
  const why = (error: unknown) =>
    context.stderr.write(
      `cache: ${error instanceof Error ? error.message : String(error)} It stays as large as it is.\n`,
    )
  await tidyCache(folder, context.now(), { ...bounds, maxBytes: bounds.maxBytes * 0.8 }).catch(why)
}

/**
 * `side`: keeps the answers of one side of a comparison from standing for those of another that was asked the same.
 * `commit`: the whole project as a commit has it, where that is what answers.
 */
export type MemoryOf = { suite: LoadedSuite; side?: string; commit?: string; since?: Date | undefined }

/** Code of the user runs in the middle of the conversation: it, and all that it asks, may be another the next time. */
const callsLiveTools = ({ tools }: Case): boolean => Object.values(tools ?? {}).some((tool) => !('results' in tool))

/** What the cache knows of a target. */
export async function openMemory(
  { cache, project, context }: { cache?: SessionCache | null | undefined; project: Project; context: Context },
  { suite, side, commit, since: later }: MemoryOf,
): Promise<Memory> {
  if (!cache) return nothingKnown(null)
  const who = await whoAnswers(suite, { context, commit })
  if (who === null) return nothingKnown(null)
  if (typeof who === 'string') return nothingKnown(who)
  const { answers, read } = cache
  const since = later && later > cache.since ? later : cache.since
  const { components } = project.config
  const whose = contentHash({ who, side, components })
  // Two cases with one question are two draws.
  const keyOf = ({ key, case: { id } }: AskRequest) =>
    createHash('sha256').update(`${whose} ${key} ${id}`).digest('hex')
  const asked = labelOf(suite)
  const of = (request: AskRequest) => ({ key: keyOf(request), trial: request.trial })
  const live = suite.cases.filter((each) => callsLiveTools(each.case)).length
  const kept = ({ case: one }: AskRequest) => !callsLiveTools(one)
  return {
    untold:
      live === 0
        ? null
        : `what live tools do cannot be told (${live === suite.cases.length ? 'in every case' : `in ${live} of ${suite.cases.length} cases`})`,
    find: (request) => (read && kept(request) ? answers.find(of(request), since) : undefined),
    askedAt: (request) => (read && kept(request) ? answers.askedAt(of(request), since) : undefined),
    add: (request, completion) => {
      if (!kept(request)) return
      const about = { suite: suite.suite.suite, case: request.case.id, asked }
      answers.add({ ...of(request), at: context.now(), completion, ...about })
    },
  }
}

/** Suites of which at least one answer of the first pass is not known: somebody will be asked, and needs a key. */
export async function suitesToAsk(
  world: Parameters<typeof openMemory>[0],
  suites: readonly LoadedSuite[],
): Promise<LoadedSuite[]> {
  const open: LoadedSuite[] = []
  for (const suite of suites) {
    const memory = await openMemory(world, { suite })
    const ask = await expander(suite.target)
    const passes = Array.from({ length: suite.suite.trials.min }, (_, i) => i + 1)
    const known = suite.cases.every(({ case: one }) =>
      passes.every((trial) => memory.find(ask(one, trial)) !== undefined),
    )
    if (!known) open.push(suite)
  }
  return open
}

/** Who is behind a question, besides what the question says; a sentence: why that cannot be told; null: recordings answer. */
async function whoAnswers(
  { target, dir }: LoadedSuite,
  { context: { env }, commit }: { context: Context; commit: string | undefined },
): Promise<Record<string, unknown> | string | null> {
  if (target.kind === 'prompt') {
    const { config } = target.provider
    const live = config.type === 'replay' ? null : config
    return live && { address: providerKey(live) }
  }
  const code = await targetCode({ dir, target })
  if (target.kind === 'http') return 'untold' in code ? code.untold : null
  const names = target.kind === 'command' ? target.target.env : []
  const variables = Object.fromEntries(names.map((name) => [name, env[name] ?? null]))
  if ('untold' in code) return commit === undefined ? code.untold : { commit, variables }
  return { code: code.files, variables }
}

function labelOf({ target }: LoadedSuite): string {
  if (target.kind === 'prompt') return `${target.prompt.name}@${target.prompt.version} with ${target.model.name}`
  return target.kind === 'module' ? `module ${target.target.module}` : target.kind
}

/** Where runs and caches are shown: short where they lie below the folder that the user is in. */
export const shownFolder = ({ cwd }: Context, folder: string): string => {
  const short = relative(cwd, folder)
  return short === '' || short.startsWith('..') ? folder : join(short)
}
