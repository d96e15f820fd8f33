// canary_stages and feature_flags: as rollout plans.
import { durationText, percentText, readDuration, readShares, round } from './amounts.ts'
import type { RolloutTrigger } from './guard-parts.ts'
import { type Criterion, criteriaOf, writtenLimit } from './criteria.ts'
import { type At, assumed, child, isMap, type Item, items, left, type Outline, said, use, words } from './outline.ts'
import { FLAG_FILE, nameOf, partsOf, type Setting, source } from './setting.ts'

type Data = Record<string, unknown>
const shareKeys = [
  'percentage',
  'percent',
  'traffic',
  'traffic_percentage',
  'traffic_percent',
  'weight',
  'share',
  'rollout_percentage',
]
const criteriaKeys = ['success_criteria', 'criteria', 'success', 'gates', 'metrics', 'promotion_criteria']

/** The plan of a block that has stages, of a canary or of a feature flag; undefined where it has none that can be read. */
export function rolloutOf(
  setting: Setting,
  at: At,
  name: string,
  triggers: readonly RolloutTrigger[],
): Data | undefined {
  const { outline } = setting
  const list = Array.isArray(at.value)
    ? at
    : child(at, 'stages', 'rollout', 'canary_stages', 'rollout_stages', 'steps', 'schedule', 'rollout_percentage')
  const named = list === undefined && items(at).some((one) => child(one, ...shareKeys) !== undefined)
  const stagesAt = named
    ? at
    : list !== undefined && isMap(list.value)
      ? (child(list, 'stages', 'steps') ?? list)
      : list
  const stages = items(stagesAt).filter(
    (one) => isMap(one.value) || typeof one.value === 'number' || typeof one.value === 'string',
  )
  const shares = readShares(stages.map((one) => (isMap(one.value) ? child(one, ...shareKeys)?.value : one.value)))
  const metrics: Record<string, Data> = {}
  const written = stages.flatMap((stage, i): Data[] => {
    const share = shares[i]
    if (share === undefined || share === 0) {
      left(
        outline,
        stage,
        share === 0 ? 'a stage without traffic is no stage' : 'it has no share of the traffic that can be read',
      )
      return []
    }
    return [stageOf(outline, stage, share, metrics)]
  })
  if (written.length === 0) return undefined
  const sorted = [...written].sort((a, b) => shareIn(a) - shareIn(b))
  if (sorted.some((one, i) => one !== written[i]))
    assumed(outline, at, 'the stages are put in the order of their traffic')
  if (shareIn(sorted.at(-1) ?? {}) < 1) {
    sorted.push({ traffic: '100%', bake: '24h' })
    assumed(outline, at, 'a last stage with 100% and a day of watching')
  }
  const segments = segmentsOf(outline, at, stages)
  const shared = criteriaOf(outline, isMap(at.value) ? child(at, ...criteriaKeys) : undefined, 'success')
  const common = successOf(outline, shared, metrics)
  if (common.length > 0)
    for (const stage of sorted.filter((one) => shareIn(one) < 1))
      stage['success'] = [...((stage['success'] as string[] | undefined) ?? []), ...common]
  const parts = partsOf(setting, at)
  const concerned = triggersFor(triggers, name, parts.release)
  for (const { trigger, definition } of concerned) metrics[String(trigger['metric'])] ??= definition
  if (Object.keys(metrics).length === 0)
    metrics['error_rate'] = { bad: 'error.type != null', margin: { risk_ratio: 1.5 } }
  assumed(outline, at, `events are read from ${source.path}, and the share is set in ${FLAG_FILE}`)
  return {
    rollout: name,
    ...parts,
    assignment: { unit: 'user', salt: name },
    ...segments,
    control: { type: 'flagd', path: FLAG_FILE },
    source,
    stages: sorted,
    metrics,
    ...(concerned.length === 0 ? {} : { triggers: concerned.map(({ trigger }) => trigger) }),
  }
}

