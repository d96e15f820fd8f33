// Reads a deployment file in the words of this field's guides, and plans the files of aigate that it becomes.
import { stringify } from 'yaml'
import * as z from 'zod'
import type { SourceFile } from '../source-text.ts'
import { readYaml } from '../yaml.ts'
import { experimentOf } from './experiments.ts'
import { shadowOf } from './shadows.ts'
import { readBreakers } from './breakers.ts'
import { guardPlan, noGuards } from './guard-parts.ts'
import { readTriggers } from './triggers.ts'
import { readRegistry, type Registry } from './models.ts'
import {
  type At,
  assumed,
  child,
  isMap,
  type Item,
  items,
  left,
  newOutline,
  type Note,
  type Outline,
  plain,
  reportLeft,
  words,
} from './outline.ts'
import { featureNames, featureRollouts, rolloutOf } from './rollouts.ts'
import { FLAG_FILE, nameOf, type Production, type Setting } from './setting.ts'

type Data = Record<string, unknown>
/**
 * Files to be written (`path` relative, forward slashes; `keep`: one that is there stays), what belongs into aigate.yaml, and
 * what a person has to know.
 */
export type ImportPlan = {
  files: { path: string; text: string; keep?: boolean }[]
  config: Data
  notes: Note[]
}

const kinds = {
  registry: ['modelregistry', 'registry'],
  rollback: ['autorollback', 'automaticrollback', 'rollback', 'rollbacktriggers', 'rollbackpolicy'],
  breakers: ['circuitbreakers', 'circuitbreaker'],
  flags: ['featureflags', 'featureflag'],
  canary: ['canarystages', 'canary', 'canarydeployment', 'canaryrollout'],
  shadow: ['shadowdeployment', 'shadow', 'shadowmode'],
  experiment: ['experiment', 'experiments', 'abtest', 'abtests'],
} as const
type Kind = keyof typeof kinds
const DEEPEST = 4

/** Every block that is known, wherever in the file it stands; a file that is one block without its name is found by its keys. */
function blocksOf(root: At): Map<Kind, (Item & { inside: At })[]> {
  const found = new Map<Kind, (Item & { inside: At })[]>()
  const walk = (at: At, depth: number): void => {
    for (const item of items(at)) {
      const kind = (Object.keys(kinds) as Kind[]).find((one) =>
        kinds[one].some((word) => word === plain(item.name ?? '')),
      )
      const block = typeof item.value === 'object' && item.value !== null
      if (kind !== undefined && block) found.set(kind, [...(found.get(kind) ?? []), { ...item, inside: at }])
      else if (block && depth < DEEPEST) walk(item, depth + 1)
    }
  }
  walk(root, 0)
  return found
}

/**
 * What a deployment file becomes. Nothing is written here. `now` starts experiments that have no start. `production`: what
 * the configuration that is there says of it; undefined: it says nothing.
 * Everything that cannot be carried over is in `notes` with its place. Throws AigateError `bad_file` for what is no YAML map.
 */
export async function planImport(file: SourceFile, now: Date, production?: Production): Promise<ImportPlan> {
  const { value, locate } = await readYaml(file, z.record(z.string(), z.unknown()), 'deployment file')
  const outline = newOutline(value, file.shown, locate)
  const blocks = blocksOf(outline.root)
  const registries = (blocks.get('registry') ?? []).map((at) => readRegistry(outline, at))
  const registry = registries[0] ?? readRegistry(outline, undefined)
  for (const extra of (blocks.get('registry') ?? []).slice(1)) left(outline, extra, 'a second registry of models')
  const made = new Set<string>()
  const features = new Set((blocks.get('flags') ?? []).flatMap((at) => featureNames(at)))
  const released = Object.keys(registry.parts?.release ?? {})
  const setting: Setting = {
    outline,
    models: registry.names,
    registry: registry.models,
    parts: registry.parts,
    made,
    features,
    production: production ?? { known: released.length > 0, has: (component) => released.includes(component) },
    asked: new Set(),
    now,
  }
  const guards = noGuards()
  for (const at of blocks.get('rollback') ?? []) readTriggers(setting, at, guards)
  for (const at of blocks.get('breakers') ?? []) readBreakers(setting, at, guards)
  const base = nameOf((file.shown.split(/[\\/]/).at(-1) ?? '').replace(/\.(ya?ml|json)$/i, ''))
  const used = new Set<string>()
  const once = (name: string, folder: string): string => {
    for (let n = 1; ; n++) {
      const next = n === 1 ? name : `${name}-${n}`
      if (!used.has(`${folder}/${next}`) && used.add(`${folder}/${next}`)) return next
    }
  }
  const files: ImportPlan['files'] = []
  const add = (folder: string, kind: 'rollout' | 'shadow' | 'experiment', plan: Data | undefined) => {
    if (plan === undefined) return
    const name = once(String(plan[kind]), folder)
    files.push(fileOf(`${folder}/${name}.${kind}.yaml`, kind, { ...plan, [kind]: name }, file.shown))
  }
  for (const at of blocks.get('canary') ?? [])
    add('rollouts', 'rollout', rolloutOf(setting, at, `${blockName(outline, at) ?? base}-canary`, guards.forRollouts))
  for (const at of blocks.get('flags') ?? [])
    for (const plan of featureRollouts(setting, at, guards.forRollouts)) add('rollouts', 'rollout', plan)
  for (const at of blocks.get('experiment') ?? [])
    for (const one of several(at)) add('experiments', 'experiment', experimentOf(setting, one, one.name ?? base))
  for (const at of blocks.get('shadow') ?? []) add('rollouts', 'shadow', shadowOf(setting, at, `${base}-shadow`))
  const guard = guardPlan(outline, guards, base)
  const actions = Object.values((guard?.['actions'] ?? {}) as Record<string, Data>)
  const goesBack = actions.some(({ type }) => type === 'rollback')
  const planes = goesBack && production === undefined ? planesFor(setting) : undefined
  if (guard !== undefined) files.push(fileOf('guard.yaml', 'guard', guard, file.shown))
  if (planes !== undefined)
    files.push({ path: FLAG_FILE, text: `${JSON.stringify({ flags: planes.flags }, null, 2)}\n`, keep: true })
  reportLeft(outline)
  const config = { ...configOf(registry, made), ...(planes === undefined ? {} : { production: planes.production }) }
  return { files, config, notes: sorted(outline) }
}

