// Agents and RAG through the built program: tools against aimock, applications that tell their way, traces, pass@k.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { startAimock } from '../../../fixtures/aimock/server.ts'
import { aigate, removeTemporary, reportIn, root, temporary } from '../cli-testing.ts'

afterAll(removeTemporary)

function project(files: Record<string, string>): string {
  const folder = temporary()
  for (const name of ['evals', 'prompts/agent']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'aigate.yaml'), 'version: 1\n')
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}
const run = (folder: string, ...more: string[]) =>
  aigate(['eval', ...more, '--reporter', 'table,json:run.json'], folder)

describe('a model with tools', () => {
  it('is led to its answer over HTTP, recorded as a whole, and replayed offline without running a tool', async () => {
    const folder = project({
      'prompts/agent/1.0.0.md': '---\nname: agent\nversion: 1.0.0\ninput: [question]\n---\nuser:\n{{ question }}\n',
      'tools.mjs':
        "import { appendFileSync } from 'node:fs'\nexport const refund = ({ order }, { state }) => { appendFileSync(new URL('ran.txt', import.meta.url), 'x'); state.refunded = order; return 'done' }\n",
      'evals/agent.suite.yaml': `suite: agent
version: 1.0.0
trials: 1
target:
  prompt: agent@1.0.0
  model: main
  tools: [{name: find_order}, {name: refund}]
tools:
  find_order: {results: [{arguments: {order: 7}, result: {status: paid}}, {error: no such order}]}
  refund: {module: ../tools.mjs, export: refund}
cases:
  - id: refund
    vars: {question: please refund order 7}
    state: {}
    assert:
      - {contains: all done}
      - {tool_call: {sequence: [find_order, refund], max_same: 1}}
      - {tool_call: {name: refund, exact_arguments: {order: 7}}}
      - {tool_call: {no_errors: true}}
      - {final_state: {path: $.refunded, equals: 7}}
  - id: loops
    vars: {question: loop for ever}
    max_steps: 3
    assert: [{tool_call: {max_same: 1}}]
`,
    })
    const script = temporary()
    const call = (name: string, order: number) => ({ toolCalls: [{ name, arguments: JSON.stringify({ order }) }] })
    const fixtures = [
      { match: { userMessage: 'refund order 7', sequenceIndex: 0 }, response: call('find_order', 7) },
      { match: { userMessage: 'refund order 7', sequenceIndex: 1 }, response: call('refund', 7) },
      { match: { userMessage: 'refund order 7', sequenceIndex: 2 }, response: { content: 'all done' } },
      { match: { userMessage: 'loop for ever' }, response: call('find_order', 1) },
    ]
    writeFileSync(join(script, 'script.json'), JSON.stringify({ fixtures }))
    const server = await startAimock(['-f', script])
    writeFileSync(
      join(folder, 'aigate.yaml'),
      `version: 1\nproviders: {mock: {type: openai, base_url: "${server.url}/v1", concurrency: 1}}\nmodels: {main: {provider: mock, id: gpt-4o-2024-11-20}}\n`,
    )
    try {
      const { stdout } = await run(folder, '--record', '--no-frozen')
      const report = reportIn(folder).suites[0]!
      const [loops, refund] = report.cases.toSorted((a, b) => (a.id < b.id ? -1 : 1))
      expect(refund, stdout).toMatchObject({ id: 'refund', passes: 1, trials: 1, failures: [] })
      expect(loops).toMatchObject({ id: 'loops', passes: 0, trials: 1 })
      expect(loops?.failures[0]?.reason).toMatch(/"find_order" was called 3 times/)
      expect(report.totals.calls).toBe(6)
      const sent = (await server.journal()).length
      expect(sent).toBe(6)
    } finally {
      await server.stop()
    }
    expect(readFileSync(join(folder, 'ran.txt'), 'utf8')).toBe('x')
    await run(folder, '--offline', '--no-frozen')
    const again = reportIn(folder).suites[0]!
    expect(again.totals).toMatchObject({ calls: 0, replayed: 2 })
    expect(again.cases.find(({ id }) => id === 'refund')).toMatchObject({ passes: 1, failures: [] })
    expect(readFileSync(join(folder, 'ran.txt'), 'utf8')).toBe('x')
  })
})

