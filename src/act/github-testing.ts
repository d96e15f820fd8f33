// For tests: the comments of one pull request behind a small API, and Prism over GitHub's own description of it.
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer, type IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'

type StoredComment = { id: number; body: string; html_url: string; user: { type: string; login: string } }
export type Sent = { method: string; path: string; authorization: string; body: string }

const textOf = async (request: IncomingMessage) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * Keeps comments as GitHub does. `refuse` answers with a status instead, for the nth request (from 1). `login`: whose token
 * it is; null for one of an installation.
 */
export async function startGithub(
  refuse: (sent: Sent, nth: number) => number | undefined = () => undefined,
  login: string | null = null,
) {
  const comments: StoredComment[] = []
  const sent: Sent[] = []
  let last = 0
  const add = (body: string, type = 'Bot', login = 'x'): StoredComment => {
    const id = ++last
    const made = {
      id,
      body,
      html_url: `https://github.com/octo-org/octo-repo/pull/42#${id}`,
      user: { type, login },
    }
    comments.push(made)
    return made
  }
  const server = createServer((request, response) => {
    void textOf(request).then((body) => {
      const { method = '', url = '' } = request
      const asked = { method, path: url, authorization: request.headers.authorization ?? '', body }
      const status = refuse(asked, sent.push(asked))
      const answer = (code: number, json: unknown) =>
        response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(json))
      if (status !== undefined) return answer(status, { message: 'Resource not accessible by integration' })
      const { pathname, searchParams } = new URL(url, 'http://localhost')
      const each = /\/issues\/comments\/(\d+)$/.exec(pathname)
      if (method === 'GET' && pathname === '/user')
        return login === null
          ? answer(403, { message: 'Resource not accessible by integration' })
          : answer(200, { login })
      if (method === 'GET') {
        const number = (name: string) => Number(searchParams.get(name))
        const from = (number('page') - 1) * number('per_page')
        return answer(200, comments.slice(from, from + number('per_page')))
      }
      if (method === 'DELETE') {
        const at = comments.findIndex(({ id }) => id === Number(each?.[1]))
        if (at < 0) return answer(404, { message: 'Not Found' })
        comments.splice(at, 1)
        return response.writeHead(204).end()
      }
      const { body: text } = JSON.parse(body) as { body: string }
      if (text.length > 65_535) return answer(422, { message: 'Validation Failed' })
      if (method === 'POST') return answer(201, add(text, login === null ? 'Bot' : 'User', login ?? 'x'))
      const known = comments.find(({ id }) => id === Number(each?.[1]))
      if (!known) return answer(404, { message: 'Not Found' })
      known.body = text
      return answer(200, known)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return { url, comments, sent, add, close: () => void (server.closeAllConnections(), server.close()) }
}

const require = createRequire(import.meta.url)
const root = join(import.meta.dirname, '..', '..')

/** GitHub's description of its API as a server that refuses what it does not describe. `stop` ends it. */
export async function startPrism(): Promise<{ url: string; stop(): void }> {
  const cli = require.resolve('@stoplight/prism-cli')
  const file = join(root, 'fixtures', 'github', 'issue-comments.openapi.json')
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 30_000)
    const child = spawn(process.execPath, [cli, 'mock', '--errors', '-h', '127.0.0.1', '-p', String(port), file])
    if (await listening(child)) return { url: `http://127.0.0.1:${port}`, stop: () => void child.kill('SIGKILL') }
    child.kill('SIGKILL')
  }
  throw new Error('Prism does not start.')
}

function listening(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    let said = ''
    const read = (text: Buffer) => {
      said += text.toString('utf8')
      if (said.includes('listening')) resolve(true)
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.on('close', () => resolve(false))
  })
}
