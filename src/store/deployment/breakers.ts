// circuit_breakers: as breakers of guard.yaml, each with a flag of its own.
import { durationText } from './amounts.ts'
import { type Criterion, criteriaOf, keyed, timesOf } from './criteria.ts'
import { deedsOf } from './deeds.ts'
import { duration, type Guards, refusal, sayGuess, WINDOW } from './guard-parts.ts'
import {
  type At,
  assumed,
  child,
  isMap,
  type Item,
  items,
  left,
  type Outline,
  plain,
  said,
  use,
  words,
} from './outline.ts'
import { FLAG_FILE, modelNamed, nameOf, type Setting } from './setting.ts'
import { limitIn } from './trigger-limits.ts'

type Data = Record<string, unknown>

/** The breakers of a circuit_breakers block. */
export function readBreakers(setting: Setting, at: At, guards: Guards): void {
  const { outline } = setting
  const alone = child(at, 'conditions', 'condition', 'metric') !== undefined
  const entries = alone ? [at as Item] : items(child(at, 'breakers') ?? at)
  for (const [i, item] of entries.entries()) {
    if (!isMap(item.value)) continue
    const enabled = child(item, 'enabled')
    if (enabled?.value === false) {
      left(outline, item, 'it is not enabled')
      continue
    }
    use(outline, enabled)
    const id = nameOf(words(outline, child(item, 'name', 'id')) ?? item.name ?? `breaker-${i + 1}`)
    const when = conditionsOf(outline, item).flatMap((criterion): Data[] => {
      const { word, held, least, window } = criterion
      const limit = limitIn(criterion)
      if (limit === undefined || !('above' in limit || 'below' in limit)) {
        left(outline, criterion.at, 'a condition of a breaker needs a limit of its own')
        return []
      }
      sayGuess(outline, criterion)
      guards.metrics[word.name] ??= { ...word.metric }
      return [
        {
          metric: word.name,
          ...limit,
          window: durationText(window ?? WINDOW),
          ...(held === undefined ? {} : { for: durationText(held) }),
          ...(least === undefined ? {} : { min_events: least }),
        },
      ]
    })
    if (when.length === 0) {
      left(outline, item, 'none of its conditions can be carried over')
      continue
    }
    const breaker = breakerOf(setting, item, { id, when }, guards)
    const why = refusal(guards, { breakers: [breaker] })
    if (why === undefined) guards.breakers.push(breaker)
    else left(outline, item, why)
  }
}

/** In a list of their own, or the breaker itself: `{metric, operator, threshold}`, `{condition: latency_p95, threshold}`. */
function conditionsOf(outline: Outline, item: Item): Criterion[] {
  const list = child(item, 'conditions', 'triggers', 'when', 'thresholds', 'condition')
  if (list !== undefined && typeof list.value === 'object' && list.value !== null) {
    const more = timesOf(outline, item)
    return criteriaOf(outline, list, 'trigger').map((criterion) => ({ ...more, ...criterion }))
  }
  const flat = child(item, 'metric', 'condition') !== undefined
  return flat ? criteriaOf(outline, { path: item.path, value: item.value }, 'trigger') : keyed(outline, item, 'trigger')
}

const SERVED: readonly [RegExp, string | undefined][] = [
  [/cache/, 'cached_response'],
  [/human|agent|manual/, 'human'],
  [/fallback|switch|route|degrade|open|previous/, undefined],
]

function breakerOf(setting: Setting, item: At, { id, when }: { id: string; when: Data[] }, guards: Guards): Data {
  const { outline, parts } = setting
  const name = (at: At | undefined) => {
    const text = words(outline, at)
    return text === undefined ? undefined : (modelNamed(setting, text) ?? text)
  }
  const action = child(item, 'action', 'actions')
  const word = plain(said(action))
  const served = SERVED.find(([pattern]) => pattern.test(word))
  if (served) use(outline, action)
  const tell = action === undefined || served ? [] : deedsOf(setting, action).deeds.filter((deed) => deed.action)
  for (const deed of tell) guards.actions[deed.name] ??= { ...deed.action }
  const primary = name(child(item, 'primary', 'model', 'primary_model')) ?? parts?.release['model'] ?? 'primary'
  const written = items(child(item, 'fallback', 'fallbacks', 'fallback_model', 'fallback_to', 'fallback_chain'))
    .flatMap((at) =>
      isMap(at.value) ? (name(child(at, 'model', 'target', 'to', 'action', 'type')) ?? []) : (name(at) ?? []),
    )
    .filter((value) => value !== primary)
  const before = /previous/.test(word) ? parts?.baseline['model'] : undefined
  const chain = written.length > 0 ? written : [served?.[1] ?? before].filter((value) => value !== undefined)
  if (chain.length === 0)
    assumed(outline, item, 'it names no fallback: the flag gets a variant "fallback" to be filled in')
  const variants: Data = {
    primary,
    ...Object.fromEntries(
      (chain.length > 0 ? chain : ['fallback']).map((value, i) => [i === 0 ? 'fallback' : `fallback-${i + 1}`, value]),
    ),
  }
  const openFor = duration(outline, item, OPEN)
  assumed(outline, item, `its flag is ${id} in ${FLAG_FILE}: applications ask it whom to use`)
  return {
    id,
    when,
    flag: { path: FLAG_FILE, name: id, variants },
    ...(openFor === undefined || openFor === 0 ? {} : { open_for: durationText(openFor) }),
    ...(tell.length === 0 ? {} : { do: [...new Set(tell.map((deed) => deed.name))] }),
  }
}
const OPEN = ['open_for', 'open_duration', 'reset_timeout', 'recovery_timeout', 'timeout', 'cooldown', 'cooldown_period', 'recovery_time'] // biome-ignore format: one list