describe('applications', () => {
  it('tell their trajectory and state, and are graded turn by turn', async () => {
    const folder = project({
      'app.mjs': `export default ({ messages }) => messages.length === 1
  ? 'Which order?'
  : { text: 'Refunded.', state: { refunds: 1 }, trajectory: [
      { role: 'assistant', tool_calls: [{ id: '1', function: { name: 'refund', arguments: '{"order":7}' } }] },
      { role: 'tool', tool_call_id: '1', content: 'ok' } ] }\n`,
      'evals/app.suite.yaml': `suite: app
version: 1.0.0
trials: 1
target: {module: ../app.mjs}
cases:
  - id: two-turns
    turns:
      - {user: I want my money back, assert: [{contains: "?"}, {tool_call: {none: true}}]}
      - {user: order 7, assert: [{tool_call: {name: refund, arguments: {order: 7}}}]}
    assert: [{equals: Refunded.}, {final_state: {path: $.refunds, equals: 1}}, {tool_call: {no_errors: true}}]
  - id: too-early
    turns:
      - {user: I want my money back, assert: [{contains: Refunded}]}
`,
    })
    await run(folder)
    const found = reportIn(folder).suites[0]!.cases
    expect(found.find(({ id }) => id === 'two-turns')).toMatchObject({ passes: 1, failures: [] })
    expect(found.find(({ id }) => id === 'too-early')?.failures).toMatchObject([{ assertion: 'turn 1: contains' }])
  })

  it('retrieve: contexts come from the place in the answer that the suite names', async () => {
    const server = createServer((_, response) =>
      response.end(
        JSON.stringify({
          reply: 'Five days [kb-7].',
          sources: [
            { doc_id: 'kb-2', content: 'a' },
            { doc_id: 'kb-7', content: 'b' },
          ],
        }),
      ),
    )
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const folder = project({
      'evals/rag.suite.yaml': `suite: rag
version: 1.0.0
trials: 1
target: {http: {url: "${url}", body: {q: "{{ q }}"}, answer: $.reply, contexts: "$.sources[*]"}}
assert: [{citations: true}, {retrieval: {metric: mrr}, threshold: 0.5}]
cases:
  - {id: good, vars: {q: refunds, relevant: [kb-7]}}
  - {id: bad, vars: {q: refunds, relevant: [kb-9]}}
`,
    })
    await run(folder)
    server.close()
    const found = reportIn(folder).suites[0]!.cases
    expect(found.find(({ id }) => id === 'good')).toMatchObject({ passes: 1 })
    expect(found.find(({ id }) => id === 'bad')?.failures[0]?.reason).toMatch(
      /mrr is 0\.000 of 2 contexts; missing: kb-9/,
    )
  })
})

describe('pass@k and pass^k', () => {
  it('are shown, gate, and say what they lack', async () => {
    const folder = project({
      'app.mjs': "export default ({ id, trial }) => (id === 'flaky' && trial === 1 ? 'wrong' : 'right')\n",
      'evals/app.suite.yaml': `suite: app
version: 1.0.0
trials: 4
target: {module: ../app.mjs}
assert: [{equals: right}]
gate: {min_pass_rate: 0.5, pass_at_k: {k: 2}, pass_hat_k: {k: 4, min: 0.99}, burden: prove-good}
cases: [{id: flaky}, {id: sure}]
`,
    })
    const { stdout } = await run(folder)
    const gates = reportIn(folder).suites[0]!.verdict.gates
    const [at, hat] = ['pass_at_k', 'pass_hat_k'].map((kind) => gates.find((gate) => gate.kind === kind))
    expect(at).toMatchObject({ estimate: 1, decides: false, outcome: 'pass' })
    // 1 of 2 cases always passes; C(3, 4) is 0.
    expect(hat).toMatchObject({ estimate: 0.5, decides: true, outcome: 'inconclusive', limit: 0.99 })
    expect(stdout).toMatch(/pass_hat_k/)
  })
})

