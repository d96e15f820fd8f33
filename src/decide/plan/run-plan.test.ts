// The plan of a run: calls, tokens, cost and time add up, and a budget that they exceed is named.
import { describe, expect, it } from 'vitest'
import { foretold } from './over-budget.ts'
import { planRun, type SuiteFacts } from './run-plan.ts'
import type { AskedCase, PartFacts } from './spending.ts'

const tokens = (input: number, output: number) => ({ least: { input, output }, most: { input, output } })
const one = { least: 1, most: 1 }
const asked = (id: string, least: number, most: number, more: Partial<AskedCase> = {}): AskedCase => ({
  id,
  least,
  most,
  calls: one,
  estimate: tokens(100, 300),
  ...more,
})
const part = (more: Partial<PartFacts> = {}): PartFacts => ({
  what: 'target',
  provider: 'openai',
  model: 'gpt',
  cases: [asked('a', 1, 3), asked('b', 0, 2)],
  measured: new Map([['a', { input: 50, output: 10 }]]),
  latency: { ms: 1_000, from: 'runs' },
  price: ({ input, output }) => (input + 2 * output) / 1_000,
  paid: null,
  limits: { concurrency: 2 },
  ...more,
})
const facts = (target: Partial<PartFacts> = {}, more: Partial<SuiteFacts> = {}): SuiteFacts => ({
  suite: 'support',
  suite_version: '1.0.0',
  target: 'answer@1.0.0 with main',
  provider: 'openai',
  model: 'gpt',
  trials: { min: 1, max: 3 },
  group: 'provider openai',
  cases: 2,
  parts: [part(target)],
  guessed: 0,
  missing: 0,
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
    expect(suites[0]).toMatchObject({ known: { least: 1, most: 1 }, open: { least: 1, most: 5 } })
    expect(suites[0]?.evidence).toMatchObject({ measured: 1, estimated: 1, latency: 'runs', price: 'list' })
    expect(total.least).toEqual(suites[0]?.least)
  })

  it('suites of one provider follow each other, others are side by side', () => {
    const other = facts({ provider: 'b' }, { suite: 'other', group: 'provider b', provider: 'b' })
    const { total, models } = plan([facts(), facts({}, { suite: 'again' }), other])
    expect(total.least).toMatchObject({ calls: 3, duration_ms: 2_000 })
    expect(models.map(({ provider, least }) => [provider, least.calls])).toEqual([
      ['openai', 2],
      ['b', 1],
    ])
  })

  it('sides of a suite add up, and what is asked beside the answers costs no time but that of its ceilings', () => {
    const judge = part({
      what: 'judge careful',
      model: 'judge',
      cases: [asked('a', 1, 3, { calls: { least: 4, most: 4 }, estimate: tokens(400, 40) })],
      measured: new Map(),
      latency: null,
      beside: true,
      limits: { concurrency: 1, rpm: 12 },
    })
    const { suites, models } = plan([facts({}, { parts: [part(), part({ what: 'main' }), judge] })])
    expect(suites[0]?.least).toMatchObject({ calls: 6, input_tokens: 500, duration_ms: 15_000 })
    expect(suites[0]?.least.cost_usd).toBeCloseTo(2 * 0.07 + 0.48)
    expect(suites[0]?.parts.map(({ what, least }) => [what, least.calls])).toEqual([
      ['target', 1],
      ['main', 1],
      ['judge careful', 4],
    ])
    expect(models.map(({ model, most }) => [model, most.calls])).toEqual([
      ['gpt', 10],
      ['judge', 12],
    ])
  })

  it('a conversation is several calls of one answer', () => {
    const talk = asked('a', 1, 1, {
      calls: { least: 2, most: 6 },
      estimate: { least: { input: 100, output: 10 }, most: { input: 900, output: 30 } },
    })
    const { suites } = plan([facts({ cases: [talk], measured: new Map(), limits: { concurrency: 2, rpm: 60 } })])
    expect(suites[0]).toMatchObject({
      open: { least: 1, most: 1 },
      least: { calls: 2, input_tokens: 100, duration_ms: 1_000 },
      most: { calls: 6, input_tokens: 900, duration_ms: 5_000 },
    })
  })

  it('a ceiling makes it longer', () => {
    expect(plan([facts({ limits: { concurrency: 50, rpm: 2 } })]).total.most.duration_ms).toBe(120_000)
    expect(plan([facts({ limits: { concurrency: 50, tpm: 98 } })]).total.most.duration_ms).toBe(9 * 60_000)
  })

  it('what nobody knows is null, never zero', () => {
    const { total } = plan([facts({ price: () => null, latency: null })])
    expect(total.least).toMatchObject({ calls: 1, cost_usd: null, duration_ms: null })
    expect(plan([facts({ price: () => null, paid: 0.5 })]).total.least.cost_usd).toBe(0.5)
    expect(plan([facts({ batch: true })])).toMatchObject({
      total: { least: { duration_ms: null } },
      suites: [{ evidence: { batch: true } }],
    })
    const nothing = facts({ cases: [asked('a', 0, 0, { estimate: null })], price: () => null, latency: null })
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
    expect(plan([facts({}, { missing: 2 })]).warnings[0]).toContain('2 answers would be missing')
  })
})

describe('before a run', () => {
  const many = Array.from({ length: 40 }, (_, i) => asked(`c${i}`, 1, 2))
  const say = (budget: object, more: Partial<PartFacts> = {}) =>
    foretold(plan([facts({ cases: many, ...more })], budget))

  it('the limit that is reached first is named, with what would be left unasked and what would do', () => {
    expect(say({ max_calls: 10 })).toBe(
      'max_calls is 10, and 40 calls would be made: about 30 of 40 answers would be left unasked, and the run would stop there with exit 4. --max-calls 40 would do; `aigate plan` says more.',
    )
    expect(say({ max_calls: 39, max_cost_usd: 7 })).toMatch(
      /^max_cost_usd is \$7.00, and about \$28.00 would be spent: about 30 of 40 answers .* --max-cost 31 would do/,
    )
  })

  it('further passes are told from those that are asked in any case', () => {
    expect(say({ max_calls: 60 })).toMatch(
      /^max_calls is 60, and 80 calls would be made if every pass is asked: .* --max-calls 80 would do\.$/,
    )
    expect(say({ max_calls: 80 })).toBeNull()
    expect(say({})).toBeNull()
  })

  it('where every answer is there, the questions to judges are what is left', () => {
    const judge = part({
      what: 'judge careful',
      cases: [asked('a', 4, 8, { calls: { least: 3, most: 3 } })],
      measured: new Map(),
      beside: true,
    })
    const known = { cases: [asked('a', 0, 0)] }
    const all = foretold(plan([facts({}, { parts: [part(known), judge] })], { max_calls: 9 }))
    expect(all).toMatch(/^max_calls is 9, and 12 calls would be made: about 3 of 12 calls would be left unmade/)
    const some = foretold(plan([facts({}, { parts: [part(), judge] })], { max_calls: 9 }))
    expect(some).toMatch(/about 1 of 1 answer would be left unasked or ungraded/)
  })

  it('a limit that nothing can be held against is said; nothing to ask is nothing to say', () => {
    expect(say({ max_cost_usd: 1 }, { price: () => null })).toMatch(/price of support is not known: max_cost_usd/)
    expect(say({ max_calls: 1 }, { cases: [asked('a', 0, 0)] })).toBeNull()
  })
})
