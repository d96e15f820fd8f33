// auto_rollback and circuit_breakers: as guard.yaml, and as the triggers of a rollout.
import { durationText, readDuration } from './amounts.ts'
import { type Criterion, criteriaOf, writtenLimit } from './criteria.ts'
import { type At, assumed, child, isMap, type Item, items, left, type Outline, plain, use, words } from './outline.ts'
import { FLAG_FILE, modelNamed, nameOf, type Setting, source } from './setting.ts'

type Data = Record<string, unknown>
const WINDOW = 300_000
type Deed = { name: string; action?: Data; rollout?: 'rollback' | 'kill' | 'hold' | 'notify' | 'incident' }

const webhook = (format: string, name: string): Data => ({ type: 'webhook', format, url_env: name })
const deeds: readonly [RegExp, Deed][] = [
  [/incident|pagerduty|page|oncall/, { name: 'page', action: { type: 'pagerduty', routing_key_env: 'PAGERDUTY_ROUTING_KEY' }, rollout: 'incident' }],
  [/slack/, { name: 'slack', action: webhook('slack', 'SLACK_WEBHOOK_URL'), rollout: 'notify' }],
  [/teams/, { name: 'teams', action: webhook('teams', 'TEAMS_WEBHOOK_URL'), rollout: 'notify' }],
  [/rollback|revert|previousversion|rolback/, { name: 'rollback', action: { type: 'rollback' }, rollout: 'rollback' }],
  [/kill|disable|turnoff|switchoff|stop|block|shutdown/, { name: 'kill', action: { type: 'kill', path: FLAG_FILE }, rollout: 'kill' }],
  [/pause|hold|freeze|halt/, { name: 'hold', rollout: 'hold' }],
  [/notify|alert|warn|webhook/, { name: 'notify', action: webhook('json', 'AIGATE_WEBHOOK_URL'), rollout: 'notify' }],
] // biome-ignore format: a table

/** What the actions of a block become; those without a counterpart are reported. */
function deedsOf(outline: Outline, at: At | undefined): Deed[] {
  return items(at).flatMap((item) => {
    const typed = isMap(item.value) ? child(item, 'type', 'action', 'name') : item
    const text = typed !== undefined && typeof typed.value === 'string' ? typed.value : (item.name ?? '')
    const [, deed] = deeds.find(([pattern]) => pattern.test(plain(text))) ?? []
    if (deed === undefined) {
      left(outline, item, `the action "${text}" has no counterpart: write it as a command under actions`)
      return []
    }
    use(outline, typed)
    return [deed]
  })
}

/** A trigger of a rollout plan, with the metric that it needs there. */
export type RolloutTrigger = { trigger: Data; definition: Data }
export type Guards = {
  metrics: Record<string, Data>
  triggers: Data[]
  breakers: Data[]
  actions: Record<string, Data>
  forRollouts: RolloutTrigger[]
}
export const noGuards = (): Guards => ({ metrics: {}, triggers: [], breakers: [], actions: {}, forRollouts: [] })

const triggerKeys = ['triggers', 'conditions', 'rules', 'thresholds', 'rollback_triggers']
/** The triggers of an auto_rollback block. */
export function readTriggers({ outline }: Setting, at: At, guards: Guards): void {
  const common = deedsOf(outline, child(at, 'actions', 'on_trigger', 'action', 'notify', 'notifications'))
  const cooldown = duration(outline, at, ['cooldown', 'cooldown_period', 'cooldown_minutes', 'cooldown_seconds'])
  const window = duration(outline, at, ['window', 'evaluation_window', 'time_window'])
  const enabled = child(at, 'enabled')
  if (enabled?.value === true) use(outline, enabled)
  else if (enabled?.value === false) return left(outline, at, 'it is not enabled')
  const list = Array.isArray(at.value) ? at : (child(at, ...triggerKeys) ?? at)
  for (const item of items(list)) {
    if (list === at && !Array.isArray(at.value) && outline.used.has(JSON.stringify(item.path))) continue
    const holder: Item = Array.isArray(list.value)
      ? item
      : { path: list.path, value: { [item.name ?? '']: item.value } }
    const own = isMap(item.value) ? deedsOf(outline, child(item, 'actions', 'action', 'do')) : []
    const cool = isMap(item.value) ? duration(outline, item, ['cooldown', 'cooldown_period']) : undefined
    const id =
      isMap(item.value) && child(item, 'metric', 'condition') ? words(outline, child(item, 'name', 'id')) : undefined
    const done =
      own.length > 0 ? [...own, ...common.filter(({ name }) => !own.some((one) => one.name === name))] : common
    for (const criterion of criteriaOf(outline, holder, 'trigger'))
      addTrigger(outline, guards, {
        criterion: { ...(window === undefined ? {} : { window }), ...criterion },
        id,
        done,
        cooldown: cool ?? cooldown,
      })
  }
}

