// aigate init --from promptfoo: a case passes for the answers for which the test passed, by promptfoo's own rules, or it is said.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Context } from '../../ports.ts'
import { assertionsOf } from '../../schema/suite.ts'
import { grade } from '../../score/grade.ts'
import { loadProject } from '../../store/project.ts'
import { loadSuites } from '../../store/suites.ts'
import { removeTemporary, temporary } from '../cli-testing.ts'
import { initFromCommand } from './init-from.ts'

afterAll(removeTemporary)

/** Imports a config; `passes`: whether the nth case passes for an answer. */
async function imported(config: string, files: Record<string, string> = {}) {
  const cwd = temporary()
  for (const [path, text] of Object.entries({ ...files, 'promptfooconfig.yaml': config })) {
    mkdirSync(join(cwd, path, '..'), { recursive: true })
    writeFileSync(join(cwd, path), text)
  }
  const out: string[] = []
  const err: string[] = []
  const context: Context = {
    cwd,
    env: {},
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    now: () => new Date('2026-11-21T10:00:00.000Z'),
    monotonic: () => 0,
    signal: new AbortController().signal,
    toolVersion: '0.0.0',
  }
  const ending = await initFromCommand(context, 'made', 'promptfooconfig.yaml')
  expect(err.join('')).toBe('')
  const suites = await loadSuites(await loadProject({ cwd: join(cwd, 'made') }), { suites: [] })
  const cases = suites.flatMap((suite) => suite.cases.map(({ case: one }) => one))
  const passes = async (answer: string, nth = 0) => {
    const one = cases[nth]
    if (one === undefined) throw new Error(`there is no case ${nth}`)
    const completion = { outcome: 'answered' as const, text: answer, tool_calls: [], attempts: 1, latency_ms: 5 }
    return (await grade(one, completion, {} as never)).passed
  }
  const read = (path: string) => parse(readFileSync(join(cwd, 'made', path), 'utf8')) as Record<string, unknown>
  return { ending, said: out.join(''), suites, cases, passes, read }
}

const one = (assert: string, more = '') =>
  `prompts: ['Say {{ x }}']\nproviders: [openai:gpt-4o-2024-11-20]\ntests:\n  - vars: {x: rye}\n    assert: ${assert}\n${more}`

/** Assertions, answers for which promptfoo passes the test, and answers for which it does not. */
const meanings: [string, string[], string[]][] = [
  ['[{type: contains, value: Rye}]', ['a Rye loaf'], ['a rye loaf', '']],
  ['[{type: not-contains, value: Rye}]', ['a rye loaf'], ['Rye']],
  ['[{type: icontains, value: RYE}]', ['a rye loaf'], ['bread']],
  ['[{type: contains-all, value: [a, b]}]', ['b a'], ['a', 'c']],
  ['[{type: contains-all, value: \'"a, b", c\'}]', ['c, and a, b'], ['a b c']],
  ['[{type: contains-any, value: "a, b"}]', ['xbx'], ['c']],
  ['[{type: not-contains-any, value: [a, b]}]', ['c'], ['a', 'b', 'a b']],
  ['[{type: not-icontains-any, value: [A, b]}]', ['c'], ['a', 'B']],
  ['[{type: icontains-all, value: "A, b"}]', ['B a'], ['b']],
  ['[{type: contains, value: "{{ x }}"}]', ['rye'], ['{{ x }}', 'wheat']],
  ['[{type: equals, value: 5}]', ['5'], ['5.0', 'five']],
  ['[{type: equals, value: {a: [1, 2]}}]', ['{"a": [1, 2]}'], ['{"a": [2, 1]}', '{"a":[1,2],"b":0}', 'no json']],
  ['[{type: not-equals, value: {a: 1}}]', ['{"a": 2}', 'no json'], ['{"a":1}']],
  ['[{type: starts-with, value: Rye}]', ['Rye bread'], ['rye bread', 'my Rye']],
  ['[{type: regex, value: "^r.e$"}]', ['rye'], ['Rye', 'rye bread']],
  ['[{type: not-regex, value: "\\\\d"}]', ['rye'], ['rye 1']],
  ['[{type: is-json}]', ['{"a": 1}', '[1]', ' {} '], ['```json\n{}\n```', 'a {}', '']],
  ['[{type: not-is-json}]', ['no'], ['{}']],
  [
    '[{type: is-json, value: {type: object, required: [a], properties: {a: {type: number}}}}]',
    ['{"a": 1}'],
    ['{"a": "1"}', '{}', 'x'],
  ],
  ['[{type: word-count, value: 3}]', ['one two three'], ['one two', 'one two three four']],
  ['[{type: word-count, value: {min: 2}}]', ['one two', 'a b c'], ['one']],
  ['[{type: javascript, value: "output.length <= 5"}]', ['12345'], ['123456']],
  ['[{type: not-javascript, value: "output.includes(\'a\')"}]', ['b'], ['a']],
  // An assertion without weight can never fail in promptfoo.
  ['[{type: contains, value: a}, {type: contains, value: z, weight: 0}]', ['a'], ['b z']],
  ['[{type: contains, value: a}, {type: assert-set, weight: 0, assert: [{type: contains, value: z}]}]', ['a'], ['z']],
  // A set has one threshold, and its mean decides.
  [
    '[{type: assert-set, threshold: 0.5, assert: [{type: contains, value: a}, {type: contains, value: b}]}]',
    ['a', 'b', 'a b'],
    ['c'],
  ],
  ['[{type: assert-set, assert: [{type: contains, value: a}, {type: contains, value: b}]}]', ['a b'], ['a', 'b']],
  // What stands in a part of the answer.
  ['[{type: equals, value: "yes", transform: output.ok}]', ['{"ok": "yes"}'], ['{"ok": "no"}', '{}', 'yes']],
  ['[{type: equals, value: 5, transform: output.total}]', ['{"total": 5}'], ['{"total": 6}', '5']],
  ['[{type: equals, value: true, transform: JSON.parse(output).ok}]', ['{"ok": true}'], ['{"ok": false}', 'x']],
]