/** What concerns another flag, or a component that this rollout does not change, does not stop it. */
function triggersFor(
  triggers: readonly RolloutTrigger[],
  name: string,
  release: Record<string, string>,
): { trigger: Data; definition: Data }[] {
  const parts = Object.keys(release).flatMap((part) => [part, part.split('/')[0] ?? part])
  return triggers.flatMap(({ trigger, definition, does }) => {
    const own = does.filter(
      ({ only }) =>
        (only?.feature === undefined || only.feature === name) &&
        (only?.component === undefined || parts.includes(only.component)),
    )
    const verbs = [...new Set(own.map(({ verb }) => verb))]
    return verbs.length === 0 ? [] : [{ trigger: { ...trigger, do: verbs }, definition }]
  })
}
const shareIn = (stage: Data) => Number.parseFloat(String(stage['traffic'])) / 100

function stageOf(outline: Outline, stage: Item, share: number, metrics: Record<string, Data>): Data {
  if (!isMap(stage.value)) {
    use(outline, stage)
    return { traffic: percentText(share), ...(share < 1 ? { gate: 'no-harm' } : {}) }
  }
  use(outline, child(stage, ...shareKeys))
  const name = words(outline, child(stage, 'name', 'stage', 'id')) ?? stage.name
  const time = child(
    stage,
    'duration',
    'min_duration',
    'hold',
    'wait',
    'bake',
    'duration_minutes',
    'duration_hours',
    'duration_seconds',
    'duration_days',
  )
  const ms = time === undefined ? undefined : readDuration(time.value, String(time.path.at(-1)))
  if (ms !== undefined) use(outline, time)
  const users = child(stage, 'min_users', 'min_samples', 'min_requests', 'min_sample_size', 'minimum_requests')
  const least = Number(users?.value)
  if (users !== undefined && Number.isInteger(least) && least > 0) use(outline, users)
  const approval = child(stage, 'approval', 'manual_approval', 'requires_approval', 'approval_required')
  if (typeof approval?.value === 'boolean') use(outline, approval)
  const success =
    share < 1 ? successOf(outline, criteriaOf(outline, child(stage, ...criteriaKeys), 'success'), metrics) : []
  return {
    ...(name === undefined ? {} : { name }),
    traffic: percentText(share),
    ...(ms === undefined || ms === 0 ? {} : share < 1 ? { duration: durationText(ms) } : { bake: durationText(ms) }),
    ...(share < 1 ? { gate: 'no-harm' } : {}),
    ...(Number.isInteger(least) && least > 0 ? { min_users: least } : {}),
    ...(success.length === 0 ? {} : { success }),
    ...(approval?.value === true ? { approval: true } : {}),
  }
}

/** Criteria as texts; those that compare with the baseline become margins of their metrics. */
export function successOf(outline: Outline, criteria: readonly Criterion[], metrics: Record<string, Data>): string[] {
  return criteria.flatMap((criterion) => {
    const { word, side, limit, at } = criterion
    const definition = (metrics[word.name] ??= { ...word.metric })
    if (limit.kind === 'baseline') {
      const margin = marginOf(criterion)
      if (margin === undefined) left(outline, at, 'a comparison with the baseline in this form has no counterpart')
      else if (Object.keys(margin).length > 0) definition['margin'] = margin
      return []
    }
    if (word.count && limit.unit === '' && Number.isInteger(limit.value) && limit.value > 0) {
      left(
        outline,
        at,
        `${criterion.written} is a number of events: a stage has shares of them, a trigger has count_above`,
      )
      return []
    }
    const value = writtenLimit(criterion)
    const above = side === 'above'
    if (value === undefined || (above && word.kind === 'tail') || (above && word.kind === 'rate')) {
      left(outline, at, `the limit is of another kind than ${word.name}`)
      return []
    }
    if (word.guessed !== undefined) assumed(outline, at, `${criterion.written} is taken as ${word.guessed}`)
    return [`${word.name} ${above ? '>' : '<'} ${value}`]
  })
}

/** "Less than 1.5 times the baseline" is a margin: how much worse it may be. Empty: "not worse", which every gate asks. */
function marginOf({ word, side, limit }: Criterion): Data | undefined {
  if (limit.kind !== 'baseline') return undefined
  const rate = word.kind === 'rate' || word.kind === 'tail'
  // Better than the baseline by so much is no margin: a margin allows what is worse.
  const better = word.kind === 'mean' && word.lower !== true ? 'above' : 'below'
  if (side !== better) return undefined
  if ('ratio' in limit) {
    if (limit.ratio === 1) return {}
    const worse = better === 'below' ? limit.ratio > 1 : limit.ratio < 1
    if (!worse || word.inverted) return undefined
    return rate ? { risk_ratio: limit.ratio } : { rel: round(Math.abs(limit.ratio - 1)) }
  }
  if (limit.by === 0) return {}
  if (better === 'below' ? limit.by < 0 : limit.by > 0) return undefined
  const by = round(Math.abs(limit.by))
  if (rate) return limit.percent && !word.inverted ? { risk_ratio: round(1 + by) } : undefined
  return limit.percent ? { rel: by } : { abs: by }
}

