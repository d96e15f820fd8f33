// What of the target changed against the baseline: more than one thing at a time, and the cause cannot be told apart.
import { AigateError } from '../../errors.ts'
import type { ProviderIdentity, TargetSnapshot } from '../../schema/run.ts'
import type { Json } from '../../schema/values.ts'
import { byText, names } from '../words.ts'

/** One thing that changed: its name (prompt, model, params, tools, application, index, …) and the change in words. */
export type ComponentChange = { name: string; change: string }

/**
 * The components that differ between two targets, in a fixed order. What one of them does not tell (results of another
 * tool, a baseline of an older aigate) is unknown and counts as unchanged.
 */
export function componentChanges(before: TargetSnapshot, after: TargetSnapshot): ComponentChange[] {
  if (before.kind === 'results' || after.kind === 'results') return []
  const rest = namedChanges(before.components, after.components)
  const whole = before.kind !== after.kind || before.kind !== 'prompt'
  if (!whole) return [...promptChanges(before, after), ...rest]
  return before.hash === after.hash
    ? rest
    : [{ name: 'application', change: `application ${arrow(before.label, after.label)}` }, ...rest]
}

/** The same in words: "prompt support/answer 1.0.0 -> 1.1.0", "model gpt-4o-2024-08-06 -> gpt-4o-2024-11-20". */
export function changedComponents(before: TargetSnapshot, after: TargetSnapshot): string[] {
  return componentChanges(before, after).map(({ change }) => change)
}

function promptChanges(before: TargetSnapshot, after: TargetSnapshot): ComponentChange[] {
  const found: ComponentChange[] = []
  const add = (name: string, what: string) => found.push({ name, change: `${name} ${what}` })
  const [oldPrompt, newPrompt, oldModel, newModel] = [before.prompt, after.prompt, before.model, after.model]
  if (oldPrompt && newPrompt && (oldPrompt.hash !== newPrompt.hash || oldPrompt.name !== newPrompt.name)) {
    add('prompt', promptChange(oldPrompt, newPrompt))
  }
  if (oldModel && newModel) {
    const moved = oldModel.provider !== newModel.provider
    const say = ({ id, provider }: typeof oldModel) => (moved ? `${id} at ${provider}` : id)
    if (moved || oldModel.id !== newModel.id) add('model', arrow(say(oldModel), say(newModel)))
    const params = paramChanges(oldModel.params, newModel.params)
    if (params.length > 0) add('params', names(params))
    // Another provider in name is part of the change of the model.
    const address = moved ? [] : providerChanges(before.provider, after.provider)
    if (address.length > 0) add('provider', `${newModel.provider} (${address.join(', ')})`)
  }
  const [oldTools, newTools] = [before.tools_hash, after.tools_hash]
  if (oldTools !== undefined && newTools !== undefined && oldTools !== newTools) add('tools', 'or response format')
  return found
}

type Prompt = NonNullable<TargetSnapshot['prompt']>
function promptChange(before: Prompt, after: Prompt): string {
  if (before.name !== after.name) return arrow(`${before.name} ${before.version}`, `${after.name} ${after.version}`)
  if (before.version === after.version) return `${after.name} ${after.version} (another content)`
  return `${after.name} ${arrow(before.version, after.version)}`
}

function paramChanges(before: Record<string, Json>, after: Record<string, Json>): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort(byText)
  const at = (params: Record<string, Json>, key: string) => (Object.hasOwn(params, key) ? say(params[key]) : 'unset')
  return keys.flatMap((key) => {
    const [old, now] = [at(before, key), at(after, key)]
    return old === now ? [] : [`${key} ${arrow(old, now)}`]
  })
}

/** What of the provider behind one name differs; nothing where one side does not tell. */
function providerChanges(before: ProviderIdentity | undefined, after: ProviderIdentity | undefined): string[] {
  if (!before || !after) return []
  const fields = (of: ProviderIdentity) => [
    ['type', of.type],
    ['base_url', of.base_url ?? 'unset'],
    ['api_version', of.api_version ?? 'unset'],
    ['headers', of.headers.join(' ') || 'none'],
  ]
  const old = new Map(fields(before).map(([name = '', value]) => [name, value]))
  return fields(after).flatMap(([name = '', value = '']) => {
    const was = old.get(name) ?? ''
    return was === value ? [] : [`${name} ${arrow(was, value)}`]
  })
}

/** JSON with sorted keys: the same for the same value. */
function say(value: Json | undefined): string {
  return JSON.stringify(value, (_key, inner: Json) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => byText(a, b)))
  })
}

/** A name that only one side has was added or removed, which is a change; a side that names none at all tells nothing. */
function namedChanges(
  before: Record<string, string> | undefined,
  after: Record<string, string> | undefined,
): ComponentChange[] {
  if (!before || !after) return []
  const all = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort(byText)
  const at = (side: Record<string, string>, name: string) => (Object.hasOwn(side, name) ? side[name] : undefined)
  return all.flatMap((name) => {
    const [old, now] = [at(before, name), at(after, name)]
    return old === now ? [] : [{ name, change: `${name} ${arrow(old ?? 'none', now ?? 'none')}` }]
  })
}

const arrow = (before: string, after: string): string => `${before} -> ${after}`

/** A judge is a ruler, not a thing that is measured. */
const isRuler = ({ name }: ComponentChange): boolean => /^judges?(\/|$)/.test(name)

/**
 * Stops a comparison that could not tell its cause.
 * @throws AigateError `usage` when a judge changed (whatever is allowed: a changed ruler measures nothing), and when two
 * or more components changed together and it is neither allowed by the policy nor to be attributed
 */
export function requireOneCause(
  suite: string,
  sides: { before: TargetSnapshot; after: TargetSnapshot },
  { allowed, attribute = false }: { allowed: boolean; attribute?: boolean },
): void {
  const changes = componentChanges(sides.before, sides.after)
  const rulers = changes.filter(isRuler)
  if (rulers.length > 0) {
    throw new AigateError('usage', {
      problem: `Suite ${suite}: ${together(rulers)} changed since the baseline: a changed ruler, so the two are not compared.`,
      mend: 'Record the baseline anew with the new judge and the old target: `aigate baseline record`.',
    })
  }
  if (changes.length < 2 || allowed || attribute) return
  throw new AigateError('usage', {
    problem: `Suite ${suite}: ${together(changes)} changed together; the cause could not be told apart.`,
    mend: 'Change one at a time, measure each with `aigate eval --attribute`, or write allow_joint_changes: true under gate.',
  })
}

/** What the report of a comparison says about changes made together; nothing for one change. */
export function jointWarning(before: TargetSnapshot, after: TargetSnapshot): string[] {
  const changes = componentChanges(before, after)
  if (changes.length < 2) return []
  return [`${together(changes)} changed together against the baseline: the verdict is on all of it, not on a part.`]
}

/** A comparison over two addresses is never silent, also where nothing else changed. */
export function providerWarning(before: TargetSnapshot, after: TargetSnapshot): string[] {
  const found = componentChanges(before, after).filter(({ name }) => name === 'provider')
  return found.map(({ change }) => `Somebody else answers than for the baseline: ${change}.`)
}

/** "a and b", "a, b and c". */
export function together(changes: readonly ComponentChange[]): string {
  const all = changes.map(({ change }) => change)
  const last = all.pop() ?? ''
  return all.length > 0 ? `${all.join(', ')} and ${last}` : last
}
