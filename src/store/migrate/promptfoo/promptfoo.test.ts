// The parts of the promptfoo importer: rows of CSV, products of variables, one-liners of JavaScript.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { AigateError } from '../../../errors.ts'
import { readRows } from '../files.ts'
import type { Data, Job, Part } from '../parts.ts'
import { commaTexts } from './assertions.ts'
import { pick } from './cases.ts'
import { knownForm, knownPath } from './javascript.ts'
import { assertionFromText, rowTest } from './rows.ts'

const file = { path: '/x/tests.csv', shown: 'tests.csv' }
const job = (): Job => ({ notes: [], told: new Set(), roots: [], problemOf: () => null })

it('multiplies lists out: every combination once, the last variable fastest', () => {
  const lists = fc.uniqueArray(
    fc.tuple(fc.stringMatching(/^[a-z]{1,4}$/), fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 4 })),
    {
      selector: ([name]) => name,
      minLength: 1,
      maxLength: 4,
    },
  )
  fc.assert(
    fc.property(lists, (all) => {
      const count = all.reduce((product, [, values]) => product * values.length, 1)
      const made = Array.from({ length: count }, (_, at) => pick(all, at))
      expect(new Set(made.map((one) => JSON.stringify(one))).size).toBe(count)
      for (const one of made) for (const [name, values] of all) expect(values).toContain(one[name])
      const [name, values] = all.at(-1) as [string, number[]]
      expect(made.slice(0, values.length).map((one) => one[name])).toEqual(values)
    }),
  )
})

it('reads back any CSV, with the line on which each row begins', async () => {
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
  const field = fc
    .string({ unit: fc.constantFrom('a', ',', '"', '\n', 'ü', '{', ' ', ';'), maxLength: 8 })
    .map((text) => `x${text}`)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 6 }), async (rows) => {
      const text = ['one,two', ...rows.map((row) => row.map(quote).join(','))].join('\n')
      const read = await readRows(text, file)
      expect(read.rows.map(({ value }) => Object.values(value as Data))).toEqual(rows)
      let line = 2
      for (const [i, row] of rows.entries()) {
        expect(read.rows[i]?.source.locate([]).line).toBe(line)
        line += row.join('').split('\n').length
      }
    }),
  )
})

it('refuses a CSV whose quotes have no end with a sentence', async () => {
  await expect(readRows('a,b\n"1,2\n', file)).rejects.toThrow(AigateError)
})

it('knows the columns with two underscores', () => {
  const source = { shown: 'tests.csv', dir: '/', locate: () => ({ file: 'tests.csv', line: 7 }) }
  const row: Part = {
    path: [],
    source,
    value: {
      topic: 'bread', __expected: 'contains: rye', __expected2: 'similar(0.9): a loaf', __expected3: '', __prefix: 'P ', __suffix: ' S',
      __description: 'D', __metric: 'M', __threshold: '0.5', '__metadata:kind': 'fact', '__config:__expected2:threshold': '0.6', __odd: '1',
    },
  } // biome-ignore format: one row
  const noted = job()
  expect(rowTest(noted, row).value).toEqual({
    vars: { topic: 'bread' },
    assert: [
      { type: 'contains', value: 'rye', metric: 'M' },
      { type: 'similar', value: 'a loaf', metric: 'M', threshold: 0.6 },
    ],
    options: { prefix: 'P ', suffix: ' S' },
    description: 'D',
    threshold: 0.5,
    metadata: { kind: 'fact' },
  })
  expect(noted.notes.map(({ what, place }) => [what, place.line])).toEqual([['__odd', 7]])
})

it.each([
  ['Paris', { type: 'equals', value: 'Paris' }],
  ['note: this is text', { type: 'equals', value: 'note: this is text' }],
  ['contains: a', { type: 'contains', value: 'a' }],
  ['not-contains-any:a, b', { type: 'not-contains-any', value: ['a', 'b'] }],
  ['contains-all:"a, b", c', { type: 'contains-all', value: ['a, b', 'c'] }],
  ['is-json', { type: 'is-json' }],
  ['latency(500)', { type: 'latency', threshold: 500 }],
  ['llm-rubric: is kind', { type: 'llm-rubric', value: 'is kind' }],
  ['javascript: output.length > 3', { type: 'javascript', value: 'output.length > 3' }],
  ['fn:output', { type: 'javascript', value: 'output' }],
  ['file://check.py', { type: 'python', value: 'file://check.py' }],
])('an assertion in one text: %s', (text, expected) => {
  expect(assertionFromText(text)).toEqual(expected)
})

it.each([
  ['a, b', ['a', 'b']],
  ['"a, b", c', ['a, b', 'c']],
  [' "say ""hi""" ,"b\\"c"', ['say "hi"', 'b"c']],
  ['a,,b,', ['a', 'b']],
  ['"never ends, b', ['"never ends', 'b']],
  ['', []],
])('texts apart by commas: %s', (text, expected) => {
  expect(commaTexts(text)).toEqual(expected)
})

it.each([
  ["output.includes('a')", [{ contains: 'a' }]],
  ['return !output.includes("a");', [{ not_contains: 'a' }]],
  ["output.toLowerCase().includes('a') && output.length <= 20", [{ icontains: 'a' }, { max_characters: 20 }]],
  ["output.toLowerCase().includes('A')", undefined],
  ["output.includes('a') || output.includes('b')", [{ contains_any: ['a', 'b'] }]],
  ["output.includes('a && b')", [{ contains: 'a && b' }]],
  ["// a comment\nreturn output && typeof output === 'string' && output.startsWith('x')", [{ starts_with: 'x' }]],
  ["output.split(' ').length > 3", [{ min_words: 4 }]],
  ['/^a\\d+$/i.test(output)', [{ regex: { pattern: '^a\\d+$', flags: 'i' } }]],
  ["JSON.parse(output).a.b[0] === 'x'", [{ json_path: { path: '$.a.b[0]', equals: 'x' } }]],
  ['JSON.parse(output).n == 3', [{ json_path: { path: '$.n', equals: 3 } }]],
  ['output', undefined],
  ["output.includes('a') && process.exit(1)", undefined],
  ["output.includes('a') ? 1 : 0", undefined],
  ["require('fs')", undefined],
  ['output.length > context.vars.n', undefined],
])('JavaScript that can be read off: %s', (code, expected) => {
  expect(knownForm(code)).toEqual(expected)
})

it.each([
  ['JSON.parse(output).total', '$.total'],
  ['output.items[0].name', '$.items[0].name'],
  ['output.toUpperCase()', undefined],
  ['process.env.X', undefined],
])('a transform that is a path: %s', (code, expected) => {
  expect(knownPath(code)).toBe(expected)
})
