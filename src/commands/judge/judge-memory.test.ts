// Judges over several runs, against a real server that counts: verdicts that are kept, models that change, weak judges, embeddings.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn, temporary } from '../cli-testing.ts'

let server: Server | undefined
afterEach(() => new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined))))
afterAll(removeTemporary)

type Asked = { model: string; text: string }
type World = {
  url: string
  asked: Asked[]
  /** What the judge says to a question; undefined: its usual word. */
  says: (text: string) => string | undefined
  /** The model name that answers; undefined: the one that was asked. */
  by: string | undefined
  embeddings: { fail: boolean; requests: number }
}

/** The target repeats the question; the judge lets pass what holds "good". */
async function serve(): Promise<World> {
  const world: World = {
    url: '',
    asked: [],
    says: () => undefined,
    by: undefined,
    embeddings: { fail: false, requests: 0 },
  }
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (part) => (body += String(part)))
    request.on('end', () => {
      const sent = JSON.parse(body) as { model: string; messages: { content: string }[]; input: string[] }
      const head = { 'content-type': 'application/json' }
      if (request.url?.endsWith('/embeddings')) {
        world.embeddings.requests += 1
        if (world.embeddings.fail) return response.writeHead(500, head).end('{}')
        const data = sent.input.map((text, index) => ({ index, embedding: [text.length, 1], object: 'embedding' }))
        return response
          .writeHead(200, head)
          .end(JSON.stringify({ data, model: 'm', object: 'list', usage: { prompt_tokens: 50, total_tokens: 50 } }))
      }
      const text = sent.messages.map(({ content }) => content).join('\n')
      world.asked.push({ model: sent.model, text })
      const judges = sent.model.startsWith('judge')
      const usual = JSON.stringify({ reason: 'r', score: /text of [a-z0-9-]*good/.test(text) ? 5 : 1 })
      const content = judges ? (world.says(text) ?? usual) : `text of ${/ask (\S+)/.exec(text)?.[1]}`
      const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
      const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 }
      const model = judges ? (world.by ?? sent.model) : sent.model
      return response
        .writeHead(200, head)
        .end(JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model, choices, usage }))
    })
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  world.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  return world
}

function project(
  url: string,
  {
    assert,
    cases,
    gate = '{min_pass_rate: 0.5}',
    more = '',
  }: { assert: string; cases: string[]; gate?: string; more?: string },
) {
  const folder = temporary()
  for (const path of ['evals', 'prompts/ask']) mkdirSync(join(folder, path), { recursive: true })
  writeFileSync(
    join(folder, 'aigate.yaml'),
    `version: 1
providers: {mock: {type: openai, api_key_env: MOCK_KEY, retries: 0, base_url: "${url}"}}
models:
  main: {provider: mock, id: gpt-4o-2024-11-20, price: {input: 1, output: 1}}
  judge: {provider: mock, id: judge-2026-01-01, price: {input: 10, output: 10}}
  embed: {provider: mock, id: embed-2026-01-01, price: {input: 2, output: 0}}
judges: {default: {model: judge, gold: 50}}
embeddings: embed
${more}`,
  )
  writeFileSync(
    join(folder, 'prompts/ask/1.0.0.md'),
    '---\nname: ask\nversion: 1.0.0\ninput: [question]\n---\nuser:\nask {{ question }}\n',
  )
  const lines = cases
    .map((line) => (line.startsWith('{') ? `  - ${line}\n` : `  - {id: ${line}, vars: {question: ${line}}}\n`))
    .join('')
  writeFileSync(
    join(folder, 'evals/judged.suite.yaml'),
    `suite: judged\nversion: 1.0.0\ntarget: {prompt: ask@1.0.0, model: main}\ntrials: 1\ngate: ${gate}\n${assert === '' ? '' : `assert: [${assert}]\n`}cases:\n${lines}`,
  )
  return folder
}

const env = { MOCK_KEY: 'sk-mock-0123456789abcdef' }
const run = (folder: string, ...args: string[]) =>
  aigate(['eval', '--reporter', 'table,json:run.json', ...args], folder, env)
const suiteOf = (folder: string) => reportIn(folder).suites[0]
const judged = ({ asked }: World) => asked.filter(({ model }) => model.startsWith('judge')).length