function duration(outline: Outline, at: At, keys: readonly string[]): number | undefined {
  const found = child(at, ...keys)
  const ms = found === undefined ? undefined : duringOf(found)
  if (ms !== undefined) use(outline, found)
  return ms
}
const duringOf = (at: At) => readDuration(at.value, String(at.path.at(-1)))

type Wanted = { criterion: Criterion; id: string | undefined; done: Deed[]; cooldown: number | undefined }

function addTrigger(outline: Outline, guards: Guards, { criterion, id, done, cooldown }: Wanted): void {
  const { word, at, written } = criterion
  const limit = limitIn(criterion)
  if (limit === undefined) return left(outline, at, `this limit of ${written} has no counterpart in a trigger`)
  const deeds =
    done.length > 0 ? done : [{ name: 'rollback', action: { type: 'rollback' }, rollout: 'rollback' } satisfies Deed]
  if (done.length === 0) assumed(outline, at, 'it names no action: roll back')
  if (criterion.window === undefined && !word.daily) assumed(outline, at, `a window of ${durationText(WINDOW)}`)
  const window = durationText(word.daily ? 86_400_000 : (criterion.window ?? WINDOW))
  const name = unique(
    nameOf(id ?? word.name),
    [...guards.triggers, ...guards.forRollouts.map(({ trigger }) => trigger)].map((one) => String(one['id'])),
  )
  const definition = { ...word.metric }
  guards.metrics[word.name] ??= definition
  const held = criterion.held === undefined ? {} : { for: durationText(criterion.held) }
  const acting = deeds.filter((deed) => deed.action !== undefined)
  if (acting.length > 0) {
    for (const { name: action, action: what } of acting) guards.actions[action] ??= { ...what }
    const cool = cooldown === undefined ? {} : { cooldown: durationText(cooldown) }
    guards.triggers.push({
      id: name,
      metric: word.name,
      ...limit,
      window,
      ...held,
      ...cool,
      do: [...new Set(acting.map((one) => one.name))],
    })
  } else left(outline, at, 'only rollouts can be held: guard.yaml does nothing here')
  const verbs = [...new Set(deeds.flatMap(({ rollout }) => rollout ?? []))]
  if (verbs.length > 0 && ('above' in limit || 'below' in limit || 'below_baseline' in limit))
    guards.forRollouts.push({
      trigger: { id: name, metric: word.name, ...limit, window, ...held, do: verbs },
      definition,
    })
}

function limitIn(criterion: Criterion): Data | undefined {
  const { word, side, limit, written } = criterion
  if (limit.kind === 'baseline') {
    const by = 'by' in limit ? limit.by : undefined
    if (by === undefined || ('percent' in limit && limit.percent && word.kind !== 'mean')) return undefined
    if (word.kind === 'mean' && side === 'below' && by < 0) return { below_baseline: -by }
    return word.kind === 'rate' && side === 'above' && by > 0 ? { above_baseline: by } : undefined
  }
  if (word.count && word.kind === 'rate' && limit.unit === '' && Number.isInteger(limit.value))
    return side === 'above' ? { count_above: limit.value } : undefined
  // "More than none": one is enough, which no share can say beyond doubt.
  if (word.kind === 'rate' && !word.inverted && side === 'above' && limit.value === 0) return { count_above: 0 }
  const value = writtenLimit({ ...criterion, written })
  if (value === undefined) return undefined
  if (word.daily && word.kind === 'cost') return side === 'above' ? { sum_above: value } : undefined
  if (side === 'below') return word.kind === 'mean' || word.kind === 'cost' ? { below: value } : undefined
  return { above: value }
}

