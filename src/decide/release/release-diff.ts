// What differs between two releases, in sentences: "prompt answer 1.2.0 -> 1.3.0 (tone)".
import type { Part, ReleasedModel, ReleasedPrompt, ReleaseManifest } from '../../schema/release.ts'

type Side = Pick<ReleaseManifest, 'prompts' | 'models' | 'components' | 'suites' | 'container' | 'git'>

/**
 * One sentence a difference of what runs: prompts, models with parameters, components, container. The words in brackets
 * are the description of the new prompt and the note of the new component. Empty: the same runs.
 */
export function releaseChanges(before: Side, after: Side): string[] {
  return [
    ...pairs(before.prompts, after.prompts).flatMap(([a, b]) => promptChange(a, b)),
    ...pairs(before.models, after.models).flatMap(([a, b]) => modelChange(a, b)),
    ...componentChanges(before.components, after.components),
    ...moved('container', before.container, after.container),
  ]
}

/** As `releaseChanges`, and what changed around it: the suites that judged it, and the commit. */
export function releaseDiff(before: Side, after: Side): string[] {
  const suites = pairs(
    before.suites.map(({ suite: name, version }) => ({ name, version })),
    after.suites.map(({ suite: name, version }) => ({ name, version })),
  )
  const code = [before, after].map(({ git }) =>
    git ? `${git.commit.slice(0, 12)}${git.dirty ? ' (dirty)' : ''}` : 'unknown',
  )
  return [
    ...releaseChanges(before, after),
    ...suites.flatMap(([a, b]) => moved(`suite ${(b ?? a)?.name}`, a?.version, b?.version)),
    ...moved('code', code[0], code[1]),
  ]
}

/** The sentence of a release against the one before it. `null`: it is the first. */
export function releaseSentence(before: Side | null, after: Side): string {
  if (!before) {
    const parts = [
      ...after.prompts.map(({ name, version }) => `prompt ${name} ${version}`),
      ...after.models.map(({ name, id }) => `model ${name} (${id})`),
      ...Object.entries(after.components).map(([name, { version }]) => `${name} ${version}`),
      ...(after.container === undefined ? [] : [`container ${after.container}`]),
    ]
    return `first release: ${parts.join('; ') || 'nothing that aigate knows by name'}`
  }
  return releaseChanges(before, after).join('; ') || 'what runs is unchanged'
}

/** Both sides by name: those of `after` in their order, then those that are gone. */
function pairs<T extends { name: string }>(
  before: readonly T[],
  after: readonly T[],
): [T | undefined, T | undefined][] {
  const gone = before.filter(({ name }) => !after.some((one) => one.name === name))
  return [
    ...after.map((one): [T | undefined, T] => [before.find(({ name }) => name === one.name), one]),
    ...gone.map((one): [T, undefined] => [one, undefined]),
  ]
}

function moved(what: string, before: string | undefined, after: string | undefined, words = ''): string[] {
  if (before === after) return []
  if (before === undefined) return [`${what} ${after} added${words}`]
  if (after === undefined) return [`${what} ${before} removed`]
  return [`${what} ${before} -> ${after}${words}`]
}

const bracket = (words: string | undefined) => (words === undefined || words === '' ? '' : ` (${words})`)

function promptChange(a: ReleasedPrompt | undefined, b: ReleasedPrompt | undefined): string[] {
  const what = `prompt ${(b ?? a)?.name}`
  if (a && b && a.version === b.version)
    return a.hash === b.hash ? [] : [`${what} ${b.version}: same version, other content`]
  return moved(what, a?.version, b?.version, bracket(b?.description))
}

function modelChange(a: ReleasedModel | undefined, b: ReleasedModel | undefined): string[] {
  const what = `model ${(b ?? a)?.name}`
  const pin = (model: ReleasedModel, other?: ReleasedModel) =>
    other && other.provider !== model.provider ? `${model.provider}/${model.id}` : model.id
  const changes = moved(what, a && pin(a, b), b && pin(b, a))
  if (!a || !b) return changes
  if (a.base_url !== undefined && b.base_url !== undefined)
    changes.push(...moved(`${what} address`, a.base_url, b.base_url))
  const keys = [...new Set([...Object.keys(a.params), ...Object.keys(b.params)])].sort()
  const text = (value: unknown) => (value === undefined ? 'unset' : JSON.stringify(value))
  return [...changes, ...keys.flatMap((key) => moved(`${what} ${key}`, text(a.params[key]), text(b.params[key])))]
}

function componentChanges(before: Record<string, Part>, after: Record<string, Part>): string[] {
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])]
  return names.flatMap((name) => {
    const [a, b] = [before[name], after[name]]
    return moved(name, a?.version, b?.version, bracket(b?.note))
  })
}
