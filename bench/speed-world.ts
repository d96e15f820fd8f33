// What the speed table is measured with: an API that answers at once or late, a project of n cases, and a meter around a process.
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'

/** The benches are started in the repository, as `node bench/run.mjs` is. */
export const repository = process.cwd()
export const program = resolve(repository, 'bin/aigate.js')

/** What a process took: seconds on the clock, seconds of CPU in user mode, and its peak memory in megabytes. */
export type Taken = { wall: number; user: number; peak: number; code: number | null; said: string }

/** Asks the process itself at its end: what it used, without a tool that only one system has. */
const meter = `import { writeFileSync } from 'node:fs'
process.on('exit', () => {
  const { userCPUTime, maxRSS } = process.resourceUsage()
  writeFileSync(process.env.METER_FILE, JSON.stringify({ user: userCPUTime / 1e6, peak: maxRSS / 1024 }))
})`

/** Runs Node with arguments in a folder. `metered` false: nothing is loaded besides, and only the wall time is told. */
export async function run(args: string[], cwd: string, metered = true): Promise<Taken> {
  const folder = await mkdtemp(join(tmpdir(), 'aigate-meter-'))
  try {
    const [hook, file] = [join(folder, 'meter.mjs'), join(folder, 'meter.json')]
    if (metered) await writeFile(hook, meter)
    const { CI: _, NODE_OPTIONS: __, ...env } = process.env
    const start = performance.now()
    const child = spawn(process.execPath, [...(metered ? ['--import', hook] : []), ...args], {
      cwd,
      env: { ...env, METER_FILE: file },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += String(chunk)))
    const code = await new Promise<number | null>((done, fail) => child.on('error', fail).on('close', done))
    const wall = (performance.now() - start) / 1000
    const used = metered
      ? (JSON.parse(await readFile(file, 'utf8')) as { user: number; peak: number })
      : { user: 0, peak: 0 }
    return { wall, ...used, code, said }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Like `run`, and throws what the process said unless it ended with 0. */
export async function passed(args: string[], cwd: string): Promise<Taken> {
  const taken = await run(args, cwd)
  if (taken.code !== 0) throw new Error(`${args.join(' ')} ended with ${taken.code}: ${taken.said}`)
  return taken
}

/** The middle of several measurements. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2
}

/** Chat completions on loopback: every answer after `latency` milliseconds, of so many characters. One of `bad` answers fails its case. */
export async function openApi(latency: number, characters = 20, bad = Infinity) {
  const seen = { requests: 0 }
  const usage = { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 }
  const bodyOf = (content: string) => {
    const choices = [{ index: 0, message: { role: 'assistant', content }, logprobs: null, finish_reason: 'stop' }]
    return Buffer.from(JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices, usage }))
  }
  const good = bodyOf('fine '.repeat(Math.ceil(characters / 5)).trim())
  const refused = bodyOf('sorry')
  const server = createServer((request, response) => {
    seen.requests += 1
    const body = seen.requests % bad === 0 ? refused : good
    const answer = () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
      response.end(body)
    }
    request.resume().on('end', () => (latency > 0 ? setTimeout(answer, latency) : answer()))
  })
  server.keepAliveTimeout = 65_000
  await new Promise<void>((done) => server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, done))
  const { port } = server.address() as AddressInfo
  const close = async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
  return { seen, url: `http://127.0.0.1:${port}/v1`, close }
}

/** A project of one suite with `count` cases in `categories` categories, two assertions a case, asked 50 at once. */
export async function writeProject(
  url: string,
  count: number,
  categories = 1,
): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'aigate-speed-'))
  await mkdir(join(folder, 'prompts/bench/answer'), { recursive: true })
  await mkdir(join(folder, 'evals'))
  const files: Record<string, string> = {
    'aigate.yaml': `version: 1
providers:
  bench: {type: openai, base_url: "${url}", concurrency: 50}
models:
  bench: {provider: bench, id: bench-2026-11-01, params: {temperature: 0}, price: {input: 0.15, output: 0.6}}
suites: [evals/*.suite.yaml]
`,
    'prompts/bench/answer/1.0.0.md': `---
name: bench/answer
version: 1.0.0
input: [question]
---
user:
Answer shortly: {{ question }}
`,
    'evals/bench.suite.yaml': `suite: bench
version: 1.0.0
target: {prompt: bench/answer@1.0.0, model: bench}
gate: {min_pass_rate: 0.9, max_regression: 0.05}
assert:
  - {icontains: fine}
  - {not_icontains: sorry}
cases_from: [cases.jsonl]
`,
    'evals/cases.jsonl': Array.from({ length: count }, (_, i) => {
      const category = categories > 1 ? { category: `category_${i % categories}` } : {}
      return `${JSON.stringify({ id: `case_${i}`, ...category, vars: { question: `What is the answer to question ${i}?` } })}\n`
    }).join(''),
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}
