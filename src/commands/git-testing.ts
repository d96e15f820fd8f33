// For tests: real git repositories in temporary folders, and an API on the loopback that counts who asks it what.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { temporary } from './cli-testing.ts'

const settings = ['user.name=Ada', 'user.email=ada@example.org', 'commit.gpgsign=false', 'protocol.file.allow=always']

export const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', [...settings.flatMap((one) => ['-c', one]), ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim()

export function write(folder: string, path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), text)
}

/** Replaces a text that must be there. */
export function edit(folder: string, path: string, from: string | RegExp, to: string): void {
  const before = readFileSync(join(folder, path), 'utf8')
  const after = before.replace(from, to)
  if (after === before) throw new Error(`${path} holds no ${from}`)
  writeFileSync(join(folder, path), after)
}

export function commit(folder: string, message: string): string {
  git(folder, 'add', '-A')
  git(folder, 'commit', '-qm', message)
  return git(folder, 'rev-parse', 'HEAD')
}

/** A fresh clone of `from`, on a branch of its own. */
export function clone(from: string, ...args: string[]): string {
  const folder = join(temporary(), 'clone')
  git(from, 'clone', '-q', ...args, args.includes('--depth') ? `file://${from}` : from, folder)
  git(folder, 'checkout', '-qB', 'change')
  return folder
}

export type Question = { model: string; system: string; user: string }
/** `asked` grows with every call. `answer` gives the text, or the status of a refusal. */
export type Api = { url: string; asked: Question[]; close(): void }

/** An OpenAI-compatible API whose answers are scripted. */
export async function startApi(
  answer: (question: Question, nth: number) => string | number | Promise<string | number>,
): Promise<Api> {
  const asked: Question[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    const reply = async () => {
      const { model, messages } = JSON.parse(Buffer.concat(chunks).toString()) as {
        model: string
        messages: { content: string }[]
      }
      const question = { model, system: messages[0]?.content ?? '', user: messages[1]?.content ?? '' }
      const content = await answer(question, asked.push(question))
      const head = { 'content-type': 'application/json' }
      if (typeof content === 'number') {
        const error = content === 404 ? { message: `No model ${model}`, code: 'model_not_found' } : { message: 'busy' }
        response.writeHead(content, head).end(JSON.stringify({ error }))
        return
      }
      const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
      const body = { id: `r${asked.length}`, object: 'chat.completion', created: 0, model, choices }
      response.writeHead(200, head).end(JSON.stringify(body))
    }
    request.on('end', () => void reply())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${port}/v1`, asked, close }
}

/** `config`, `suite`: lines added to the files. */
export type Given = { cases?: number; config?: string; suite?: string }

/** A committed project on `main` that asks the prompt a@1.0.0 of the pinned model m-2026-01-01; a@1.1.0 lies beside it. */
export function promptProject(api: Api, { cases = 40, config = '', suite = '' }: Given = {}): string {
  const folder = temporary()
  write(
    folder,
    'aigate.yaml',
    `version: 1\nproviders:\n  api: {type: openai, base_url: "${api.url}", concurrency: 8, retries: 0}\nmodels:\n  main: {provider: api, id: m-2026-01-01}\n  next: {provider: api, id: m-2026-06-01}\n${config}`,
  )
  for (const [version, word] of Object.entries({ '1.0.0': 'friendly', '1.1.0': 'terse' })) {
    const text = `---\nname: a\nversion: ${version}\ninput: [q]\n---\nsystem:\nBe ${word}.\n\nuser:\n{{ q }}\n`
    write(folder, `prompts/a/${version}.md`, text)
  }
  const rows = Array.from({ length: cases }, (_, i) => JSON.stringify({ id: `c${i}`, vars: { q: `question ${i}` } }))
  write(folder, 'evals/cases.jsonl', `${rows.join('\n')}\n`)
  write(
    folder,
    'evals/app.suite.yaml',
    `suite: app\nversion: 1.0.0\ntarget: {prompt: a@1.0.0, model: main}\ntrials: 1\nassert: [{contains: right}]\ngate: {min_pass_rate: 0.1, max_regression: 0.1}\ncases_from: [cases.jsonl]\n${suite}`,
  )
  write(folder, '.gitignore', '.aigate/\nrun.json\n')
  git(folder, 'init', '-q', '-b', 'main')
  commit(folder, 'the base')
  return folder
}
