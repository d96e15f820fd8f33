// How many tokens a model takes, as the list of prices knows it.
import type { ModelPin } from '../schema/config.ts'

/** Tokens of the context window; undefined for a model that the list does not know, or tells no window of. */
export async function contextWindow({ id, provider }: Pick<ModelPin, 'id' | 'provider'>): Promise<number | undefined> {
  const { calcPrice } = await import('@pydantic/genai-prices')
  const tokens = { input_tokens: 1, output_tokens: 1 }
  for (const options of [{ providerId: provider }, {}]) {
    try {
      const window = calcPrice(tokens, id, options)?.model.context_window
      if (window !== undefined) return window
    } catch {
      // A model that is not priced by tokens.
    }
  }
  return undefined
}
