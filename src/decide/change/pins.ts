// Whether the id of a model names one fixed model, a name that is moved, or one of which nobody can tell: by provider.
import { snapshotsOf } from '../gate/known-snapshots.ts'

/** pinned: always the same model; alias: moved without notice; unknown: this provider's names do not tell. */
export type PinState = { state: 'pinned' | 'alias' | 'unknown'; why: string; known?: string[] }

/** Who serves the model. Without `base_url` (recorded answers of nobody in particular) the id alone must tell. */
export type PinProvider = { type: string; base_url?: string | undefined; api_version?: string | undefined }

type Rule = (id: string) => PinState
type Vendor =
  | 'openai'
  | 'azure'
  | 'anthropic'
  | 'gemini'
  | 'mistral'
  | 'ollama'
  | 'huggingface'
  | 'openrouter'
  | 'other'

const pinned = (why: string): PinState => ({ state: 'pinned', why })
const alias = (why: string, known: readonly string[] = []): PinState => withKnown({ state: 'alias', why }, known)
const unknown = (why: string, known: readonly string[] = []): PinState => withKnown({ state: 'unknown', why }, known)
const withKnown = (state: PinState, known: readonly string[]): PinState =>
  known.length > 0 ? { ...state, known: [...known] } : state

/**
 * The state of a model id at a provider. The vendor is told from the host of `base_url`; behind a host that nobody knows
 * (a proxy, a server of one's own) and without one, from the id. Pure: a table of rules, one a vendor.
 */
export function pinState(provider: PinProvider, id: string): PinState {
  return rules[vendorOf(provider)](id)
}

const hosts: readonly [RegExp, Vendor][] = [
  [/(^|\.)api\.openai\.com$/, 'openai'],
  [/\.(openai|services\.ai|cognitiveservices)\.azure\.(com|us|cn)$/, 'azure'],
  [/(^|\.)api\.anthropic\.com$/, 'anthropic'],
  [/^generativelanguage\.googleapis\.com$|(^|[.-])aiplatform\.googleapis\.com$/, 'gemini'],
  [/(^|\.)api\.mistral\.ai$/, 'mistral'],
  [/(^|\.)openrouter\.ai$/, 'openrouter'],
  [/(^|\.)(huggingface\.co|endpoints\.huggingface\.cloud)$/, 'huggingface'],
]

function vendorOf({ base_url, api_version }: PinProvider): Vendor {
  if (api_version !== undefined) return 'azure'
  if (base_url === undefined || !URL.canParse(base_url)) return 'other'
  const { hostname, port } = new URL(base_url)
  const [, known] = hosts.find(([host]) => host.test(hostname)) ?? []
  return known ?? (port === '11434' ? 'ollama' : 'other')
}

const isDay = (month: string, day: string) => +month >= 1 && +month <= 12 && +day >= 1 && +day <= 31

/** The date at the end of a name, as OpenAI (2024-11-20) or Anthropic (20241022, with -v2:0 at Bedrock) writes it. */
function endDate(id: string): string | undefined {
  const [, year = '', , month = '', day = ''] = /[-@](20\d{2})(-?)(\d{2})\2(\d{2})(?:-v\d+(?::\d+)?)?$/.exec(id) ?? []
  return year !== '' && isDay(month, day) ? `${year}-${month}-${day}` : undefined
}

const floats = (id: string) => alias('a name that ends in "latest" is moved to each new model', snapshotsOf(id))

const openaiRule: Rule = (id) => {
  if (id.endsWith('-latest')) return floats(id)
  if (/^ft:[^:]+:[^:]*:[^:]*:[^:]+$/.test(id)) return pinned('a fine-tune has an id of its own')
  const day = endDate(id)
  if (day !== undefined) return pinned(`the snapshot of ${day}`)
  if (/^gpt-.*-(0301|0314|0613|1106|0125)(-(vision-)?preview)?$/.test(id))
    return pinned('a dated snapshot (month and day)')
  if (id === 'gpt-5.6') return alias('it is routed to gpt-5.6-sol today')
  const known = snapshotsOf(id)
  if (known.length > 0) return alias('OpenAI moves names without a date; dated snapshots of it are known', known)
  return unknown('no dated snapshot of this name is known, and OpenAI moves names without a date')
}

