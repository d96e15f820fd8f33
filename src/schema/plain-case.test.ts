// What the quick look makes of a plain case the schema makes of it as well, in the same order of its keys.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { plainCase } from './plain-case.ts'
import { Case } from './suite.ts'

const name = fc.constantFrom('a', 'A/b', 'a.b-c_1', 'a:b', '-a', '', 'a b', '/a', 'a/', 'a\n', 'ä')
const value = fc.oneof({ weight: 5, arbitrary: fc.oneof(fc.string(), fc.boolean(), fc.integer()) }, fc.jsonValue())
const ordinary = fc.record(
  {
    vars: fc.dictionary(fc.oneof({ weight: 9, arbitrary: fc.string() }, fc.constant('__proto__')), value, {
      maxKeys: 3,
    }),
    critical: fc.boolean(),
    id: fc.oneof({ weight: 3, arbitrary: fc.constant('case_1') }, name),
    tags: fc.array(fc.oneof({ weight: 5, arbitrary: fc.constant('smoke') }, fc.string()), { maxLength: 2 }),
    category: fc.oneof({ weight: 3, arbitrary: fc.constant('one/two') }, name),
  },
  { requiredKeys: ['id'] },
)
const keys = [...Object.keys(Case.shape), 'more', '__proto__']
const change = fc.tuple(fc.constantFrom(...keys), fc.oneof(fc.jsonValue(), fc.constant(undefined)))

it('is what the schema makes of it, or nothing', () => {
  const seen = { plain: 0, other: 0 }
  const changed = fc.option(change, { freq: 3 })
  fc.assert(
    fc.property(ordinary, changed, (made, more) => {
      const read: unknown = JSON.parse(JSON.stringify({ ...made, ...(more && { [more[0]]: more[1] }) }))
      const plain = plainCase(read)
      if (!plain) {
        seen.other += 1
        return
      }
      seen.plain += 1
      const whole = Case.parse(read)
      expect(plain).toEqual(whole)
      expect(JSON.stringify(plain)).toBe(JSON.stringify(whole))
    }),
    { numRuns: 5000 },
  )
  expect(seen.plain).toBeGreaterThan(1000)
  expect(seen.other).toBeGreaterThan(1000)
})

it('knows an ordinary case, and leaves all others to the schema', () => {
  expect(plainCase({ id: 'a', vars: { q: 'x', n: 1 }, tags: ['t'] })).toBeDefined()
  for (const other of [
    null,
    [],
    'a',
    {},
    { id: 'a', colour: 'red' },
    { id: 'a', vars: { q: [1] } },
    { id: 'a', vars: { q: Infinity } },
    { id: 'a', vars: JSON.parse('{"__proto__":"x"}') as unknown },
    { id: 'a', category: undefined },
    { id: 'a', tags: [''] },
    new (class {
      id = 'a'
    })(),
  ])
    expect(plainCase(other)).toBeUndefined()
})
