// The plan of a run: calls, tokens, cost and time add up, and a budget that they exceed is named.
import { describe, expect, it } from 'vitest'
import { planRun, type SuiteFacts } from './run-plan.ts'

const facts = (more: Partial<SuiteFacts> = {}): SuiteFacts => ({
  suite: 'support',
  suite_version: '1.0.0',
  target: 'answer@1.0.0 with main',
  provider: 'openai',
  model: 'gpt',
  trials: { min: 1, max: 3 },
  group: 'provider openai',
  cases: [
    { id: 'a', least: 1, most: 3, estimate: { input: 100, output: 300 } },
    { id: 'b', least: 0, most: 2, estimate: { input: 100, output: 300 } },
  ],
  measured: new Map([['a', { input: 50, output: 10 }]]),
  latency: { ms: 1_000, from: 'runs' },
  price: ({ input, output }) => (input + 2 * output) / 1_000,
  paid: null,
  missing: 0,
  limits: { concurrency: 2 },
  ...more,
})
const plan = (all: SuiteFacts[], budget = {}) => planRun(all, { budget, toolVersion: '1' })

describe('figures', () => {
  it('come from earlier answers where there are any, else from the texts; known answers are no calls', () => {
    const { suites, total } = plan([facts()])
    expect(suites[0]?.least).toEqual({
      calls: 1,
      input_tokens: 50,
      output_tokens: 10,
      cost_usd: 0.07,
      duration_ms: 1_000,
    })
    expect(suites[0]?.most).toMatchObject({ calls: 5, input_tokens: 350, output_tokens: 630, duration_ms: 2_500 })
    expect(suites[0]?.most.cost_usd).toBeCloseTo(3 * 0.07 + 2 * 0.7)
    expect(suites[0]?.known).toEqual({ least: 1, most: 1 })
    expect(suites[0]?.evidence).toEqual({ measured: 1, estimated: 1, latency: 'runs', price: 'list' })
    expect(total.least).toEqual(suites[0]?.least)
  })

  it('suites of one provider follow each other, others are side by side', () => {
    const both = [facts(), facts({ suite: 'again' }), facts({ suite: 'other', group: 'provider b', provider: 'b' })]
    const { total, models } = plan(both)
    expect(total.least).toMatchObject({ calls: 3, duration_ms: 2_000 })
    expect(models.map(({ provider, least }) => [provider, least.calls])).toEqual([
      ['openai', 2],
      ['b', 1],
    ])
  })

  it('a ceiling makes it longer', () => {
    expect(plan([facts({ limits: { concurrency: 50, rpm: 2 } })]).total.most.duration_ms).toBe(120_000)
    expect(plan([facts({ limits: { concurrency: 50, tpm: 98 } })]).total.most.duration_ms).toBe(9 * 60_000)
  })

  it('what nobody knows is null, never zero', () => {
    const { total } = plan([facts({ price: () => null, latency: null })])
    expect(total.least).toMatchObject({ calls: 1, cost_usd: null, duration_ms: null })
    expect(plan([facts({ price: () => null, paid: 0.5 })]).total.least.cost_usd).toBe(0.5)
    const nothing = facts({ cases: [{ id: 'a', least: 0, most: 0, estimate: null }], price: () => null, latency: null })
    expect(plan([nothing]).total.most).toMatchObject({ calls: 0, cost_usd: 0, duration_ms: 0 })
  })
})

describe('budget', () => {
  it.each([
    [{ max_calls: 0.5 }, 'max_calls'],
    [{ max_cost_usd: 0.05 }, 'max_cost_usd'],
    [{ max_tokens: 59 }, 'max_tokens'],
    [{ max_duration: 999 }, 'max_duration'],
  ])('%j would be exceeded in any case: fail', (budget, name) => {
    const { outcome, exceeded } = plan([facts()], budget)
    expect(outcome).toBe('fail')
    expect(exceeded).toHaveLength(1)
    expect(exceeded[0]).toContain(name)
  })

  it('that only every pass would exceed is a warning', () => {
    const { outcome, exceeded, warnings } = plan([facts()], { max_calls: 4 })
    expect({ outcome, exceeded }).toEqual({ outcome: 'pass', exceeded: [] })
    expect(warnings).toEqual(['max_calls is 4, and 5 calls would be made when every pass is asked.'])
  })

  it('that cannot be held against the plan is said', () => {
    const { warnings } = plan([facts({ price: () => null, latency: null })], { max_cost_usd: 1, max_duration: 1 })
    expect(warnings.join(' ')).toMatch(/price of support is not known: max_cost_usd.*latency of support is not known/)
    expect(plan([facts({ missing: 2 })]).warnings[0]).toContain('2 answers would be missing')
  })
})
