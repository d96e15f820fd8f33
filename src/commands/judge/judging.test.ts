// Judges in whole runs, against a model API of somebody else's making that is scripted: errors, votes, juries, drift, calibration.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { type Scripted, startScripted } from '../../../fixtures/aimock/scripted.ts'
import { seeded } from '../../../fixtures/reference/read.ts'
import { Calibration } from '../../schema/calibration.ts'
import { RunHeader } from '../../schema/run.ts'
import { labelledTable, predictionPowered } from '../../statistics/prediction-powered.ts'
import { roganGladen } from '../../statistics/rogan-gladen.ts'
import { aigate, removeTemporary, reportIn, temporary } from '../cli-testing.ts'

const servers: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})
afterAll(removeTemporary)

async function serve(lines: readonly Scripted[], embeddings?: Record<string, number[]>): Promise<string> {
  const server = await startScripted(lines, embeddings)
  servers.push(server)
  return server.url
}

const scored = (score: number) => JSON.stringify({ reason: `it is worth ${score}`, score })
/** The candidate repeats the name of the item; the judge is scripted by that name. */
const candidate = (name: string): Scripted => ({
  model: 'gpt-4o-2024-11-20',
  holds: `ask ${name}`,
  answer: `text of ${name}.`,
})
const judge = (name: string, answer: string, more: Partial<Scripted> = {}): Scripted => ({
  model: 'judge-2026-01-01',
  holds: name,
  answer,
  ...more,
})

type Sketch = {
  url: string
  judges?: string
  assert: string
  cases: string[]
  more?: string
  gate?: string
  trials?: number
  models?: string
}

function project({
  url,
  judges = '{default: {model: judge}}',
  assert,
  cases,
  more = '',
  gate = '{min_pass_rate: 0.5}',
  trials = 1,
  models = '',
}: Sketch): string {
  const folder = temporary()
  for (const path of ['evals', 'prompts/ask']) mkdirSync(join(folder, path), { recursive: true })
  writeFileSync(
    join(folder, 'aigate.yaml'),
    `version: 1
providers:
  mock: {type: openai, api_key_env: MOCK_KEY, retries: 0, base_url: "${url}/v1"}
models:
  main: {provider: mock, id: gpt-4o-2024-11-20, price: {input: 1, output: 1}}
  judge: {provider: mock, id: judge-2026-01-01, price: {input: 10, output: 10}}
  other: {provider: mock, id: other-2026-01-01, price: {input: 10, output: 10}}
${models}judges: ${judges}
${more}`,
  )
  writeFileSync(
    join(folder, 'prompts/ask/1.0.0.md'),
    '---\nname: ask\nversion: 1.0.0\ninput: [question]\n---\nuser:\nask {{ question }}\n',
  )
  const lines = cases.map((id) => `  - {id: ${id}, vars: {question: ${id}}}\n`).join('')
  writeFileSync(
    join(folder, 'evals/judged.suite.yaml'),
    `suite: judged\nversion: 1.0.0\ntarget: {prompt: ask@1.0.0, model: main}\ntrials: ${trials}\ngate: ${gate}\nassert: [${assert}]\ncases:\n${lines}`,
  )
  return folder
}

const env = { MOCK_KEY: 'sk-mock-0123456789abcdef' }
const run = (folder: string, ...args: string[]) =>
  aigate(['eval', '--reporter', 'table,json:run.json', ...args], folder, env)
const caseIn = (folder: string, id: string) => reportIn(folder).suites[0]?.cases.find((one) => one.id === id)
const labelled = (folder: string, labels: object[], ...args: string[]) => {
  writeFileSync(join(folder, 'labels.jsonl'), labels.map((one) => `${JSON.stringify(one)}\n`).join(''))
  return aigate(['calibrate', 'labels.jsonl', ...args], folder, env)
}
const item = (i: number) => `item-${String(i).padStart(3, '0')}-`

