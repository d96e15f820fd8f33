// The one model of a prompt file of another tool, as provider, model and parameters of aigate.yaml.
import { nobody, parameterNames, providerNamed, vendorOfModel } from './addresses.ts'
import type { Made } from './made.ts'
import { slug } from './names.ts'
import { changed, entries, type Job, left, type Part, textOf } from './parts.ts'

type Said = {
  vendor?: string | undefined
  id: string
  at: Part
  base_url?: string | undefined
  api_version?: string | undefined
}

/** Adds the model to what is made, with the parameters that chat completions know. @returns its name in the registry */
export function addModel(job: Job, made: Made, said: Said, parameters: Part | undefined): string {
  const [head = '', ...rest] = said.id.split('/')
  const vendor = said.vendor ?? (rest.length > 0 ? head : vendorOfModel(said.id))
  const azure = vendor !== undefined && vendor.startsWith('azure')
  const found = azure ? azureProvider(said) : providerNamed(vendor ?? '')
  const known = found ?? nobody
  const id = rest.length > 0 && known.name !== 'openrouter' && said.vendor === undefined ? rest.join('/') : said.id
  if (found === undefined)
    left(
      job,
      said.at,
      'its provider is not known to speak OpenAI chat completions: the model answers from recordings until its provider is written by hand',
      said.id,
    )
  const params: Record<string, unknown> = {}
  for (const [key, one] of entries(parameters)) {
    const name = parameterNames[key]
    if (name === undefined || typeof one.value === 'object') {
      if (name === 'stop' && Array.isArray(one.value)) params.stop = one.value
      else if (one.value !== null) left(job, one, 'no parameter of chat completions that aigate knows')
    } else params[name] = one.value
  }
  const name = slug(id, 'model')
  made.providers[known.name] = {
    ...known.config,
    ...(said.base_url !== undefined && !azure ? { base_url: said.base_url } : {}),
  }
  made.models[name] = { provider: known.name, id, ...(Object.keys(params).length > 0 ? { params } : {}) }
  return name
}

const azureProvider = ({ base_url, api_version }: Said) => ({
  name: 'azure',
  config: {
    type: 'openai',
    base_url: base_url ?? 'https://example.openai.azure.com',
    api_version: api_version ?? '2024-10-21',
    api_key_env: 'AZURE_OPENAI_API_KEY',
  },
})

/** A model for data that names none. */
export function unnamedModel(job: Job, made: Made, at: Part): string {
  changed(
    job,
    at,
    'it names no model: "unnamed", which answers from recordings only, stands in its place until you write provider and id under `models` in aigate.yaml',
    'model',
  )
  made.providers[nobody.name] = nobody.config
  made.models.unnamed = { provider: nobody.name, id: 'unnamed' }
  return 'unnamed'
}

/** A text that is no reference to the environment. */
export const plainText = (part: Part | undefined): string | undefined => {
  const text = textOf(part)
  return text === undefined || /\$\{|\{\{/.test(text) ? undefined : text
}
