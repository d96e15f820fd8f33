// For tests: endpoints that fail, hang or lose an answer, a small GitHub, and a repository with a remote.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { newFolder } from '../act-testing.ts'

export type Asked = { method: string; url: string; headers: IncomingHttpHeaders; body: unknown }
type Answer = { status: number; text: string } | 'hang' | 'drop'
const open: Server[] = []

/** A real server on loopback; `answer` is told the request and the how manieth it is. */
export async function endpoint(answer: (asked: Asked, n: number) => Answer | Promise<Answer>) {
  const requests: Asked[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (data: Buffer) => (text += data.toString()))
    request.on('end', () => {
      const body: unknown = text === '' ? undefined : JSON.parse(text)
      const asked = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body }
      requests.push(asked)
      void Promise.resolve(answer(asked, requests.length)).then((said) => {
        if (said === 'drop') response.destroy()
        if (said === 'hang' || said === 'drop') return
        response.writeHead(said.status, { 'content-type': 'application/json' }).end(said.text)
      })
    })
  })
  open.push(server)
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, requests }
}

export function closeEndpoints(): void {
  for (const server of open.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
}

/** Issues and pull requests as the API keeps them. `loseFirstAnswer`: the first that is made answers nobody. */
export async function gitHub({
  loseFirstAnswer = false,
  onMade = () => {},
}: {
  loseFirstAnswer?: boolean
  onMade?: () => void
} = {}) {
  const issues: Record<string, unknown>[] = []
  const pulls: Record<string, unknown>[] = []
  let lost = !loseFirstAnswer
  const at = await endpoint(({ method, url, body }) => {
    const list = url.includes('/issues') ? issues : pulls
    if (method === 'GET') return { status: 200, text: JSON.stringify(list) }
    const made = body as Record<string, unknown>
    const one = { ...made, number: list.length + 1, head: { ref: made['head'] } }
    list.push(one)
    onMade()
    if (!lost) {
      lost = true
      return 'drop'
    }
    return { status: 201, text: JSON.stringify(one) }
  })
  return { ...at, issues, pulls }
}

/** A checkout with a bare remote: a prompt in two versions, and a later commit of something else. */
export function repository(): { root: string; git: (...args: string[]) => string; show: (what: string) => string } {
  const folder = newFolder()
  const remote = join(folder, 'remote.git')
  const root = join(folder, 'checkout')
  // Committed long before anything can fire.
  const env = { ...process.env, GIT_COMMITTER_DATE: new Date(Date.now() - 3_600_000).toISOString() }
  const run = (cwd: string, ...args: string[]) =>
    execFileSync('git', args, { cwd, encoding: 'utf8', stdio: 'pipe', env })
  run(folder, 'init', '-q', '--bare', '-b', 'main', remote)
  run(folder, 'init', '-q', '-b', 'main', root)
  run(root, 'config', 'user.name', 'Ada')
  run(root, 'config', 'user.email', 'ada@example.com')
  run(root, 'remote', 'add', 'origin', remote)
  mkdirSync(join(root, 'prompts'))
  const commit = (file: string, text: string) => {
    writeFileSync(join(root, file), text)
    run(root, 'add', '-A')
    run(root, 'commit', '-qm', `${file}: ${text.trim()}`)
  }
  commit('prompts/answer.md', 'version 1\n')
  commit('prompts/answer.md', 'version 2\n')
  commit('README.md', 'later\n')
  run(root, 'push', '-q', 'origin', 'main')
  return { root, git: (...args) => run(remote, ...args), show: (what) => run(remote, 'show', what) }
}
