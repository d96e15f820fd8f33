// What a change could swap beside a conversation, and a user that a model plays, through the built program: the code of live
// tools is guarded as graders are, who plays the user is pinned, and what cannot be decided is found before anybody is asked.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { type Aimock, startAimock } from '../../../fixtures/aimock/server.ts'
import { aigate, removeTemporary, reportIn, temporary } from '../cli-testing.ts'
import { clone, commit, edit, git, write } from '../git-testing.ts'

const servers: Aimock[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})
afterAll(removeTemporary)

type Fixture = { match: Record<string, unknown>; response: Record<string, unknown> }
async function serve(fixtures: readonly Fixture[]): Promise<Aimock> {
  const script = temporary()
  writeFileSync(join(script, 'script.json'), JSON.stringify({ fixtures }))
  const server = await startAimock(['-f', script])
  servers.push(server)
  return server
}

const MAIN = 'gpt-4o-2024-11-20'
const USER = 'gpt-4o-mini-2024-07-18'
/** A project with one suite `agent` that asks the model `main`; `url` of nobody where nothing is asked. */
function project(suite: string, { url = 'http://127.0.0.1:9', user = USER, more = '' } = {}): string {
  const folder = temporary()
  const config = `version: 1
providers: {mock: {type: openai, base_url: "${url}/v1", concurrency: 1, retries: 0}}
models:
  main: {provider: mock, id: ${MAIN}}
  sim: {provider: mock, id: ${user}, params: {temperature: 0}}
${more}`
  write(folder, 'aigate.yaml', config)
  const prompt = '---\nname: agent\nversion: 1.0.0\ninput: []\n---\nsystem:\nYou are the shop.\n'
  write(folder, 'prompts/agent/1.0.0.md', prompt)
  write(folder, 'evals/agent.suite.yaml', `suite: agent\nversion: 1.0.0\n${suite}`)
  write(folder, '.gitignore', '.aigate/\nrun.json\n')
  return folder
}
const run = (folder: string, args: string[] = [], env: Record<string, string> = {}) =>
  aigate(['eval', ...args, '--reporter', 'table,json:run.json'], folder, env)
const verdictIn = (folder: string) => {
  const { reasons, warnings } = reportIn(folder).suites[0]!.verdict
  return [...reasons, ...warnings].join('\n')
}

