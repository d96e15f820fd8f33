// What an answer costs, estimated from its tokens and list prices.
import type { Completion, Usage } from '../schema/run.ts'

type Priced = { id: string; provider: string; price?: { input: number; output: number } | undefined }
type CalcPrice = typeof import('@pydantic/genai-prices').calcPrice

/** Which list prices are inside, for the label of an estimate. The package tells its version but no date of its data. */
export const priceData = 'genai-prices 0.1.8'

/** Servers that people run themselves: a list price of the same model elsewhere would be wrong. */
const OWN = /ollama|vllm|llama[._-]?cpp|lm[._-]?studio|localai|local/i

/**
 * Loads the list prices and gives the function that prices one answer in US dollars. `only`: the one model it is called for;
 * a model with a price of its own needs no list.
 * The model's own `price` (US dollars for a million tokens, cached input at full price) comes first, then the list
 * price of the model id at the provider of that name, then of the id alone, then the same for the model name that was
 * answered (an Azure deployment has a name of its own). `undefined`: no usage, or no price is known; never zero for that.
 */
export async function pricer(only?: Priced): Promise<(model: Priced, completion: Completion) => number | undefined> {
  const calcPrice = only?.price ? null : (await import('@pydantic/genai-prices')).calcPrice
  return (model, completion) => {
    const { usage, response_model } = completion
    if (!usage) return undefined
    if (model.price) {
      return (usage.input_tokens * model.price.input + usage.output_tokens * model.price.output) / 1_000_000
    }
    if (!calcPrice) return undefined
    const ids = response_model && response_model !== model.id ? [model.id, response_model] : [model.id]
    const providers = OWN.test(model.provider) ? [model.provider] : [model.provider, undefined]
    for (const id of ids) {
      for (const provider of providers) {
        const price = listPrice(calcPrice, usage, id, provider)
        if (price !== undefined) return price
      }
    }
    return undefined
  }
}

/** The list price of a model in US dollars for a million tokens, at ordinary lengths; undefined when none is known. */
export async function listPriceOf(model: Priced): Promise<{ input: number; output: number } | undefined> {
  const priceOf = await pricer()
  const cost = (input_tokens: number, output_tokens: number) => {
    const usage = { input_tokens, output_tokens }
    return priceOf(model, { outcome: 'answered', text: '', tool_calls: [], attempts: 1, usage })
  }
  // Long inputs may have another price, so a thousand tokens are priced.
  const [input, output] = [cost(1000, 0), cost(0, 1000)]
  return input === undefined || output === undefined
    ? undefined
    : { input: perMillion(input), output: perMillion(output) }
}

/** Of a price for a thousand tokens, without the noise of binary fractions. */
const perMillion = (price: number): number => Number((price * 1000).toPrecision(12))

function listPrice(calcPrice: CalcPrice, usage: Usage, id: string, provider?: string): number | undefined {
  // More cached tokens than tokens would be refused; some servers count that way.
  const cached = Math.min(usage.cached_input_tokens ?? 0, usage.input_tokens)
  const tokens = { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens, cache_read_tokens: cached }
  try {
    return calcPrice(tokens, id, provider ? { providerId: provider } : {})?.total_price
  } catch {
    // A model that is not priced by tokens: no price is known.
    return undefined
  }
}