/** Targeting by segment: lists of names, rules with values, or stages that name a segment. */
function segmentsOf(outline: Outline, at: At, stages: readonly At[]): Data {
  const targeting = child(at, 'targeting', 'target', 'audience', 'segments')
  const first: string[] = []
  const exclude: string[] = []
  const take = (one: At | undefined, into: string[]): void => {
    for (const item of items(one)) {
      if (typeof item.value === 'string') into.push(words(outline, item) ?? '')
      else if (isMap(item.value)) {
        const named = child(item, 'segment', 'segments', 'values', 'value', 'name')
        const off =
          /not|exclude/i.test(said(child(item, 'operator', 'op', 'action'))) || child(item, 'enabled')?.value === false
        const attribute = child(item, 'attribute', 'property', 'key')
        if (
          named === undefined ||
          (attribute !== undefined && !/segment|plan|tier|group|cohort|role/i.test(String(attribute.value)))
        )
          continue
        for (const part of [attribute, child(item, 'operator', 'op', 'action')])
          if (part !== undefined) use(outline, part)
        if (off) use(outline, child(item, 'enabled'))
        take(named, off ? exclude : into)
      }
    }
  }
  if (targeting !== undefined && isMap(targeting.value)) {
    take(child(targeting, 'segments', 'segment', 'include', 'user_segments', 'groups', 'rules'), first)
    take(child(targeting, 'exclude', 'excluded', 'exclude_segments'), exclude)
  } else take(targeting, first)
  for (const stage of stages) take(child(stage, 'segments', 'segment', 'audience', 'target'), first)
  const everybody = new Set(['all', 'everyone', 'everybody', '*'])
  const some = [...new Set(first)].filter((name) => !everybody.has(name.toLowerCase()))
  if (some.length > 0 && first.length > some.length)
    assumed(outline, at, `${some.join(', ')} go first, everybody with the last stage`)
  if (some.length === 0 && exclude.length === 0) return {}
  return {
    segments: {
      ...(some.length === 0 ? {} : { first: some }),
      ...(exclude.length === 0 ? {} : { exclude: [...new Set(exclude)] }),
    },
  }
}

const flagsIn = (at: At): Item[] => {
  const list = child(at, 'flags') ?? at
  const single = child(list, 'rollout', 'stages', 'rollout_stages', 'rollout_percentage') !== undefined
  return (single ? [list] : items(list)).filter((one) => isMap(one.value) || typeof one.value === 'boolean')
}
const flagName = (flag: Item): string =>
  nameOf(said(child(flag, 'name', 'key', 'flag', 'id')) || (flag.name ?? 'feature'))

/** The names of the flags of a feature_flags block. */
export const featureNames = (at: At): string[] => flagsIn(at).map(flagName)

/** Every flag of a feature_flags block that has stages, or a single percentage. */
export function featureRollouts(setting: Setting, at: At, triggers: readonly RolloutTrigger[]): Data[] {
  return flagsIn(at).flatMap((flag) => {
    if (!isMap(flag.value)) return []
    const { outline } = setting
    use(outline, child(flag, 'name', 'key', 'flag', 'id'))
    const enabled = child(flag, 'enabled')
    if (enabled?.value === true) use(outline, enabled)
    else if (enabled?.value === false) {
      left(outline, flag, 'it is not enabled')
      return []
    }
    const listed = child(flag, 'rollout', 'stages', 'rollout_stages', 'rollout_percentage')
    const plan = listed === undefined ? undefined : rolloutOf(setting, flag, flagName(flag), triggers)
    if (plan === undefined) return []
    const description = words(outline, child(flag, 'description'))
    return [{ ...plan, ...(description === undefined ? {} : { description }) }]
  })
}