/** Labels of which the judge gets so many wrong. */
async function calibrated(folder: string, wrong: number) {
  const lines = Array.from({ length: 60 }, (_, i) => {
    const good = i % 2 === 0
    const said = i < wrong ? !good : good
    return JSON.stringify({
      id: `l${i}`,
      assert: { rubric: 'good' },
      answer: `text of l${i}-${good ? 'good' : 'bad'}`,
      label: said,
    })
  })
  writeFileSync(join(folder, 'labels.jsonl'), `${lines.join('\n')}\n`)
  return aigate(['calibrate', 'labels.jsonl'], folder, env)
}

it('verdicts are asked once, counted as kept, asked again when that is wanted, and what was none is not kept', async () => {
  const world = await serve()
  const folder = project(world.url, { assert: '{rubric: good}', cases: ['a-good', 'b-good', 'c-bad'] })
  let broken = true
  world.says = (text) => (broken && text.includes('b-good') ? '{"reason": "r", "score": 99}' : undefined)
  expect((await run(folder)).code).toBe(4)
  expect(judged(world)).toBe(3)
  broken = false
  expect((await run(folder)).code).toBe(0)
  expect(judged(world)).toBe(4)
  expect(suiteOf(folder)?.totals).toMatchObject({ judge_calls: 1, judge_cached: 2, judge_cost_usd: 110 * 10e-6 })
  expect((await run(folder)).code).toBe(0)
  expect(suiteOf(folder)?.totals).toMatchObject({ judge_calls: 0, judge_cached: 3, judge_cost_usd: 0 })
  await run(folder, '--refresh')
  expect(judged(world)).toBe(7)
}, 60_000)

it('answers that are no verdict are paid for and told; twenty in a row end the run, and what was asked is graded later', async () => {
  const world = await serve()
  const names = Array.from({ length: 60 }, (_, i) => `n${i}-good`)
  const folder = project(world.url, { assert: '{rubric: good}', cases: names, more: 'budget: {max_calls: 1000}\n' })
  world.says = () => 'I would say five of five'
  const { code, stdout, stderr } = await run(folder)
  expect(code).toBe(4)
  expect(stdout).toContain('20 answers of judges in a row were no verdict')
  expect(stderr).not.toContain('MaxListeners')
  expect(judged(world)).toBeLessThan(60)
  expect(suiteOf(folder)?.totals).toMatchObject({ judge_calls: judged(world) })
  expect(suiteOf(folder)?.totals.judge_cost_usd).toBeCloseTo(judged(world) * 110 * 10e-6, 9)
  const answers = world.asked.length - judged(world)
  world.says = () => undefined
  expect((await run(folder, '--resume')).code).toBe(0)
  expect(world.asked.length - judged(world)).toBe(Math.max(answers, 60))
}, 60_000)

it('calibrating is not paid for twice when it is broken off, and asks anew once it is finished', async () => {
  const world = await serve()
  const folder = project(world.url, { assert: '{rubric: good}', cases: ['a-good'] })
  world.says = () => (judged(world) > 30 ? 'no verdict' : undefined)
  const broken = await calibrated(folder, 0)
  expect(broken.code).toBe(4)
  expect(broken.stdout).toContain('30 of 60 labels could not be judged')
  expect(existsSync(join(folder, 'calibrations/default.json'))).toBe(false)
  const before = judged(world)
  world.says = () => undefined
  expect((await calibrated(folder, 0)).code).toBe(0)
  expect(judged(world) - before).toBe(30)
  expect((await calibrated(folder, 0)).code).toBe(0)
  expect(judged(world) - before).toBe(90)
}, 60_000)

it('labels that are said to be a sample of a run must be of it, and serve its suite alone', async () => {
  const world = await serve()
  const names = Array.from({ length: 60 }, (_, i) => `n${i}-${i % 3 === 0 ? 'bad' : 'good'}`)
  const folder = project(world.url, { assert: '{rubric: good}', cases: names })
  const suite = readFileSync(join(folder, 'evals/judged.suite.yaml'), 'utf8')
  writeFileSync(join(folder, 'evals/other.suite.yaml'), suite.replace('suite: judged', 'suite: other'))
  world.says = (text) => (/text of n\d*[05]-good/.test(text) ? '{"reason": "r", "score": 1}' : undefined)
  await run(folder)
  const label = (name: string) =>
    JSON.stringify({ id: name, assert: { rubric: 'good' }, answer: `text of ${name}`, label: name.endsWith('good') })
  writeFileSync(join(folder, 'labels.jsonl'), names.map((name) => `${label(name)}\n`).join(''))
  const found = await aigate(['calibrate', 'labels.jsonl', '--sample-of', 'latest'], folder, env)
  expect(found.code, found.stderr).toBe(0)
  await run(folder)
  const tests = reportIn(folder).suites.map(({ suite: name, verdict }) => [
    name,
    verdict.gates.find(({ id }) => id === 'floor')?.test,
  ])
  expect(tests.filter(([, test]) => test?.startsWith('PPI++')).length).toBe(1)
  expect(tests.filter(([, test]) => test?.startsWith('Rogan-Gladen')).length).toBe(1)
  writeFileSync(join(folder, 'labels.jsonl'), [...names, 'elsewhere-good'].map((name) => `${label(name)}\n`).join(''))
  const foreign = await aigate(['calibrate', 'labels.jsonl', '--sample-of', 'latest'], folder, env)
  expect(foreign.code).toBe(2)
  expect(foreign.stderr).toContain('1 of 61 labelled answers are no answers of run latest')
}, 60_000)

