// The list prices of models as the bundle has them: only what a completion of text is priced by, a row for each model.
import { pressed, unpress } from './pressed.mjs'

/** Fields of providers and models that say how to read answers, or are for people: no price depends on them. */
const forPeople = ['extractors', 'pricing_urls', 'description', 'price_comments', 'deprecated']
/** What completions of text are counted in; other units (images, sound, cache writes) never come with a usage of ours. */
const counted = ['input_mtok', 'output_mtok', 'cache_read_mtok', 'requests_kcount']
/** Ways to match the id of a model, each by one sign. */
const signs = { equals: '=', starts_with: '^', contains: '~' }

/** Only what is counted; prices in other units alone stay as they are, for no price is none and not zero. */
function onlyCounted(prices) {
  const kept = Object.entries(prices).filter(([key]) => counted.includes(key))
  return kept.length > 0 ? Object.fromEntries(kept) : prices
}

/** Prices that are one number each become a list in the order of `counted`. */
function packedPrice(prices) {
  const only = onlyCounted(prices)
  const isPlain = Object.entries(only).every(([key, value]) => counted.includes(key) && typeof value === 'number')
  if (!isPlain) return only
  const row = counted.map((key) => only[key] ?? null)
  return row.slice(0, row.findLastIndex((value) => value !== null) + 1)
}

/** `{equals: 'x'}` becomes `=x`, and so on, a sign alone where x is the id; a list are the clauses of `or`. */
function packedMatch(match, id) {
  const [[key, value] = [], ...more] = Object.entries(match)
  if (more.length > 0 || key === undefined || value === '') return match
  if (key === 'or') return value.map((clause) => packedMatch(clause, id))
  return Object.hasOwn(signs, key) ? signs[key] + (value === id ? '' : value) : match
}

/** A row for each model: its id, how it is matched (0: by its id), its prices (several: under `dated`), its context window. */
export function packedModel({ id, match, prices, context_window: window }) {
  const clause = packedMatch(match, id)
  const dated = Array.isArray(prices) && prices.map((one) => ({ ...one, prices: packedPrice(one.prices) }))
  const price = dated ? { dated } : packedPrice(prices)
  return [id, clause === '=' ? 0 : clause, price, ...(window === undefined ? [] : [window])]
}

/** Runs in the bundle: a row of `packedModel` as the package has it, but for what was left out. */
export function unpackedModel([id, match, prices, context_window], counted, signs) {
  const clause = (packed) => {
    if (Array.isArray(packed)) return { or: packed.map(clause) }
    if (typeof packed !== 'string') return packed
    const [key] = Object.entries(signs).find(([, sign]) => sign === packed[0])
    return { [key]: packed.slice(1) || id }
  }
  const price = (packed) =>
    Array.isArray(packed)
      ? Object.fromEntries(counted.flatMap((key, i) => (typeof packed[i] === 'number' ? [[key, packed[i]]] : [])))
      : packed
  return {
    id,
    match: match === 0 ? { equals: id } : clause(match),
    prices: prices.dated ? prices.dated.map((one) => ({ ...one, prices: price(one.prices) })) : price(prices),
    ...(context_window !== undefined && { context_window }),
  }
}

/**
 * The module of genai-prices with the prices that are asked for. Throws where the package no longer looks as it did: then
 * the build fails, and no price is silently lost.
 */
export function lighterPrices(code) {
  const [start, open] = ['const E = [', 'const E = '.length]
  const end = code.indexOf('\n]') + 2
  if (!code.startsWith(start) || end < 2) throw new Error('genai-prices begins with no list of providers any more')
  const providers = new Function(`return ${code.slice(open, end)}`)()
  const without = (object) => Object.fromEntries(Object.entries(object).filter(([key]) => !forPeople.includes(key)))
  const rows = providers.flatMap(({ models }) => models.map(packedModel))
  // What is alike beside each other: all ids, then all that they are matched by, then all prices, then all windows.
  const columns = [0, 1, 2, 3].map((column) => rows.map((row) => row[column] ?? null))
  const heads = providers.map(({ models, ...provider }) => ({ ...without(provider), models: models.length }))
  return `${unpress}
${unpackedModel}
const [heads, columns] = ${pressed([heads, columns])}
let next = 0
const model = (at) => unpackedModel(columns.map((column) => column[at] ?? undefined), ${JSON.stringify(counted)}, ${JSON.stringify(signs)})
const E = heads.map((head) => ({ ...head, models: Array.from({ length: head.models }, () => model(next++)) }))${code.slice(end)}`
}
