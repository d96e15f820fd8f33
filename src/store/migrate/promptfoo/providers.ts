// promptfoo's providers as providers and models of aigate.yaml, or as an application over HTTP.
import { nobody, parameterNames, providerNamed } from '../addresses.ts'
import { dataIn, filesNamed, isFile } from '../files.ts'
import { onceOnly, slug } from '../names.ts'
import {
  changed,
  child,
  type Data,
  entries,
  isMap,
  items,
  type Job,
  leaveOthers,
  left,
  type Part,
  textOf,
} from '../parts.ts'

/** What promptfoo asks: a model of the registry, or an application (`http`, whose templates are not converted yet). */
export type Asked = {
  part: Part
  /** Its id and its label: prompts and tests may name it by either. */
  ids: readonly string[]
  /** Prompts that it is asked with, by label or file; empty: all. */
  prompts: readonly string[]
  model?: string
  http?: Part
  target: Data
  /** A message before those of the prompt. */
  system?: string
}
export type Providers = { asked: Asked[]; providers: Record<string, Data>; models: Record<string, Data> }

const noChat =
  /^(embeddings?|assistant|realtime|image|video|moderation|transcription|speech|tts|completion|codex|codex-sdk|agents?|live|chatkit|text)$/
const known = ['id', 'label', 'config', 'prompts', 'delay', 'transform', 'env', 'inputs']

export async function readProviders(job: Job, list: readonly Part[]): Promise<Providers> {
  const made: Providers = { asked: [], providers: {}, models: {} }
  const once = onceOnly()
  for (const one of await laidOut(job, list)) {
    const asked = await readProvider(job, one, made, once)
    if (asked !== undefined) made.asked.push(asked)
  }
  return made
}

/** Files with providers are opened; `openai:gpt-4o: {config}` is a provider with an id. */
async function laidOut(job: Job, list: readonly Part[]): Promise<Part[]> {
  const all: Part[] = []
  for (const one of list) {
    if (isFile(one.value) && /\.(ya?ml|json)$/i.test(one.value)) {
      for (const file of await filesNamed(job, one, one.value)) all.push(...items(await dataIn(job, one, file)))
    } else all.push(one)
  }
  return all.map((one) => {
    const [only, ...more] = entries(one)
    if (only === undefined || more.length > 0 || child(one, 'id') !== undefined || !isMap(only[1].value)) return one
    return { ...only[1], value: { id: only[0], ...only[1].value } }
  })
}

async function readProvider(job: Job, part: Part, made: Providers, once: (name: string) => string) {
  const id = typeof part.value === 'string' ? part.value : textOf(child(part, 'id'))
  if (id === undefined) {
    left(job, part, 'it has no id that aigate knows')
    return undefined
  }
  const label = textOf(child(part, 'label'))
  const config = child(part, 'config')
  leaveOthers(job, part, known)
  for (const key of ['transform', 'env', 'delay', 'inputs'])
    if (child(part, key)) left(job, child(part, key) ?? part, 'a provider of aigate has nothing like it')
  const asked: Asked = {
    part,
    ids: [id, ...(label === undefined ? [] : [label])],
    prompts: items(child(part, 'prompts')).flatMap((one) => textOf(one) ?? []),
    target: {},
  }
  if (/^https?(:|$)/.test(id)) return { ...asked, http: httpPart(part, id) }
  const spoken = speaker(id)
  if (spoken.problem !== undefined) left(job, part, spoken.problem, id)
  const provider = spoken.problem === undefined ? ownAddress(job, spoken.provider, config) : nobody
  if (spoken.note !== undefined) changed(job, part, spoken.note, id)
  const params = spoken.problem === undefined ? await parameters(job, config, asked) : {}
  if (spoken.problem === undefined) addDefaults(job, { part, id, model: spoken.model, config, params })
  if (spoken.problem !== undefined && config !== undefined)
    left(job, config, 'it belongs to a provider that is not carried over')
  const same = Object.entries(made.models).find(
    ([, one]) => JSON.stringify(one) === JSON.stringify(modelOf(provider.name, spoken.model, params)),
  )
  const name = same?.[0] ?? once(slug(label ?? spoken.model, 'model'))
  made.providers[provider.name] ??= provider.config
  made.models[name] = modelOf(provider.name, spoken.model, params)
  return { ...asked, model: name }
}

