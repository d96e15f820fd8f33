// --tag at the built program: tags of cases and of whole suites, any of several, and a tag that nobody has.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { aigate, removeTemporary } from '../cli-testing.ts'
import { type Api, edit, promptProject, startApi, write } from '../git-testing.ts'

const apis: Api[] = []
afterEach(() => {
  for (const api of apis.splice(0)) api.close()
})
afterAll(removeTemporary)

it('asks the cases with one of the tags, those of their suite included', { timeout: 60_000 }, async () => {
  const api = await startApi(({ user }) => `right: ${user}`)
  apis.push(api)
  const folder = promptProject(api, { cases: 6 })
  const suite = readFileSync(join(folder, 'evals/app.suite.yaml'), 'utf8')
  write(folder, 'evals/slow.suite.yaml', `${suite.replace('suite: app', 'suite: slow')}tags: [nightly]\n`)
  edit(folder, 'evals/cases.jsonl', '{"id":"c2"', '{"tags":["smoke"],"id":"c2"')
  const asked = async (...tags: string[]) => {
    const from = api.asked.length
    const { code, stderr } = await aigate(['eval', '--no-cache', '--tag', ...tags], folder)
    return { code, stderr, asked: api.asked.slice(from).map(({ user }) => user) }
  }
  expect((await asked('smoke')).asked).toEqual(['question 2', 'question 2'])
  expect((await asked('nightly')).asked).toHaveLength(6)
  expect((await asked('nightly', 'smoke')).asked).toHaveLength(7)
  const none = await asked('smok')
  expect([none.code, none.stderr, none.asked]).toEqual([
    2,
    expect.stringMatching(/No case has the tag smok\.\n.*Tags in use: nightly, smoke\./),
    [],
  ])
})
