// auto_rollback: as triggers of guard.yaml, and of rollouts.
import { durationText } from './amounts.ts'
import { type Criterion, criteriaOf, isStructure, keyed } from './criteria.ts'
import { type Deed, type Deeds, deedsOf } from './deeds.ts'
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
import { nameOf, type Setting } from './setting.ts'
import { limitIn } from './trigger-limits.ts'

type Data = Record<string, unknown>
const DAY = 86_400_000

const triggerKeys = ['triggers', 'conditions', 'rules', 'thresholds', 'rollback_triggers']
const doneKeys = ['actions', 'on_trigger', 'action', 'notify', 'notifications', 'do']
/** The triggers of an auto_rollback block. Its actions are those of triggers that name none themselves. */
export function readTriggers(setting: Setting, at: At, guards: Guards): void {
  const { outline } = setting
  const enabled = child(at, 'enabled')
  if (enabled?.value === true) use(outline, enabled)
  else if (enabled?.value === false) return left(outline, at, 'it is not enabled')
  const commonAt = child(at, ...doneKeys)
  const common = deedsOf(setting, commonAt)
  let needed = false
  const cooldown = duration(outline, at, ['cooldown', 'cooldown_period', 'cooldown_minutes', 'cooldown_seconds'])
  const window = duration(outline, at, ['window', 'evaluation_window', 'time_window'])
  const alone = isMap(at.value) && child(at, 'metric', 'condition') !== undefined
  const list = Array.isArray(at.value) || alone ? at : (child(at, ...triggerKeys) ?? at)
  const flat = list === at && !Array.isArray(at.value) && !alone
  for (const item of alone ? [at as Item] : items(list)) {
    if (flat && (outline.used.has(JSON.stringify(item.path)) || isStructure(item.name ?? ''))) continue
    const own = readTrigger(setting, item, guards, { list, alone, common, cooldown, window })
    needed ||= !own
  }
  if (commonAt !== undefined && common.said && !needed)
    left(outline, commonAt, 'every trigger names its own actions, so that these are done by none')
}

/** What the block says for all its triggers. `alone`: the block is its only trigger. */
type Common = { list: At; alone: boolean; common: Deeds; cooldown: number | undefined; window: number | undefined }

/** @returns whether it names its own actions */
function readTrigger(setting: Setting, item: Item, guards: Guards, block: Common): boolean {
  const { outline } = setting
  const { alone, common } = block
  const map = isMap(item.value)
  const enabled = map ? child(item, 'enabled') : undefined
  if (enabled?.value === false) {
    left(outline, item, 'it is not enabled')
    return true
  }
  use(outline, enabled)
  const said = map && !alone ? deedsOf(setting, child(item, ...doneKeys)) : { said: false, deeds: [] }
  const wanted = {
    id: map && child(item, 'metric', 'condition') ? words(outline, child(item, 'name', 'id')) : undefined,
    done: said.said ? said : common,
    cooldown: (map ? duration(outline, item, ['cooldown', 'cooldown_period']) : undefined) ?? block.cooldown,
  }
  if (map && addFact(outline, guards, item, wanted)) return said.said
  const byKey = map && item.name === undefined && child(item, 'metric', 'condition', 'name') === undefined
  const named = item.name !== undefined && !alone
  const holder: At = named ? { path: block.list.path, value: { [item.name ?? '']: item.value } } : { path: item.path, value: item.value } // biome-ignore format: one choice
  const window = block.window === undefined ? {} : { window: block.window }
  for (const criterion of byKey ? keyed(outline, item, 'trigger') : criteriaOf(outline, holder, 'trigger'))
    addTrigger(outline, guards, { ...wanted, criterion: { ...window, ...criterion } })
  return said.said
}

/** Triggers of facts: another model answers, or nothing comes. */
function addFact(outline: Outline, guards: Guards, item: Item, wanted: Omit<Wanted, 'criterion'>): boolean {
  const metric = child(item, 'metric', 'condition', 'name')
  const name = plain(said(metric) || (item.name ?? ''))
  const swap = /(model|version).*(chang|swap|mismatch)/.test(name)
  if (!swap) return false
  use(outline, metric)
  for (const key of ['threshold', 'operator', 'value']) use(outline, child(item, key))
  const window = duration(outline, item, ['window', 'time_window', 'duration'])
  const acting = actingOf(outline, guards, item, wanted)
  if (acting === undefined) return true
  put(outline, guards, item, {
    id: freeId(guards, wanted.id ?? 'response-model'),
    changed: 'response_model',
    window: durationText(window ?? WINDOW),
    ...(wanted.cooldown === undefined ? {} : { cooldown: durationText(wanted.cooldown) }),
    do: acting.filter(({ action }) => action !== undefined).map(({ name: action }) => action),
  })
  return true
}

