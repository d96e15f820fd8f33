// What the packages inside the bundle hold that aigate never uses, and would carry: left out while it is built.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Fields of providers and models that say how to read answers, or are for people: no price depends on them. */
const forPeople = ['extractors', 'pricing_urls', 'description', 'price_comments', 'context_window', 'deprecated']
/** What completions of text are counted in; other units (images, sound, cache writes) never come with a usage of ours. */
const counted = ['input_mtok', 'output_mtok', 'cache_read_mtok', 'requests_kcount']

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
  const only = (prices) => Object.fromEntries(Object.entries(prices).filter(([key]) => counted.includes(key)))
  const light = providers.map(({ models, ...provider }) => ({
    ...without(provider),
    models: models.map(({ prices, name: _, ...model }) => ({
      ...without(model),
      prices: Array.isArray(prices) ? prices.map((one) => ({ ...one, prices: only(one.prices) })) : only(prices),
    })),
  }))
  return `const E = JSON.parse(${JSON.stringify(JSON.stringify(light))})${code.slice(end)}`
}

/** Parts of sucrase for languages other than TypeScript, which it is never asked to read. */
const foreign =
  /[\\/]sucrase[\\/]dist[\\/]esm[\\/](?:parser[\\/]plugins[\\/](?:flow|jsx[\\/]index|jsx[\\/]xhtml)|transformers[\\/](?:CJSImport|Flow|JSX|JestHoist|ReactDisplayName|ReactHotLoader)Transformer|computeSourceMap|util[\\/]formatTokens)\.js$/

/** The same exports, each of which throws when it is called after all. */
export function emptied(code) {
  const names = [...code.matchAll(/^export (?:async )?(?:function|const|class) (\w+)/gm)].map(([, name]) => name)
  const own = /^export default/m.test(code) ? ['export default unused'] : []
  const body = "function unused() { throw new Error('this part of sucrase is not in the bundle') }"
  return [body, ...own, ...names.map((name) => `export { unused as ${name} }`)].join('\n')
}

/** A plugin of rolldown. */
export function lighter() {
  return {
    name: 'lighter',
    // The variant of ES modules: what is not used of it can be left out.
    resolveId: (id) => (id === 'sucrase' ? join(import.meta.dirname, 'node_modules/sucrase/dist/esm/index.js') : null),
    load(id) {
      if (/[\\/]@pydantic[\\/]genai-prices[\\/]dist[\\/]index\.js$/.test(id))
        return lighterPrices(readFileSync(id, 'utf8'))
      return foreign.test(id) ? emptied(readFileSync(id, 'utf8')) : null
    },
  }
}
