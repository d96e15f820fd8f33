// What a run asked otherwise than its baseline: prompt, model, parameters, what answers besides, and the cases.
import type { TargetSnapshot } from '../schema/run.ts'
import type { SuiteReport } from '../schema/verdict.ts'
import { plural } from './numbers.ts'
import { oneLine } from './safe-text.ts'

/** One thing that changed, as plain text that may hold anything; `before` and `now` are null where there was or is none. */
export type Change = { what: string; before: string | null; now: string | null }

const text = (value: unknown): string | null =>
  value === undefined || value === null ? null : typeof value === 'string' ? value : JSON.stringify(value)

const differs = (what: string, before: unknown, now: unknown): Change[] =>
  text(before) === text(now) ? [] : [{ what, before: text(before), now: text(now) }]

function records(what: string, before: Readonly<Record<string, unknown>> = {}, now: typeof before = {}): Change[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])].toSorted()
  return keys.flatMap((key) => differs(`${what} ${key}`, before[key], now[key]))
}

function promptChange({ prompt: before }: TargetSnapshot, { prompt: now }: TargetSnapshot): Change[] {
  const named = (one: typeof now) => (one ? `${one.name}@${one.version}` : null)
  const found = differs('prompt', named(before), named(now))
  if (found.length > 0 || before?.hash === now?.hash) return found
  return [{ what: 'prompt', before: named(before), now: `${named(now)}, same version with another content` }]
}

/** In the order in which people ask: prompt, model, parameters, who answers, the rest. Empty: nothing that is recorded changed. */
export function targetChanges(before: TargetSnapshot, now: TargetSnapshot): Change[] {
  if (before.hash === now.hash && JSON.stringify(before.components) === JSON.stringify(now.components)) return []
  const model = (one: TargetSnapshot) => (one.model ? `${one.model.name} (${one.model.id})` : null)
  const found = [
    ...promptChange(before, now),
    ...differs('model', model(before), model(now)),
    ...records('parameter', before.model?.params, now.model?.params),
    ...(before.provider && now.provider ? differs('address', before.provider.base_url, now.provider.base_url) : []),
    ...(before.tools_hash !== undefined && before.tools_hash !== now.tools_hash
      ? [{ what: 'tools or response format', before: null, now: 'changed' }]
      : []),
    ...records('component', before.components, now.components),
  ]
  return found.length > 0 ? found : differs('target', before.label, now.label)
}

/** What changed in the cases, one phrase each: `2 cases added`. */
export function caseChanges({ cases }: SuiteReport): string[] {
  const words = { added: 'added', changed: 'rewritten', removed: 'removed' } as const
  return Object.entries(words).flatMap(([status, word]) => {
    const found = cases.filter((one) => one.status === status).length
    return found > 0 ? [`${plural(found, 'case')} ${word}`] : []
  })
}

/** The models that answered, where they are others than those of the baseline: a provider may move behind one name. */
export function answeredOtherwise({ run, baseline }: SuiteReport): Change[] {
  if (!baseline || baseline.response_models.length === 0 || run.response_models.length === 0) return []
  const named = (models: readonly string[]) => oneLine(models.toSorted().join(', '), 200)
  return differs('model that answered', named(baseline.response_models), named(run.response_models))
}
