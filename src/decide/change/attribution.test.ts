// Attribution over made-up changes: prompt -8 points and model +6 points, found as often as the intervals say.
import { describe, expect, it } from 'vitest'
import type { CaseTally } from '../../schema/baseline.ts'
import type { TargetSnapshot } from '../../schema/run.ts'
import { binomialDraw, type Random, randomFrom } from '../../statistics/draws.ts'
import { attribution } from './attribution.ts'
import { cellTarget, designOf, oldParts } from './cells.ts'
import { baselineOf, casesOf } from '../run-testing.ts'

const oldModel = { name: 'main', provider: 'api', id: 'x-2026', params: {} }
const before: TargetSnapshot = {
  kind: 'prompt',
  label: 'a@1.0.0 with main',
  hash: 'h0',
  prompt: { name: 'a', version: '1.0.0', hash: 'p0' },
  model: oldModel,
}
const newPrompt = { name: 'a', version: '1.1.0', hash: 'p1' }
const after: TargetSnapshot = { ...before, hash: 'h1', prompt: newPrompt, model: { ...oldModel, id: 'y-2026' } }
const design = designOf('s', before, after)!

type World = { n: number; effects: readonly number[]; trials: readonly number[] }

/** Baseline and cells in which case i passes with its own chance, plus the effects of what is changed in the cell. */
function drawn({ n, effects: [prompt = 0, model = 0, both = 0], trials }: World, random: Random) {
  const cases = casesOf(n)
  const base = cases.map((_, i) => 0.2 + (0.6 * i) / (n - 1))
  const shifts = [0, prompt, model, prompt + model + both]
  const tallies = shifts.map((shift, g) =>
    cases.map(({ id, hash }, i): CaseTally => {
      const tried = trials[g] ?? 3
      const passes = binomialDraw(tried, (base[i] ?? 0) + shift, random)
      return { id, hash, passes, trials: tried, errors: 0, scores: [], latencies_ms: [], costs_usd: [] }
    }),
  )
  const baseline = { ...baselineOf(cases), cases: tallies[0] ?? [] }
  const asked = tallies.slice(1).map((each, g) => ({ tallies: each, file: `cell-${g}` }))
  return { design, baseline, cases, asked }
}

/** How often each interval holds its true effect, and how often it is away from zero. */
function rates(world: World, draws: number, seed: number) {
  const random = randomFrom(seed)
  const [prompt = 0, model = 0, both = 0] = world.effects
  // Main effects are averaged over the settings of the other: each takes half of what the two do together.
  const truth = [prompt + both / 2, model + both / 2, both]
  const held = [0, 0, 0]
  const proven = [0, 0, 0]
  for (let draw = 0; draw < draws; draw++) {
    const { effects } = attribution(drawn(world, random))
    for (const [i, { interval }] of effects.entries()) {
      if (interval.low <= truth[i]! && truth[i]! <= interval.high) held[i]! += 1 / draws
      if (interval.low > 0 || interval.high < 0) proven[i]! += 1 / draws
    }
  }
  return { held, proven }
}

describe('prompt -8 points, model +6 points, 200 cases', () => {
  it.each<World & { name: string; draws: number }>([
    { name: 'trials 5 and 3', n: 200, effects: [-0.08, 0.06], trials: [5, 3, 3, 3], draws: 1000 },
    { name: 'with interplay +5', n: 200, effects: [-0.08, 0.06, 0.05], trials: [5, 3, 3, 3], draws: 1000 },
    { name: 'tried once', n: 200, effects: [-0.08, 0.06], trials: [5, 1, 1, 1], draws: 1000 },
  ])('$name: 95 % intervals hold the truth', ({ draws, n, effects, trials }) => {
    for (const share of rates({ n, effects, trials }, draws, 7).held) {
      // 95 % less three standard errors of 1,000 draws; a pseudo-count makes them a little wide, not idle.
      expect(share).toBeGreaterThan(0.93)
      expect(share).toBeLessThan(0.995)
    }
  })

  it('both are proven nearly always, and no interplay is invented', () => {
    const { proven } = rates({ n: 200, effects: [-0.08, 0.06], trials: [5, 3, 3, 3] }, 500, 11)
    // Cases between 20 and 80 % are as noisy as can be: the error is 1.84 points, so that 6 of them are proven in 90 %
    // of the draws and 8 in 99 %; less three standard errors of 500 draws.
    expect(proven[0]).toBeGreaterThan(0.97)
    expect(proven[1]).toBeGreaterThan(0.86)
    expect(proven[2]).toBeLessThan(0.08)
  })
})