/** Where a rollback of the guard goes: a flag for each kind of component that the file releases, and the file they are in. */
function planesFor(setting: Setting): { production: Data; flags: Data } {
  const { outline, parts, asked, registry } = setting
  const known = Object.keys(parts?.release ?? {}).map((name) => name.split('/')[0] ?? name)
  const released = [...new Set([...known, ...asked])]
  const names = released.length > 0 ? released : ['prompt']
  const flags = `the flag${names.length === 1 ? '' : 's'} ${names.join(', ')} in ${FLAG_FILE}`
  assumed(
    outline,
    outline.root,
    `a rollback sets ${flags}: correct \`production\` of aigate.yaml where versions are set elsewhere`,
  )
  const idOf = (name: string | undefined) => {
    const id = name === undefined ? undefined : registry[name]?.['id']
    return typeof id === 'string' ? id : name
  }
  const flagOf = (name: string) => {
    const previous = idOf(parts?.baseline[name])
    const variants = {
      current: idOf(parts?.release[name]) ?? 'current',
      ...(previous === undefined ? {} : { previous }),
    }
    return { state: 'ENABLED', variants, defaultVariant: 'current', targeting: {} }
  }
  const unknown = names.filter((name) => parts?.release[name] === undefined)
  if (unknown.length > 0)
    assumed(
      outline,
      outline.root,
      `${unknown.join(', ')}: the version that runs is called "current" in ${FLAG_FILE}: write it`,
    )
  return {
    production: Object.fromEntries(names.map((name) => [name, { type: 'flagd', path: FLAG_FILE, flag: name }])),
    flags: Object.fromEntries(names.map((name) => [name, flagOf(name)])),
  }
}

/** One experiment, or a list or map of several. */
function several(at: Item): Item[] {
  return child(at, 'variants', 'arms', 'groups', 'treatments') === undefined
    ? items(at).filter((one) => isMap(one.value))
    : [{ ...at, name: undefined } as unknown as Item]
}
const blockName = (outline: Outline, at: At): string | undefined => {
  const name = child(at, 'name', 'id')
  return typeof name?.value === 'string' ? nameOf(words(outline, name) ?? '') : undefined
}

function configOf({ providers, models }: Registry, made: ReadonlySet<string>): Data {
  return {
    ...(Object.keys(providers).length === 0 ? {} : { providers }),
    ...(Object.keys(models).length === 0 ? {} : { models }),
    ...(made.size === 0
      ? {}
      : { components: Object.fromEntries([...made].map((name) => [name, { version: 'current' }])) }),
  }
}

function fileOf(path: string, kind: string, plan: Data, from: string) {
  const schema = `# yaml-language-server: $schema=${'../'.repeat(path.split('/').length - 1)}node_modules/aigate/schema/${kind}.schema.json\n`
  const text = stringify(plan, { lineWidth: 0, defaultStringType: 'PLAIN', aliasDuplicateObjects: false })
  return {
    path,
    text: `${schema}# Made by aigate init --from ${from.split(/[\\/]/).at(-1) ?? from}: read it before you use it.\n${text}`,
  }
}

const sorted = ({ notes }: Outline): Note[] => [...notes].sort((a, b) => (a.place.line ?? 0) - (b.place.line ?? 0))
