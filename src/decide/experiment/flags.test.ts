// Flags of an experiment: whole millionths that add up, and what a real flagd evaluator serves by them.
import { FlagdCore } from '@openfeature/flagd-core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ExperimentPlan } from '../../schema/experiment.ts'
import { experimentFlags } from './flags.ts'

const logger = { error() {}, warn() {}, info() {}, debug() {} }
const planOf = (variants: object) =>
  ExperimentPlan.parse({
    experiment: 'e',
    hypothesis: 'It helps.',
    variants,
    source: { type: 'jsonl', path: 'x.jsonl' },
    metrics: { failed: { bad: 'x == 1' } },
    primary: { metric: 'failed', effect: { abs: 0.05 }, direction: 'decrease' },
    horizon: { start: '2026-10-05T00:00:00Z', units_per_variant: 100 },
  })

it('serves the planned shares, the same variant in every component, and the control to who has no key', () => {
  const plan = planOf({
    control: { share: '50%', components: { prompt: 'p@1', model: 'm@1' } },
    short: { share: '20%', components: { prompt: 'p@2' } },
    cheap: { share: '30%', components: { model: 'm@2' } },
  })
  const core = new FlagdCore(undefined, logger)
  core.setConfigurations(JSON.stringify(experimentFlags(plan, 'f'.repeat(64))))
  const counts = new Map<string, number>()
  for (let i = 0; i < 10_000; i++) {
    const of = (component: string) => core.resolveStringEvaluation(`e-${component}`, 'code', { targetingKey: `user-${i}` }, logger) // biome-ignore format: one line
    const [prompt, model] = [of('prompt'), of('model')]
    expect(prompt.variant).toBe(model.variant)
    expect([prompt.value, model.value]).toEqual(
      { control: ['p@1', 'm@1'], short: ['p@2', 'm@1'], cheap: ['p@1', 'm@2'] }[prompt.variant ?? ''],
    )
    counts.set(prompt.variant ?? '', (counts.get(prompt.variant ?? '') ?? 0) + 1)
  }
  for (const [name, { share }] of Object.entries(plan.variants))
    expect(Math.abs((counts.get(name) ?? 0) - 10_000 * share)).toBeLessThan(4 * Math.sqrt(10_000 * share * (1 - share)))
  expect(core.resolveStringEvaluation('e-prompt', 'code', {}, logger)).toMatchObject({ variant: 'off', value: 'p@1' })
})

it('flags: whole millionths that add up, the control in the middle, every variant once', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 6 }), (parts) => {
      const total = parts.reduce((a, b) => a + b, 0)
      const variants = Object.fromEntries(
        parts.map((part, i) => [
          i === 0 ? 'control' : `v${i}`,
          { share: part / total, components: i === 1 ? { model: 'm@2' } : {} },
        ]),
      )
      const flag = experimentFlags(planOf(variants), 'f'.repeat(64)).flags['e-model']!
      const split = (flag.targeting.if[2] as { fractional: [unknown, ...[string, number][]] }).fractional.slice(1) as [
        string,
        number,
      ][]
      expect(split.reduce((sum, [, weight]) => sum + weight, 0)).toBe(1_000_000)
      expect(split.every(([, weight]) => Number.isInteger(weight) && weight > 0)).toBe(true)
      expect(split.map(([name]) => name).sort()).toEqual(Object.keys(variants).sort())
      if (parts.length === 3) expect(split[1]?.[0]).toBe('control')
    }),
  )
})
