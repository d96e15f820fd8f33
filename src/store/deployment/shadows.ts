// shadow_deployment: as a plan of a shadow.
import { durationText, readDuration, readShare, round } from './amounts.ts'
import { criteriaOf, criterionFrom, namedCriterion } from './criteria.ts'
import { type At, assumed, child, isMap, type Item, items, left, type Outline, plain, use, words } from './outline.ts'
import { nameOf, type Setting, source } from './setting.ts'

type Data = Record<string, unknown>

/** The plan of a shadow deployment; undefined where none of its criteria can be carried over. */
export function shadowOf(setting: Setting, at: At, given?: string): Data | undefined {
  const { outline } = setting
  const criteria: Data = {}
  for (const item of items(child(at, 'promotion_criteria', 'criteria', 'success_criteria')))
    shadowCriterion(outline, item, criteria)
  const enabled = child(at, 'enabled')
  if (enabled?.value === true) use(outline, enabled)
  if (Object.keys(criteria).length === 0) return undefined
  const pairs =
    child(at, 'min_pairs', 'min_requests', 'min_samples', 'sample_size', 'minimum_samples') ??
    child(child(at, 'promotion_criteria', 'criteria'), 'min_pairs', 'min_requests', 'min_samples', 'sample_size')
  const least = Number(pairs?.value)
  const counted = Number.isInteger(least) && least > 0
  if (counted) use(outline, pairs)
  const time = child(at, 'duration', 'min_duration')
  const ms = time === undefined ? undefined : readDuration(time.value)
  if (ms !== undefined && ms > 0) use(outline, time)
  assumed(outline, at, `its pairs are events aigate.shadow.pair in ${source.path}`)
  return {
    shadow: nameOf(words(outline, child(at, 'name')) ?? given ?? 'shadow'),
    pairs: { path: source.path },
    ...(ms === undefined || ms === 0 ? {} : { since: durationText(ms) }),
    ...(counted ? { min_pairs: least } : {}),
    criteria,
  }
}

function shadowCriterion(outline: Outline, item: Item, criteria: Data): void {
  const key = plain(item.name ?? '')
  if (/^(min|minimum)?(pairs|requests|samples|samplesize)$/.test(key)) return
  const text = String(isMap(item.value) ? '' : item.value)
  const share = readShare(text.replace(/^\s*(?:[<>+]=?\s*)+/, '').replace(/^baseline\s*\+\s*/, ''))
  const sign = /^\s*([<>])/.exec(text)?.[1] ?? (key.startsWith('max') ? '<' : key.startsWith('min') ? '>' : '')
  const wrong = sign === (/similar|agreement|match/.test(key) ? '<' : '>')
  const readable = share !== undefined && share > 0 && !wrong && !/^\s*\d+(\.\d+)?\s*(ms|s)$/.test(text)
  if (item.name !== undefined && readable) {
    const done = /similar|agreement|match/.test(key)
      ? { similarity: { below: share } }
      : /error|failure/.test(key) && !/^(max)?error(rate)?$/.test(key)
        ? { errors: { max_increase: share } }
        : /latency/.test(key) && /increase|regress|delta|ratio|overhead/.test(key)
          ? { latency: { max_increase: `${round(share * 100)}%` } }
          : /cost/.test(key) && /increase|delta|ratio|overhead/.test(key)
            ? { cost: { max_increase: `${round(share * 100)}%` } }
            : /confidence/.test(key) && /drop|delta/.test(key)
              ? { confidence: { max_drop: share } }
              : undefined
    if (done !== undefined) {
      use(outline, item)
      Object.assign(criteria, done)
      return
    }
  }
  const before = outline.notes.length
  const [found] =
    item.name !== undefined
      ? namedCriterion(outline, item, item.name, 'success')
      : typeof item.value === 'string'
        ? criterionFrom(outline, item, item.value)
        : criteriaOf(outline, item, 'success')
  if (
    found !== undefined &&
    /similar/.test(found.word.name) &&
    found.side === 'above' &&
    found.limit.kind === 'amount'
  ) {
    const { value, unit } = found.limit
    criteria['similarity'] = { below: unit === '%' || value > 1 ? value / 100 : value }
  } else if (found !== undefined || outline.notes.length === before)
    left(
      outline,
      item,
      'a shadow compares pairs: write it as similarity, errors, latency, cost or confidence of the pairs',
    )
}
