// model_registry: models with their parameters and rollback targets, as aigate.yaml has them.
import {
  type At,
  assumed,
  child,
  isMap,
  type Item,
  items,
  left,
  type Outline,
  plain,
  said,
  use,
  words,
} from './outline.ts'
import { nameOf } from './setting.ts'

export type Registry = {
  providers: Record<string, Record<string, unknown>>
  models: Record<string, Record<string, unknown>>
  names: Map<string, string>
  parts: { release: Record<string, string>; baseline: Record<string, string> } | undefined
}

const openai = 'https://api.openai.com/v1'
const addresses: Readonly<Record<string, [string, string]>> = {
  openai: [openai, 'OPENAI_API_KEY'],
  anthropic: ['https://api.anthropic.com/v1', 'ANTHROPIC_API_KEY'],
  google: ['https://generativelanguage.googleapis.com/v1beta/openai', 'GEMINI_API_KEY'],
  gemini: ['https://generativelanguage.googleapis.com/v1beta/openai', 'GEMINI_API_KEY'],
  mistral: ['https://api.mistral.ai/v1', 'MISTRAL_API_KEY'],
  groq: ['https://api.groq.com/openai/v1', 'GROQ_API_KEY'],
  together: ['https://api.together.xyz/v1', 'TOGETHER_API_KEY'],
  openrouter: ['https://openrouter.ai/api/v1', 'OPENROUTER_API_KEY'],
  deepseek: ['https://api.deepseek.com/v1', 'DEEPSEEK_API_KEY'],
  ollama: ['http://127.0.0.1:11434/v1', ''],
}
const statuses: Readonly<Record<string, string>> = {
  production: 'production', current: 'production', active: 'production', live: 'production', stable: 'production', primary: 'production',
  rollbackready: 'rollback_ready', rollback: 'rollback_ready', standby: 'rollback_ready', fallback: 'rollback_ready', previous: 'rollback_ready',
  archived: 'archived', deprecated: 'archived', retired: 'archived',
} // biome-ignore format: one table

const guessProvider = (id: string) =>
  /^(gpt|o\d|chatgpt|text-|ft:)/.test(id)
    ? 'openai'
    : id.startsWith('claude')
      ? 'anthropic'
      : id.startsWith('gemini')
        ? 'google'
        : /mistral|mixtral/.test(id)
          ? 'mistral'
          : undefined

/** The registry of a file; `at`: its block. Models whose provider cannot be told are reported. */
export function readRegistry(outline: Outline, at: At | undefined): Registry {
  const registry: Registry = { providers: {}, models: {}, names: new Map(), parts: undefined }
  if (at === undefined) return registry
  const list = child(at, 'models', 'versions')
  const direct = items(at).filter(
    (one) => isMap(one.value) && child(one, 'id', 'model', 'model_id', 'version', 'provider', 'name') !== undefined,
  )
  const entries = list === undefined ? direct : items(list)
  const back: [string, At][] = []
  for (const entry of entries) readModel(outline, entry, registry, back)
  for (const [name, target] of back) aim(outline, registry, name, target)
  const overall = child(at, 'rollback_target', 'rollback_to', 'fallback_model')
  const current = child(
    at,
    'current',
    'active',
    'production',
    'primary',
    'current_model',
    'current_version',
    'active_version',
  )
  const known = (one: At | undefined) =>
    typeof one?.value === 'string' ? registry.names.get(plain(one.value)) : undefined
  const [now, then] = [known(current), known(overall)]
  if (now !== undefined) use(outline, current)
  const holder = now ?? Object.entries(registry.models).find(([, model]) => model['status'] === 'production')?.[0]
  if (overall !== undefined && then === undefined) left(outline, overall, 'no model of the file is called so')
  else if (then !== undefined && holder !== undefined && then !== holder) {
    use(outline, overall)
    registry.models[holder] = { ...registry.models[holder], rollback_to: then }
  }
  const [pair] = Object.entries(registry.models).filter(
    ([name, model]) => model['rollback_to'] !== undefined && (holder ?? name) === name,
  )
  if (pair) registry.parts = { release: { model: pair[0] }, baseline: { model: String(pair[1]['rollback_to']) } }
  return registry
}

