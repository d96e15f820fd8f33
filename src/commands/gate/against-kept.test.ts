// eval --against twice: what both sides answered is kept, the base side by commit, counted at a real API.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
  const kept = join(folder, '.aigate', 'cache')
  return join(kept, readdirSync(kept).sort()[0] ?? '')
}

it('asks both sides once, and the second time neither', async () => {
  const folder = changed()
  expect((await run(folder)).code).toBe(0)
  expect([asked('friendly'), asked('terse')]).toEqual([CASES, CASES])
  expect(reportOf(folder).baseline?.accepted.reason).toMatch(/asked in the same run$/)
  const before = reportOf(folder)
  api.asked.length = 0
  expect((await run(folder)).code).toBe(0)
  expect([asked('friendly'), asked('terse')]).toEqual([0, 0])
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

it('a question that both sides ask alike is two draws', async () => {
  const folder = promptProject(api, { cases: CASES })
  git(folder, 'checkout', '-qb', 'change')
  expect((await run(folder)).code).toBe(0)
  expect(asked('friendly')).toBe(2 * CASES)
  expect((await run(folder)).code).toBe(0)
  expect(asked('friendly')).toBe(2 * CASES)
})

it('asks both sides anew with --refresh, and what is older than a day', async () => {
  const folder = changed()
  await run(folder)
  api.asked.length = 0
  await run(folder, ['--refresh'])
  expect([asked('friendly'), asked('terse')]).toEqual([CASES, CASES])
  const { answerOf, lineOf } = await import('../../store/cache/segment.ts')
  const yesterday = new Date(Date.now() - 25 * 3_600_000).toISOString()
  rmSync(keptFile(folder))
  const file = keptFile(folder)
  const [head = '', ...lines] = readFileSync(file, 'utf8').trim().split('\n')
  const old = lines.map((line) => lineOf({ ...answerOf(line)!, at: yesterday }))
  writeFileSync(file, `${head}\n${old.join('')}`)
  api.asked.length = 0
  await run(folder)
  expect([asked('friendly'), asked('terse')]).toEqual([CASES, CASES])
  writeFileSync(file, `${head}\n${old.join('')}`)
  for (const name of readdirSync(join(folder, '.aigate', 'cache'))
    .sort()
    .slice(1))
    rmSync(join(folder, '.aigate', 'cache', name))
  api.asked.length = 0
  expect((await aigate(['eval'], folder)).code).toBe(0)
  expect(asked('terse')).toBe(0)
})

it('takes nothing from answers that the change itself commits', async () => {
  const folder = changed()
  await run(folder)
  git(folder, 'add', '-f', '.aigate/cache')
  commit(folder, 'a head start')
  api.asked.length = 0
  await run(folder)
  expect(asked('friendly')).toBe(CASES)
  expect(reportOf(folder).verdict.warnings.join()).toMatch(/\.aigate\/cache is committed: nothing is taken from it/)
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
  const missing = 2 * CASES + 1 - readFileSync(keptFile(folder), 'utf8').trim().split('\n').length
  expect(missing).toBeGreaterThan(0)
  api.asked.length = 0
  await run(folder)
  expect(asked('friendly')).toBe(missing)
})
