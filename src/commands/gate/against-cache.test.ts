// eval --against twice: what the base side answered is kept by commit, counted at a real API.
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn } from '../cli-testing.ts'
import { type Api, commit, edit, git, promptProject, startApi } from '../git-testing.ts'

let api: Api
beforeEach(async () => {
  api = await startApi(({ user }, nth) => `${user.endsWith('7') ? 'no idea' : 'right'} ${nth}`)
})
afterEach(() => api.close())
afterAll(removeTemporary)

const CASES = 30
const run = (folder: string, args: string[] = []) =>
  aigate(['eval', '--against', 'main', ...args, '--reporter', 'table,json:run.json'], folder)
const asked = (word: string) => api.asked.filter(({ system }) => system.includes(word)).length
const reportOf = (folder: string) => reportIn(folder).suites[0]!

function changed(): string {
  const folder = promptProject(api, { cases: CASES })
  git(folder, 'checkout', '-qb', 'change')
  edit(folder, 'evals/app.suite.yaml', 'a@1.0.0', 'a@1.1.0')
  return folder
}
const keptFile = (folder: string) => {
  const kept = join(folder, '.aigate', 'against')
  const [id = ''] = readdirSync(kept)
  expect(id).toBe(git(folder, 'rev-parse', 'main'))
  return join(kept, id, 'app.jsonl')
}

it('asks both sides once, and the second time the base side not at all', async () => {
  const folder = changed()
  expect((await run(folder)).code).toBe(0)
  expect([asked('friendly'), asked('terse')]).toEqual([CASES, CASES])
  expect(reportOf(folder).baseline?.accepted.reason).toMatch(/asked in the same run$/)
  const before = reportOf(folder)
  api.asked.length = 0
  expect((await run(folder)).code).toBe(0)
  expect([asked('friendly'), asked('terse')]).toEqual([0, CASES])
  const again = reportOf(folder)
  expect(again.baseline?.accepted.reason).toMatch(/30 of 30 answers taken from before this run$/)
  expect(again.verdict.warnings.join()).toMatch(/30 answers of main are kept from 20\S+Z on/)
  const rates = (report: typeof again) => report.verdict.gates.map(({ id, baseline }) => [id, baseline])
  expect(rates(again).filter(([id]) => id === 'regression')).toEqual(
    rates(before).filter(([id]) => id === 'regression'),
  )
  expect((await aigate(['report', 'latest'], folder)).code).toBe(0)
})

it('asks what is new: further trials, a changed question, another commit', async () => {
  const folder = changed()
  await run(folder)
  api.asked.length = 0
  await run(folder, ['--trials', '2'])
  expect(asked('friendly')).toBe(CASES)
  api.asked.length = 0
  edit(folder, 'evals/cases.jsonl', 'question 3"', 'question three"')
  await run(folder)
  expect(asked('friendly')).toBe(1)
  api.asked.length = 0
  git(folder, 'stash', '-q')
  git(folder, 'checkout', '-q', 'main')
  git(folder, 'commit', '-qm', 'nothing', '--allow-empty')
  git(folder, 'checkout', '-q', 'change')
  git(folder, 'stash', 'pop', '-q')
  await run(folder)
  expect(asked('friendly')).toBe(CASES)
})

it('grades kept answers with the assertions of now', async () => {
  const folder = changed()
  await run(folder)
  api.asked.length = 0
  edit(folder, 'evals/app.suite.yaml', 'contains: right', 'contains: [no idea]')
  await run(folder)
  expect(asked('friendly')).toBe(0)
  const gate = reportOf(folder).verdict.gates.find(({ id }) => id === 'regression')
  expect(gate?.baseline).toBeCloseTo(3 / CASES)
})

it('asks anew what is old or damaged, and refuses a newer format with a sentence', async () => {
  const folder = changed()
  await run(folder)
  const file = keptFile(folder)
  const [head = '', first = '', ...rest] = readFileSync(file, 'utf8').trim().split('\n')
  expect(rest).toHaveLength(CASES - 1)
  const old = first.replace(/"at":"\d{4}/, '"at":"2019')
  writeFileSync(file, `${[head, old, ...rest.slice(1)].join('\n')}\n`)
  appendFileSync(file, '{"key": "torn')
  api.asked.length = 0
  expect((await run(folder)).code).toBe(0)
  expect(asked('friendly')).toBe(2)
  writeFileSync(file, `${head.replace('"version":1', '"version":2')}\n`)
  const { code, stderr } = await run(folder)
  expect(code).toBe(2)
  expect(stderr).toMatch(/the kept answers of a base side in format 2, written by a newer aigate/)
})

it('takes nothing from answers that the change itself commits', async () => {
  const folder = changed()
  await run(folder)
  const forged = readFileSync(keptFile(folder), 'utf8').replaceAll('right', 'no idea')
  writeFileSync(keptFile(folder), forged)
  git(folder, 'add', '-f', '.aigate/against')
  commit(folder, 'a head start')
  api.asked.length = 0
  await run(folder)
  expect(asked('friendly')).toBe(CASES)
  expect(reportOf(folder).verdict.warnings.join()).toMatch(/\.aigate\/against is committed in this change/)
  expect(reportOf(folder).verdict.gates.find(({ id }) => id === 'regression')?.baseline).toBeCloseTo(0.9)
})

it('keeps no failures', async () => {
  api.close()
  let down = true
  const worked = await startApi(({ system }, nth) =>
    down && system.includes('friendly') && nth % 5 === 0 ? 503 : 'right',
  )
  api = worked
  const folder = changed()
  await run(folder)
  down = false
  const missing = CASES + 1 - readFileSync(keptFile(folder), 'utf8').trim().split('\n').length
  expect(missing).toBeGreaterThan(0)
  api.asked.length = 0
  await run(folder)
  expect(asked('friendly')).toBe(missing)
})
