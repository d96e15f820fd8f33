// aigate check finds what an assertion or a schema has wrong at its place, with the lines around it, before anything is paid for.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { aigate, removeTemporary, temporary } from './cli-testing.ts'
import { write } from './git-testing.ts'

afterAll(removeTemporary)

const OUTPUT = 'output:\n  format: json\n  schema: {type: object, properties: {a: {type: strng}}}\n'
function project(suite: string, { output = '' } = {}): string {
  const folder = temporary()
  write(
    folder,
    'aigate.yaml',
    'version: 1\nproviders: {p: {type: openai, base_url: "http://127.0.0.1:9/v1"}}\nmodels:\n  main: {provider: p, id: m-2026-01-01}\n',
  )
  write(folder, 'prompts/agent/1.0.0.md', `---\nname: agent\nversion: 1.0.0\n${output}---\nuser:\nHi\n`)
  write(folder, 'evals/agent.suite.yaml', `suite: agent\nversion: 1.0.0\n${suite}`)
  return folder
}
const TARGET = 'target: {prompt: agent@1.0.0, model: main}\n'
const CASES = 'cases:\n  - id: a\n    assert: [{contains: x}]\n'
const check = (folder: string) => aigate(['check'], folder)

describe('a schema that does not compile', () => {
  it('of a prompt is found in its front matter, and eval asks nobody', async () => {
    const folder = project(TARGET + CASES, { output: OUTPUT })
    for (const verb of ['check', 'eval']) {
      const { code, stderr } = await aigate([verb], folder)
      expect(code, stderr).toBe(2)
      expect(stderr).toContain('prompts/agent/1.0.0.md:6:11 error: output.schema is no JSON Schema that compiles:')
      expect(stderr).toMatch(/^> {3}6 \| {3}schema: .*\n.*\|\s+\^/m)
      if (verb === 'check') expect(stderr).toContain('1 problem.')
    }
  })
  it('of a prompt that no suite asks is found too', async () => {
    const folder = project(TARGET + CASES)
    write(folder, 'prompts/other/1.0.0.md', `---\nname: other\nversion: 1.0.0\n${OUTPUT}---\nuser:\nHi\n`)
    const { code, stderr } = await check(folder)
    expect(code).toBe(2)
    expect(stderr).toContain('prompts/other/1.0.0.md:6:11 error: output.schema')
  })
  it.each([
    [
      'response_format',
      'response_format: {type: json_schema, json_schema: {name: x, schema: {type: objekt}}}',
      'evals/agent.suite.yaml:6:71 error: the schema of response_format',
    ],
    [
      'params',
      'params: {response_format: {type: json_schema, json_schema: {name: x, schema: {type: objekt}}}}',
      'evals/agent.suite.yaml:6:80 error: the schema of response_format',
    ],
    [
      'a tool',
      'tools: [{name: find, parameters: {type: object, properties: {q: {type: text}}}}]',
      'evals/agent.suite.yaml:6:36 error: parameters of the tool find',
    ],
  ])('of %s is found', async (_, line, said) => {
    const { code, stderr } = await check(project(`target:\n  prompt: agent@1.0.0\n  model: main\n  ${line}\n${CASES}`)) // biome-ignore format: one call
    expect(code, stderr).toBe(2)
    expect(stderr).toContain(said)
    expect(stderr).toMatch(/^> {3}6 \|/m)
  })
  it('is not what tools may write that aigate does not know', async () => {
    const tool = '{type: object, nullable: true, properties: {q: {type: string, format: shoe-size, example: 42}}}'
    const folder = project(
      `target:\n  prompt: agent@1.0.0\n  model: main\n  tools: [{name: find, parameters: ${tool}}]\n${CASES}`,
    )
    expect(await check(folder)).toMatchObject({ code: 0 })
  })
})

describe('an assertion that could never grade', () => {
  const wrong = '{json_schema: {type: strng}}'
  it.each([
    [
      'of a case',
      `${TARGET}cases:\n  - id: a\n    assert:\n      - {contains: x}\n      - ${wrong}\n`,
      'evals/agent.suite.yaml:8:9 error: case a: json_schema:',
    ],
    [
      'of a turn',
      `${TARGET}cases:\n  - id: a\n    turns:\n      - {user: a, assert: [{contains: x}]}\n      - {user: b, assert: [{contains: x}, ${wrong}]}\n`,
      'evals/agent.suite.yaml:8:43 error: case a: json_schema:',
    ],
    [
      'of the suite, once',
      `${TARGET}assert: [{contains: x}, ${wrong}]\ncases: [{id: a}, {id: b, assert: [{contains: y}]}]\n`,
      'evals/agent.suite.yaml:4:25 error: json_schema:',
    ],
  ])('%s is found at its place', async (_, suite, said) => {
    const { code, stderr } = await check(project(suite))
    expect(code, stderr).toBe(2)
    expect(stderr).toContain(said)
    expect(stderr).toMatch(/^> +\d+ \| .*strng.*\n.*\|\s+\^/m)
    expect(stderr).toContain('1 problem.')
  })
  it('of a file of cases is found there', async () => {
    const folder = project(`${TARGET}cases_from: [cases/more.jsonl]\n`)
    write(folder, 'evals/cases/more.jsonl', '{"id": "a", "assert": [{"contains": "x"}]}\n')
    writeFileSync(
      join(folder, 'evals/cases/more.jsonl'),
      '{"id": "b", "assert": [{"json_schema": {"type": "strng"}}]}\n',
      { flag: 'a' },
    )
    const { code, stderr } = await check(folder)
    expect(code, stderr).toBe(2)
    expect(stderr).toContain('evals/cases/more.jsonl:2:24 error: case b: json_schema:')
  })
  it.each([
    ['retrieval: {metric: mrr}', /retrieval: it needs relevant, or the variable "relevant" of the case/],
    ['citations: {context_from: docs}', /citations: the case has no variable "docs"/],
    ['final_state: {path: $.a, exists: true}', /final_state: a model without `tools` leaves no state/],
    ['tool_call: {name: t, arguments_match: {q: "(a+)+$"}}', /tool_call: .* repeats a repeat/],
    ['citations: {pattern: "\\\\[((a+)+)\\\\]"}', /citations: .* repeats a repeat/],
  ])('%s needs what is not there', async (assertion, said) => {
    const { code, stderr } = await check(project(`${TARGET}cases: [{id: a, assert: [{${assertion}}]}]\n`))
    expect(code, stderr).toBe(2)
    expect(stderr).toMatch(said)
  })
})
