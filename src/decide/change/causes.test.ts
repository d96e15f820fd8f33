// What changed against the baseline: each component by itself, two together, a ruler, and baselines that tell less.
import { describe, expect, it } from 'vitest'
import { AigateError } from '../../errors.ts'
import type { TargetSnapshot } from '../../schema/run.ts'
import { changedComponents, jointWarning, providerWarning, requireOneCause } from './causes.ts'

const before: TargetSnapshot = {
  kind: 'prompt',
  label: 'support/answer@1.0.0 with main',
  hash: 'h0',
  prompt: { name: 'support/answer', version: '1.0.0', hash: 'p0' },
  model: { name: 'main', provider: 'openai', id: 'x-2026', params: { temperature: 0.2, stop: { b: 1, a: 2 } } },
  provider: { type: 'openai', base_url: 'https://a/v1', headers: [] },
  tools_hash: 't0',
  components: { index: 'kb-10', guardrail: '3', judge: 'j-1' },
}
const prompt = { name: 'support/answer', version: '1.1.0', hash: 'p1' }
const model = { ...before.model!, id: 'y-2026' }
const after = (changes: Partial<TargetSnapshot>): TargetSnapshot => ({ ...before, hash: 'h1', ...changes })

describe('one component', () => {
  it.each<{ changes: Partial<TargetSnapshot>; says: string[] }>([
    { changes: {}, says: [] },
    { changes: { prompt }, says: ['prompt support/answer 1.0.0 -> 1.1.0'] },
    { changes: { prompt: { ...prompt, version: '1.0.0' } }, says: ['prompt support/answer 1.0.0 (another content)'] },
    { changes: { prompt: { ...prompt, name: 'new' } }, says: ['prompt support/answer 1.0.0 -> new 1.1.0'] },
    { changes: { model }, says: ['model x-2026 -> y-2026'] },
    { changes: { model: { ...before.model!, name: 'renamed' } }, says: [] },
    {
      changes: { model: { ...before.model!, provider: 'azure' } },
      says: ['model x-2026 at openai -> x-2026 at azure'],
    },
    {
      changes: { model: { ...before.model!, params: { stop: { a: 2, b: 1 }, temperature: 0.9, seed: 1 } } },
      says: ['params seed unset -> 1, temperature 0.2 -> 0.9'],
    },
    { changes: { tools_hash: 't1' }, says: ['tools or response format'] },
    {
      changes: { provider: { ...before.provider!, base_url: 'http://b/v1', headers: ['x-model'] } },
      says: ['provider openai (base_url https://a/v1 -> http://b/v1, headers none -> x-model)'],
    },
    {
      changes: { provider: { type: 'replay', headers: [] } },
      says: [expect.stringContaining('type openai -> replay')],
    },
    {
      changes: { provider: { ...before.provider!, api_version: '2' }, model: { ...before.model!, provider: 'azure' } },
      says: ['model x-2026 at openai -> x-2026 at azure'],
    },
    { changes: { components: { ...before.components, cache: '2' } }, says: ['cache none -> 2'] },
    { changes: { components: { guardrail: '3', judge: 'j-1' } }, says: ['index kb-10 -> none'] },
    { changes: { components: { ...before.components, index: 'kb-11' } }, says: ['index kb-10 -> kb-11'] },
    {
      changes: { kind: 'http', label: 'POST /ask', prompt: undefined, model: undefined },
      says: ['application support/answer@1.0.0 with main -> POST /ask'],
    },
  ])('$says', ({ changes, says }) => {
    expect(changedComponents(before, after(changes))).toEqual(says)
    expect(() => requireOneCause('s', { before, after: after(changes) }, { allowed: false })).not.toThrow()
    expect(jointWarning(before, after(changes))).toEqual([])
  })
})

it('what a side does not tell is unknown, not changed', () => {
  const { tools_hash: _, components: __, provider: ___, ...old } = before
  expect(changedComponents(old, after({ prompt, tools_hash: 't1', components: { index: 'kb-11' } }))).toHaveLength(1)
  const bare: TargetSnapshot = { kind: 'prompt', label: 'l', hash: 'h' }
  expect(changedComponents(bare, after({ prompt, model }))).toEqual([])
  expect(changedComponents({ kind: 'results', label: 'l', hash: 'h' }, after({ prompt, model }))).toEqual([])
  expect(changedComponents(before, { ...old, hash: 'h1' })).toEqual([])
})

it('a comparison over two addresses is said', () => {
  const moved = after({ provider: { type: 'openai', base_url: 'http://b/v1', headers: [] } })
  expect(providerWarning(before, moved)).toEqual([
    'Somebody else answers than for the baseline: provider openai (base_url https://a/v1 -> http://b/v1).',
  ])
  expect(providerWarning(before, after({ prompt }))).toEqual([])
})

describe('two together', () => {
  const both = after({ prompt, model })
  const stop = (options: { allowed: boolean; attribute?: boolean }) => () =>
    requireOneCause('support', { before, after: both }, options)

  it('stop with both names', () => {
    expect(stop({ allowed: false })).toThrow(
      'Suite support: prompt support/answer 1.0.0 -> 1.1.0 and model x-2026 -> y-2026 changed together; the cause could not be told apart.',
    )
    expect(stop({ allowed: false })).toThrow(expect.objectContaining({ outcome: 'usage' }))
    expect(jointWarning(before, both)).toHaveLength(1)
  })
  it.each([{ allowed: true }, { allowed: false, attribute: true }])('go on when $allowed $attribute', (options) => {
    expect(stop(options)).not.toThrow()
  })
  it.each<Partial<TargetSnapshot>>([
    { prompt, components: { ...before.components, guardrail: '4' } },
    { model, tools_hash: 't1' },
    { components: { ...before.components, guardrail: '4', index: 'kb-11' } },
    { prompt, components: { guardrail: '3', judge: 'j-1', index2: 'kb-10' } },
    { prompt, components: { guardrail: '3', judge: 'j-1' } },
    { prompt, provider: { type: 'openai', base_url: 'http://b/v1', headers: [] } },
  ])('%o', (changes) => {
    expect(() => requireOneCause('s', { before, after: after(changes) }, { allowed: false })).toThrow(AigateError)
  })
})

it('a changed judge is a changed ruler, whatever is allowed', () => {
  const other = after({ components: { ...before.components, judge: 'j-2' } })
  for (const options of [{ allowed: false }, { allowed: true }, { allowed: true, attribute: true }]) {
    expect(() => requireOneCause('s', { before, after: other }, options)).toThrow(/judge j-1 -> j-2 .* ruler/)
  }
})