/** From 4.6 on a name without a date is the snapshot, by Anthropic's contract; before that it was an alias. */
const anthropicRule: Rule = (written) => {
  const id = written.replace(/^(?:[a-z-]+\.)?anthropic\./, '').replace(/(\d)\.(\d)/, '$1-$2')
  const bare = id.replace(/-v\d+(?::\d+)?$/, '')
  if (bare.endsWith('-latest')) return floats(bare)
  if (!bare.startsWith('claude-')) return unknown('it is no name of an Anthropic model')
  const day = endDate(id)
  if (day !== undefined) return pinned(`the snapshot of ${day}`)
  const [, major, minor = '0'] = /^claude-[a-z]+-(\d{1,2})(?:-(\d{1,2}))?$/.exec(bare) ?? []
  if (major !== undefined && (+major > 4 || (+major === 4 && +minor >= 6)))
    return pinned('from version 4.6 on Anthropic never moves a name without a date')
  const older = /^claude-(?:\d|instant\b)/.test(bare) || major !== undefined
  if (!older) return unknown('neither a date nor a version can be read from this name')
  return alias('before version 4.6 a name without a date is moved', snapshotsOf(bare))
}

const geminiRule: Rule = (written) => {
  const id = written.replace(/^(?:models|google)\//, '')
  if (id.endsWith('-latest')) return floats(id)
  if (/-\d{3}$/.test(id)) return pinned('a numbered stable version')
  const [, month = '', rest = ''] = /-(?:preview|exp)(?:-[a-z]+)*-(\d{2})-?(\d{4}|\d{2})$/.exec(id) ?? []
  if (isDay(month, rest.length === 4 ? '1' : rest))
    return pinned('a dated preview: fixed, but withdrawn after a short time')
  return unknown('Google may move a name without a version number', snapshotsOf(id))
}

const mistralRule: Rule = (id) => {
  if (id.endsWith('-latest')) return floats(id)
  const [, month = ''] = /-2\d(\d{2})$/.exec(id) ?? []
  if (isDay(month, '1')) return pinned('a version by year and month')
  return unknown('it names no version (year and month, such as -2411)', snapshotsOf(id))
}

const DIGEST = /@sha256:[0-9a-f]{64}$/i
const REVISION = /@[0-9a-f]{40}$/i

const ollamaRule: Rule = (id) =>
  DIGEST.test(id) ? pinned('a digest') : alias('a tag is moved with each push; a digest (name@sha256:…) is not')

const huggingfaceRule: Rule = (id) =>
  REVISION.test(id)
    ? pinned('a commit of the weights repository')
    : alias('a branch or tag of the weights repository is moved; a commit (name@<40 hex digits>) is not')

const openrouterRule: Rule = (id) => {
  if (id.startsWith('openrouter/')) return alias('the model is chosen anew for each request')
  const [, suffix] = /:([a-z]+)$/.exec(id) ?? []
  if (suffix !== undefined) return alias(`:${suffix} chooses who answers anew for each request`)
  return byName(id.replace(/^~?[^/]+\//, ''))
}

/** Families of names that are known wherever they are served. */
const families: readonly [RegExp, Rule][] = [
  [/^(ft:)?(gpt-|chatgpt-|o\d($|-)|codex-|davinci|babbage|text-embedding-)/, openaiRule],
  [/^((?:[a-z-]+\.)?anthropic\.)?claude-/, anthropicRule],
  [/^((models|google)\/)?gemini-/, geminiRule],
  [/^(open-)?(mistral|ministral|mixtral|codestral|pixtral|magistral|devstral|voxtral)-/, mistralRule],
]

function byName(id: string): PinState {
  const [bare = id, digest] = id.split(/@(?=sha256:|[0-9a-f]{40}$)/i)
  // These vendors know no digests: nobody can tell what a server makes of one.
  if (digest !== undefined && families.some(([name]) => name.test(bare)))
    return unknown('the vendor of this model gives no digests by which it could be asked', snapshotsOf(bare))
  if (DIGEST.test(id)) return pinned('a digest')
  if (REVISION.test(id)) return pinned('a commit of the weights repository')
  const [, family] = families.find(([name]) => name.test(id)) ?? []
  if (family) return family(id)
  if (/[-:@]latest$/.test(id)) return floats(id)
  const day = endDate(id)
  if (day !== undefined) return pinned(`the snapshot of ${day}, as its name says`)
  if (/^[^/@]+\/[^/@]+@[^@]+$/.test(id)) return huggingfaceRule(id)
  return unknown('this server gives no rule by which a name could be told from an alias')
}

const rules: Record<Vendor, Rule> = {
  openai: openaiRule,
  azure: () => unknown('a deployment is a name of your own: its version is set in Azure, and is updated by default'),
  anthropic: anthropicRule,
  gemini: geminiRule,
  mistral: mistralRule,
  ollama: ollamaRule,
  huggingface: huggingfaceRule,
  openrouter: openrouterRule,
  other: byName,
}
