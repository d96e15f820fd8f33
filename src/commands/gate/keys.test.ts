// Keys are looked for before anything is asked: no call is made, and paid for, when a later suite lacks its key.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

describe('keys of whoever is asked besides', () => {
  const assert = 'assert: [{contains: right}'
  it.each([
    ['a judge', 'judges: {default: {model: judge}}\n', `${assert}, {rubric: kind}]`],
    ['embeddings', 'embeddings: judge\n', `${assert}, {similar: {to: right, method: cosine}}]`],
    ['a simulated user', '', `${assert}]\ncases: [{id: mine, vars: {q: q}, user: {model: judge, goal: a refund}}]`],
  ])('%s', async (_, config, lines) => {
    const own = promptProject(api, { cases: 3, config })
    const provider = `  late: {type: openai, base_url: "${api.url}", api_key_env: LATE_KEY}\n`
    edit(own, 'aigate.yaml', 'models:\n', `${provider}models:\n  judge: {provider: late, id: j-2026-01-01}\n`)
    edit(own, 'evals/app.suite.yaml', `${assert}]`, lines)
    const before = api.asked.length
    const { code, stderr } = await aigate(['eval'], own, { LATE_KEY: '' })
    expect({ code, asked: api.asked.length - before }, stderr).toEqual({ code: 4, asked: 0 })
    expect(stderr).toContain('LATE_KEY is not set')
  })

  it('also where every answer of the target is known', async () => {
    const own = promptProject(api, { cases: 3, config: 'judges: {default: {model: judge}}\n' })
    expect((await aigate(['eval'], own)).code).toBe(0)
    const provider = `  late: {type: openai, base_url: "${api.url}", api_key_env: LATE_KEY}\n`
    edit(own, 'aigate.yaml', 'models:\n', `${provider}models:\n  judge: {provider: late, id: j-2026-01-01}\n`)
    edit(own, 'evals/app.suite.yaml', `${assert}]`, `${assert}, {rubric: kind}]`)
    const before = api.asked.length
    const { code, stderr } = await aigate(['eval'], own, { LATE_KEY: '' })
    expect({ code, asked: api.asked.length - before }, stderr).toEqual({ code: 4, asked: 0 })
    expect(stderr).toContain('LATE_KEY is not set')
  })

  it('OPENAI_API_KEY where the configuration names no other', async () => {
    const own = promptProject(api, { cases: 3 })
    edit(own, 'aigate.yaml', /^ {2}api: .*$/m, '  api: {type: openai}')
    const { code, stderr } = await aigate(['eval'], own, { OPENAI_API_KEY: '' })
    expect(code, stderr).toBe(4)
    expect(stderr).toContain('OPENAI_API_KEY is not set')
    expect(existsSync(join(own, '.aigate', 'runs'))).toBe(false)
  })
})