describe('a rubric', () => {
  it('passes and fails by its score, its cost stands apart, and the run remembers who judged', async () => {
    const url = await serve([
      candidate('good'),
      candidate('bad'),
      judge('text of good', scored(5)),
      judge('text of bad', scored(2)),
    ])
    const folder = project({ url, assert: '{rubric: is it good}', cases: ['good', 'bad'] })
    const { code, stdout } = await run(folder)
    expect(code).toBe(0)
    expect(caseIn(folder, 'good')).toMatchObject({ passes: 1, trials: 1, score: 1 })
    expect(caseIn(folder, 'bad')).toMatchObject({ passes: 0, trials: 1, score: 0.25 })
    expect(caseIn(folder, 'bad')?.failures[0]?.reason).toContain('2 of 5: it is worth 2')
    const totals = reportIn(folder).suites[0]?.totals
    expect(totals).toMatchObject({ calls: 2, judge_calls: 2 })
    expect(totals?.cost_usd).toBeCloseTo(2 * 110e-6, 9)
    expect(totals?.judge_cost_usd).toBeCloseTo(2 * 1100e-6, 9)
    expect(stdout).toContain('judge')
    const file = reportIn(folder).suites[0]?.run.file ?? ''
    const header = RunHeader.parse(JSON.parse(readFileSync(file, 'utf8').split('\n')[0] ?? ''))
    expect(header.judging?.judges['default']).toMatchObject({ model: { id: 'judge-2026-01-01' }, votes: 1 })
    expect(header.judging?.judges['default']?.prompts.rubric).toMatch(/^1\.0\.0 [0-9a-f]{64}$/)
    expect(header.judging?.uses[0]?.note).toContain('not calibrated')
  })

  it.each([
    { what: 'prose around a verdict', answer: 'I think {"reason": "x", "score": 5}' },
    { what: 'no reason', answer: '{"reason": "", "score": 5}' },
    { what: 'a score off the scale', answer: scored(10) },
  ])('$what is an error of the measurement, never a failure', async ({ answer }) => {
    const url = await serve([candidate('good'), judge('text of', answer)])
    const folder = project({ url, assert: '{rubric: is it good}', cases: ['good'] })
    const { code } = await run(folder)
    expect(code).toBe(4)
    expect(reportIn(folder).suites[0]?.totals.errors).toEqual({ grader_error: 1 })
    expect(caseIn(folder, 'good')).toMatchObject({ trials: 0, passes: 0, errors: 1, status: 'not_measured' })
  })

  it('a judge that is not there stops the run, and says so', async () => {
    const url = await serve([candidate('good')])
    const folder = project({ url, assert: '{rubric: is it good}', cases: ['good'] })
    const text = readFileSync(join(folder, 'aigate.yaml'), 'utf8')
    const elsewhere =
      '  away: {type: openai, api_key_env: NO_SUCH_KEY, retries: 0, base_url: "http://127.0.0.1:9/v1"}\nmodels:'
    writeFileSync(
      join(folder, 'aigate.yaml'),
      text.replace('models:', elsewhere).replace('judge: {provider: mock', 'judge: {provider: away'),
    )
    // Without its key nobody is asked at all.
    const keyless = await aigate(['eval'], folder, { ...env, NO_SUCH_KEY: '' })
    expect(keyless.code).toBe(4)
    expect(keyless.stderr).toContain('NO_SUCH_KEY is not set')
    const { code, stdout } = await aigate(['eval'], folder, { ...env, NO_SUCH_KEY: 'k-0123456789' })
    expect(code).toBe(4)
    expect(stdout).toMatch(/judge.*(?:127|fetch|connect|refused|reach)/i)
  })

  it('several votes count by their median; a jury by its judges; both show when they disagree', async () => {
    const votes = [5, 2, 5].map((score, time) => judge('text of torn', scored(score), { time }))
    const url = await serve([
      candidate('torn'),
      ...votes,
      { ...judge('text of torn', scored(1)), model: 'other-2026-01-01' },
    ])
    const alone = project({
      url,
      judges: '{default: {model: judge, votes: 3}}',
      assert: '{rubric: is it good}',
      cases: ['torn'],
    })
    expect((await run(alone)).code).toBe(0)
    expect(caseIn(alone, 'torn')).toMatchObject({ passes: 1, score: 1 })
    expect(reportIn(alone).suites[0]?.verdict.warnings.join(' ')).toContain('votes of judges lie far apart')
    const again = await serve([
      candidate('torn'),
      judge('text of torn', scored(5)),
      { ...judge('text of torn', scored(1)), model: 'other-2026-01-01' },
    ])
    const jury = project({
      url: again,
      judges: '{one: {model: judge}, two: {model: other}}',
      assert: '{rubric: {criteria: good, judge: [one, two]}}',
      cases: ['torn'],
    })
    await run(jury)
    expect(caseIn(jury, 'torn')).toMatchObject({ passes: 0, score: 0.5 })
    expect(caseIn(jury, 'torn')?.failures[0]?.reason).toMatch(/not unanimous: one 5 of 5; two 1 of 5/)
  })
})