describe('the code of a live tool', () => {
  const tool = (says: string) => `export const status = () => '${says}'\n`
  const shell = (says: string) => `echo ${says}\n`
  it.each<[string, string, string, (says: string) => string]>([
    ['a module', '{module: ../tools.mjs, export: status}', 'tools.mjs', tool],
    ['a program', '{command: [sh, ../status.sh]}', 'status.sh', shell],
  ])('%s that a change rewrites is a rewritten grader, and in the lock', async (_, behaviour, path, text) => {
    const { url } = await serve([
      { match: { toolResultContains: 'paid' }, response: { content: 'It is paid.' } },
      { match: { toolResultContains: 'lost' }, response: { content: 'It is lost.' } },
      { match: { userMessage: 'order' }, response: { toolCalls: [{ name: 'status', arguments: '{}' }] } },
    ])
    const cases = Array.from({ length: 20 }, (_, i) => `  - {id: c${i}, turns: [{user: order ${i}}]}\n`).join('')
    const main = project(
      `target: {prompt: agent@1.0.0, model: main, tools: [{name: status}]}
tools: {status: ${behaviour}}
trials: 1
gate: {min_pass_rate: 0.5, max_regression: 0.2}
assert: [{contains: paid}]
cases:
${cases}`,
      { url },
    )
    write(main, path, text('paid'))
    expect(await aigate(['baseline', 'record', '--reason', 'first', '--trials', '2'], main)).toMatchObject({ code: 0 })
    expect((await aigate(['lock'], main)).code).toBe(0)
    git(main, 'init', '-q', '-b', 'main')
    commit(main, 'the base')

    const honest = clone(main)
    write(honest, 'readme', 'x')
    commit(honest, 'nothing')
    expect((await run(honest, [], { CI: 'true' })).code).toBe(0)

    const folder = clone(main)
    write(folder, path, text('paid, they say'))
    edit(folder, 'evals/agent.suite.yaml', 'model: main,', 'model: main, params: {temperature: 1},')
    commit(folder, 'another tool for another target')
    const frozen = await run(folder, [], { CI: 'true' })
    expect(frozen.code).toBe(2)
    expect(frozen.stderr).toMatch(
      new RegExp(`suite agent graders\\.${path.replace('.', '\\.')}: [0-9a-f]{12} -> [0-9a-f]{12}`),
    )
    await aigate(['lock'], folder)
    commit(folder, 'and locks it')
    const { code } = await run(folder, [], { CI: 'true' })
    expect(verdictIn(folder)).toMatch(/20 of the base's 20 cases are removed or rewritten/)
    expect(code).toBe(3)
  })
})

it('a conversation with a live tool is asked again: the tool may have changed', async () => {
  const { url } = await serve([
    { match: { toolResultContains: 'paid' }, response: { content: 'It is paid.' } },
    { match: { toolResultContains: 'broken' }, response: { content: 'I do not know.' } },
    { match: { userMessage: 'order' }, response: { toolCalls: [{ name: 'status', arguments: '{}' }] } },
  ])
  const folder = project(
    `target: {prompt: agent@1.0.0, model: main, tools: [{name: status}]}
trials: 1
gate: {min_pass_rate: 0.9, burden: prove-bad}
cases:
  - {id: live, critical: true, turns: [{user: order}], tools: {status: {module: ../tools.mjs, export: status}}, assert: [{contains: paid}]}
  - {id: recorded, turns: [{user: order}], tools: {status: {results: [{result: paid}]}}, assert: [{contains: paid}]}
`,
    { url },
  )
  write(folder, 'tools.mjs', "export const status = () => 'paid'\n")
  expect((await run(folder)).code).toBe(0)
  write(folder, 'tools.mjs', "export const status = () => 'broken'\n")
  const { code, stderr } = await run(folder)
  expect(code, stderr).toBe(1)
  // The other one is known.
  expect(reportIn(folder).suites[0]).toMatchObject({ totals: { calls: expect.any(Number), cached: 1 } })
})

describe('a simulated user', () => {
  const suite = `target: {prompt: agent@1.0.0, model: main}
trials: 1
gate: {min_pass_rate: 0.1}
cases:
  - id: talks
    user: {model: sim, goal: a refund for order 7, persona: Impatient., max_turns: 4}
    assert: [{contains: refunded}]
`
  it('is led to its end, counted apart, recorded, and replayed without anybody', async () => {
    const server = await serve([
      { match: { model: USER, userMessage: 'conversation begins' }, response: { content: 'refund pls' } },
      { match: { model: USER, userMessage: 'Which order' }, response: { content: 'order 7!' } },
      { match: { model: USER, userMessage: 'is refunded' }, response: { content: '###DONE###' } },
      { match: { model: MAIN, userMessage: 'refund pls' }, response: { content: 'Which order?' } },
      { match: { model: MAIN, userMessage: 'order 7!' }, response: { content: 'Order 7 is refunded.' } },
    ])
    const folder = project(suite, server)
    const { code, stdout } = await run(folder, ['--record', '--no-frozen'])
    expect(code, stdout).toBe(0)
    const { cases, totals } = reportIn(folder).suites[0]!
    expect(cases[0]).toMatchObject({ id: 'talks', passes: 1, trials: 1, after: 'Order 7 is refunded.' })
    expect(totals).toMatchObject({ calls: 2, user_calls: 3 })
    expect(totals.user_cost_usd).toBeGreaterThan(0)
    expect(stdout.replace(/\s+/g, ' ')).toMatch(/simulated users: 3 calls, about \$0\.0/)

    const sent = (await server.journal()).map(({ body }) => body as { model: string; messages: { content: string }[] })
    expect(sent.map(({ model }) => model)).toEqual([USER, MAIN, USER, MAIN, USER])
    const text = (of: string) => JSON.stringify(sent.filter(({ model }) => model === of))
    // The assistant never reads what the user is up to, nor the user what the assistant was told.
    expect(text(MAIN)).not.toMatch(/Impatient|DONE/)
    expect(text(USER)).not.toContain('You are the shop')

    await servers.splice(0)[0]?.stop()
    expect((await run(folder, ['--offline', '--no-frozen'])).code).toBe(0)
    expect(reportIn(folder).suites[0]).toMatchObject({ totals: { calls: 0, replayed: 1 }, cases: [{ passes: 1 }] })
  })

  it('that cannot be asked is an error of the case and no failure of the assistant', async () => {
    const server = await serve([
      { match: { model: USER }, response: { error: { message: 'overloaded', type: 'server_error' }, status: 500 } },
    ])
    const folder = project(suite, server)
    expect((await run(folder, ['--no-frozen'])).code).toBe(4)
    expect(reportIn(folder).suites[0]!.cases[0]).toMatchObject({ passes: 0, trials: 0, status: 'not_measured' })
    expect(reportIn(folder).suites[0]!.cases[0]?.error).toMatch(/simulated user/)
  })

  it('that is not pinned is refused by --frozen before anybody is asked, unless the reason is written', async () => {
    const folder = project(suite, { user: 'gpt-4o-mini' })
    const { code, stderr, stdout } = await run(folder, ['--frozen'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/Model sim: gpt-4o-mini is an alias .*--frozen takes pins only/)
    expect(stderr).toMatch(/fix: .*models\.sim\.id/)
    edit(folder, 'aigate.yaml', 'id: gpt-4o-mini,', 'id: gpt-4o-mini, allow_unpinned: it only plays the user,')
    expect((await run(folder, ['--frozen'])).stderr).not.toMatch(/alias/)
    expect((await run(project(suite), ['--frozen'])).stderr).not.toMatch(/alias/)
  })

  it('spends no more calls than the budget', async () => {
    const server = await serve([
      { match: { model: USER }, response: { content: 'and again' } },
      { match: { model: MAIN }, response: { content: 'What?' } },
    ])
    const two = suite.replace(/ {2}- id: talks\n([\s\S]*)/, (one) => one + one.replace('talks', 'talks-on'))
    const folder = project(two, { ...server, more: 'budget: {max_calls: 5}\n' })
    const { stdout } = await run(folder, ['--no-frozen'])
    expect(stdout).toMatch(/max_calls/)
    expect((await server.journal()).length).toBe(5)
    const { cases, totals } = reportIn(folder).suites[0]!
    expect(totals.calls + (totals.user_calls ?? 0)).toBe(5)
    // What the budget cut off is not held against the assistant.
    expect(cases.map(({ trials, status }) => ({ trials, status }))).toEqual([
      { trials: 0, status: 'not_measured' },
      { trials: 0, status: 'not_measured' },
    ])
  })
})

describe('aigate check', () => {
  const of = (trials: string, gate: string, assert = 'contains: x', vars = '') =>
    project(
      `target: {prompt: agent@1.0.0, model: main}\ntrials: ${trials}\ngate: ${gate}\ncases: [{id: a, ${vars}messages: [{role: user, content: hi}], assert: [{${assert}}]}]\n`,
      { more: 'judges: {default: {model: main}}\n' },
    )
  it.each([
    ['1', '{pass_at_k: {k: 2}}', /gate\.pass_at_k: k is 2, .* asks for at most 1 trial of a case/],
    ['{max: 3}', '{pass_hat_k: {k: 4, min: 0.9}}', /gate\.pass_hat_k: k is 4, .* at most 3 trials of a case/],
    ['auto', '{pass_at_k: {k: 6}}', /k is 6, .* at most 5 trials/],
  ])('with trials %s finds %s', async (trials, gate, why) => {
    const folder = of(trials, gate)
    const { code, stderr } = await aigate(['check'], folder)
    expect({ code, problems: stderr.match(/\d+ problems?/)?.[0] }, stderr).toEqual({ code: 2, problems: '1 problem' })
    expect(stderr).toMatch(why)
    expect(stderr).toContain('evals/agent.suite.yaml')
    const mend = /fix: .*`trials: (\{max: \d+\})`/.exec(stderr)?.[1] ?? ''
    edit(folder, 'evals/agent.suite.yaml', `trials: ${trials}`, `trials: ${mend}`)
    expect((await aigate(['check'], folder)).code).toBe(0)
  })
  it('accepts as many tries as trials', async () => {
    expect((await aigate(['check'], of('3', '{pass_at_k: {k: 3}, pass_hat_k: {k: 1}}'))).code).toBe(0)
  })
  it('says that a user with temperature 0 is the same in every trial', async () => {
    const played = (trials: number) =>
      project(
        `target: {prompt: agent@1.0.0, model: main}\ntrials: ${trials}\ncases: [{id: a, user: {model: sim, goal: x}, assert: [{contains: x}]}]\n`,
      )
    const several = await aigate(['check'], played(3))
    expect(several).toMatchObject({ code: 0 })
    expect(several.stderr).toMatch(/sim plays users with temperature 0/)
    expect((await aigate(['check'], played(1))).stderr).not.toMatch(/temperature/)
  })
  it('finds that nobody retrieves what context_relevance is to judge', async () => {
    const none = await aigate(['check'], of('1', '{}', 'context_relevance: true'))
    expect(none).toMatchObject({ code: 2 })
    expect(none.stderr).toMatch(/context_relevance: a model retrieves nothing; write context_from/)
    const written = 'context_relevance: {context_from: docs}'
    expect((await aigate(['check'], of('1', '{}', written))).stderr).toMatch(/no variable "docs"/)
    const given = of('1', '{}', written, 'vars: {docs: [x]}, ')
    edit(given, 'prompts/agent/1.0.0.md', 'input: []', 'input: [docs]')
    edit(given, 'prompts/agent/1.0.0.md', 'the shop.', 'the shop. {{ docs }}')
    expect((await aigate(['check'], given)).code).toBe(0)
  })
})

it('the guard sees who plays the user: another model makes another case', async () => {
  const folder = project(
    'target: {prompt: agent@1.0.0, model: main}\ntrials: 1\ncases: [{id: a, user: {model: sim, goal: x}, assert: [{contains: x}]}]\n',
  )
  await aigate(['lock'], folder)
  const before = readFileSync(join(folder, 'aigate.lock'), 'utf8')
  edit(folder, 'aigate.yaml', 'temperature: 0', 'temperature: 1')
  await aigate(['lock'], folder)
  const hash = (lock: string) => /cases: .*?"hash":\s*"?([0-9a-f]+)/.exec(lock)?.[1]
  expect(hash(before)).toMatch(/^[0-9a-f]{12,}$/)
  expect(hash(readFileSync(join(folder, 'aigate.lock'), 'utf8'))).not.toBe(hash(before))
})