describe('traces', () => {
  const suite = `suite: shop
version: 1.0.0
target: {module: ../app.mjs}
assert: [{not_contains: competitor}]
cases:
  - id: refund
    critical: true
    assert:
      - {contains: refunded}
      - {citations: true}
      - {retrieval: {metric: ndcg, k: 2, relevant: {kb-7: 3}}}
      - {tool_call: {name: find_order, exact_arguments: {order: 7}}}
`
  const setUp = () => {
    const folder = project({
      'app.mjs': 'export default () => { throw new Error("asked") }\n',
      'evals/shop.suite.yaml': suite,
    })
    cpSync(join(root, 'fixtures', 'agents', 'traces.jsonl'), join(folder, 'traces.jsonl'))
    return folder
  }
  it('are graded as cases of the suite and as cases of their own, old names too', async () => {
    const folder = setUp()
    const { code, stdout, stderr } = await run(folder, 'shop', '--traces', 'traces.jsonl', '--no-baseline')
    const { cases, totals, target } = reportIn(folder).suites[0]!
    expect(code, stdout + stderr).toBe(0)
    expect(stderr).toMatch(/1 trace without a GenAI span left out/)
    expect(
      cases.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ id, passes, after }) => [id, passes, after]),
    ).toEqual([
      ['refund', 1, 'It was refunded; "refunds take five working days" [kb-7].'],
      ['trace/b2', 1, 'We ship on weekdays.'],
    ])
    expect(totals).toMatchObject({ input_tokens: 260, output_tokens: 37, calls: 0 })
    expect(target.label).toBe('traces of m-2026-01-01')
    // Judged again like any run.
    expect((await aigate(['compare', 'latest', '--no-base'], folder)).code).toBe(0)
  })
  it('all count, where one case has more of them than another', async () => {
    const folder = setUp()
    const [refund = '', other = ''] = readFileSync(join(folder, 'traces.jsonl'), 'utf8').split('\n')
    const worse = (n: number) => refund.replaceAll('"a1"', `"a${n}"`).replaceAll('refunded', 'lost')
    writeFileSync(join(folder, 'traces.jsonl'), [refund, worse(2), worse(3), worse(4), other].join('\n'))
    const { code, stdout } = await run(folder, 'shop', '--traces', 'traces.jsonl', '--no-baseline')
    const { cases } = reportIn(folder).suites[0]!
    expect(cases.find(({ id }) => id === 'refund')).toMatchObject({ passes: 1, trials: 4 })
    // The case is critical, and three proven breaks are no pass.
    expect(code, stdout).toBe(1)
    expect((await aigate(['report', 'latest'], folder)).code).toBe(1)
  })
  it('bring contexts to a suite whose target is a model, which itself would tell none', async () => {
    const folder = setUp()
    writeFileSync(
      join(folder, 'aigate.yaml'),
      'version: 1\nproviders: {p: {type: openai, base_url: "http://127.0.0.1:9/v1"}}\nmodels: {main: {provider: p, id: m-2026-01-01}}\njudges: {default: {model: main}}\n',
    )
    writeFileSync(join(folder, 'prompts/agent/1.0.0.md'), '---\nname: agent\nversion: 1.0.0\n---\nuser:\nHi\n')
    const relevance = suite.replace('{module: ../app.mjs}', '{prompt: agent@1.0.0, model: main}')
    writeFileSync(
      join(folder, 'evals/shop.suite.yaml'),
      relevance.replace('- {citations: true}', '- {context_relevance: true}'),
    )
    const { code, stderr } = await run(folder, 'shop', '--traces', 'traces.jsonl', '--no-baseline')
    // Nobody is there to judge: that is not measured, and no fault of the suite.
    expect(code, stderr).toBe(4)
    expect((await aigate(['check'], folder)).stderr).toMatch(/a model retrieves nothing/)
  })
  it('that lack what a case needs do not pass, and no secret of the environment is kept', async () => {
    const folder = setUp()
    writeFileSync(join(folder, 'aigate.yaml'), 'version: 1\nproviders: {p: {type: openai, api_key_env: SHOP_KEY}}\n')
    const text = readFileSync(join(folder, 'traces.jsonl'), 'utf8')
    writeFileSync(
      join(folder, 'traces.jsonl'),
      text.replaceAll('refunded', 'k-very-secret-value').replace('kb-7]', 'kb-8]'),
    )
    const { code, stdout } = await aigate(
      [
        'eval',
        'shop',
        '--traces',
        'traces.jsonl',
        '--no-baseline',
        '--reporter',
        'table,json:run.json',
        '--out',
        'out',
      ],
      folder,
      { SHOP_KEY: 'k-very-secret-value' },
    )
    expect(code).not.toBe(0)
    expect(stdout + readFileSync(join(folder, 'run.json'), 'utf8')).not.toContain('k-very-secret-value')
    const [written = ''] = [await aigate(['report', 'out', '--reporter', 'json'], folder)].map((one) => one.stdout)
    expect(written).not.toContain('k-very-secret-value')
  })
  it('without the cases of the suite, without messages, or that are none: said, never passed', async () => {
    const folder = setUp()
    const lines = readFileSync(join(folder, 'traces.jsonl'), 'utf8').split('\n')
    const blind = (lines[1] ?? '').replaceAll('gen_ai.completion.', 'other.')
    writeFileSync(join(folder, 'traces.jsonl'), `${blind}\nnot json\n`)
    const { code, stderr } = await run(folder, 'shop', '--traces', 'traces.jsonl', '--no-baseline')
    expect(stderr).toMatch(/1 line or spans could not be read/)
    expect(stderr).toMatch(/without an answer: not measured/)
    expect(code).toBe(4)
    writeFileSync(join(folder, 'none.jsonl'), '{"a": 1}\n')
    expect(await run(folder, 'shop', '--traces', 'none.jsonl')).toMatchObject({ code: 2 })
    expect(await run(folder, '--traces', 'traces.jsonl')).toMatchObject({ code: 2 })
    rmSync(join(folder, 'none.jsonl'))
  })
})
