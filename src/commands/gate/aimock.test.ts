// The whole program against a model API of somebody else's making, in a process of its own.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Aimock, startAimock } from '../../../fixtures/aimock/server.ts'
import { aigate, removeTemporary, reportIn, temporary } from '../cli-testing.ts'

let server: Aimock
beforeAll(async () => {
  server = await startAimock()
})
afterAll(async () => {
  await server.stop()
  removeTemporary()
})

/** A project whose model is the mock; `provider` is added to the provider, `cases` to the suite. */
function project(provider: string, cases: string[], trials: number): string {
  const folder = temporary()
  for (const path of ['evals', 'prompts/ask']) mkdirSync(join(folder, path), { recursive: true })
  const model = '{provider: mock, id: gpt-4o-2024-11-20, params: {temperature: 0}}'
  writeFileSync(
    join(folder, 'aigate.yaml'),
    `version: 1\nproviders:\n  mock: {type: openai, api_key_env: MOCK_KEY, retries: 1, ${provider}}\nmodels:\n  main: ${model}\n`,
  )
  writeFileSync(
    join(folder, 'prompts/ask/1.0.0.md'),
    '---\nname: ask\nversion: 1.0.0\ninput: [question]\n---\nuser:\n{{ question }}\n',
  )
  const tools = '[{name: get_weather, parameters: {type: object, properties: {city: {type: string}}}}]'
  writeFileSync(
    join(folder, 'evals/mock.suite.yaml'),
    `suite: mock\nversion: 1.0.0\ntarget: {prompt: ask@1.0.0, model: main, tools: ${tools}}\ntrials: ${trials}\n` +
      `gate: {min_pass_rate: 0.1, min_coverage: 0.5}\ncases:\n${cases.map((line) => `  - ${line}\n`).join('')}`,
  )
  return folder
}
const run = (folder: string) =>
  aigate(['eval', '--reporter', 'table,json:run.json'], folder, { MOCK_KEY: 'sk-mock-0123456789abcdef' })
const caseIn = (folder: string, id: string) => reportIn(folder).suites[0]?.cases.find((one) => one.id === id)

describe('against aimock', () => {
  it('pass rates come out as scripted', async () => {
    const folder = project(
      `base_url: "${server.url}/v1"`,
      ['{id: flaky, vars: {question: good bad good}, assert: [{contains: Refunds}, {not_icontains: competitor}]}'],
      3,
    )
    const { stdout, code } = await run(folder)
    expect(caseIn(folder, 'flaky')).toMatchObject({ passes: 2, trials: 3, errors: 0 })
    expect(stdout).toMatch(/flaky\s+2\/3/)
    expect(code).toBe(0)
  })

  it('tool calls, several messages, truncation, usage, price and the name that the model answered with', async () => {
    const weather = '{role: assistant, tool_calls: [{id: call_w1, name: get_weather, arguments: "{}"}]}'
    const result = '{role: tool, tool_call_id: call_w1, content: snow}'
    const folder = project(
      `base_url: "${server.url}/v1"`,
      [
        '{id: call, vars: {question: the weather}, assert: [{tool_call: {name: get_weather, arguments: {city: Oslo}, count: 1}}]}',
        `{id: turns, vars: {question: the weather}, messages: [${weather}, ${result}], assert: [{contains: snows}, {tool_call: {none: true}}]}`,
        '{id: facts, vars: {question: all the facts}, assert: [{contains: Here}]}',
        '{id: cut, vars: {question: cut short}, assert: [{contains: Once}]}',
      ],
      1,
    )
    const { code } = await run(folder)
    const [suite] = reportIn(folder).suites
    expect(suite?.cases.map(({ id, passes }) => [id, passes]).sort()).toEqual([
      ['call', 1],
      ['cut', 1],
      ['facts', 1],
      ['turns', 1],
    ])
    expect(suite?.totals).toMatchObject({ truncated: 1, answered: 3, calls: 4 })
    expect(suite?.totals.cost_usd).toBeGreaterThan(0.0025)
    expect(suite?.run.response_models).toContain('gpt-4o-2024-11-20')
    expect(code).toBe(0)
  })

  it('429 with Retry-After and 500 are asked again, then counted as not measured', async () => {
    const folder = project(
      `base_url: "${server.url}/v1"`,
      [
        '{id: limited, vars: {question: too many}, assert: [{contains: x}]}',
        '{id: broken, vars: {question: server trouble}, assert: [{contains: x}]}',
        '{id: fine, vars: {question: all the facts}, assert: [{contains: Here}]}',
        '{id: cut, vars: {question: cut short}, assert: [{contains: Once}]}',
      ],
      1,
    )
    const { code, stdout } = await run(folder)
    const [suite] = reportIn(folder).suites
    expect(suite?.totals.errors).toEqual({ rate_limit: 1, server_error: 1 })
    expect(suite?.totals.calls).toBe(6)
    expect(caseIn(folder, 'limited')).toMatchObject({ passes: 0, trials: 0, errors: 1, status: 'not_measured' })
    expect(stdout).toMatch(/Slow down/)
    expect(code).toBe(0)
  })

  it.each([
    { what: 'malformed JSON', flag: '--chaos-malformed', kind: 'malformed' },
    { what: 'disconnects', flag: '--chaos-disconnect', kind: 'connection' },
  ])('$what end in exit 4, never in a failure', async ({ flag, kind }) => {
    const chaotic = await startAimock([flag, '1'])
    const folder = project(
      `base_url: "${chaotic.url}/v1"`,
      ['{id: facts, vars: {question: all the facts}, assert: [{contains: Here}]}'],
      1,
    )
    const { code } = await run(folder)
    await chaotic.stop()
    expect(reportIn(folder).suites[0]?.totals.errors).toEqual({ [kind]: 1 })
    expect(code).toBe(4)
  })

  it('Azure deployments', async () => {
    const folder = project(
      `base_url: "${server.url}", api_version: "2024-10-21"`,
      ['{id: facts, vars: {question: all the facts}, assert: [{contains: Here}]}'],
      1,
    )
    expect(await run(folder)).toMatchObject({ code: 0 })
    const paths = (await server.journal()).map(({ path }) => path)
    expect(paths.some((path) => path.includes('/openai/deployments/gpt-4o-2024-11-20/'))).toBe(true)
  })
})
