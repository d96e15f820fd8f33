// Editing a JSON text: the member is as wanted, and all others are as before, for any text.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { setMember } from './json-text.ts'

const key = fc.oneof(fc.constantFrom('flags', 'a', '"', '\\', '}', 'ü'), fc.string())
const style = fc.constantFrom(undefined, 2, 4, '\t')

it('sets one member and changes no other', () => {
  fc.assert(
    fc.property(
      fc.dictionary(key, fc.jsonValue()),
      fc.dictionary(key, fc.jsonValue()),
      key,
      fc.jsonValue(),
      style,
      (root, flags, name, value, space) => {
        const before = { ...root, flags }
        const text = JSON.stringify(before, null, space)
        const after = setMember(text, ['flags', name], value)
        const wanted = JSON.parse(JSON.stringify({ ...before, flags: { ...flags, [name]: value } })) as unknown
        expect(JSON.parse(after)).toEqual(wanted)
        expect(setMember(after, ['flags', name], value)).toBe(after)
      },
    ),
  )
})

it('makes the objects that are missing', () => {
  expect(setMember('{}', ['flags', 'a'], 1)).toBe('{\n  "flags": {\n    "a": 1\n  }\n}')
  expect(setMember('{"b":[1,{"c":2}]}', ['flags', 'a'], 1)).toBe('{"b":[1,{"c":2}],"flags":{"a":1}}')
})

it('refuses a path through something that is no object', () => {
  expect(() => setMember('{"flags": [1]}', ['flags', 'a'], 1)).toThrow('/flags is no object')
})
