// Asks a provider which models it has: GET <base_url>/models, page after page, with the key of the environment.
import type { OpenAiProvider } from '../schema/config.ts'
import { namesIn } from './redact.ts'

type Env = Readonly<Record<string, string | undefined>>
/**
 * What a provider says about one of its models. `shutdown`: the day; null: it names none. `unread`: it says something
 * about an end that cannot be read as a day. `deprecated`: it says that the model is about to go.
 */
export type CatalogEntry = { shutdown: Date | null; unread: boolean; deprecated: boolean }
/** The models that a provider lists, by id; or why it could not be asked. */
export type Catalog =
  | { models: ReadonlyMap<string, CatalogEntry>; problem?: undefined }
  | { models?: undefined; problem: string }

/** How long one page may take, in milliseconds. */
const PATIENCE_MS = 10_000
const MOST_PAGES = 50

/**
 * The catalog of a provider. Never throws: whatever goes wrong is a `problem`, a sentence without any text of the other
 * side, so that neither a key nor a control sequence can be in it.
 */
export async function askCatalog(config: OpenAiProvider, env: Env, signal: AbortSignal): Promise<Catalog> {
  if (config.api_version !== undefined)
    return { problem: 'Azure lists base models, not the deployments that are asked.' }
  const keyName = config.api_key_env ?? (isHost(config, 'api.openai.com') ? 'OPENAI_API_KEY' : undefined)
  const missing = [keyName, ...Object.values(config.headers).flatMap(namesIn)].find(
    (name) => name !== undefined && (env[name] ?? '').trim() === '',
  )
  if (missing !== undefined) return { problem: `the environment variable ${missing} is not set.` }
  const headers = headersOf(config, keyName && (env[keyName] ?? '').trim(), env)
  const models = new Map<string, CatalogEntry>()
  const url = new URL(`${config.base_url.replace(/\/+$/, '')}/models`)
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer = await askPage(url, headers, signal)
    if ('problem' in answer) return answer
    for (const { id, entry } of answer.models) models.set(id, entry)
    if (answer.next === undefined) return { models }
    url.searchParams.set('after_id', answer.next)
  }
  return { problem: `${url.origin} gave more than ${MOST_PAGES} pages of models.` }
}

/** One model of a catalog: by its id as it stands, as Gemini writes it (models/…), or as Ollama does (…:latest). */
export function findModel(models: ReadonlyMap<string, CatalogEntry>, id: string) {
  return models.get(id) ?? models.get(`models/${id}`) ?? models.get(`${id}:latest`)
}

const isHost = ({ base_url }: OpenAiProvider, host: string) => new URL(base_url).hostname === host

function headersOf(config: OpenAiProvider, key: string | undefined, env: Env): [string, string][] {
  const own = Object.entries(config.headers).map(([name, value]): [string, string] => [
    name.toLowerCase(),
    value.replace(/\$\{(\w+)\}/g, (_, variable: string) => (env[variable] ?? '').trim()),
  ])
  const auth: [string, string][] = key === undefined ? [] : [['authorization', `Bearer ${key}`]]
  // The list of models is not part of Anthropic's layer for the OpenAI API.
  if (key !== undefined && isHost(config, 'api.anthropic.com')) {
    auth.splice(0, 1, ['x-api-key', key], ['anthropic-version', '2023-06-01'])
  }
  return [['accept', 'application/json'], ...auth.filter(([name]) => !own.some(([other]) => other === name)), ...own]
}

type Page = { models: { id: string; entry: CatalogEntry }[]; next?: string | undefined } | { problem: string }

async function askPage(url: URL, headers: [string, string][], signal: AbortSignal): Promise<Page> {
  const patience = AbortSignal.timeout(PATIENCE_MS)
  try {
    // Redirects are not followed: fetch would carry headers of one's own along to any other host.
    const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.any([signal, patience]) })
    if (!response.ok) return { problem: `${url.origin} answered with HTTP ${response.status}.` }
    return (
      readPage(await response.json()) ?? { problem: `${url.origin} answered with something that is no list of models.` }
    )
  } catch (thrown) {
    if (patience.aborted) return { problem: `${url.origin} did not answer within ${PATIENCE_MS / 1000} s.` }
    if (thrown instanceof SyntaxError) return { problem: `${url.origin} answered with something that is no JSON.` }
    return { problem: `${url.origin} could not be reached${codeOf(thrown)}.` }
  }
}

function codeOf(thrown: unknown): string {
  const cause: unknown = thrown instanceof Error ? thrown.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return /^[A-Z_0-9]+$/.test(code) ? ` (${code})` : ''
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function readPage(body: unknown): Page | undefined {
  if (!isRecord(body) || !Array.isArray(body.data)) return undefined
  const entries: unknown[] = body.data
  const models = entries.flatMap((entry) =>
    isRecord(entry) && typeof entry.id === 'string' ? [{ id: entry.id, entry: entryOf(entry) }] : [],
  )
  const last = typeof body.last_id === 'string' ? body.last_id : models.at(-1)?.id
  return { models, next: body.has_more === true ? last : undefined }
}

/** Fields in which providers name the end of a model (OpenAI, Mistral and Groq, OpenRouter), and those that announce one. */
const DAYS = ['shutdown_date', 'shutdown_at', 'deprecation', 'deprecation_date', 'expiration_date']
const SAID = ['deprecated', 'deprecation', 'is_deprecated']

function entryOf(model: Record<string, unknown>): CatalogEntry {
  const said = DAYS.map((name) => model[name]).filter((value) => value !== undefined && value !== null && value !== '')
  const days = said.flatMap((value) => dayOf(value) ?? [])
  const [shutdown = null] = days.sort((a, b) => a.getTime() - b.getTime())
  const flags = SAID.map((name) => model[name])
  const deprecated = model.active === false || flags.some((value) => value === true || isRecord(value))
  const unread = shutdown === null && said.some((value) => typeof value !== 'boolean' && !isRecord(value))
  return { shutdown, unread, deprecated }
}

/** Numbers above this are milliseconds: as seconds they would lie beyond the year 5000. */
const MOST_SECONDS = 1e11

/** An ISO 8601 day or moment; seconds or milliseconds since 1970 (after it), also as text. null: it is none of these. */
function dayOf(value: unknown): Date | null {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && number <= 0) return null
  const date =
    typeof number === 'number'
      ? new Date(number > MOST_SECONDS ? number : number * 1000)
      : new Date(typeof number === 'string' && /^\d{4}-\d{2}-\d{2}/.test(number) ? number : Number.NaN)
  return Number.isNaN(date.getTime()) ? null : date
}
