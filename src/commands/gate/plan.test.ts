// aigate plan beside the run that it foretells: shards, batches, other sides, combinations, judges and conversations.
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { RunPlan } from '../../schema/run-plan.ts'
import { aigate, removeTemporary, reportIn } from '../cli-testing.ts'
import { type Api, commit, edit, promptProject, startApi, write } from '../git-testing.ts'

const apis: Api[] = []
afterEach(() => {
  for (const api of apis.splice(0)) api.close()
})
afterAll(removeTemporary)

/** A project whose models have prices; judges answer with a score, everybody else is right. */
async function project(cases = 20) {
  const api = await startApi(({ model, system, user }) =>
    model.startsWith('judge') ? '{"reason": "fine", "score": 5}' : `right: ${user || system}`,
  )
  apis.push(api)
  const folder = promptProject(api, { cases })
  edit(folder, 'aigate.yaml', 'id: m-2026-01-01', 'id: m-2026-01-01, price: {input: 1000, output: 1000}')
  edit(folder, 'aigate.yaml', 'id: m-2026-06-01', 'id: m-2026-06-01, price: {input: 2000, output: 2000}')
  commit(folder, 'prices')
  return { api, folder }
}
async function planIn(folder: string, ...args: string[]) {
  const { code, stdout, stderr } = await aigate(['plan', '--json', ...args], folder)
  expect([0, 1], stderr).toContain(code)
  return RunPlan.parse(JSON.parse(stdout))
}
/** Calls of a run with the same options, as they reached the server. */
async function askedBy(api: Api, folder: string, ...args: string[]) {
  const before = api.asked.length
  const { code, stderr } = await aigate(['eval', '--no-cache', '--reporter', 'json:run.json', ...args], folder)
  expect([0, 1, 3], stderr).toContain(code)
  return api.asked.length - before
}
const partsOf = ({ suites }: RunPlan) =>
  Object.fromEntries(suites.flatMap(({ parts }) => parts.map(({ what, least }) => [what, least.calls])))