/** promptfoo sends these where a config says nothing, and reasoning models, which refuse them, apart. */
const DEFAULTS = { temperature: 0, max_tokens: 1024 } as const

type Defaults = { part: Part; id: string; model: string; config: Part | undefined; params: Data }

/** What promptfoo sends unasked decides the answers: it is written down where it is known, and else told. */
function addDefaults(job: Job, { part, id, model, config, params }: Defaults): void {
  if (child(config, 'omitDefaults')?.value === true) return
  const limit = ['max_tokens', 'max_completion_tokens'].some((name) => name in params)
  const lacking = Object.entries(DEFAULTS).filter(([name]) => !(name in params) && !(limit && name === 'max_tokens'))
  if (lacking.length === 0 || /(?:^|\/)(?:o\d|gpt-(?:[5-9]|\d\d))/.test(model)) return
  const said = lacking.map(([name, value]) => `${name}: ${value}`).join(' and ')
  if (/^(?:openai|azure|azureopenai):/.test(id) && /^(?:gpt-[34]|chatgpt-4o)/.test(model)) {
    Object.assign(params, Object.fromEntries(lacking))
    changed(job, part, `promptfoo sends ${said} where the config says nothing: written into params`, id)
  } else
    changed(job, part, `promptfoo may send defaults of its own (often ${said}): here nothing is sent but params`, id)
}

const modelOf = (provider: string, id: string, params: Data): Data => ({
  provider,
  id,
  ...(Object.keys(params).length > 0 ? { params } : {}),
})

/** An http provider as `{id, config}`, whichever way it was written. */
const httpPart = (part: Part, id: string): Part =>
  typeof part.value === 'string' ? { ...part, value: { id, config: {} } } : part

type Speaker = {
  provider: { name: string; config: Data }
  model: string
  problem?: string | undefined
  note?: string | undefined
}

/** Which API a provider id of promptfoo means, such as `openai:chat:gpt-4o` or `openrouter:mistralai/mistral-large`. */
function speaker(id: string): Speaker {
  const [vendor = '', ...rest] = id.split(':')
  const kind = rest[0] ?? ''
  const found = providerNamed(vendor)
  const chat = ['chat', 'messages', 'responses'].includes(kind) && rest.length > 1
  const model = (chat ? rest.slice(1) : rest).join(':')
  const refuse = (problem: string): Speaker => ({ provider: nobody, model: model || id, problem })
  if (/^(azure|azureopenai)$/.test(vendor)) {
    if (kind !== 'chat' && kind !== 'responses') return refuse('it is no chat model')
    return { provider: { name: 'azure', config: { type: 'openai' } }, model }
  }
  if (found === undefined)
    return refuse(
      'it does not speak OpenAI chat completions: the model of this name answers from recordings until its provider is written by hand',
    )
  if (noChat.test(kind) && rest.length > 1) return refuse(`"${kind}" is no chat: aigate asks for texts`)
  if (vendor === 'github') return refuse('GitHub Models has ended')
  if (model === '') return refuse('it names no model')
  const note = kind === 'responses' ? 'asked by chat completions here, not by the Responses API' : undefined
  return { provider: found, model, note }
}