it.each(meanings)('%s', async (assert, good, bad) => {
  const { passes, said } = await imported(one(assert))
  expect(said).not.toContain('Not carried over')
  const found = Object.fromEntries(await Promise.all([...good, ...bad].map(async (text) => [text, await passes(text)])))
  expect(found).toEqual(Object.fromEntries([...good.map((text) => [text, true]), ...bad.map((text) => [text, false])]))
})

/** With the threshold of a test its mean score by weight decides alone. */
const scored: [string, number, string[], string[]][] = [
  ['[{type: contains, value: a, weight: 3}, {type: contains, value: b}]', 0.7, ['a', 'a b'], ['b', 'c']],
  // The set counts once, however many assertions are in it.
  [
    '[{type: contains, value: a}, {type: assert-set, assert: [{type: contains, value: b}, {type: contains, value: c}, {type: contains, value: d}]}]',
    0.5,
    ['a', 'b c d', 'a b'],
    ['b c', 'b'],
  ],
  [
    '[{type: contains, value: a}, {type: assert-set, weight: 3, assert: [{type: contains, value: b}, {type: contains, value: c}]}]',
    0.7,
    ['b c'],
    ['a b', 'b'],
  ],
  ['[{type: contains, value: a}, {type: word-count, value: 2}]', 0.9, ['a b'], ['a', 'b c']],
]
it.each(scored)('%s from %d', async (assert, threshold, good, bad) => {
  const { passes } = await imported(one(assert, `    threshold: ${threshold}\n`))
  for (const text of good) expect([text, await passes(text)]).toEqual([text, true])
  for (const text of bad) expect([text, await passes(text)]).toEqual([text, false])
})

describe('what cannot mean the same is said', () => {
  it.each([
    [
      '[{type: not-equals, value: 5, transform: output.total}, {type: contains, value: a}]',
      /not-equals: the opposite of what stands/,
    ],
    ['[{type: not-contains-all, value: [a, b]}, {type: contains, value: a}]', /not all of them/],
    ['[{type: is-refusal}]', /is-refusal: the phrases/],
    ['[{type: contains-all, value: [a, b]}, {type: contains, value: c}]', null],
  ] as const)('%s', async (assert, told) => {
    const { said } = await imported(one(assert))
    if (told === null) expect(said).not.toContain('counts in part')
    else expect(said).toMatch(told)
  })

  it('a list whose texts count one by one towards a threshold', async () => {
    const { said } = await imported(
      one('[{type: contains-all, value: [a, b]}, {type: contains, value: c}]', '    threshold: 0.5\n'),
    )
    expect(said).toMatch(/contains-all: promptfoo scores it 1 or 0/)
  })

  it('every provider but the first, and every prompt but the first of its kind', async () => {
    const { said, suites } = await imported(
      "prompts: ['Say {{ x }}', 'Shout {{ x }}']\nproviders: [openai:gpt-4o-2024-11-20, openai:gpt-4o-mini-2024-07-18]\ntests: [{vars: {x: a}, assert: [{type: contains, value: a}]}]\n",
    )
    expect(said).toMatch(/gpt-4o-mini-2024-07-18: the suite asks the first model only/)
    expect(said).toMatch(/version 1\.1\.0/)
    expect(suites).toHaveLength(1)
  })

  it('a test that is meant for another prompt', async () => {
    const { said, cases, ending } = await imported(
      "prompts: [{id: one, raw: 'Say {{ x }}'}, {id: two, raw: 'Shout {{ x }}'}]\nproviders: [openai:gpt-4o-2024-11-20]\ntests:\n  - {description: for two, vars: {x: a}, prompts: [two], assert: [{type: contains, value: A}]}\n  - {description: for one, vars: {x: b}, prompts: [one], assert: [{type: contains, value: b}]}\n",
    )
    expect(cases.map(({ description }) => description)).toEqual(['for one'])
    expect(said).toMatch(/a test: it is meant for another prompt than version 1\.0\.0/)
    expect(said).toMatch(/a test: it is not meant for every version/)
    expect(ending).toBe('inconclusive')
  })
})