describe('the same calls as the run', () => {
  it('of both sides with --against, until they are known', async () => {
    const { api, folder } = await project()
    const options = ['--against', 'main', '--prompt', 'a@1.1.0']
    const plan = await planIn(folder, ...options)
    expect(partsOf(plan)).toEqual({ target: 20, main: 20 })
    expect(plan.total.least.calls).toBe(await askedBy(api, folder, ...options))
    expect((await aigate(['eval', ...options], folder)).code).not.toBe(2)
    expect((await planIn(folder, ...options)).total.most.calls).toBe(0)
    // Answers of the candidate alone say nothing about the other side.
    expect(partsOf(await planIn(folder, '--prompt', 'a@1.1.0'))).toEqual({ target: 0 })
  })

  it('of every combination with --attribute, each at its own price', async () => {
    const { api, folder } = await project()
    expect((await aigate(['baseline', 'record', '--reason', 'first'], folder)).code).toBe(0)
    const options = ['--prompt', 'a@1.1.0', '--model', 'next', '--attribute']
    const plan = await planIn(folder, ...options)
    expect(partsOf(plan)).toEqual({ target: 20, 'only prompt': 20, 'only model': 20 })
    expect(plan.models.map(({ model, least }) => [model, least.calls])).toEqual([
      ['m-2026-06-01', 40],
      ['m-2026-01-01', 20],
    ])
    expect(plan.total.least.calls).toBe(await askedBy(api, folder, ...options))
  })

  it('of one shard: its cases, in all passes that it asks', async () => {
    const { api, folder } = await project()
    edit(folder, 'evals/app.suite.yaml', 'trials: 1', 'trials: {min: 1, max: 3}')
    const plan = await planIn(folder, '--shard', '2/3')
    expect(plan).toMatchObject({ shard: { shard: 2, of: 3 }, suites: [{ cases: 7, trials: { min: 3, max: 3 } }] })
    const before = api.asked.length
    expect((await aigate(['eval', '--no-cache', '--shard', '2/3'], folder)).code).toBe(0)
    expect(api.asked.length - before).toBe(plan.total.least.calls)
    expect((await planIn(folder, '--no-cache', '--shard', '2/3', '--passes', '1')).total.most.calls).toBe(7)
    expect((await aigate(['plan', '--shard', '4/3'], folder)).code).toBe(2)
    expect((await aigate(['plan', '--shard', '2/3'], folder)).stdout).toContain('all of shard 2 of 3')
  })

  it('of judges too, whose verdicts on answers from the cache may be kept as well', async () => {
    const { api, folder } = await project(10)
    edit(
      folder,
      'aigate.yaml',
      'models:',
      'judges: {default: {model: judge, votes: 3}}\nmodels:\n  judge: {provider: api, id: judge-2026-01-01, price: {input: 5000, output: 5000}}',
    )
    edit(folder, 'evals/app.suite.yaml', '{contains: right}', '{contains: right}, {rubric: is it good}')
    const plan = await planIn(folder)
    expect(partsOf(plan)).toEqual({ target: 10, 'judge default': 30 })
    const [, judge] = plan.suites[0]!.parts
    expect(judge!.least.cost_usd).toBeGreaterThan(plan.suites[0]!.parts[0]!.least.cost_usd ?? Infinity)
    expect((await aigate(['eval', '--reporter', 'json:run.json'], folder)).code).toBe(0)
    expect(api.asked).toHaveLength(40)
    const again = await planIn(folder, '--max-calls', '29')
    expect(again.suites[0]!.parts.map(({ least, most }) => [least.calls, most.calls])).toEqual([
      [0, 0],
      [0, 30],
    ])
    expect(again).toMatchObject({ outcome: 'pass', warnings: [expect.stringMatching(/max_calls/)] })
    expect((await aigate(['eval'], folder)).code).toBe(0)
    expect(api.asked).toHaveLength(40)
  })

  it('of conversations: from fewest to most, then as many as they took', async () => {
    const { api, folder } = await project(4)
    const talk = '{user: one}, {user: two}, {user: three}'
    write(folder, 'evals/cases.jsonl', '')
    edit(
      folder,
      'evals/app.suite.yaml',
      'cases_from: [cases.jsonl]',
      `cases:\n  - {id: a, vars: {q: x}, turns: [${talk}]}\n  - {id: b, vars: {q: y}, tools: {look: {results: [{result: 1}]}}}\n`,
    )
    const before = await planIn(folder)
    expect(before.suites[0]).toMatchObject({
      open: { least: 2, most: 2 },
      least: { calls: 4 },
      most: { calls: 13 },
      evidence: { guessed: 1 },
    })
    expect(await askedBy(api, folder)).toBe(4)
    const after = await planIn(folder)
    expect(after.suites[0]).toMatchObject({ least: { calls: 4 }, most: { calls: 4 }, evidence: { guessed: 0 } })
  })
})

it('a batch costs half, and nobody knows when it comes', async () => {
  const { folder } = await project()
  const [live, batch] = [await planIn(folder), await planIn(folder, '--batch')]
  expect(batch.total.least.cost_usd).toBeCloseTo((live.total.least.cost_usd ?? 0) / 2)
  expect(batch.suites[0]).toMatchObject({ evidence: { batch: true }, least: { duration_ms: null } })
  edit(folder, 'aigate.yaml', 'retries: 0', 'retries: 0, mode: batch')
  expect((await planIn(folder)).total.least).toEqual(batch.total.least)
  expect((await aigate(['plan'], folder)).stdout).toContain('as a batch: within a day, at half the price')
  edit(folder, 'evals/app.suite.yaml', 'min_pass_rate: 0.1', 'min_pass_rate: 0.1, latency_p95: {max: 1s}')
  expect(await aigate(['plan'], folder)).toMatchObject({ code: 2, stderr: expect.stringContaining('latency_p95') })
})

it('anchors are asked again whatever is known', async () => {
  const { folder, api } = await project()
  edit(folder, 'evals/app.suite.yaml', 'trials: 1', 'trials: 2\nanchors: 5')
  expect((await aigate(['baseline', 'record', '--reason', 'first'], folder)).code).toBe(0)
  const options = ['--prompt', 'a@1.1.0']
  const plan = await planIn(folder, ...options)
  expect(partsOf(plan)).toEqual({ target: 40, anchors: 10 })
  expect(await askedBy(api, folder, ...options)).toBe(50)
  expect(reportIn(folder).suites[0]!.verdict.passes).toBe(2)
})