/** A target that is not described, and is the id of a model, is entered with nothing but its id. */
function aim(outline: Outline, registry: Registry, name: string, target: At): void {
  const text = String(target.value)
  let to = registry.names.get(plain(text))
  const provider = registry.models[name]?.['provider']
  if (to === undefined && guessProvider(text) !== undefined && guessProvider(text) === provider) {
    to = nameOf(text)
    registry.models[to] = { provider, id: text, status: 'rollback_ready' }
    registry.names.set(plain(text), to)
    assumed(outline, target, 'the file does not describe it: without parameters')
  }
  if (to === undefined || to === name) left(outline, target, 'no other model of the file is called so')
  else {
    use(outline, target)
    registry.models[name] = { ...registry.models[name], rollback_to: to }
  }
}

const PARAMS =
  /^(temperature|top_?p|top_?k|max_?(output_?|completion_?)?tokens|seed|stop|frequency_penalty|presence_penalty|reasoning_effort|n)$/
const DATE = /^\d{4}-?\d{2}-?\d{2}$/

/** What the provider is asked for: an id that is written, else what looks like one, else the name. */
function idOf(outline: Outline, entry: Item): { id: string | undefined; version: string | undefined } {
  const text = (...keys: string[]) => words(outline, child(entry, ...keys))
  if (typeof entry.value === 'string') return { id: entry.value, version: undefined }
  const [own, version, name] = [
    text('model_id', 'id', 'model', 'model_name', 'deployment'),
    text('version'),
    text('name'),
  ]
  const base = own ?? (name !== undefined && guessProvider(name) !== undefined ? name : undefined)
  if (
    base !== undefined &&
    version !== undefined &&
    DATE.test(version) &&
    guessProvider(base) !== undefined &&
    !base.endsWith(version)
  )
    return { id: `${base}-${version}`, version: undefined }
  if (own !== undefined) return { id: own, version }
  if (version !== undefined && guessProvider(version) !== undefined) return { id: version, version: undefined }
  return { id: base ?? version ?? name ?? entry.name, version: base === undefined ? undefined : version }
}

function readModel(outline: Outline, entry: Item, registry: Registry, back: [string, At][]): void {
  const text = (...keys: string[]) => words(outline, child(entry, ...keys))
  if (typeof entry.value === 'string') use(outline, entry)
  const { id, version } = idOf(outline, entry)
  const called = text('name', 'alias', 'key')
  const given = entry.name ?? called
  if (id === undefined) return left(outline, entry, 'it has neither a name nor an id')
  const provider = text('provider', 'vendor')?.toLowerCase() ?? guessProvider(id)
  const url = text('base_url', 'endpoint', 'api_base')
  const [address, key] = addresses[provider ?? ''] ?? []
  const base = url !== undefined && URL.canParse(url) ? url : address
  if (provider === undefined || base === undefined)
    return left(
      outline,
      entry,
      'its provider is not known to speak OpenAI chat completions: write provider and base_url by hand',
    )
  const name = nameOf(given ?? id)
  const where = nameOf(provider)
  registry.providers[where] ??= { type: 'openai', base_url: base, ...(key ? { api_key_env: key } : {}) }
  const params = paramsOf(outline, entry)
  const status = child(entry, 'status', 'stage', 'state')
  const known = statuses[plain(said(status))]
  if (known !== undefined) use(outline, status)
  const role = known ?? statuses[plain(entry.name ?? '')]
  registry.models[name] = {
    provider: where,
    id,
    ...(Object.keys(params).length > 0 ? { params } : {}),
    ...(role === undefined ? {} : { status: role }),
  }
  for (const one of [name, given, called, id]) if (one !== undefined) registry.names.set(plain(one), name)
  const stated = version ?? text('version')
  if (stated !== undefined) {
    registry.names.set(plain(stated), name)
    registry.names.set(plain(`${name}@${stated}`), name)
    if (version !== undefined && version !== id)
      assumed(outline, entry, `the version "${version}" has no place: ${id} is what is asked for`)
  }
  const target = child(entry, 'rollback_target', 'rollback_to', 'fallback', 'previous')
  if (typeof target?.value === 'string') back.push([name, target])
}

/** Parameters in a block of their own, or beside the name. */
function paramsOf(outline: Outline, entry: Item): Record<string, unknown> {
  const block = child(entry, 'parameters', 'params', 'config', 'settings')
  const beside = items(entry).filter(({ name = '', value }) => PARAMS.test(name) && typeof value !== 'object')
  for (const one of beside) use(outline, one)
  return {
    ...Object.fromEntries(beside.map(({ name = '', value }) => [name, value])),
    ...(isMap(block?.value) ? (use(outline, block) as Record<string, unknown>) : {}),
  }
}
