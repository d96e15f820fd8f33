// The price of a model in a change: the higher one of base and change counts, or a price of zero would pay for any answer.
import type { LoadedSuite } from '../../ports.ts'
import type { Config, ModelPin } from '../../schema/config.ts'

/** US dollars for a million tokens. */
type Price = NonNullable<ModelPin['price']>
type Model = Extract<LoadedSuite['target'], { kind: 'prompt' }>['model']
type Known = {
  /** The registry of the base. */
  base: Config['models']
  /** The list price of the model's id; undefined: none is known. */
  listed?: Price | undefined
}

/**
 * The price by which the answers of a model are judged: the higher one of the change's and the base's, input and output
 * apart. The base's is that of any of its models with the same id, whatever its name; without one it is the list price.
 * @returns `price` undefined: as the model says; `loosened`: one sentence where the change lowers it
 */
export function strictestPrice(
  { name, pin }: Model,
  { base, listed }: Known,
): { price?: Price | undefined; loosened?: string | undefined } {
  const same = Object.values(base).filter(({ id }) => id === pin.id)
  const was = same.length > 0 ? highest(same.map(({ price }) => price ?? listed)) : listed
  const is = pin.price ?? listed
  if (was === undefined) {
    const loosened = `the price of model ${name} (${text(is)}) is new, and no list knows one; nothing else judges it.`
    return is === undefined ? {} : { loosened }
  }
  const price = highest([was, is]) ?? was
  if (is !== undefined && price.input === is.input && price.output === is.output) return {}
  return { price, loosened: `the price of model ${name} goes from ${text(was)} to ${text(is)}; the higher one counts.` }
}

function highest(prices: readonly (Price | undefined)[]): Price | undefined {
  const known = prices.filter((price) => price !== undefined)
  if (known.length === 0) return undefined
  return {
    input: Math.max(...known.map(({ input }) => input)),
    output: Math.max(...known.map(({ output }) => output)),
  }
}

const text = (price: Price | undefined): string =>
  price ? `$${price.input} in and $${price.output} out a million tokens` : 'not known'
