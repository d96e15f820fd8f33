// Answers of which all together are larger than the memory: they are judged, shown in reports and gone on with all the same.
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn } from '../cli-testing.ts'
import { type Api, promptProject, startApi } from '../git-testing.ts'

const CASES = 3000
/** Megabytes of the answers: 60. Megabytes of the heap that the program itself takes: about 30. */
const LENGTH = 20_000
const small = { NODE_OPTIONS: '--max-old-space-size=64' }

const answerTo = (question: string) => `right: ${question} ${'x'.repeat(LENGTH)}`
const shownOf = (question: string) => `${answerTo(question).slice(0, 2000)}…`

let api: Api
beforeEach(async () => {
  api = await startApi(({ user }) => answerTo(user))
})
afterEach(() => api.close())
afterAll(removeTemporary)

it('needs memory for the verdict, and not for the texts', { timeout: 180_000 }, async () => {
  const folder = promptProject(api, { cases: CASES })
  const shows = (key: 'before' | 'after') => {
    const [suite] = reportIn(folder).suites
    expect(suite?.cases.length).toBe(CASES)
    for (const one of suite?.cases ?? []) expect(one[key]).toBe(shownOf(`question ${one.id.slice(1)}`))
    rmSync(join(folder, 'run.json'))
  }
  const run = async (...args: string[]) => {
    const { code, stderr } = await aigate(args, folder, small)
    expect([args[0], code, code === 0 ? '' : stderr]).toEqual([args[0], 0, ''])
  }

  await run('eval', '--reporter', 'json:run.json,html:run.html')
  shows('after')
  expect(readFileSync(join(folder, 'run.html'), 'utf8')).toContain('right: question 0 xxx')
  await run('eval', '--reporter', 'json:run.json')
  shows('after')
  expect(api.asked.length).toBe(CASES)
  await run('report', 'latest', '--reporter', 'json:run.json')
  shows('after')
  await run('baseline', 'accept', 'latest', '--reason', 'it is right')
  await run('compare', 'latest', '--reporter', 'json:run.json')
  shows('before')
})
