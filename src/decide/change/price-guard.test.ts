// Whose price of a model counts in a change.
import { expect, it } from 'vitest'
import type { Config } from '../../schema/config.ts'
import { strictestPrice } from './price-guard.ts'

type Price = { input: number; output: number }
const pin = (id: string, price?: Price) => ({ provider: 'p', id, params: {}, ...(price && { price }) })
const of = (price: Price | undefined, base: Config['models'], listed?: Price) =>
  strictestPrice({ name: 'main', pin: pin('m-1', price) }, { base, listed })
const one = { input: 1, output: 4 }

it('is the higher one of both sides, input and output apart, whatever the model is called at the base', () => {
  expect(of(one, { main: pin('m-1', one) })).toEqual({})
  const lower = of({ input: 0, output: 5 }, { other: pin('m-1', one) })
  expect(lower.price).toEqual({ input: 1, output: 5 })
  expect(lower.loosened).toBe(
    'the price of model main goes from $1 in and $4 out a million tokens to $0 in and $5 out a million tokens; the higher one counts.',
  )
  expect(of({ input: 2, output: 8 }, { main: pin('m-1', one) })).toEqual({})
})
it('is the list price where the base says none, and the price of another model is none', () => {
  expect(of({ input: 0, output: 0 }, { main: pin('m-1') }, one).price).toEqual(one)
  expect(of({ input: 0, output: 0 }, {}, one).price).toEqual(one)
  expect(of(undefined, { main: pin('m-1', one) }, { input: 0, output: 0 }).price).toEqual(one)
  expect(of(undefined, { main: pin('m-1') }, one)).toEqual({})
})
it('is said to be new where nobody else knows one', () => {
  expect(of({ input: 0, output: 0 }, { main: pin('m-0', one) })).toEqual({
    loosened:
      'the price of model main ($0 in and $0 out a million tokens) is new, and no list knows one; nothing else judges it.',
  })
  expect(of(undefined, {})).toEqual({})
})
