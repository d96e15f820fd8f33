// What is known of a model before it is asked: its price, and the ceilings of it and of its provider.
import type { PartFacts, Tokens } from '../../../decide/plan/spending.ts'
import type { ResolvedModel } from '../../../ports.ts'
import { pricer } from '../../../run/price.ts'

/** Tokens of an answer whose length nothing limits and nobody has seen. */
export const TYPICAL_ANSWER = 300

/** The list price of a model for so many tokens, in US dollars; null: none is known. */
export async function priceOf(pin: ResolvedModel['pin']): Promise<(tokens: Tokens) => number | null> {
  const price = await pricer(pin)
  return ({ input, output }) => {
    const usage = { input_tokens: Math.round(input), output_tokens: Math.round(output) }
    return price(pin, { outcome: 'answered', text: '', tool_calls: [], attempts: 1, usage }) ?? null
  }
}

/** Of the model and its provider together. */
export function limitsOfModel({ pin, provider: { config } }: ResolvedModel): PartFacts['limits'] {
  const live = config.type === 'replay' ? config.of : config
  const least = (one?: number, other?: number) =>
    one === undefined ? other : other === undefined ? one : Math.min(one, other)
  return { concurrency: live?.concurrency ?? 1, rpm: least(live?.rpm, pin.rpm), tpm: least(live?.tpm, pin.tpm) }
}
