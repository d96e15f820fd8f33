// Late maps are made when they are first read, and then they are what z.strictObject makes; assertions are what their union makes.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Assertion, assertionKeys } from './assertion.ts'
import { lateObject } from './late-object.ts'

const shape = () => ({
  type: z.literal('a'),
  n: z.int().positive().default(1),
  more: z.array(z.string()).optional().describe('What else'),
})

describe('a late map', () => {
  it('is made once, when it first reads a value', () => {
    let times = 0
    const late = lateObject(() => {
      times += 1
      return shape()
    })
    const around = z.strictObject({
      late: late.optional().describe('It may be absent'),
      list: z.array(late).default([]),
    })
    const told = late.describe('Told of').refine(({ n }) => n < 9, 'too much')
    const union = z.discriminatedUnion('type', [late, lateObject(() => ({ type: z.literal('b') }))])
    expect(around.parse({})).toEqual({ list: [] })
    expect(times).toBe(0)
    expect(told.parse({ type: 'a' })).toEqual({ type: 'a', n: 1 })
    expect(told.safeParse({ type: 'a', n: 9 }).error?.issues).toMatchObject([{ message: 'too much' }])
    expect(union.parse({ type: 'a', n: 2 })).toEqual({ type: 'a', n: 2 })
    expect(union.safeParse({ type: 'c' }).success).toBe(false)
    expect(around.parse({ late: { type: 'a' }, list: [{ type: 'a' }] })).toEqual({
      late: { type: 'a', n: 1 },
      list: [{ type: 'a', n: 1 }],
    })
    expect(times).toBe(1)
  })

  it('reads, refuses and describes itself as a strict map does', () => {
    const [late, strict] = [lateObject(shape), z.strictObject(shape())]
    const key = fc.constantFrom('type', 'n', 'more', 'other', '__proto__')
    const value = fc.oneof(fc.constant('a'), fc.integer({ min: -1, max: 3 }), fc.array(fc.string(), { maxLength: 2 }))
    const given = fc.oneof(
      fc.array(fc.tuple(key, value)).map((entries) => Object.fromEntries([['type', 'a'], ...entries]) as unknown),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(given, (one) => {
        expect(late.safeParse(one)).toEqual(strict.safeParse(one))
      }),
    )
    expect(z.toJSONSchema(late)).toEqual(z.toJSONSchema(strict))
    expect(Object.keys(late.shape)).toEqual(Object.keys(strict.shape))
    expect(late.partial().parse({})).toEqual(strict.partial().parse({}))
  })
})

it('an assertion is read by its variant, and refused as by all of them', () => {
  const every = Assertion.unwrap()
  const key = fc.oneof(fc.constantFrom(...assertionKeys), fc.constantFrom('weight', 'threshold', 'name', 'contain'))
  const value = fc.oneof(
    fc.constantFrom(true, 'text', 2, 0.5, ['a', 'b'], '2s', '$1', {}, { value: 'a' }),
    fc.jsonValue(),
  )
  const written = fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 2 }).map((one) => Object.fromEntries(one))
  let read = 0
  fc.assert(
    fc.property(fc.oneof({ weight: 9, arbitrary: written }, fc.jsonValue()), (one) => {
      const found = Assertion.safeParse(one)
      expect(found).toEqual(every.safeParse(one))
      if (found.success) read += 1
    }),
    { numRuns: 1000 },
  )
  expect(read).toBeGreaterThan(20)
})
