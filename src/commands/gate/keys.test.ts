// Keys are looked for before anything is asked: no call is made, and paid for, when a later suite lacks its key.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aigate, removeTemporary } from '../cli-testing.ts'
import { type Api, edit, promptProject, startApi, write } from '../git-testing.ts'

let api: Api
let folder = ''
beforeAll(async () => {
  api = await startApi(() => 'right')
  folder = promptProject(api, { cases: 5 })
  const provider = /^ {2}api: .*$/m
  edit(
    folder,
    'aigate.yaml',
    provider,
    `  api: {type: openai, base_url: "${api.url}", api_key_env: FIRST_KEY}\n  late: {type: openai, base_url: "${api.url}", api_key_env: LATE_KEY, headers: {x-team: "\${TEAM}"}}`,
  )
  edit(folder, 'aigate.yaml', 'next: {provider: api', 'next: {provider: late')
  const suite = 'version: 1.0.0\ntrials: 1\nassert: [{contains: right}]\ncases_from: [cases.jsonl]\n'
  write(folder, 'evals/zlast.suite.yaml', `suite: zlast\ntarget: {prompt: a@1.0.0, model: next}\n${suite}`)
  write(
    folder,
    'evals/zzhttp.suite.yaml',
    `suite: zzhttp\ntarget: {http: {url: "\${APP_URL}/chat", body: {q: "{{ q }}"}}}\n${suite}`,
  )
})
afterAll(() => {
  api.close()
  removeTemporary()
})

it.each([
  ['eval', ['eval']],
  ['baseline record', ['baseline', 'record', '--reason', 'first']],
])('%s without the key of a later suite asks nobody, and names all that is missing', async (_, args) => {
  const { code, stderr } = await aigate(args, folder, { FIRST_KEY: 'k-12345678', LATE_KEY: '', TEAM: '', APP_URL: '' })
  expect(code).toBe(4)
  expect(stderr).toContain('LATE_KEY, TEAM, APP_URL are not set, and suites zlast, zzhttp cannot be asked without')
  expect(api.asked).toEqual([])
  expect(existsSync(join(folder, '.aigate', 'runs'))).toBe(false)
})

it('looks for the keys of judges and of simulated users as well', async () => {
  edit(folder, 'aigate.yaml', /^providers:/m, 'judges: {default: {model: next}}\nproviders:')
  const head = 'version: 1.0.0\ntrials: 1\ntarget: {prompt: a@1.0.0, model: main}\n'
  write(
    folder,
    'evals/judged.suite.yaml',
    `suite: judged\n${head}cases: [{id: a, vars: {q: x}, assert: [{rubric: kind}]}]\n`,
  )
  write(
    folder,
    'evals/played.suite.yaml',
    `suite: played\n${head}cases: [{id: a, vars: {q: x}, user: {model: next, goal: x}, assert: [{contains: x}]}]\n`,
  )
  for (const suite of ['judged', 'played']) {
    const { code, stderr } = await aigate(['eval', suite], folder, { FIRST_KEY: 'k-12345678', LATE_KEY: '', TEAM: '' })
    expect(code, stderr).toBe(4)
    expect(stderr).toContain(`LATE_KEY, TEAM are not set, and suite ${suite} cannot be asked without`)
  }
  expect(api.asked).toEqual([])
})

it('a suite that has its key is asked, whatever others lack', async () => {
  const { code, stderr } = await aigate(['eval', 'app'], folder, { FIRST_KEY: 'k-12345678' })
  expect(code, stderr).toBe(0)
  expect(api.asked.length).toBe(5)
})

it('a suite whose answers are all known needs no key, and with --no-cache it does', async () => {
  const asked = api.asked.length
  const { code, stderr } = await aigate(['eval', 'app'], folder, { FIRST_KEY: '' })
  expect(code, stderr).toBe(0)
  expect(api.asked.length).toBe(asked)
  expect((await aigate(['eval', 'app', '--no-cache'], folder, { FIRST_KEY: '' })).code).toBe(4)
})