it('another model behind the same pin than was calibrated, or than graded the baseline, makes the verdict invalid', async () => {
  const world = await serve()
  const folder = project(world.url, { assert: '{rubric: good}', cases: ['a-good', 'b-good'] })
  expect((await calibrated(folder, 0)).code).toBe(0)
  expect((await run(folder)).code).toBe(0)
  world.by = 'judge-2027-02-02'
  const moved = await run(folder)
  expect(moved.code).toBe(4)
  expect(suiteOf(folder)?.verdict.reasons[0]).toContain(
    'judge-2027-02-02 answers, it was calibrated with judge-2026-01-01',
  )

  world.by = undefined
  const plain = project(world.url, { assert: '{rubric: good}', cases: ['a-good', 'b-good'] })
  expect((await aigate(['baseline', 'record', '--trials', '1'], plain, env)).code).toBe(0)
  world.by = 'judge-2027-02-02'
  expect((await run(plain, '--refresh')).code).toBe(4)
  expect(suiteOf(plain)?.verdict.reasons[0]).toContain('two rulers cannot be compared')
}, 60_000)

it('a baseline that was graded before the judge moved is no baseline any more, until it is recorded again', async () => {
  const world = await serve()
  const folder = project(world.url, { assert: '{rubric: good}', cases: ['a-good', 'b-good'] })
  expect((await calibrated(folder, 0)).code).toBe(0)
  expect((await aigate(['baseline', 'record', '--trials', '1'], folder, env)).code).toBe(0)
  expect((await run(folder)).code).not.toBe(4)
  // From here on it lets pass some answers that were bad.
  world.says = (text) => (/text of l(?!57)\d*[37]-bad/.test(text) ? '{"reason": "r", "score": 5}' : undefined)
  expect((await run(folder)).code).toBe(4)
  expect(suiteOf(folder)?.verdict.reasons[0]).toContain('moved')
  expect((await calibrated(folder, 0)).code).toBe(0)
  expect((await run(folder)).code).toBe(4)
  expect(suiteOf(folder)?.verdict.reasons[0]).toContain('the baseline was graded before')
  expect((await aigate(['baseline', 'record', '--trials', '1'], folder, env)).code).toBe(0)
  expect((await run(folder)).code).not.toBe(4)
}, 60_000)

it('what only a weak judge grades is decided by nobody: it hides no failure of others, and proves nothing alone', async () => {
  const world = await serve()
  const others = [
    '{id: x, vars: {question: x-good}, assert: [{contains: nowhere}]}',
    '{id: y, vars: {question: y-good}, assert: [{contains: text}]}',
  ]
  const weak = Array.from(
    { length: 20 },
    (_, i) => `{id: w${i}, vars: {question: w${i}-good}, assert: [{rubric: good}]}`,
  )
  const folder = project(world.url, {
    assert: '',
    cases: [...others, ...weak],
    gate: '{min_pass_rate: 0.9, burden: prove-good}',
  })
  expect((await calibrated(folder, 25)).code).toBe(1)
  await run(folder)
  const floor = suiteOf(folder)?.verdict.gates.find(({ id }) => id === 'floor')
  expect(floor).toMatchObject({ n: 2, estimate: 0.5 })
  expect(suiteOf(folder)?.verdict.warnings.join(' ')).toContain(
    '20 cases are graded by nothing but a judge that may not block',
  )
  const alone = project(world.url, { assert: '{rubric: good}', cases: ['a-good', 'b-good'] })
  expect((await calibrated(alone, 25)).code).toBe(1)
  expect((await run(alone)).code).toBe(3)
  expect(suiteOf(alone)?.verdict.outcome).toBe('inconclusive')
}, 60_000)