describe('the others', () => {
  it('faithful takes claims apart and judges each; a claim that is passed over is an error', async () => {
    const claims = JSON.stringify({ claims: ['it is red', 'it is old'] })
    const verdict = (...all: string[]) =>
      JSON.stringify({ verdicts: all.map((one, i) => ({ number: i + 1, reason: 'r', verdict: one })) })
    const lines = [
      candidate('half'),
      judge('1. it is red', verdict('supported', 'not_found')),
      judge('text of half', claims),
    ]
    const folder = project({
      url: await serve(lines),
      assert: '{faithful: {context: it is red}, threshold: 0.5}',
      cases: ['half'],
    })
    await run(folder)
    expect(caseIn(folder, 'half')).toMatchObject({ passes: 1, score: 0.5 })
    const short = [candidate('half'), judge('1. it is red', verdict('supported')), judge('text of half', claims)]
    const broken = project({ url: await serve(short), assert: '{faithful: {context: it is red}}', cases: ['half'] })
    expect((await run(broken)).code).toBe(4)
    expect(caseIn(broken, 'half')?.error).toContain('claims 1 to 2')
  })

  it('compare asks in both orders: a liking for the first place is a tie; without a baseline it is one too', async () => {
    const winner = (place: string) => JSON.stringify({ reason: 'r', winner: place })
    const first = await serve([candidate('a'), candidate('b')])
    const folder = project({ url: first, assert: '{compare: true}', cases: ['a', 'b'] })
    expect((await aigate(['baseline', 'record', '--trials', '1'], folder, env)).code).toBe(0)
    const better: Scripted = { model: 'gpt-4o-2024-11-20', holds: 'ask a', answer: 'new words of alpha' }
    const same: Scripted = { model: 'gpt-4o-2024-11-20', holds: 'ask b', answer: 'new words of beta' }
    const second = await serve([
      better,
      same,
      judge('The first answer:\nBEGIN', winner('first')),
      judge('alpha', winner('first')),
      judge('beta', winner('first')),
    ])
    writeFileSync(join(folder, 'aigate.yaml'), readFileSync(join(folder, 'aigate.yaml'), 'utf8').replace(first, second))
    await run(folder)
    expect(caseIn(folder, 'a')).toMatchObject({ passes: 1, score: 0.5 })
  })

  it('factual and answers_question', async () => {
    const facts = await serve([
      candidate('x'),
      judge('text of x', JSON.stringify({ reason: 'no', relation: 'contradicts' })),
    ])
    const folder = project({ url: facts, assert: '{factual: {reference: it is y}}', cases: ['x'] })
    await run(folder)
    expect(caseIn(folder, 'x')).toMatchObject({ passes: 0, trials: 1, score: 0 })
    const asked = await serve([candidate('x'), judge('text of x', scored(4))])
    const other = project({ url: asked, assert: '{answers_question: true}', cases: ['x'] })
    await run(other)
    expect(caseIn(other, 'x')).toMatchObject({ passes: 1, score: 0.75 })
  })

  it('recorded verdicts serve offline, without anybody to ask', async () => {
    const url = await serve([candidate('good'), judge('text of good', scored(5))])
    const folder = project({ url, assert: '{rubric: is it good}', cases: ['good'] })
    expect((await run(folder, '--record')).code).toBe(0)
    for (const server of servers.splice(0)) await server.stop()
    expect((await run(folder, '--offline')).code).toBe(0)
    expect(reportIn(folder).suites[0]?.totals).toMatchObject({ calls: 0, judge_calls: 0 })
    expect(caseIn(folder, 'good')).toMatchObject({ passes: 1, trials: 1 })
  })

  it('similar by cosine asks for embeddings, and replays recorded ones', async () => {
    const url = await serve([candidate('good'), candidate('far')], {
      'text of good.': [1, 0.1, 0],
      'text of far.': [0, 1, 0],
      reference: [1, 0, 0],
    })
    const folder = project({
      url,
      assert: '{similar: {to: reference, method: cosine}, threshold: 0.9}',
      cases: ['good'],
      models: '  embed: {provider: mock, id: text-embedding-3-small}\n',
      more: 'embeddings: embed\n',
    })
    const { stdout } = await run(folder, '--record')
    expect(caseIn(folder, 'good')?.trials, stdout).toBe(1)
    for (const server of servers.splice(0)) await server.stop()
    const before = caseIn(folder, 'good')?.score
    await run(folder, '--offline')
    expect(caseIn(folder, 'good')?.score).toBe(before)
  })
})

