// The lock as it would be written now, and how it differs from the one that was agreed on.
import type { LoadedSuite, ResolvedJudge } from '../../ports.ts'
import type { Config, ProviderConfig } from '../../schema/config.ts'
import { judgePromptNames } from '../../schema/judge.ts'
import type { Lock, LockedModel, LockedSuite, LockedTarget } from '../../schema/lock.ts'
import type { TargetSnapshot } from '../../schema/run.ts'
import { byText } from '../words.ts'

type Hash = (value: unknown) => string
/** A suite as its files say, and its target as a run would remember it. */
export type LockableSuite = {
  loaded: LoadedSuite
  snapshot: TargetSnapshot
  /** By path: hash of each file and folder that grades its cases. */
  graders?: Readonly<Record<string, string>> | undefined
}

/**
 * Everything that decides the behaviour of these suites, and the whole model registry.
 * @param hash content hash of a JSON value, independent of the order of keys
 */
export function lockOf({ config, suites, hash }: { config: Config; suites: LockableSuite[]; hash: Hash }): Lock {
  const prompts = suites.flatMap(({ loaded: { target } }) => {
    if (target.kind !== 'prompt') return []
    return [[`${target.prompt.name}@${target.prompt.version}`, target.prompt.hash] as const]
  })
  const models = Object.entries(config.models).map(([name, { provider, id, params, price }]) => {
    const asked = askedOf(config.providers[provider])
    return [name, { provider, ...asked, id, params, ...(price && { price }) }] as const
  })
  const judges = suites.flatMap(({ loaded }) => Object.values(loaded.graders?.judges ?? {})).map(lockedJudge)
  return {
    aigate: 'lock',
    version: 1,
    models: Object.fromEntries(models),
    components: config.components ?? {},
    ...(judges.length > 0 && { judges: Object.fromEntries(judges) }),
    ...(config.embeddings !== undefined && { embeddings: config.embeddings }),
    prompts: Object.fromEntries(prompts),
    suites: Object.fromEntries(suites.map((suite) => [suite.loaded.suite.suite, lockedSuite(suite, hash)])),
  }
}

/** Who is asked: behind recordings the provider that --record asks. Of headers only the names: values may be secrets. */
function askedOf(provider: ProviderConfig | undefined): Omit<LockedModel, 'provider' | 'id' | 'params' | 'price'> {
  if (!provider) return {}
  const { type } = provider
  const live = provider.type === 'replay' ? provider.of : provider
  if (!live) return { type }
  const { base_url, api_version } = live
  const headers = Object.keys(live.headers)
    .map((name) => name.toLowerCase())
    .sort(byText)
  return { type, base_url, ...(api_version !== undefined && { api_version }), ...(headers.length > 0 && { headers }) }
}

/** A judge that a suite asks: its model stands in the registry. */
const lockedJudge = ({ name, model, votes, output, prompts }: ResolvedJudge) => {
  const versions = judgePromptNames.map((part) => [part, `${prompts[part].version} ${prompts[part].hash}`] as const)
  return [name, { model: model.name, votes, output, prompts: Object.fromEntries(versions) }] as const
}

function lockedSuite({ loaded, snapshot, graders }: LockableSuite, hash: Hash): LockedSuite {
  const { suite, cases, policy } = loaded
  const entries = cases
    .map(({ info: { id, hash: content, category, critical } }) => ({ id, content, category, critical }))
    .sort((a, b) => byText(a.id, b.id))
  return {
    version: suite.version,
    target: lockedTarget(loaded, snapshot, hash),
    cases: { count: cases.length, critical: entries.filter(({ critical }) => critical).length, hash: hash(entries) },
    ...(graders && { graders: { ...graders } }),
    trials: suite.trials,
    ...(suite.anchors && { anchors: suite.anchors }),
    policy: { ...policy },
  }
}

function lockedTarget({ target }: LoadedSuite, { label, hash: spec }: TargetSnapshot, hash: Hash): LockedTarget {
  if (target.kind !== 'prompt') return { kind: target.kind, label, spec }
  const { prompt, model, params, tools, response_format } = target
  return {
    prompt: `${prompt.name}@${prompt.version}`,
    model: model.name,
    params,
    ...(tools && { tools: hash(tools) }),
    ...(response_format && { response_format: hash(response_format) }),
  }
}

/**
 * One sentence a difference, sorted by what it is about; empty when the lock holds.
 * @param partial only some suites were looked at: what only the lock has is not missed
 */
export function lockChanges(locked: Lock, now: Lock, { partial }: { partial: boolean }): string[] {
  return [
    ...sectionChanges('model', locked.models, now.models, false),
    ...sectionChanges('component', locked.components, now.components, false),
    ...sectionChanges('judge', locked.judges ?? {}, now.judges ?? {}, partial),
    ...sectionChanges('embeddings', ofName(locked.embeddings), ofName(now.embeddings), false),
    ...sectionChanges('prompt', locked.prompts, now.prompts, partial),
    ...sectionChanges('suite', locked.suites, now.suites, partial),
  ]
}

const ofName = (model: string | undefined): Section => (model === undefined ? {} : { model })

type Section = Readonly<Record<string, unknown>>

function sectionChanges(kind: string, locked: Section, now: Section, partial: boolean): string[] {
  const names = [...new Set([...Object.keys(locked), ...Object.keys(now)])].sort(byText)
  return names.flatMap((name) => {
    const thing = `${kind} ${name}`
    if (!Object.hasOwn(now, name)) return partial ? [] : [`${thing}: removed`]
    if (!Object.hasOwn(locked, name)) return [`${thing}: added`]
    const [before, after] = [leaves(locked[name]), leaves(now[name])]
    const paths = [...new Set([...before.keys(), ...after.keys()])].sort(byText)
    const differing = paths.filter((path) => before.get(path) !== after.get(path))
    return differing.map((path) => {
      const [old, fresh] = [shown(before.get(path)), shown(after.get(path))]
      return `${thing}${path === '' ? '' : ` ${path}`}: ${old} -> ${fresh}`
    })
  })
}

/** Every plain value in a value by its path, as JSON; what is empty is a value too. The order of keys does not count. */
function leaves(value: unknown, path = '', found = new Map<string, string>()): Map<string, string> {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : []
  if (inner.length === 0) return value === undefined ? found : found.set(path, JSON.stringify(value))
  for (const [key, child] of inner) leaves(child, path === '' ? key : `${path}.${key}`, found)
  return found
}

/** Hashes are cut short: people compare them, and never copy them. */
function shown(json: string | undefined): string {
  if (json === undefined) return '(not set)'
  return /^"[0-9a-f]{64}"$/.test(json) ? json.slice(1, 13) : json.replace(/^"([\w./@:+-]+)"$/, '$1')
}
