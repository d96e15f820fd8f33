// Says before anything is asked where a limit of cost cannot hold, because nobody knows what an answer costs.
import type { Context, LoadedSuite } from '../../ports.ts'
import { listPriceOf } from '../../run/price.ts'
import type { Budget } from '../../schema/config.ts'

/** Writes one line to stderr for each model without a price that `max_cost_usd` is meant to hold; replayed answers cost nothing. */
export async function warnOfPrices(context: Context, suites: readonly LoadedSuite[], budget: Budget): Promise<void> {
  if (budget.max_cost_usd === undefined) return
  const said = new Set<string>()
  for (const { target } of suites) {
    if (target.kind !== 'prompt' || target.provider.config.type === 'replay') continue
    const { pin, name } = target.model
    const price = pin.price ?? (await listPriceOf({ id: pin.id, provider: target.provider.name }))
    if (price === undefined && !said.has(name)) {
      said.add(name)
      context.stderr.write(
        `Model ${name}: no price is known for ${pin.id}, so that max_cost_usd cannot stop it; write price: {input: …, output: …} beside its id in aigate.yaml, or limit max_calls or max_tokens.\n`,
      )
    }
  }
}