/** The provider with an address or a key of its own, under a name of its own. */
function ownAddress(job: Job, provider: { name: string; config: Data }, config: Part | undefined) {
  const said = (...keys: string[]) => keys.map((key) => child(config, key)).find((one) => one !== undefined)
  const host = said('apiBaseUrl', 'apiHost', 'baseURL', 'base_url')
  const own: Data = {}
  if (host !== undefined) {
    const text = textOf(host) ?? ''
    const url = /^https?:\/\//.test(text) ? text : `https://${text}`
    if (/\{\{/.test(text) || !URL.canParse(url)) left(job, host, 'no address that can be read: write base_url by hand')
    else own.base_url = url
  }
  const version = textOf(said('apiVersion', 'api_version'))
  if (provider.name === 'azure') {
    own.api_version = version ?? '2024-10-21'
    own.api_key_env = 'AZURE_API_KEY'
    if (own.base_url === undefined) {
      own.base_url = 'https://example.openai.azure.com'
      if (config !== undefined) changed(job, config, 'it names no host: write base_url of the provider by hand')
    }
  }
  const keyName = textOf(said('apiKeyEnvar', 'apiKeyEnv'))
  const key = said('apiKey', 'api_key')
  const named = keyName ?? /^\{\{\s*env\.(\w+)\s*\}\}$/.exec(textOf(key) ?? '')?.[1]
  if (named !== undefined) own.api_key_env = named
  else if (key !== undefined)
    left(job, key, 'a key is never copied: put it into the environment and name it in api_key_env')
  const headers = headersOf(job, child(config, 'headers'))
  if (Object.keys(headers).length > 0) own.headers = headers
  if (Object.keys(own).length === 0) return provider
  const host2 = typeof own.base_url === 'string' ? new URL(own.base_url).hostname : provider.name
  const name = own.base_url === undefined ? provider.name : slug(host2, provider.name)
  return { name, config: { ...provider.config, ...own } }
}

/** Headers whose values are no secrets; `{{env.X}}` becomes `${X}`. */
export function headersOf(job: Job, headers: Part | undefined): Record<string, string> {
  const made: Record<string, string> = {}
  for (const [name, one] of entries(headers)) {
    const text = (textOf(one) ?? '').replaceAll(/\{\{\s*env\.(\w+)\s*\}\}/g, '${$1}')
    const secret = /auth|key|token|secret|cookie|password/i.test(name) && !/\$\{\w+\}/.test(text)
    if (secret)
      left(job, one, 'it looks like a secret, which is never copied: write ${NAME} of the environment by hand')
    else if (/\{\{/.test(text)) left(job, one, 'a template in a header of a model')
    else made[name] = text
  }
  return made
}

const handled = new Set([
  'apiBaseUrl', 'apiHost', 'baseURL', 'base_url', 'apiKey', 'api_key', 'apiKeyEnvar', 'apiKeyEnv', 'headers', 'apiVersion',
  'api_version', 'omitDefaults', 'tools', 'response_format', 'reasoning', 'instructions', 'systemPrompt',
]) // biome-ignore format: one list

async function parameters(job: Job, config: Part | undefined, asked: Asked): Promise<Data> {
  const params: Data = {}
  for (const [key, one] of entries(config)) {
    if (handled.has(key) || one.value === null) continue
    const name = parameterNames[key]
    if (name === undefined || (typeof one.value === 'string' && /\{\{|^file:/.test(one.value)))
      left(job, one, 'no parameter of chat completions that aigate knows')
    else params[name] = one.value
  }
  const effort = textOf(child(child(config, 'reasoning'), 'effort'))
  if (effort !== undefined) params.reasoning_effort = effort
  leaveOthers(job, child(config, 'reasoning'), ['effort'])
  const instructions = child(config, 'instructions') ?? child(config, 'systemPrompt')
  if (typeof instructions?.value === 'string') asked.system = instructions.value
  const format = await opened(job, child(config, 'response_format'))
  if (isMap(format?.value)) asked.target.response_format = format.value
  const tools = (await opened(job, child(config, 'tools'))) ?? undefined
  const list = items(tools).flatMap((one) => toolOf(job, one))
  if (list.length > 0) asked.target.tools = list
  return params
}

/** A value that may be `file://…` with YAML or JSON in it. */
async function opened(job: Job, part: Part | undefined): Promise<Part | undefined> {
  if (part === undefined || !isFile(part.value)) return part
  if (!/\.(ya?ml|json)$/i.test(part.value)) {
    left(job, part, 'code is never run')
    return undefined
  }
  const [file] = await filesNamed(job, part, part.value)
  return file === undefined ? undefined : dataIn(job, part, file)
}

/** A function of the OpenAI API, in the form of either of its two endpoints. */
function toolOf(job: Job, part: Part): Data[] {
  const inner = child(part, 'function') ?? (textOf(child(part, 'type')) === 'function' ? part : undefined)
  const name = textOf(child(inner, 'name'))
  if (inner === undefined || name === undefined) {
    left(job, part, 'only functions are tools here')
    return []
  }
  leaveOthers(job, inner, ['type', 'name', 'description', 'parameters'])
  const description = textOf(child(inner, 'description'))
  const schema = child(inner, 'parameters')?.value
  return [
    { name, ...(description === undefined ? {} : { description }), ...(isMap(schema) ? { parameters: schema } : {}) },
  ]
}
