// A provider of embeddings that is down, against real servers: noticed after a handful of requests, and the run ends.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, expect, it } from 'vitest'
import { aigate, removeTemporary } from '../cli-testing.ts'
import { type Api, edit, promptProject, startApi } from '../git-testing.ts'

const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})
afterAll(removeTemporary)

type Down = { url: string; requests: () => number }

/** Answers every request with this status. */
async function failing(status: number): Promise<Down> {
  let requests = 0
  const server: Server = createServer((request, response) => {
    requests += 1
    const error = { message: 'out of order' }
    request.resume().on('end', () => response.writeHead(status).end(JSON.stringify({ error })))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(server)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, requests: () => requests }
}

/** 200 cases whose answers are compared with a text by embeddings of the server. */
async function project(url: string): Promise<{ folder: string; api: Api }> {
  const api = await startApi(() => 'right')
  open.push(api)
  const folder = promptProject(api, { cases: 200 })
  edit(folder, 'aigate.yaml', 'models:', `  vectors: {type: openai, base_url: "${url}"}\nmodels:`)
  edit(
    folder,
    'aigate.yaml',
    'models:',
    'embeddings: vectors\nmodels:\n  vectors: {provider: vectors, id: e-2026-01-01}',
  )
  edit(folder, 'evals/app.suite.yaml', '[{contains: right}]', '[{similar: {to: right, method: cosine}}]')
  // The answers come one after the other, so that their embeddings are not asked for all at once.
  edit(folder, 'aigate.yaml', 'concurrency: 8', 'concurrency: 1, rpm: 600')
  return { folder, api }
}

it.each([500, 401, 404])('that answers with %i alone', { timeout: 60_000 }, async (status) => {
  const { url, requests } = await failing(status)
  const { folder, api } = await project(url)
  const { code, stdout } = await aigate(['eval', '--no-cache'], folder)
  expect(code).toBe(4)
  expect(stdout).toMatch(/out of order/)
  // At 200 cases of 0.1 s and three attempts each it would be 600.
  expect(requests()).toBeLessThan(45)
  expect(api.asked.length).toBeLessThan(150)
})

it('that is not there', { timeout: 60_000 }, async () => {
  const { url } = await failing(500)
  for (const one of open.splice(0)) one.close()
  const { folder, api } = await project(url)
  const { code, stdout } = await aigate(['eval', '--no-cache'], folder)
  expect([code, stdout]).toEqual([4, expect.stringMatching(/vectors/)])
  expect(api.asked.length).toBeLessThan(150)
})
