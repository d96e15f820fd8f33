// The suites of a change under the prices that count, and what the change does to them.
import { strictestPrice } from '../../decide/change/price-guard.ts'
import type { LoadedSuite } from '../../ports.ts'
import { listPriceOf } from '../../run/price.ts'
import type { Config } from '../../schema/config.ts'

/** `loosened`: by suite, one sentence each. Without a cost gate the price decides nothing, and a new one is not said. */
export async function guardedPrices(
  suites: readonly LoadedSuite[],
  base: Config['models'],
): Promise<{ suites: LoadedSuite[]; loosened: ReadonlyMap<string, string[]> }> {
  const loosened = new Map<string, string[]>()
  const guarded: LoadedSuite[] = []
  for (const suite of suites) {
    const { target, policy } = suite
    if (target.kind !== 'prompt') {
      guarded.push(suite)
      continue
    }
    const { model, provider } = target
    const listed = await listPriceOf({ id: model.pin.id, provider: provider.name })
    const found = strictestPrice(model, { base, listed })
    if (found.loosened !== undefined && (found.price || policy.cost_per_case))
      loosened.set(suite.suite.suite, [found.loosened])
    const pin = found.price ? { ...model.pin, price: found.price } : model.pin
    guarded.push({ ...suite, target: { ...target, model: { ...model, pin } } })
  }
  return { suites: guarded, loosened }
}
