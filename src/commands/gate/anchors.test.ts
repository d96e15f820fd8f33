// Anchors through the built program: a provider that moves under a pull request, on a real API.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn } from '../cli-testing.ts'
import { type Api, commit, edit, git, promptProject, type Question, startApi } from '../git-testing.ts'

let api: Api
let answer: (question: Question) => string | number = () => 'right'
beforeEach(async () => {
  answer = () => 'right'
  api = await startApi((question, nth) => {
    const text = answer(question)
    return typeof text === 'number' ? text : `${text} ${nth}`
  })
})
afterEach(() => api.close())
afterAll(removeTemporary)

const run = (folder: string, args: string[] = [], env: Record<string, string> = {}) =>
  aigate(['eval', ...args, '--reporter', 'table,json:run.json'], folder, env)
const verdictIn = (folder: string) => reportIn(folder).suites[0]!.verdict

/** With its baseline recorded while the provider was well, and the prompt changed since. */
async function changed(suite = 'anchors: 12\n'): Promise<string> {
  const folder = promptProject(api, { suite })
  expect(await aigate(['baseline', 'record'], folder)).toMatchObject({ code: 0 })
  commit(folder, 'the baseline')
  edit(folder, 'evals/app.suite.yaml', 'a@1.0.0', 'a@1.1.0')
  api.asked.length = 0
  return folder
}
const friendly = () => api.asked.filter(({ system }) => system.includes('friendly'))

it('asks them as the baseline did, and says nothing while the provider is as it was', async () => {
  const folder = await changed()
  expect(await run(folder)).toMatchObject({ code: 0 })
  expect(friendly()).toHaveLength(12)
  expect(api.asked).toHaveLength(52)
  expect(verdictIn(folder).warnings).toEqual([])
  const first = friendly()
    .map(({ user }) => user)
    .sort()
  api.asked.length = 0
  await run(folder)
  expect(
    friendly()
      .map(({ user }) => user)
      .sort(),
  ).toEqual(first)
})

it('does not blame a change for a provider that moved, in report and compare neither', async () => {
  const folder = await changed()
  answer = ({ user }) => (Number(user.split(' ')[1]) % 4 === 0 ? 'right' : 'no idea')
  expect((await run(folder)).code).toBe(4)
  expect(verdictIn(folder).reasons[0]).toMatch(/^The provider moved: a@1\.0\.0 with main/)
  expect((await aigate(['report', 'latest'], folder)).code).toBe(4)
  expect((await aigate(['compare', 'latest'], folder)).code).toBe(4)
  const runs = join(folder, '.aigate', 'runs')
  const id = readdirSync(runs).sort().at(-1) ?? ''
  expect(readdirSync(join(runs, id, 'anchors', 'app'))).toEqual(['app.jsonl'])
  rmSync(join(runs, id, 'anchors'), { recursive: true })
  const without = await aigate(['report', 'latest', '--reporter', 'json'], folder)
  expect(without.stdout).toContain('The anchors were not asked')
})

it('blames the change where only the change is worse', async () => {
  const folder = await changed()
  answer = ({ system }) => (system.includes('terse') ? 'no idea' : 'right')
  await run(folder)
  expect(verdictIn(folder)).toMatchObject({ outcome: 'fail' })
})

it('needs no further call where nothing changed, and says that the provider moved', async () => {
  const folder = await changed()
  edit(folder, 'evals/app.suite.yaml', 'a@1.1.0', 'a@1.0.0')
  answer = ({ user }) => (Number(user.split(' ')[1]) % 3 === 0 ? 'no idea' : 'right')
  expect((await run(folder)).code).toBe(1)
  expect(api.asked).toHaveLength(40)
  expect(verdictIn(folder).warnings[0]).toMatch(/What is asked did not change, and it passes/)
})

it('goes on without them when the model of the baseline has been shut down', async () => {
  const folder = await changed()
  edit(folder, 'evals/app.suite.yaml', 'a@1.1.0, model: main', 'a@1.0.0, model: next')
  answer = ({ model }) => (model === 'm-2026-01-01' ? 404 : 'right')
  expect((await run(folder)).code).toBe(0)
  expect(verdictIn(folder).warnings[0]).toMatch(/Only 0 of 12 anchors could be measured .*m-2026-01-01/)
})

it('cannot be lowered by the change that they watch, and are never asked of recordings', async () => {
  const folder = await changed()
  git(folder, 'checkout', '-qb', 'change')
  edit(folder, 'evals/app.suite.yaml', 'anchors: 12\n', '')
  commit(folder, 'a change')
  answer = ({ user }) => (Number(user.split(' ')[1]) % 4 === 0 ? 'right' : 'no idea')
  expect((await run(folder, [], { CI: 'true' })).code).toBe(4)
  expect(verdictIn(folder).warnings.join()).toMatch(/anchors are lowered; 12 are asked as at the base/)
  api.asked.length = 0
  await run(folder, ['--offline', '--base', 'main'])
  expect(api.asked).toEqual([])
  expect(existsSync(join(folder, 'recordings'))).toBe(false)
})
