// What a change cannot permit itself, and what is said where there is nothing that it is held against; through the built program.
import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aigate, removeTemporary, temporary } from '../cli-testing.ts'
import { clone, commit, edit, git, write } from '../git-testing.ts'

let server: Server
let port = 0
beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const { model } = JSON.parse(Buffer.concat(chunks).toString())
      const choices = [{ index: 0, message: { role: 'assistant', content: 'right' }, finish_reason: 'stop' }]
      const usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 }
      const body = { id: 'x', object: 'chat.completion', created: 0, model, choices, usage }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as { port: number }).port
})
afterAll(() => {
  server.close()
  removeTemporary()
})

/** `more`: models besides the pinned one that main asks. */
function repository(more = ''): string {
  const folder = temporary()
  const api = `{type: openai, base_url: "http://127.0.0.1:${port}/v1", retries: 0}`
  const models = `  main: {provider: api, id: gpt-4o-2024-08-06}\n${more}`
  write(
    folder,
    'aigate.yaml',
    `version: 1\nproviders: {api: ${api}}\nmodels:\n${models}gate: {max_regression: false}\n`,
  )
  write(folder, 'prompts/a/1.0.0.md', '---\nname: a\nversion: 1.0.0\n---\nuser:\nHello\n')
  const cases = [1, 2, 3].map((n) => `  - {id: c${n}, assert: [{contains: right}]}\n`)
  write(
    folder,
    'evals/app.suite.yaml',
    `suite: app\nversion: 1.0.0\ntarget: {prompt: a@1.0.0, model: main}\ncases:\n${cases.join('')}`,
  )
  write(folder, '.gitignore', '.aigate/\n')
  git(folder, 'init', '-q', '-b', 'main')
  commit(folder, 'the base')
  return folder
}
const evalIn = (folder: string, ...args: string[]) => aigate(['eval', ...args], folder, { CI: 'true' })

it('a change cannot permit itself a model that is no pin', async () => {
  const folder = clone(repository())
  edit(folder, 'aigate.yaml', 'id: gpt-4o-2024-08-06', 'id: gpt-4o, allow_unpinned: "cheaper"')
  commit(folder, 'a change')
  const { code, stdout } = await evalIn(folder)
  expect(stdout).toContain('models.main.allow_unpinned is new for gpt-4o')
  expect(code).toBe(3)
  expect((await evalIn(folder, '--no-base')).code).toBe(0)
})

it('a permission that the base gives for that model holds', async () => {
  const folder = clone(repository('  trial: {provider: api, id: gpt-4o, allow_unpinned: "agreed"}\n'))
  edit(folder, 'evals/app.suite.yaml', 'model: main', 'model: trial')
  commit(folder, 'a change')
  const { code, stdout } = await evalIn(folder)
  expect(stdout).not.toContain('allow_unpinned is new')
  expect(stdout).toContain('allowed, because: agreed')
  expect(code).toBe(0)
})

it('on the base branch itself it is said that nothing was held against it', async () => {
  const folder = clone(repository())
  const said = /The base is this commit \([0-9a-f]{12}\), so nothing was held against it/
  const push = await evalIn(folder)
  expect([push.code, push.stdout]).toEqual([0, expect.stringMatching(said)])
  edit(folder, 'prompts/a/1.0.0.md', 'Hello', 'Good day')
  expect((await evalIn(folder)).stdout).not.toMatch(said)
  commit(folder, 'the next one')
  expect((await evalIn(folder, '--base', 'HEAD^')).stdout).not.toMatch(said)
  expect((await evalIn(folder, '--base', 'HEAD')).stdout).toMatch(said)
})

it('check says that anchors do nothing where an application is asked', async () => {
  const folder = repository()
  edit(folder, 'evals/app.suite.yaml', 'cases:', 'anchors: 2\ncases:')
  expect((await aigate(['check'], folder)).stderr).not.toContain('anchors')
  write(folder, 'app.mjs', "export default () => 'right'\n")
  edit(folder, 'evals/app.suite.yaml', '{prompt: a@1.0.0, model: main}', '{module: ../app.mjs}')
  const { code, stderr } = await aigate(['check'], folder)
  expect(stderr).toContain(
    'note: evals/app.suite.yaml: `anchors: 2` does nothing, because the target is an application (module)',
  )
  expect(code).toBe(0)
})

it('a pre-release of a prompt is a version as any other: once it is published, it never changes', async () => {
  const base = repository()
  write(base, 'prompts/a/2.0.0-rc.1.md', '---\nname: a\nversion: 2.0.0-rc.1\n---\nuser:\nGood day\n')
  commit(base, 'a candidate')
  const folder = clone(base)
  expect((await aigate(['check'], folder)).code).toBe(0)
  edit(folder, 'prompts/a/2.0.0-rc.1.md', 'Good day', 'Good night')
  const { code, stderr } = await aigate(['check'], folder)
  expect(stderr).toContain('a@2.0.0-rc.1 is published')
  expect(code).toBe(2)
})