type Wanted = { criterion: Criterion; id: string | undefined; done: Deeds; cooldown: number | undefined }

/** What a trigger does, with its actions entered; undefined, and reported: nothing that could be carried over. */
function actingOf(outline: Outline, guards: Guards, at: At, { done }: Pick<Wanted, 'done'>): Deed[] | undefined {
  if (done.said && done.deeds.length === 0) {
    left(outline, at, 'none of its actions can be carried over, so that it would do nothing')
    return undefined
  }
  const deeds: Deed[] =
    done.deeds.length > 0 ? done.deeds : [{ name: 'rollback', action: { type: 'rollback' }, rollout: 'rollback' }]
  if (done.deeds.length === 0) assumed(outline, at, 'it names no action: roll back')
  for (const { name, action } of deeds) if (action !== undefined) guards.actions[name] ??= { ...action }
  return deeds
}

function addTrigger(outline: Outline, guards: Guards, wanted: Wanted): void {
  const { word, at, written } = wanted.criterion
  const limit = limitIn(wanted.criterion)
  if (limit === undefined) return left(outline, at, `this limit of ${written} has no counterpart in a trigger`)
  const deeds = actingOf(outline, guards, at, wanted)
  if (deeds === undefined) return
  sayGuess(outline, wanted.criterion)
  const window = windowOf(outline, wanted.criterion, limit)
  const id = freeId(guards, wanted.id ?? word.name)
  const { held, least } = wanted.criterion
  const sustained = held === undefined ? {} : { for: durationText(held) }
  const condition = { id, metric: word.name, ...limit, window, ...sustained }
  guards.metrics[word.name] ??= { ...word.metric }
  const acting = [...new Set(deeds.flatMap(({ name, action }) => (action === undefined ? [] : [name])))]
  if (acting.length === 0) left(outline, at, 'only rollouts can be held: guard.yaml does nothing here')
  else {
    const more = {
      ...(least === undefined ? {} : { min_events: least }),
      ...(wanted.cooldown === undefined ? {} : { cooldown: durationText(wanted.cooldown) }),
    }
    if (!put(outline, guards, at, { ...condition, ...more, do: acting })) return
  }
  const does = deeds.flatMap(({ rollout: verb, only }) =>
    verb === undefined ? [] : [{ verb, ...(only === undefined ? {} : { only }) }],
  )
  if (does.length > 0 && ('above' in limit || 'below' in limit || 'below_baseline' in limit))
    guards.forRollouts.push({ trigger: condition, definition: { ...word.metric }, does })
}

/** A sum and its span go together; everything else is looked at over five minutes unless a window is written. */
function windowOf(outline: Outline, { word, window, at }: Criterion, limit: Data): string {
  const span = 'sum_above' in limit ? (word.span ?? window ?? DAY) : undefined
  if (span === undefined && window === undefined) assumed(outline, at, `a window of ${durationText(WINDOW)}`)
  if (span !== undefined && word.span === undefined) assumed(outline, at, `its sum over ${durationText(span)}`)
  return durationText(span ?? window ?? WINDOW)
}

/** Enters a trigger where guard.yaml accepts it as it is; else it is reported, with why. */
function put(outline: Outline, guards: Guards, at: At, trigger: Data): boolean {
  const why = refusal(guards, { triggers: [trigger] })
  if (why === undefined) guards.triggers.push(trigger)
  else left(outline, at, why)
  return why === undefined
}

const freeId = (guards: Guards, wanted: string): string =>
  unique(
    nameOf(wanted),
    [...guards.triggers, ...guards.forRollouts.map(({ trigger }) => trigger)].map((known) => String(known['id'])),
  )

function unique(name: string, taken: readonly string[]): string {
  for (let n = 1; ; n++) {
    const next = n === 1 ? name : `${name}-${n}`
    if (!taken.includes(next)) return next
  }
}
