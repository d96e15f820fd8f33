// How alike two answers are: known values, and what holds for all.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cosine } from './cosine.ts'
import { jsonEqual, pairSimilarity } from './pair-similarity.ts'

const of = (measure: Parameters<typeof pairSimilarity>[0], a: unknown, b: unknown) =>
  pairSimilarity(measure, { output: a as string }, { output: b as string })

it('exact and JSON', async () => {
  expect(await of('exact', 'yes\r\n', 'yes')).toBe(1)
  expect(await of('exact', 'yes', 'Yes')).toBe(0)
  expect(await of('json', '{"a":1,"b":[2,3]}', { b: [2, 3], a: 1 })).toBe(1)
  expect(await of('json', '{"a":1}', '{"a":1,"b":null}')).toBe(0)
  expect(await of('json', '[1,2]', '[2,1]')).toBe(0)
  expect(await of('json', 'no json', 'no json')).toBe(1)
})

it('auto takes the cosine, then JSON, then the words', async () => {
  const near = { output: 'a', embedding: [1, 0] }
  expect(await pairSimilarity('auto', near, { output: 'b', embedding: [1, 1] })).toBeCloseTo(Math.SQRT1_2, 12)
  expect(await of('auto', '{"a":1}', '{"a":2}')).toBe(0)
  expect(await of('auto', 'the order ships on Monday', 'the order ships on Tuesday')).toBeCloseTo(0.8, 6)
  expect(await pairSimilarity('cosine', near, { output: 'b' })).toBeUndefined()
})

it('the cosine of a vector with itself is 1, with its opposite -1; others are refused', () => {
  const vector = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(
      vector.filter((list) => Math.hypot(...list) > 1e-3),
      (list) => {
        expect(cosine(list, list)).toBeCloseTo(1, 9)
        expect(
          cosine(
            list,
            list.map((one) => -2 * one),
          ),
        ).toBeCloseTo(-1, 9)
      },
    ),
  )
  expect(() => cosine([1], [1, 2])).toThrow(RangeError)
  expect(() => cosine([0, 0], [1, 2])).toThrow(RangeError)
})

it('equality of JSON does not depend on the order of keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const turned = Object.fromEntries(Object.entries(value).reverse())
      expect(jsonEqual(JSON.parse(JSON.stringify(value)), JSON.parse(JSON.stringify(turned)))).toBe(true)
    }),
  )
})