it('only a list of texts is multiplied out; any other list is one value', async () => {
  const { cases } = await imported(
    "prompts: ['{% for n in x %}{{ n }};{% endfor %} {{ y }}']\nproviders: [openai:gpt-4o-2024-11-20]\ntests: [{vars: {x: [1, 2, 3], y: [a, b]}, assert: [{type: contains, value: a}]}]\n",
  )
  expect(cases.map(({ vars }) => vars)).toEqual([
    { x: [1, 2, 3], y: 'a' },
    { x: [1, 2, 3], y: 'b' },
  ])
})

describe('what promptfoo sends unasked', () => {
  const provider = (text: string) =>
    `prompts: ['Say {{ x }}']\nproviders: [${text}]\ntests: [{vars: {x: a}, assert: [{type: contains, value: a}]}]\n`
  it.each([
    ['openai:gpt-4o-2024-11-20', { temperature: 0, max_tokens: 1024 }],
    ['openai:chat:gpt-4o-2024-11-20', { temperature: 0, max_tokens: 1024 }],
    ['{id: openai:gpt-4o-2024-11-20, config: {temperature: 0.7}}', { temperature: 0.7, max_tokens: 1024 }],
    ['{id: openai:gpt-4o-2024-11-20, config: {max_tokens: 9}}', { temperature: 0, max_tokens: 9 }],
    ['{id: openai:gpt-4o-2024-11-20, config: {omitDefaults: true}}', undefined],
    ['openai:o3-2025-04-16', undefined],
    ['openai:gpt-5-2025-08-07', undefined],
  ])('%s', async (text, params) => {
    const { read, said } = await imported(provider(text))
    expect(Object.values(read('aigate.yaml')['models'] as object)[0]).toEqual(
      expect.objectContaining(params === undefined ? {} : { params }),
    )
    if (params === undefined) expect(read('aigate.yaml')).not.toHaveProperty('models.*.params')
    expect(said).not.toContain('omitDefaults')
  })
  it('is told where it is not known', async () => {
    const { said } = await imported(provider('openrouter:mistralai/mistral-large-2411'))
    expect(said).toMatch(/promptfoo may send defaults of its own/)
  })
})

it('the last ANSWER of a multiple choice counts, and it names one letter', async () => {
  const cwd = temporary()
  writeFileSync(join(cwd, 'quiz.jsonl'), '{"input": "Which?", "choices": ["a", "b", "c"], "target": "B"}\n')
  const context = { cwd, env: {}, stdout: { write: () => true }, stderr: { write: () => true }, now: () => new Date(0), monotonic: () => 0, signal: new AbortController().signal, toolVersion: '0' } as unknown as Context // biome-ignore format: one world
  await initFromCommand(context, 'made', 'quiz.jsonl')
  const [suite] = await loadSuites(await loadProject({ cwd: join(cwd, 'made') }), { suites: [] })
  const [only] = suite?.cases ?? []
  expect(assertionsOf(only!.case)).toHaveLength(1)
  const passes = async (text: string) =>
    (await grade(only!.case, { outcome: 'answered', text, tool_calls: [], attempts: 1 }, {} as never)).passed
  for (const right of ['ANSWER: B', 'So:\nAnswer: (B)', '**ANSWER: B**', 'ANSWER: A is tempting.\nANSWER: B) b'])
    expect([right, await passes(right)]).toEqual([right, true])
  for (const wrong of [
    'ANSWER: A',
    'ANSWER: B would be wrong.\nANSWER: A',
    'ANSWER: B, C',
    'ANSWER: B or C',
    'ANSWER: Both',
  ])
    expect([wrong, await passes(wrong)]).toEqual([wrong, false])
})
