// Counting observations: what enters a rate and what does not; and how sure each look must be.
import { describe, expect, it } from 'vitest'
import { CaseTally } from '../../schema/baseline.ts'
import { lookAt } from './look.ts'
import { casesOf, observe, passesOf } from '../run-testing.ts'
import { answerText, finishedPasses, tally } from './tally.ts'

const [one] = casesOf(1, () => ({ category: 'a' }))

describe('tally', () => {
  it('counts measured trials only', () => {
    const observations = [
      observe('c000', 3, { passed: false, latency: 30, cost: 0.3, score: 0.25 }),
      observe('c000', 1, { passed: true, latency: 10, cost: 0.1, replayed: true }),
      observe('c000', 2, { passed: null, latency: 9999, cost: 9 }),
      observe('c000', 4, { passed: null, outcome: 'timeout' }),
      { ...observe('c000', 5, { passed: true }), passed: null, score: null, grader_error: 'crashed' },
      observe('c000', 6, { passed: false, latency: 60, outcome: 'refused' }),
      observe('c000', 1001, { passed: false }, 'confirm'),
      observe('unknown', 1),
    ]
    const [found] = tally(observations, [one!])
    expect(found).toEqual({
      id: 'c000',
      hash: 'h-c000',
      category: 'a',
      passes: 1,
      trials: 3,
      errors: 3,
      scores: [1, 0.25, 0],
      latencies_ms: [10, 30, 60],
      costs_usd: [0.1, 0.3],
      answer: 'bad',
    })
    expect(() => CaseTally.parse(found)).not.toThrow()
  })

  it('keeps a case that was never asked', () => {
    expect(tally([], [one!])).toMatchObject([{ id: 'c000', trials: 0, errors: 0, passes: 0 }])
    expect(tally([], [one!])[0]).not.toHaveProperty('answer')
  })

  it('shows the first answer of the majority, a tie counting as passed', () => {
    const answer = (ends: boolean[]) =>
      tally(
        ends.map((passed, i) => observe('c000', i + 1, { passed, text: `answer ${i + 1}` })),
        [one!],
      )[0]?.answer
    expect(answer([false, true, true])).toBe('answer 2')
    expect(answer([true, false, false])).toBe('answer 2')
    expect(answer([false, true])).toBe('answer 2')
  })

  it('shows tool calls where there is no text, and cuts a runaway answer between characters', () => {
    const { completion } = observe('c000', 1, {
      text: '',
      tool_calls: [{ id: 'x', name: 'refund', arguments: '{"id":1}' }],
    })
    expect(answerText(completion)).toBe('[{"name":"refund","arguments":"{\\"id\\":1}"}]')
    const long = answerText({ ...completion, text: `x${'😀'.repeat(5000)}` })
    expect(long.length).toBeLessThanOrEqual(2001)
    expect(long).toMatch(/^x(😀)+…$/u)
  })
})

it('a pass is finished when every case was asked, measured or not', () => {
  const cases = casesOf(3)
  const errors = passesOf(cases, 2, () => ({ passed: null }))
  expect(finishedPasses(errors, cases)).toBe(2)
  expect(finishedPasses(errors.slice(0, 5), cases)).toBe(1)
  expect(finishedPasses(errors.slice(3), cases)).toBe(0)
  expect(finishedPasses([], [])).toBe(0)
})

describe('looks', () => {
  it('spends all of alpha and 5 % of the bound, and no more', () => {
    for (const [min, max] of [
      [1, 1],
      [1, 3],
      [2, 5],
      [1, 60],
    ] as const) {
      // biome-ignore format: pairs
      for (const alpha of [0.05, 0.01, 0.001, 0.2]) {
        const looks = Array.from({ length: max - min + 1 }, (_, i) => lookAt(min + i, { min, max }, alpha))
        const sum = (of: (look: (typeof looks)[number]) => number) => looks.reduce((total, look) => total + of(look), 0)
        expect(sum((look) => look.alpha)).toBeCloseTo(alpha, 12)
        expect(sum((look) => 1 - look.passLevel)).toBeCloseTo(0.05, 12)
        expect(sum((look) => 1 - look.breakLevel)).toBeCloseTo(0.05, 12)
        expect(Math.min(...looks.map((look) => look.alpha))).toBeGreaterThan(0)
        expect(looks.map(({ final }) => final).indexOf(true)).toBe(max - min)
      }
    }
  })

  it('is the rule of the default ladder', () => {
    const close = { passLevel: 0.9875, alpha: 0.001, breakLevel: 0.999, final: false }
    expect(lookAt(1, { min: 1, max: 3 }, 0.05)).toMatchObject(close)
    const last = lookAt(3, { min: 1, max: 3 }, 0.05)
    expect(last).toMatchObject({ passLevel: 0.975, final: true })
    expect(last.alpha).toBeCloseTo(0.048, 12)
    expect(lookAt(1, { min: 1, max: 1 }, 0.05)).toMatchObject({ passLevel: 0.95, alpha: 0.05, breakLevel: 0.95 })
  })
})