it('criteria that nobody labelled answers by are named', async () => {
  const world = await serve()
  const folder = project(world.url, {
    assert: '{rubric: good}, {rubric: {criteria: [kind, good]}}',
    cases: ['a-good', 'b-good'],
  })
  expect((await calibrated(folder, 0)).code).toBe(0)
  await run(folder)
  const warnings = suiteOf(folder)?.verdict.warnings.join(' ')
  expect(warnings).toContain('was calibrated on other criteria than 1 of those that it judges by here')
}, 60_000)

it('uncalibrated_judges: warn takes a judge out of the gate until somebody has measured it', async () => {
  const world = await serve()
  const sketch = { assert: '{rubric: good}, {contains: text}', cases: ['a-bad', 'b-bad'] }
  const folder = project(world.url, { ...sketch, gate: '{min_pass_rate: 0.9}' })
  expect((await run(folder)).code).toBe(1)
  const mild = project(world.url, { ...sketch, gate: '{min_pass_rate: 0.9, uncalibrated_judges: warn}' })
  expect((await run(mild)).code).toBe(0)
  expect(suiteOf(mild)?.verdict.warnings.join(' ')).toMatch(
    /Until then what it finds is only a warning.*would fail 2 cases/,
  )
  expect((await calibrated(mild, 0)).code).toBe(0)
  expect((await run(mild)).code).toBe(1)
}, 60_000)

it('a weak judge that says nothing blocks no more than one that says no', async () => {
  const world = await serve()
  const names = Array.from({ length: 30 }, (_, i) => `n${i}-good`)
  const gate = '{min_pass_rate: 0.9, uncalibrated_judges: warn}'
  const folder = project(world.url, { assert: '{rubric: good}, {contains: text}', cases: names, gate })
  world.says = () => 'no verdict'
  const { code, stdout } = await run(folder)
  expect(stdout).toContain('A judge that may not block gave no verdict on 30 cases')
  expect(stdout).not.toContain('would fail')
  expect(code).toBe(0)
}, 60_000)

it('embeddings: their cost stands apart, they are kept, a plan knows them, and a failure under a budget ends', async () => {
  const world = await serve()
  const folder = project(world.url, {
    assert: '{similar: {to: reference, method: cosine}}, {rubric: good}',
    cases: ['a-good', 'b-good'],
  })
  const planned = await aigate(['plan', '--json'], folder, env)
  const plan = JSON.parse(planned.stdout) as {
    total: { least: { calls: number } }
    suites: { parts: { what: string; least: { calls: number }; most: { calls: number } }[] }[]
  }
  expect(plan.suites[0]?.parts.map(({ what, least, most }) => [what, least.calls, most.calls])).toEqual([
    ['target', 2, 2],
    ['judge default', 2, 2],
    ['embeddings embed', 0, 2],
  ])
  expect(plan.total.least.calls).toBe(4)
  const { stdout } = await run(folder)
  const totals = suiteOf(folder)?.totals
  expect(totals?.embedding_calls).toBe(world.embeddings.requests)
  expect(totals?.embedding_cost_usd).toBeCloseTo(world.embeddings.requests * 50 * 2e-6, 12)
  expect(stdout).toMatch(/embeddings: \d calls?, /)
  const before = world.embeddings.requests
  await run(folder)
  expect(world.embeddings.requests).toBe(before)
  expect(suiteOf(folder)?.totals).toMatchObject({ embedding_calls: 0, embedding_cost_usd: 0 })
  expect((await aigate(['plan'], folder, env)).stdout).toContain('known already')
  world.embeddings.fail = true
  const ended = await run(folder, '--no-cache', '--max-calls', '3')
  expect(ended.code).toBe(4)
}, 60_000)

it('a plan counts judges with their votes, the questions of each kind and gold answers', async () => {
  const world = await serve()
  const folder = project(world.url, {
    assert: '{rubric: {criteria: good, votes: 3}}, {faithful: {context: x}}',
    cases: ['a-good', 'b-good'],
    more: 'budget: {max_calls: 11}\n',
  })
  const { code, stdout } = await aigate(['plan', '--json'], folder, env)
  const plan = JSON.parse(stdout) as { exceeded: string[]; total: { least: { calls: number; cost_usd: number } } }
  expect(plan.total.least.calls).toBe(2 + 2 * 3 + 2 * 2)
  expect(plan.total.least.cost_usd).toBeGreaterThan(0)
  expect(code).toBe(1)
  expect(plan.exceeded[0]).toContain('12 calls would be made')
  expect(readFileSync(join(folder, 'aigate.yaml'), 'utf8')).toContain('max_calls: 11')
}, 60_000)
