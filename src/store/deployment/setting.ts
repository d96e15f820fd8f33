// What all plans of one deployment file share: where it is read from, what is released, and which models there are.
import { type At, assumed, child, isMap, type Outline, plain, words } from './outline.ts'

export type Setting = {
  outline: Outline
  /** Names of models by what a deployment file may call them (name or id), plain. */
  models: ReadonlyMap<string, string>
  /** The models by their names. */
  registry: Readonly<Record<string, Record<string, unknown>>>
  /** The release and baseline where a block names none: of the model registry. */
  parts: { release: Record<string, string>; baseline: Record<string, string> } | undefined
  /** Components that were made up, because the file does not say what is released. */
  made: Set<string>
  /** Names of the feature flags of the file. */
  features: ReadonlySet<string>
  /** Which components production has, by aigate.yaml or by the file; not `known`: neither says. */
  production: Production
  /** Components that an action takes back by themselves. */
  asked: Set<string>
  now: Date
}
export type Production = { known: boolean; has: (component: string) => boolean }

export const source = { type: 'jsonl', path: 'logs/*.jsonl' } as const
export const FLAG_FILE = 'deploy/flags.json'

/** A name that aigate accepts. */
export function nameOf(text: string): string {
  const name = text
    .trim()
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replaceAll(/^[^A-Za-z0-9]+|-+$/g, '')
  return name === '' ? 'deployment' : name
}

/** The model of the registry that a text names. */
export const modelNamed = ({ models }: Setting, text: string | undefined): string | undefined =>
  text === undefined ? undefined : models.get(plain(text))

const candidates = [
  'candidate',
  'canary',
  'new',
  'candidate_model',
  'canary_model',
  'new_model',
  'model',
  'shadow_model',
  'canary_version',
]
const baselines = [
  'baseline',
  'control',
  'stable',
  'current',
  'baseline_model',
  'stable_model',
  'current_model',
  'primary_model',
  'production_model',
  'previous_model',
  'stable_version',
]

function namedModel(setting: Setting, at: At | undefined, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const found = child(at, key)
    const value = isMap(found?.value) ? child(found, 'model', 'id', 'name') : found
    const model = typeof value?.value === 'string' ? modelNamed(setting, value.value) : undefined
    if (model !== undefined) {
      words(setting.outline, value)
      return model
    }
  }
  return undefined
}

/** What a block releases and what it is compared with; made up, and said so, where the file does not say it. */
export function partsOf(
  setting: Setting,
  at: At,
): { release: Record<string, string>; baseline: Record<string, string> } {
  const release = namedModel(setting, at, candidates)
  const baseline = namedModel(setting, at, baselines)
  if (release !== undefined && baseline !== undefined && release !== baseline)
    return { release: { model: release }, baseline: { model: baseline } }
  if (setting.parts !== undefined) return setting.parts
  setting.made.add('application')
  assumed(
    setting.outline,
    at,
    'it does not say what is released: write it under release and baseline (now: application)',
  )
  return { release: { application: 'candidate' }, baseline: { application: 'current' } }
}
