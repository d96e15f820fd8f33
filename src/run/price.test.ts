// Prices: the model's own first, then the list, and "unknown" rather than zero.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { Completion } from '../schema/run.ts'
import { priceData, pricer } from './price.ts'

const price = await pricer()
const answer = (usage: Record<string, number> | undefined, response_model?: string) =>
  Completion.parse({ outcome: 'answered', text: 'hi', latency_ms: 1, attempts: 1, usage, response_model })
const usage = { input_tokens: 1_000_000, output_tokens: 100_000 }

it('takes the price of the model, in dollars for a million tokens', () => {
  const model = { id: 'gpt-4o', provider: 'openai', price: { input: 3, output: 10 } }
  expect(price(model, answer(usage))).toBeCloseTo(4, 12)
  expect(price({ ...model, price: { input: 0, output: 0 } }, answer(usage))).toBe(0)
})

it('takes the list price: gpt-4o-2024-11-20 costs 2.50 and 10.00 dollars for a million tokens', () => {
  const model = { id: 'gpt-4o-2024-11-20', provider: 'openai' }
  expect(price(model, answer(usage))).toBeCloseTo(3.5, 12)
  expect(price({ ...model, provider: 'our-gateway' }, answer(usage))).toBeCloseTo(3.5, 12)
})

it('counts cached input at its own price, 1.25 dollars, and not twice', () => {
  const model = { id: 'gpt-4o-2024-11-20', provider: 'openai' }
  expect(price(model, answer({ ...usage, cached_input_tokens: 400_000 }))).toBeCloseTo(0.6 * 2.5 + 0.4 * 1.25 + 1, 12)
  expect(price(model, answer({ ...usage, cached_input_tokens: 9_000_000 }))).toBeCloseTo(1.25 + 1, 12)
})

it('knows an Azure deployment by the model that answered', () => {
  const model = { id: 'our-deployment', provider: 'azure' }
  expect(price(model, answer(usage, 'gpt-4o-2024-11-20'))).toBeCloseTo(3.5, 12)
})

it('says undefined where nothing is known', () => {
  expect(price({ id: 'our-own-7b', provider: 'openai' }, answer(usage))).toBeUndefined()
  expect(price({ id: 'gpt-4o', provider: 'openai' }, answer(undefined))).toBeUndefined()
  expect(price({ id: 'mistral-large-latest', provider: 'local-vllm' }, answer(usage))).toBeUndefined()
})

it('names the version of the prices that is installed', () => {
  const folder = dirname(createRequire(import.meta.url).resolve('@pydantic/genai-prices'))
  const installed: unknown = JSON.parse(readFileSync(join(folder, '../package.json'), 'utf8'))
  expect(installed).toMatchObject({ version: priceData.split(' ')[1] })
})
