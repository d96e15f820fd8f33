// What a plane holds of a release: its version as it is written there, and all that belongs to it.
import { AigateError } from '../../errors.ts'
import type { PlaneConfig } from '../../schema/planes.ts'
import type { ReleaseManifest } from '../../schema/release.ts'

/** The parts of a manifest that planes may hold. */
export type Parts = Pick<ReleaseManifest, 'prompts' | 'models' | 'components' | 'container' | 'git'>

/** `version`: as the plane says it. `content`: everything of this part, to tell two parts of one version apart. `names`: all that a person may call it. */
export type HeldPart = { version: string; content: string; names: readonly string[] }

type Holds = { kind: string; name: string | undefined }

/** What a plane holds: `prompt`, `prompt:support/answer`, `model`, `code`, or a component such as `index`. */
export function holdsOf(key: string, { holds = key }: Pick<PlaneConfig, 'holds'>): Holds {
  const [kind = key, ...name] = holds.split(':')
  return { kind, name: name.length > 0 ? name.join(':') : undefined }
}

/** The part of a release that a plane holds; null: the release has none. Throws AigateError `usage` where it has several. */
export function heldPart(release: Parts, key: string, config: Pick<PlaneConfig, 'holds' | 'value'>): HeldPart | null {
  const { kind, name } = holdsOf(key, config)
  if (kind === 'prompt') {
    const prompt = theOne(release.prompts, { key, kind, name })
    if (!prompt) return null
    const words = { name: prompt.name, version: prompt.version, id: prompt.hash }
    const version = write(config.value ?? '{name}@{version}', words, key)
    return { version, content: prompt.hash, names: [version, prompt.version, `${prompt.name}@${prompt.version}`] }
  }
  if (kind === 'model') {
    const model = theOne(release.models, { key, kind, name })
    if (!model) return null
    const words = { name: model.name, version: model.id, id: model.id, provider: model.provider }
    const version = write(config.value ?? '{id}', words, key)
    return { version, content: JSON.stringify(model), names: [version, model.id, model.name] }
  }
  if (kind === 'code') return codePart(release, key, config)
  const part = release.components[name ?? kind]
  if (!part) return null
  const version = write(config.value ?? '{version}', { version: part.version, name: name ?? kind }, key)
  return { version, content: part.version, names: [version, part.version] }
}

function codePart({ container, git }: Parts, key: string, { value }: Pick<PlaneConfig, 'value'>): HeldPart | null {
  const commit = git?.commit
  const main = container ?? commit
  if (main === undefined) return null
  const words = {
    version: main,
    ...(commit !== undefined && { commit }),
    ...(container !== undefined && { container }),
  }
  const version = write(value ?? '{version}', words, key)
  return { version, content: JSON.stringify([container, commit]), names: [version, main, ...(commit ? [commit] : [])] }
}

type Asked = { key: string; kind: string; name: string | undefined }

function theOne<T extends { name: string }>(list: readonly T[], { key, kind, name }: Asked): T | null {
  const found = name === undefined ? list : list.filter((one) => one.name === name)
  const [only] = found
  if (found.length < 2) return only ?? null
  throw new AigateError('usage', {
    problem: `The plane ${key} holds one ${kind}, and the release has ${found.length}: ${found.map((one) => one.name).join(', ')}.`,
    mend: `Write which: holds: "${kind}:${only?.name ?? ''}".`,
  })
}

function write(form: string, words: Readonly<Record<string, string>>, key: string): string {
  return form.replace(/\{(\w+)\}/g, (_, name: string) => {
    const word = Object.hasOwn(words, name) ? words[name] : undefined
    if (word !== undefined) return word
    throw new AigateError('usage', {
      problem: `The plane ${key} writes {${name}}, which its part of the release does not have.`,
      mend: `Use one of ${Object.keys(words)
        .map((one) => `{${one}}`)
        .join(', ')}.`,
    })
  })
}

/** `now` with the part that a plane holds taken from `then`. */
export function withPartOf(now: Parts, then: Parts, { kind, name }: Holds): Parts {
  if (kind === 'prompt') return { ...now, prompts: swap(now.prompts, then.prompts, name) }
  if (kind === 'model') return { ...now, models: swap(now.models, then.models, name) }
  if (kind === 'code') {
    const { container: _old, ...rest } = now
    return { ...rest, git: then.git, ...(then.container !== undefined && { container: then.container }) }
  }
  const key = name ?? kind
  const { [key]: _part, ...others } = now.components
  const part = then.components[key]
  return { ...now, components: part ? { ...others, [key]: { version: part.version } } : others }
}

function swap<T extends { name: string }>(now: readonly T[], then: readonly T[], name: string | undefined): T[] {
  if (name === undefined) return [...then]
  return [...now.filter((one) => one.name !== name), ...then.filter((one) => one.name === name)]
}

/** A release reduced to the part that a plane holds: what must be there for this plane alone to go back. */
export function onlyPart(release: ReleaseManifest, key: string, config: Pick<PlaneConfig, 'holds'>): ReleaseManifest {
  const { container: _code, ...bare } = release
  const empty = { ...bare, prompts: [], models: [], components: {} }
  const holds = holdsOf(key, config)
  return { ...empty, ...withPartOf({ ...empty, git: release.git }, release, holds) }
}

/** Prompts, models and components that differ between two releases and that no plane holds, in words. */
export function withoutPlane(now: Parts, then: Parts, planes: readonly (readonly [string, PlaneConfig])[]): string[] {
  const covered = planes.reduce((parts: Parts, [key, config]) => withPartOf(parts, then, holdsOf(key, config)), now)
  const lists = (['prompt', 'model'] as const).flatMap((kind) => {
    const [here, there] = kind === 'prompt' ? [covered.prompts, then.prompts] : [covered.models, then.models]
    const names = [...new Set([...here, ...there].map(({ name }) => name))]
    const of = (list: readonly { name: string }[], name: string) =>
      JSON.stringify(list.filter((one) => one.name === name))
    return names.filter((name) => of(here, name) !== of(there, name)).map((name) => `${kind} ${name}`)
  })
  const names = [...new Set([...Object.keys(covered.components), ...Object.keys(then.components)])]
  return [
    ...lists,
    ...names.filter((name) => covered.components[name]?.version !== then.components[name]?.version),
    ...(covered.container === then.container ? [] : ['container']),
  ]
}
