// Assertions as people write them, what is found wrong with them before a model is asked, and the page that documents them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { Assertion, assertionArgs, assertionKeys } from '../schema/assertion.ts'
import { assertionChecker } from './problems.ts'

const assertionProblems = await assertionChecker()
import { ambiguousRepeat } from './regex-ambiguity.ts'

const read = (yaml: string) => Assertion.parse(parse(yaml))

describe('the written form', () => {
  it('becomes type, not, args and options', () => {
    expect(read('{not_contains: x, weight: 2}')).toEqual({
      type: 'contains',
      not: true,
      args: 'x',
      weight: 2,
      threshold: undefined,
      name: undefined,
    })
    expect(read('{contains: [a, b]}')).toMatchObject({ type: 'contains', not: false, args: ['a', 'b'], weight: 1 })
    expect(read('{latency: 1.5s}')).toMatchObject({ type: 'latency', args: 1500 })
    expect(read('{cost: $0.02}')).toMatchObject({ args: 0.02 })
    expect(read('{rubric: kind}')).toMatchObject({ type: 'rubric', args: 'kind', threshold: 0.75 })
    expect(read('{rubric: {criteria: kind, judge: [a, b], votes: 3}, threshold: 0.5}')).toMatchObject({
      args: { criteria: 'kind', judge: ['a', 'b'], votes: 3 },
      threshold: 0.5,
    })
    expect(read('{faithful: {context: x}}')).toMatchObject({ threshold: 1 })
    expect(read('{answers_question: true}')).toMatchObject({ args: true, threshold: 0.75 })
    expect(read('{compare: true}')).toMatchObject({ threshold: 0.5 })
    expect(read('{factual: {reference: x}}')).toMatchObject({ threshold: 0.6 })
    expect(read('{prompt_tokens: 400}')).toMatchObject({ args: 400 })
    expect(read('{similar: {to: x}}')).toMatchObject({ args: { to: 'x', method: 'rouge_l' }, threshold: 0.7 })
    expect(read('{similar: {to: x}, threshold: 0}')).toMatchObject({ threshold: 0 })
  })
  it('forbids each text of a not_contains list', () => {
    expect(read('{not_contains: [a, b]}')).toMatchObject({ type: 'contains_any', not: true, args: ['a', 'b'] })
    expect(read('{not_icontains: [a]}')).toMatchObject({ type: 'icontains_any', not: true })
  })
  it.each([
    '{containss: x}',
    '{contains: x, wieght: 2}',
    '{contains: x, equals: y}',
    '{weight: 2}',
    '{not_max_words: 3}',
    '{max_words: -1}',
    '{max_words: 1.5}',
    '{contains: []}',
    '{contains: ""}',
    '{is_json: false}',
    '{contains: x, threshold: 2}',
    '{contains: x, weight: -1}',
    '{regex: {pattern: x, flags: g}}',
    '{similar: {to: x, method: jaccard}}',
    '{tool_call: {names: x}}',
    '{command: {run: []}}',
    '{module: {path: a.ts, timeout: soon}}',
    '{rubric: {criteria: []}}',
    '{rubric: {criteria: x, votes: 0}}',
    '{rubric: x, judge: default}',
    '{not_rubric: x}',
    '{faithful: true}',
    '{answers_question: false}',
    '{compare: {against: baseline}}',
    '{factual: {reference: ""}}',
    '{prompt_tokens: -1}',
    '{completion_tokens: {most: 3}}',
    '{history: 3}',
    'contains',
  ])('%s is refused', (yaml) => {
    expect(Assertion.safeParse(parse(yaml)).success).toBe(false)
  })
})

describe('assertionProblems', () => {
  it.each([
    ['{regex: "("}', /^regex: .*Unterminated group/],
    ['{not_regex: {pattern: a, flags: ii}}', /^not_regex: .*flags/],
    ['{regex: "(a+)+$"}', /^regex: \(a\+\)\+ repeats a repeat/],
    ['{json_path: {path: total, exists: true}}', /^json_path: /],
    ['{json_path: {path: $.total}}', /needs equals, exists or contains/],
    ['{json_path: {path: $.total, exists: false, equals: 1}}', /goes with neither/],
    ['{json_schema: {type: strng}}', /^json_schema: /],
    ['{json_schema: {requierd: [a]}}', /requierd/],
    ['{json_schema: {$ref: "#/nowhere"}}', /nowhere/],
    ['{number_close: {value: 3}}', /needs tolerance or relative/],
    ['{rubric: {criteria: x, scale: {1: bad}}}', /at least two scores/],
    ['{prompt_tokens: {}}', /needs max or min/],
    ['{completion_tokens: {min: 3, max: 2}}', /min is larger than max/],
    ['{history: {}}', /needs max_messages or max_characters/],
    ['{tool_call: {}}', /needs name/],
    ['{tool_call: {none: true, name: x}}', /nothing else/],
  ])('%s', (yaml, message) => {
    const problem = assertionProblems(read(yaml))
    expect(problem).toMatch(message)
    expect(problem).toMatch(/[^.]\.$/)
  })
  it.each([
    '{contains: x}',
    '{regex: "^(\\\\w+,)*$"}',
    '{json_path: {path: "$.a[?@.b > 1]", exists: true}}',
    '{json_path: {path: $.a, equals: null}}',
    '{json_schema: {$schema: "https://json-schema.org/draft/2020-12/schema", prefixItems: [{type: string, format: date}]}}',
    '{number_close: {value: 3, tolerance: 0}}',
    '{tool_call: {none: true}}',
  ])('%s is fine', (yaml) => {
    expect(assertionProblems(read(yaml))).toBeNull()
  })
})

describe('ambiguousRepeat', () => {
  it.each([
    '(a+)+',
    '(a*)*b',
    '^(\\w+\\s?)*$',
    '(?:(x+))+',
    '(x|[^"]*)+',
    '((a|b)+c?)+',
    '(\\d+){2,}',
    '(?<n>.*\\b)*',
    '(a+?)*?',
  ])('finds %s', (source) => {
    expect(() => new RegExp(source)).not.toThrow()
    expect(ambiguousRepeat(source)).not.toBeNull()
  })
  it.each([
    '(a+b)+',
    '(\\d{3})+',
    '(a+){3}',
    '(\\(+\\))*',
    '[(a+)+]',
    '\\(a+\\)+',
    '(?=a+)+b',
    '(ab?c*)*',
    'a+b+',
    '(.*\\n)*',
    '(a{2}){1,5}',
  ])('accepts %s', (source) => {
    expect(() => new RegExp(source)).not.toThrow()
    expect(ambiguousRepeat(source)).toBeNull()
  })
})

describe('docs/assertions.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/assertions.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `(\w+)` \| `(\{.*?\})` \| .{10,} \|$/gm)].map(([, key = '', example = '']) => ({
    key,
    example,
  }))
  it('has one row for each assertion, and no other', () => {
    expect(rows.map(({ key }) => key).toSorted()).toEqual(Object.keys(assertionArgs).toSorted())
  })
  it.each(rows)('the example of $key works', ({ key, example }) => {
    const assertion = read(example.replaceAll('\\|', '|'))
    expect(assertion.type).toBe(key)
    expect(assertionProblems(assertion)).toBeNull()
  })
  it('names every assertion that not_ turns round', () => {
    const sentence = /`not_` goes before ([^.]+)\./.exec(page)?.[1] ?? ''
    const named = [...sentence.matchAll(/`(\w+)`/g)].map(([, name = '']) => `not_${name}`)
    expect(named.toSorted()).toEqual(assertionKeys.filter((key) => key.startsWith('not_')).toSorted())
  })
})
