// Which answers of earlier runs may stand for a question: what decides an answer becomes its key, and what cannot be told is asked.
import { hash } from 'node:crypto'
import { join, relative, resolve, sep } from 'node:path'
import type { AskRequest, Context, LoadedSuite, Project } from '../../ports.ts'
import { providerKey } from '../../run/address.ts'
import { contentHash } from '../../content-hash.ts'
import { CacheConfig, type ProviderConfig } from '../../schema/config.ts'
import type { Completion } from '../../schema/run.ts'
import type { Case } from '../../schema/suite.ts'
import { type AnswerCache, openAnswerCache } from '../../store/cache/answer-cache.ts'
import { expander } from '../../run/expand.ts'
import { graderKeys } from '../../run/needed-keys.ts'
import { namesIn } from '../../run/redact.ts'
import { pricer } from '../../run/price.ts'
import { type Bounds, tidyCache } from '../../store/cache/tidy.ts'
import { isCommitted } from '../../store/committed.ts'
import { hasLiveTools, toolCode } from '../../store/project-code.ts'
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
/** So many segments of finished runs are joined to one: a run opens them all, and systems limit open files. */
const MOST_SEGMENTS = 64
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
  if (await isCommitted(folder)) {
    const inside = relative(project.root, folder).split(sep).join('/')
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

/** Closes the cache, says what was wrong with it, and keeps it within its bounds. */
export async function closeCache(context: Context, cache: SessionCache | null): Promise<void> {
  if (!cache) return
  const { answers, folder, bounds } = cache
  const { bytes, joinable } = answers
  answers.close()
  for (const note of answers.notes) context.stderr.write(`cache: ${note}\n`)
  const full = bytes > bounds.maxBytes
  if (!full && joinable < MOST_SEGMENTS) return
  const why = (error: unknown) =>
    context.stderr.write(
      `cache: ${error instanceof Error ? error.message : String(error)} It stays as large as it is.\n`,
    )
  await tidyCache(folder, context.now(), full ? { ...bounds, maxBytes: bounds.maxBytes * 0.8 } : bounds).catch(why)
}

/**
 * `side`: keeps the answers of one side of a comparison from standing for those of another that was asked the same.
 * `commit`: the whole project as a commit has it, where that is what answers.
 */
export type MemoryOf = { suite: LoadedSuite; side?: string; commit?: string; since?: Date | undefined }

export type World = {
  cache?: SessionCache | null | undefined
  project: Project
  context: Context
  options?: Pick<AskOptions, 'batch'>
}

/** Some of the tools of a case are code, and not recorded results. */
const isLive = (tools: Case['tools']): boolean => Object.values(tools ?? {}).some((tool) => !('results' in tool))

/** What the cache knows of a target. */
export async function openMemory(
  { cache, project, context, options = {} }: World,
  { suite, side, commit, since: later }: MemoryOf,
): Promise<Memory> {
  if (!cache) return nothingKnown(null)
  const who = await whoAnswers(suite, { context, project, commit })
  if (who === null) return nothingKnown(null)
  if (typeof who === 'string') return nothingKnown(who)
  const { answers, read } = cache
  const asOfToday = await servant(suite, options)
  const since = later && later > cache.since ? later : cache.since
  const { components } = project.config
  const { tools: code, ...always } = who
  const [whose, withTools] = [always, who].map((all) => contentHash({ who: all, side, components }))
  // Two cases with one question are two draws.
  const keyOf = ({ key, case: { id, tools } }: AskRequest) =>
    hash('sha256', `${code !== undefined && isLive(tools) ? withTools : whose} ${key} ${id}`)
  const asked = labelOf(suite)
  const of = (request: AskRequest) => ({ key: keyOf(request), trial: request.trial })
  const find = (request: AskRequest) => {
    const found = read ? answers.find(of(request), since) : undefined
    return found && asOfToday(found)
  }
  return {
    untold: null,
    find,
    askedAt: (request) => {
      const at = read ? answers.askedAt(of(request), since) : undefined
      const timed = suite.policy.latency_p95 !== undefined
      return at !== undefined && (!timed || find(request) !== undefined) ? at : undefined
    },
    add: (request, completion) => {
      const about = { suite: suite.suite.suite, case: request.case.id, asked }
      answers.add({ ...of(request), at: context.now(), completion, ...about })
    },
  }
}

/**
 * How a kept answer serves today: it costs what asking would cost now, at the price of today and as it would be asked (a
 * batch at half of that). Answers of a batch told no latency: where a gate looks at latencies, they are asked live.
 */
async function servant(
  { target, policy }: LoadedSuite,
  { batch }: Pick<AskOptions, 'batch'>,
): Promise<(found: Completion) => Completion | undefined> {
  if (target.kind !== 'prompt') return (found) => found
  const { pin } = target.model
  const { config } = target.provider
  const price = await pricer(pin)
  const share = config.type === 'openai' && (batch === true || config.mode === 'batch') ? 0.5 : 1
  return (kept) => {
    if (policy.latency_p95 !== undefined && kept.latency_ms === undefined) return undefined
    const { cost_usd: then, ...found } = kept
    const cost = pin.price === undefined && then === undefined ? undefined : price(pin, found)
    return { ...found, ...(cost !== undefined && { cost_usd: cost * share }) }
  }
}

/** Suites of which at least one answer of the first pass is not known, or whose graders lack a key: somebody will be asked. */
export async function suitesToAsk(world: World, suites: readonly LoadedSuite[]): Promise<LoadedSuite[]> {
  const open: LoadedSuite[] = []
  for (const suite of suites) {
    const memory = await openMemory(world, { suite })
    const ask = await expander(suite.target)
    const passes = Array.from({ length: suite.suite.trials.min }, (_, i) => i + 1)
    const known = suite.cases.every(({ case: one }) =>
      passes.every((trial) => memory.find(ask(one, trial)) !== undefined),
    )
    const ungraded = graderKeys(suite).some((name) => (world.context.env[name] ?? '') === '')
    if (!known || ungraded) open.push(suite)
  }
  return open
}

/** Headers and variables that say who asks or which job it is, and not what is asked: they change, and the answers do not. */
const WHO =
  /auth|key|token|secret|passw|credential|cookie|signature|request.?id|trace|correlation|session|run|job|build|sha|commit/i

/** Where a provider is asked, with what the environment adds to its headers: a gateway may route by that. */
export function addressNow(config: ProviderConfig, env: Context['env']): Record<string, unknown> {
  const headers = config.type === 'replay' ? {} : config.headers
  const routing = Object.entries(headers).flatMap(([header, value]) =>
    namesIn(value)
      .filter((name) => !WHO.test(header) && !WHO.test(name))
      .map((name) => [`${header} ${name}`, env[name] ?? null] as const),
  )
  return { address: providerKey(config), ...(routing.length > 0 && { routing: Object.fromEntries(routing) }) }
}

type Where = { context: Context; project: Project; commit: string | undefined }

/** Who is behind a question, besides what the question says; a sentence: why that cannot be told; null: recordings answer. */
async function whoAnswers(suite: LoadedSuite, where: Where): Promise<Record<string, unknown> | string | null> {
  const target = await targetAnswers(suite, where)
  if (target === null || typeof target === 'string') return target
  const { users = {} } = suite
  const players = Object.entries(users).map(([name, { provider }]) => [
    name,
    addressNow(provider.config, where.context.env),
  ])
  const played = players.length > 0 && { players: Object.fromEntries(players) as unknown }
  if (!hasLiveTools(suite)) return { ...target, ...played }
  const { commit, project } = where
  const tools = commit === undefined ? await toolCode(project, suite) : { hash: commit }
  return 'untold' in tools ? tools.untold : { ...target, ...played, tools: tools.hash }
}

async function targetAnswers(
  { target, dir }: LoadedSuite,
  { context: { env }, commit }: Where,
): Promise<Record<string, unknown> | string | null> {
  if (target.kind === 'prompt') {
    const { config } = target.provider
    const live = config.type === 'replay' ? null : config
    return live && addressNow(live, env)
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
