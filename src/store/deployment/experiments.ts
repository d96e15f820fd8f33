// experiment: as a plan of an experiment.
import { readDuration, readShare, readShares, round } from './amounts.ts'
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
import { metricWord } from './metric-words.ts'
import { modelNamed, nameOf, type Setting, source } from './setting.ts'

type Data = Record<string, unknown>
const DAY = 86_400_000
const roles = { primary: 'primary', secondary: 'secondary', guardrail: 'guardrail', guardrails: 'guardrail' } as const

/** The metric of an experiment. Unknown names are taken as something good that the application logs. */
function experimentMetric(outline: Outline, at: At, name: string): Data {
  const word = metricWord(name)
  if (word === undefined && /length|time|count|tokens|revenue|amount|number|size/i.test(name)) {
    assumed(outline, at, `events carry the field \`${nameOf(name)}\`: a number`)
    return { kind: 'skewed', value: nameOf(name) }
  }
  if (word === undefined) {
    assumed(outline, at, `events carry the field \`${nameOf(name)}\`: true where it happened`)
    return { good: `\`${nameOf(name)}\` == true` }
  }
  if (word.kind === 'rate')
    return word.inverted
      ? { good: word.name === 'error_rate' ? 'error.type == null' : "feedback == 'up'" }
      : { ...word.metric }
  if (word.kind === 'tail') return { kind: 'skewed', value: 'duration_ms' }
  if (word.kind === 'cost') return { kind: 'skewed', value: 'cost_usd' }
  return { ...word.metric }
}
const lower = (metric: Data) => 'bad' in metric || metric['value'] === 'duration_ms' || metric['value'] === 'cost_usd'

/** The plan of an experiment block; undefined where it has no variants or no metric. */
export function experimentOf(setting: Setting, at: At, given?: string): Data | undefined {
  const { outline } = setting
  const variants = items(child(at, 'variants', 'arms', 'groups', 'treatments'))
  if (variants.length < 2) {
    left(outline, at, 'it has no two variants')
    return undefined
  }
  const name = nameOf(words(outline, child(at, 'name', 'id', 'experiment')) ?? given ?? 'experiment')
  const { control, named } = variantsOf(setting, variants)
  const metrics: Record<string, Data> = {}
  const chosen = metricsOf(outline, child(at, 'metrics'), child(at, 'primary_metric'), metrics)
  const effect = effectOf(outline, at, chosen.primary, metrics)
  if (chosen.primary === undefined || effect === undefined) {
    left(outline, at, 'it has no primary metric')
    return undefined
  }
  if (chosen.guardrails.length > 0) assumed(outline, at, 'its guardrails may be a tenth worse than the control')
  const hypothesis = words(outline, child(at, 'hypothesis')) ?? words(outline, child(at, 'description'))
  if (hypothesis === undefined) assumed(outline, at, 'its hypothesis: write what is believed, and why')
  return {
    experiment: name,
    hypothesis: hypothesis ?? `${name}: what is believed, and why, was not written down.`,
    variants: named,
    control,
    source,
    metrics,
    primary: { metric: chosen.primary, ...effect },
    ...(chosen.secondary.length > 0 ? { secondary: chosen.secondary } : {}),
    ...(chosen.guardrails.length > 0
      ? { guardrails: Object.fromEntries(chosen.guardrails.map((metric) => [metric, { rel: '10%' }])) }
      : {}),
    horizon: horizonOf(setting, at),
  }
}

function variantsOf(setting: Setting, variants: readonly Item[]) {
  const { outline } = setting
  const keys = ['weight', 'percentage', 'traffic', 'allocation', 'share', 'split', 'traffic_percentage']
  const raw = readShares(variants.map((one) => (isMap(one.value) ? child(one, ...keys)?.value : one.value)))
  const given = raw.map((share) => share ?? 0)
  const total = given.reduce((sum, share) => sum + share, 0)
  const known = given.every((share) => share > 0)
  if (!known) assumed(outline, variants[0] ?? outline.root, 'every variant gets the same share')
  const named: Record<string, Data> = {}
  let sum = 0
  for (const [i, one] of variants.entries()) {
    const text = isMap(one.value)
      ? words(outline, child(one, 'name', 'id', 'key'))
      : typeof one.value === 'string' && one.name === undefined
        ? words(outline, one)
        : undefined
    if (isMap(one.value)) use(outline, child(one, ...keys))
    else use(outline, one)
    const last = i === variants.length - 1
    const share = last
      ? round(1 - sum)
      : round(known ? Math.round(((given[i] ?? 0) / total) * 1e6) / 1e6 : Math.floor(1e6 / variants.length) / 1e6)
    sum += share
    const modelAt = isMap(one.value) ? child(one, 'model', 'model_id') : undefined
    const model = typeof modelAt?.value === 'string' ? modelNamed(setting, modelAt.value) : undefined
    if (model !== undefined) use(outline, modelAt)
    const promptAt = isMap(one.value) ? child(one, 'prompt', 'prompt_version') : undefined
    const prompt =
      typeof promptAt?.value === 'string' && /@\d+\.\d+\.\d+$/.test(promptAt.value)
        ? words(outline, promptAt)
        : undefined
    const description = isMap(one.value) ? words(outline, child(one, 'description')) : undefined
    named[nameOf(text ?? one.name ?? `variant-${i + 1}`)] = {
      share,
      components: { ...(model === undefined ? {} : { model }), ...(prompt === undefined ? {} : { prompt }) },
      ...(description === undefined ? {} : { description }),
    }
  }
  const names = Object.keys(named)
  const control =
    names.find((one) => /^(control|baseline|current|a)$/i.test(one)) ??
    names.find((one) => /control|baseline/i.test(one)) ??
    names[0] ??
    ''
  return { named, control }
}