/** People say pass to the share `truth`; the judge errs at known rates. Both are drawn once, by a seed. */
function world({ n, truth, se, sp, seed }: { n: number; truth: number; se: number; sp: number; seed: number }) {
  const random = seeded(seed)
  return Array.from({ length: n }, (_, i) => {
    const label = random.uniform() < truth
    const passed = random.uniform() < (label ? se : 1 - sp)
    return { name: item(i), label, passed }
  })
}
const script = (all: ReturnType<typeof world>) => all.map(({ name, passed }) => judge(name, scored(passed ? 5 : 2)))
const labelOf = ({ name, label }: ReturnType<typeof world>[number]) => ({
  id: name,
  assert: { rubric: 'good' },
  answer: `text of ${name}.`,
  label: label ? 'pass' : 'fail',
})

describe('calibration', () => {
  it('finds the error rates that were scripted, and the corrected pass rate covers the truth as often as it says', async () => {
    const all = world({ n: 1000, truth: 0.8, se: 0.92, sp: 0.85, seed: 11 })
    const folder = project({ url: await serve(script(all)), assert: '{rubric: good}', cases: ['x'] })
    const { code, stdout } = await labelled(folder, all.map(labelOf))
    expect(stdout).toContain('people pass')
    expect(code).toBe(0)
    const stored = Calibration.parse(JSON.parse(readFileSync(join(folder, 'calibrations/default.json'), 'utf8')))
    const found = stored.types.rubric
    if (!found) expect.fail(stdout)
    const of = (label: boolean, passed: boolean) =>
      all.filter((one) => one.label === label && one.passed === passed).length
    expect(found.table).toEqual({
      truePass: of(true, true),
      falseFail: of(true, false),
      falsePass: of(false, true),
      trueFail: of(false, false),
    })
    expect(found.sensitivity.low).toBeLessThan(0.92)
    expect(found.sensitivity.high).toBeGreaterThan(0.92)
    expect(found.gold.length).toBe(50)
    // Verdicts came over HTTP; from here on labels and suites are drawn from them, 1000 times.
    const judged = all.map(({ label, name }) => ({
      label,
      passed: name.length > 0 && all.find((one) => one.name === name)?.passed === true,
    }))
    const truth = judged.filter(({ label }) => label).length / judged.length
    const random = seeded(5)
    const draw = () => judged[Math.floor(random.uniform() * judged.length)] as (typeof judged)[number]
    const held = { rogan: 0, powered: 0, raw: 0 }
    const draws = 1000
    for (let i = 0; i < draws; i++) {
      const table = { truePass: 0, falseFail: 0, falsePass: 0, trueFail: 0 }
      for (let j = 0; j < 150; j++) {
        const one = draw()
        table[one.label ? (one.passed ? 'truePass' : 'falseFail') : one.passed ? 'falsePass' : 'trueFail']++
      }
      let yes = 0
      for (let j = 0; j < 300; j++) yes += Number(draw().passed)
      const rogan = roganGladen(yes, 300, table, 0.9)
      if (rogan && rogan.low <= truth && truth <= rogan.high) held.rogan++
      const powered = predictionPowered(labelledTable(table), { n: 300, f: yes, ff: yes }, 0.9)
      if (powered.low <= truth && truth <= powered.high) held.powered++
      const raw = yes / 300
      const half = 1.645 * Math.sqrt((raw * (1 - raw)) / 300)
      if (raw - half <= truth && truth <= raw + half) held.raw++
    }
    // 90 % is promised; the standard error of a share over 1000 draws is 0.9 points.
    expect(held.rogan / draws).toBeGreaterThanOrEqual(0.88)
    expect(held.powered / draws).toBeGreaterThanOrEqual(0.87)
    expect(held.raw / draws).toBeLessThan(0.8)
  }, 60_000)

  it('stops at its budget, measures nothing, and says why', async () => {
    const all = world({ n: 40, truth: 0.7, se: 0.95, sp: 0.8, seed: 3 })
    const folder = project({ url: await serve(script(all)), assert: '{rubric: good}', cases: ['x'] })
    const { code, stderr } = await labelled(folder, all.map(labelOf), '--max-calls', '10')
    expect([code, stderr]).toEqual([4, expect.stringMatching(/^error: default \(rubric\): .*The budget of 10 calls/)])
    expect(stderr).not.toContain('live metrics')
  })

  it('the gate corrects the floor by it, wider than what the judge says, and holds a moved judge to be invalid', async () => {
    const all = world({ n: 160, truth: 0.7, se: 0.95, sp: 0.8, seed: 3 })
    const cases = all.slice(0, 60)
    const lines = [...cases.map(({ name }) => candidate(name)), ...script(all)]
    const url = await serve(lines)
    const folder = project({
      url,
      assert: '{rubric: good}',
      cases: cases.map(({ name }) => name),
      gate: '{min_pass_rate: 0.6}',
    })
    expect((await labelled(folder, all.map(labelOf))).code).toBe(0)
    await run(folder)
    const [suite] = reportIn(folder).suites
    const floor = suite?.verdict.gates.find(({ id }) => id === 'floor')
    expect(floor?.test).toContain('Rogan-Gladen')
    expect(floor?.sentence).toContain('corrected for the errors of the judge default')
    const plain = cases.filter(({ passed }) => passed).length / 60
    const corrected = roganGladen(
      60 * plain,
      60,
      Calibration.parse(JSON.parse(readFileSync(join(folder, 'calibrations/default.json'), 'utf8'))).types.rubric
        ?.table as never,
      0.9,
    )
    expect(floor?.estimate).toBeCloseTo(corrected?.estimate ?? 0, 9)
    expect((floor?.interval?.high ?? 0) - (floor?.interval?.low ?? 0)).toBeGreaterThan(
      2 * 1.645 * Math.sqrt((plain * (1 - plain)) / 60),
    )
    // Another model behind the same name: it fails what it passed.
    const moved = await serve([
      ...cases.map(({ name }) => candidate(name)),
      ...script(all.map((one) => ({ ...one, passed: false }))),
    ])
    writeFileSync(join(folder, 'aigate.yaml'), readFileSync(join(folder, 'aigate.yaml'), 'utf8').replace(url, moved))
    const after = await run(folder)
    expect(after.code).toBe(4)
    expect(reportIn(folder).suites[0]?.verdict.reasons[0]).toContain('The judge default moved (rubric)')
  }, 60_000)

  it('a judge that agrees too little warns and does not block; a stale calibration is said and not used', async () => {
    const random = seeded(9)
    const all = Array.from({ length: 80 }, (_, i) => ({
      name: item(i),
      label: random.uniform() < 0.5,
      passed: random.uniform() < 0.5,
    }))
    const failing = all.filter(({ passed }) => !passed).slice(0, 10)
    const folder = project({
      url: await serve([...failing.map(({ name }) => candidate(name)), ...script(all)]),
      assert: '{rubric: good}, {contains: text}',
      cases: failing.map(({ name }) => name),
      gate: '{min_pass_rate: 0.9}',
    })
    expect((await run(folder)).code).toBe(1)
    expect((await labelled(folder, all.map(labelOf))).code).toBe(1)
    const { code } = await run(folder)
    const warnings = reportIn(folder).suites[0]?.verdict.warnings.join(' ') ?? ''
    expect(code).toBe(0)
    expect(warnings).toContain('agrees too little with people to block')
    expect(warnings).toContain('would fail 10 cases')
    const text = readFileSync(join(folder, 'aigate.yaml'), 'utf8')
    writeFileSync(
      join(folder, 'aigate.yaml'),
      text.replace('id: judge-2026-01-01,', 'id: judge-2026-01-01, params: {temperature: 0},'),
    )
    expect((await run(folder)).code).toBe(1)
    expect(reportIn(folder).suites[0]?.verdict.warnings.join(' ')).toContain('that calibration is not used')
  }, 60_000)

  it.each([
    { what: 'no JSON', line: 'nonsense', says: /labels.jsonl:1:1.*no JSON/s },
    { what: 'no label', line: '{"assert": {"rubric": "x"}, "answer": "a"}', says: /label/ },
    {
      what: 'an assertion without a judge',
      line: '{"assert": {"contains": "x"}, "answer": "a", "label": true}',
      says: /graded by no judge/,
    },
    {
      what: 'too few',
      line: '{"assert": {"rubric": "x"}, "answer": "text of good", "label": true}',
      says: /at least 20/,
    },
  ])('$what is told with its place', async ({ line, says }) => {
    const folder = project({
      url: await serve([judge('text of good', scored(5))]),
      assert: '{rubric: x}',
      cases: ['x'],
    })
    writeFileSync(join(folder, 'labels.jsonl'), `${line}\n`)
    const { code, stderr } = await aigate(['calibrate', 'labels.jsonl'], folder, env)
    expect(stderr).toMatch(says)
    expect(code).toBe(2)
  })
})

it('a judge that changes is another grader: frozen runs refuse the old lock, and the cases count as rewritten', async () => {
  const folder = project({
    url: await serve([candidate('good'), judge('text of good', scored(5))]),
    assert: '{rubric: is it good}',
    cases: ['good'],
  })
  expect((await aigate(['lock'], folder, env)).code).toBe(0)
  expect(readFileSync(join(folder, 'aigate.lock'), 'utf8')).toMatch(
    /judges:\n {2}default: .*"rubric":"1\.0\.0 [0-9a-f]{64}"/,
  )
  expect((await run(folder, '--frozen')).code).toBe(0)
  expect((await aigate(['prompt', 'new', 'judge/rubric'], folder, env)).code).toBe(0)
  expect((await run(folder, '--frozen')).code).toBe(0)
  expect((await aigate(['prompt', 'bump', 'judge/rubric'], folder, env)).code).toBe(0)
  const refused = await run(folder, '--frozen')
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('judge default prompts.rubric')
  expect(refused.stderr).toContain('cases.hash')
})
