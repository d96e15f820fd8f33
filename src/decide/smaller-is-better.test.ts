// Names of means, and which way they are better.
import { expect, it } from 'vitest'
import { betterOf } from './experiment/metric-kind.ts'
import { directionOf } from './rollout/metrics.ts'
import { smallerIsBetter } from './smaller-is-better.ts'

it.each([
  'cost',
  'cost_usd',
  'costUSD',
  'aigate.cost_usd',
  'duration_ms',
  'latencies',
  'latencyMs',
  'gen_ai.usage.output_tokens',
  'total_tokens',
  'responseTime',
  'time_to_first_token',
  'runtime',
])('%s is better when small', (name) => expect(smallerIsBetter(name)).toBe(true))

it.each(['sentiment', 'eval.sentiment.score', 'timeliness', 'uptime', 'lifetime_value', 'quality', 'tokenized_well'])(
  '%s is better when great',
  (name) => expect(smallerIsBetter(name)).toBe(false),
)

it('rollouts and experiments go by it, unless it is written', () => {
  const sentiment = { mean: 'eval.sentiment.score', role: 'guardrail' as const }
  expect(directionOf('sentiment', sentiment)).toBe(1)
  expect(directionOf('sentiment', { ...sentiment, better: 'lower' })).toBe(-1)
  expect(betterOf('sentiment', { mean: 'eval.sentiment.score' } as Parameters<typeof betterOf>[1])).toBe('higher')
  expect(betterOf('spent', { mean: 'cost_usd' } as Parameters<typeof betterOf>[1])).toBe('lower')
})