describe('what is compared', () => {
  const world = drawn({ n: 20, effects: [-0.08, 0.06], trials: [5, 3, 3, 3] }, randomFrom(1))
  it('a changed, a quarantined and an unmeasured case are left out and counted', () => {
    const cases = world.cases.map((info, i) => (i === 0 ? { ...info, hash: 'rewritten' } : info))
    const asked = world.asked.map((cell, g) => ({
      ...cell,
      tallies: cell.tallies.map((tally, i) => ({
        ...tally,
        hash: cases[i]!.hash,
        ...(i === 2 && g === 1 && { trials: 0, passes: 0 }),
      })),
    }))
    const found = attribution({ ...world, cases, asked, quarantined: ['c001'] })
    expect(found).toMatchObject({ n: 17, not_compared: 3, problem: null })
    expect(found.notes.join(' ')).toContain('another ruler and is not compared')
  })
  it('names cells and effects', () => {
    const found = attribution(world)
    expect(found.cells.map(({ changed, file }) => [changed, file])).toEqual([
      [[], null],
      [['prompt'], 'cell-0'],
      [['model'], 'cell-1'],
      [['prompt', 'model'], 'cell-2'],
    ])
    expect(found.effects.map(({ components }) => components)).toEqual([['prompt'], ['model'], ['prompt', 'model']])
  })
  it('stopped: no effects, and why', () => {
    expect(attribution({ ...world, stopped: 'HTTP 401' })).toMatchObject({ effects: [], problem: 'HTTP 401' })
  })
  it('nothing in common: no effects', () => {
    const cases = world.cases.map((info) => ({ ...info, hash: 'new' }))
    expect(attribution({ ...world, cases })).toMatchObject({ n: 0, effects: [], problem: expect.any(String) })
  })
})

describe('the design', () => {
  const changed = (changes: Partial<TargetSnapshot>) => () => designOf('s', before, { ...after, ...changes })
  const params = { ...oldModel, id: 'y-2026', params: { temperature: 1 } }

  it('one change needs none', () => expect(changed({ model: oldModel })()).toBeNull())
  it('three changes have eight cells', () => {
    const found = changed({ model: params })()
    expect(found?.cells).toHaveLength(8)
    expect(found?.cells[5]).toEqual(['prompt', 'params'])
  })
  it('more than three, or one that cannot be set back, is refused', () => {
    const full = { ...before, tools_hash: 't0', components: { index: '1' } }
    const all = { ...after, model: params, tools_hash: 't1', components: { index: '2' } }
    expect(() => designOf('s', full, all)).toThrow(/5 changes would need 30 further runs/)
    expect(() => designOf('s', full, { ...full, hash: 'h', prompt: newPrompt, components: { index: '2' } })).toThrow(
      /cannot put index back/,
    )
  })
})

describe('the baseline’s side', () => {
  const openai = { type: 'replay' as const }
  const config = {
    version: 1 as const,
    providers: { api: openai },
    models: { any: { provider: 'api', id: 'x-2026', params: { seed: 1 }, price: { input: 1, output: 2 } } },
  } as unknown as Parameters<typeof oldParts>[0]
  const prompt = { name: 'a', version: '1.0.0', input: [], file: 'prompts/a/1.0.0.md', hash: 'p0', messages: [] }

  it('is what was recorded, with the price of today', () => {
    const old = oldParts(config, before, prompt)
    expect(old.model.pin).toEqual({ provider: 'api', id: 'x-2026', params: {}, price: { input: 1, output: 2 } })
    const next = { ...prompt, version: '1.1.0', hash: 'p1' }
    const pin = { provider: 'api', id: 'y-2026', params: { temperature: 1 } }
    const provider = { name: 'api', config: openai }
    const candidate = {
      kind: 'prompt' as const,
      prompt: next,
      model: { name: 'new', pin },
      params: pin.params,
      provider,
    }
    const mixed = cellTarget(candidate, old, ['prompt', 'params'])
    expect([mixed.prompt.version, mixed.model.pin.id, mixed.params]).toEqual(['1.1.0', 'x-2026', { temperature: 1 }])
  })
  it('is refused when the file has another content, or the provider is gone', () => {
    expect(() => oldParts(config, before, { ...prompt, hash: 'p9' })).toThrow(/no longer what the baseline/)
    expect(() => oldParts({ ...config, providers: {} }, before, prompt)).toThrow(/no longer has/)
  })
})
