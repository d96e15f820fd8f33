// Asks a provider which models it has: GET <base_url>/models, page after page, with the key of the environment.
import type { OpenAiProvider } from '../schema/config.ts'
import { namesIn } from './redact.ts'

type Env = Readonly<Record<string, string | undefined>>
/** The models that a provider lists, by id, with the day of their shutdown; or why it could not be asked. */
export type Catalog =
  | { models: ReadonlyMap<string, { shutdown: Date | null }>; problem?: undefined }
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
  const models = new Map<string, { shutdown: Date | null }>()
  const url = new URL(`${config.base_url.replace(/\/+$/, '')}/models`)
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer = await askPage(url, headers, signal)
    if ('problem' in answer) return answer
    for (const { id, shutdown } of answer.models) models.set(id, { shutdown })
    if (answer.next === undefined) return { models }
    url.searchParams.set('after_id', answer.next)
  }
  return { problem: `${url.origin} gave more than ${MOST_PAGES} pages of models.` }
}

/** One model of a catalog: by its id as it stands, as Gemini writes it (models/…), or as Ollama does (…:latest). */
export function findModel(models: ReadonlyMap<string, { shutdown: Date | null }>, id: string) {
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

type Page = { models: { id: string; shutdown: Date | null }[]; next?: string | undefined } | { problem: string }

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
    isRecord(entry) && typeof entry.id === 'string' ? [{ id: entry.id, shutdown: dayOf(entry.shutdown_date) }] : [],
  )
  const last = typeof body.last_id === 'string' ? body.last_id : models.at(-1)?.id
  return { models, next: body.has_more === true ? last : undefined }
}

/** An ISO 8601 day or moment, or seconds since 1970. */
function dayOf(value: unknown): Date | null {
  const date =
    typeof value === 'number' ? new Date(value * 1000) : new Date(typeof value === 'string' ? value : Number.NaN)
  return Number.isNaN(date.getTime()) ? null : date
}