function unique(name: string, taken: readonly string[]): string {
  for (let n = 1; ; n++) {
    const next = n === 1 ? name : `${name}-${n}`
    if (!taken.includes(next)) return next
  }
}

/** The breakers of a circuit_breakers block. */
export function readBreakers(setting: Setting, at: At, guards: Guards): void {
  const { outline } = setting
  const entries =
    child(at, 'conditions', 'condition', 'metric') === undefined ? items(child(at, 'breakers') ?? at) : [at as Item]
  for (const [i, item] of entries.entries()) {
    if (!isMap(item.value)) continue
    const id = nameOf(words(outline, child(item, 'name', 'id')) ?? item.name ?? `breaker-${i + 1}`)
    const list = child(item, 'conditions', 'condition', 'triggers', 'when', 'thresholds')
    const when = criteriaOf(outline, list ?? item, 'trigger').flatMap((criterion): Data[] => {
      const limit = limitIn(criterion)
      if (limit === undefined || !('above' in limit || 'below' in limit)) {
        left(outline, criterion.at, 'a condition of a breaker needs a limit of its own')
        return []
      }
      guards.metrics[criterion.word.name] ??= { ...criterion.word.metric }
      const held = criterion.held === undefined ? {} : { for: durationText(criterion.held) }
      return [{ metric: criterion.word.name, ...limit, window: durationText(criterion.window ?? WINDOW), ...held }]
    })
    if (when.length === 0) {
      left(outline, item, 'none of its conditions can be carried over')
      continue
    }
    guards.breakers.push(breakerOf(setting, item, { id, when }, guards))
  }
}

function breakerOf(setting: Setting, item: At, { id, when }: { id: string; when: Data[] }, guards: Guards): Data {
  const { outline } = setting
  const name = (one: At | undefined) => {
    const text = words(outline, one)
    return text === undefined ? undefined : (modelNamed(setting, text) ?? text)
  }
  const action = child(item, 'action', 'actions')
  const fallbackWord =
    typeof action?.value === 'string' && /fallback|switch|route|degrade|cache|human|open/.test(plain(action.value))
  if (fallbackWord) use(outline, action)
  const tell =
    action === undefined || fallbackWord ? [] : deedsOf(outline, action).filter((one) => one.action !== undefined)
  for (const deed of tell) guards.actions[deed.name] ??= { ...deed.action }
  const primary = name(child(item, 'primary', 'model', 'primary_model')) ?? setting.parts?.release['model'] ?? 'primary'
  const chain = items(child(item, 'fallback', 'fallbacks', 'fallback_model', 'fallback_to', 'fallback_chain')).flatMap(
    (one) =>
      isMap(one.value) ? (name(child(one, 'model', 'target', 'to', 'action', 'type')) ?? []) : (name(one) ?? []),
  )
  if (chain.length === 0)
    assumed(outline, item, 'it names no fallback: the flag gets a variant "fallback" to be filled in')
  const variants: Data = {
    primary,
    ...Object.fromEntries(
      (chain.length > 0 ? chain : ['fallback']).map((value, i) => [i === 0 ? 'fallback' : `fallback-${i + 1}`, value]),
    ),
  }
  const openFor = duration(outline, item, [
    'open_for',
    'open_duration',
    'reset_timeout',
    'recovery_timeout',
    'timeout',
    'cooldown',
    'cooldown_period',
    'recovery_time',
  ])
  assumed(outline, item, `its flag is ${id} in ${FLAG_FILE}: applications ask it whom to use`)
  return {
    id,
    when,
    flag: { path: FLAG_FILE, name: id, variants },
    ...(openFor === undefined || openFor === 0 ? {} : { open_for: durationText(openFor) }),
    ...(tell.length === 0 ? {} : { do: [...new Set(tell.map((deed) => deed.name))] }),
  }
}

/** guard.yaml; undefined where there is nothing to watch. */
export function guardPlan(guards: Guards, name: string): Data | undefined {
  const { metrics, triggers, breakers, actions } = guards
  if (triggers.length === 0 && breakers.length === 0) return undefined
  return { guard: name, source, metrics, triggers, breakers, actions }
}