function metricsOf(outline: Outline, at: At | undefined, primaryAt: At | undefined, metrics: Record<string, Data>) {
  const found: Record<'primary' | 'secondary' | 'guardrail', string[]> = { primary: [], secondary: [], guardrail: [] }
  const add = (one: At, text: string, role: keyof typeof found) => {
    const name = nameOf(text)
    metrics[name] ??= experimentMetric(outline, one, text)
    use(outline, one)
    if (!Object.values(found).flat().includes(name)) found[role].push(name)
  }
  if (typeof primaryAt?.value === 'string') add(primaryAt, primaryAt.value, 'primary')
  for (const item of items(at)) {
    const role = roles[plain(item.name ?? '') as keyof typeof roles]
    for (const one of role === undefined ? [item] : Array.isArray(item.value) ? items(item) : [item]) {
      const nameAt = isMap(one.value) ? child(one, 'name', 'metric', 'id') : undefined
      const text =
        typeof one.value === 'string' ? one.value : typeof nameAt?.value === 'string' ? nameAt.value : one.name
      if (text === undefined || roles[plain(text) as keyof typeof roles] !== undefined) continue
      const own = isMap(one.value) ? roles[plain(said(child(one, 'role', 'type'))) as keyof typeof roles] : undefined
      const flagged = isMap(one.value) && child(one, 'primary')?.value === true
      if (own !== undefined) use(outline, child(one, 'role', 'type'))
      if (flagged) use(outline, child(one, 'primary'))
      add(
        nameAt ?? one,
        text,
        flagged ? 'primary' : (role ?? own ?? (found.primary.length === 0 ? 'primary' : 'secondary')),
      )
    }
  }
  const [primary, ...more] = found.primary
  return { primary, secondary: [...more, ...found.secondary], guardrails: found.guardrail }
}

/** The wanted effect: minimum_detectable_effect, or what the success criteria ask of the primary metric. */
function effectOf(
  outline: Outline,
  at: At,
  primary: string | undefined,
  metrics: Record<string, Data>,
): Data | undefined {
  if (primary === undefined) return undefined
  const direction = lower(metrics[primary] ?? {}) ? 'decrease' : 'increase'
  const criteria = child(at, 'success_criteria', 'criteria')
  const asked =
    child(at, 'minimum_detectable_effect', 'mde', 'min_effect', 'minimum_effect', 'effect_size') ??
    child(
      criteria,
      'minimum_improvement',
      'min_improvement',
      'improvement',
      'min_lift',
      'lift',
      'minimum_detectable_effect',
    )
  const level =
    child(at, 'confidence_level', 'confidence', 'significance_level', 'alpha') ??
    child(criteria, 'confidence_level', 'confidence', 'significance', 'statistical_significance', 'p_value', 'alpha')
  const read = level === undefined ? undefined : readShare(String(level.value).replace(/^\s*[<>]=?\s*/, ''))
  const alpha = read === undefined ? undefined : round(read > 0.5 ? 1 - read : read)
  if (alpha !== undefined && alpha > 0 && alpha < 0.5) use(outline, level)
  const power = child(at, 'power', 'statistical_power')
  const strength = power === undefined ? undefined : readShare(power.value)
  if (strength !== undefined && strength > 0.5 && strength < 1) use(outline, power)
  const lift = asked === undefined ? undefined : readShare(String(asked.value).replace(/^\s*[<>+]=?\s*/, ''))
  if (lift !== undefined && lift > 0) use(outline, asked)
  else assumed(outline, at, `the smallest effect worth having of ${primary} is a tenth of what it is today`)
  return {
    effect: { rel: lift !== undefined && lift > 0 ? lift : 0.1 },
    direction,
    ...(alpha !== undefined && alpha > 0 && alpha < 0.5 ? { alpha } : {}),
    ...(strength !== undefined && strength > 0.5 && strength < 1 ? { power: strength } : {}),
  }
}

function horizonOf({ outline, now }: Setting, at: At): Data {
  const startAt = child(at, 'start', 'start_date', 'start_time')
  const began =
    startAt === undefined
      ? NaN
      : Date.parse(startAt.value instanceof Date ? startAt.value.toISOString() : String(startAt.value))
  if (Number.isNaN(began)) assumed(outline, at, 'it starts now: write its real start before it does')
  else use(outline, startAt)
  const start = Number.isNaN(began) ? now.getTime() : began
  const time = child(at, 'duration', 'duration_days', 'runtime', 'length', 'min_duration', 'duration_weeks')
  const ms = time === undefined ? undefined : readDuration(time.value, String(time.path.at(-1)))
  if (ms !== undefined && ms >= DAY) use(outline, time)
  const size =
    child(
      at,
      'sample_size',
      'sample_size_per_variant',
      'min_sample_size',
      'minimum_sample_size',
      'samples_per_variant',
    ) ?? child(child(at, 'success_criteria', 'criteria'), 'min_samples', 'sample_size', 'minimum_sample_size')
  const units = Number(size?.value)
  const counted = Number.isInteger(units) && units > 0
  if (counted) use(outline, size)
  const days = ms === undefined || ms < DAY ? 14 : Math.floor(ms / DAY)
  if (ms === undefined && !counted) assumed(outline, at, 'it lasts 14 days')
  return {
    start: new Date(start).toISOString(),
    ...(counted && (ms === undefined || ms < DAY) ? {} : { end: new Date(start + days * DAY).toISOString() }),
    ...(counted ? { units_per_variant: units } : {}),
    ...(ms !== undefined && days < 7 ? { min_days: Math.max(1, days) } : {}),
  }
}
