// A run that was killed or interrupted goes on where its record ends: counted at a real API, with real signals.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn, start, temporary } from '../cli-testing.ts'
import { type Api, commit, edit, git, promptProject, write } from '../git-testing.ts'

const apis: Api[] = []
afterEach(() => {
  for (const api of apis.splice(0)) api.close()
})
afterAll(removeTemporary)

/** An API whose answer depends on the question alone, after `wait` milliseconds; null: it never answers. */
async function slowApi(wait: number, answer: (user: string) => string | null = verdictOf): Promise<Api> {
  const asked: Api['asked'] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { model, messages } = JSON.parse(Buffer.concat(chunks).toString())
      const user: string = messages[1].content
      asked.push({ model, system: messages[0].content, user })
      const content = answer(user)
      if (content === null) return
      const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
      const body = { id: `r${asked.length}`, object: 'chat.completion', created: 0, model, choices }
      const head = { 'content-type': 'application/json' }
      setTimeout(() => response.writeHead(200, head).end(JSON.stringify(body)), wait)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  const api = { url: `http://127.0.0.1:${port}/v1`, asked, close }
  apis.push(api)
  return api
}
const verdictOf = (user: string) => (/[37]$/.test(user) ? `no idea of ${user}` : `right: ${user}`)

const reporters = ['--reporter', 'table,json:run.json']
const uncached = ['--no-cache', ...reporters]
const resume = (folder: string, ...args: string[]) => aigate(['eval', '--resume', ...args, ...uncached], folder)
const runFolder = (folder: string) => {
  const runs = join(folder, '.aigate', 'runs')
  return join(runs, readdirSync(runs).sort().at(-1) ?? '')
}
/** Cases with a whole line in the record. */
function answered(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.flatMap((line) => /^{"type":"answer","case":"c(\d+)"/.exec(line)?.[1] ?? [])
}
/** Starts a run and ends it by a signal as soon as the API has seen so many more questions. */
async function stopAfter(api: Api, folder: string, args: string[], more: number, signal: NodeJS.Signals) {
  const from = api.asked.length
  const { child, ended } = start(args, folder)
  while (api.asked.length < from + more && child.exitCode === null) await new Promise((go) => setTimeout(go, 2))
  const at = Date.now()
  child.kill(signal)
  return { ...(await ended), took: Date.now() - at, signalCode: child.signalCode }
}
const same = (folder: string) => {
  const { verdict, cases } = reportIn(folder).suites[0]!
  return JSON.stringify({ verdict, cases: cases.map(({ latency_ms: _l, detail: _d, file: _f, ...rest }) => rest) })
}

it('kill -9 twenty times in a run of 500 cases: nothing asked twice, nothing lost, the same verdict', {
  timeout: 180_000,
}, async () => {
  const api = await slowApi(20)
  const calm = promptProject(api, { cases: 500 })
  expect((await aigate(['eval', ...uncached], calm)).code).toBe(0)
  expect(api.asked).toHaveLength(500)
  const folder = promptProject(api, { cases: 500 })
  const moments = [1, 9, 17, 2, 30, 8, 25, 4, 12, 21, 1, 16, 5, 33, 7, 11, 3, 26, 14, 19]
  let kept: string[] = []
  for (const [nth, more] of moments.entries()) {
    const from = api.asked.length
    const args = nth === 0 ? ['eval', ...uncached] : ['eval', '--resume', ...uncached]
    expect((await stopAfter(api, folder, args, more, 'SIGKILL')).signalCode).toBe('SIGKILL')
    const asked = api.asked.slice(from).map(({ user }) => user.replace('question ', ''))
    expect(asked.filter((one) => kept.includes(one))).toEqual([])
    const [file = ''] = readdirSync(runFolder(folder)).filter((name) => name.endsWith('.jsonl'))
    const now = answered(join(runFolder(folder), file))
    expect(kept.filter((one) => !now.includes(one))).toEqual([])
    kept = now
  }
  expect(kept.length).toBeGreaterThan(100)
  const from = api.asked.length
  expect((await resume(folder)).code).toBe(0)
  const last = api.asked.slice(from).map(({ user }) => user.replace('question ', ''))
  expect(last.toSorted()).toEqual(
    Array.from({ length: 500 }, (_, i) => String(i))
      .filter((one) => !kept.includes(one))
      .toSorted(),
  )
  expect(same(folder)).toBe(same(calm))
  expect(readdirSync(join(folder, '.aigate', 'runs'))).toHaveLength(1)
  expect(reportIn(folder).suites[0]!.totals.calls).toBe(500)
  expect((await aigate(['report', 'latest'], folder)).code).toBe(0)
})

it('what was killed while it recorded goes on to recordings of every answer, without anybody asked twice', {
  timeout: 60_000,
}, async () => {
  const api = await slowApi(20)
  const folder = promptProject(api, { cases: 60 })
  const { signalCode } = await stopAfter(api, folder, ['eval', '--record', ...uncached], 30, 'SIGKILL')
  expect(signalCode).toBe('SIGKILL')
  const [file = ''] = readdirSync(runFolder(folder)).filter((name) => name.endsWith('.jsonl'))
  const kept = answered(join(runFolder(folder), file)).length
  expect(kept).toBeGreaterThan(10)
  const from = api.asked.length
  expect((await resume(folder)).code).toBe(0)
  const asked = api.asked.length
  expect(asked - from).toBe(60 - kept)
  const before = same(folder)
  expect((await aigate(['eval', '--offline', ...reporters], folder)).code).toBe(0)
  expect([api.asked.length, reportIn(folder).suites[0]!.totals.replayed, same(folder)]).toEqual([asked, 60, before])
  expect(readFileSync(join(folder, 'recordings', 'app.jsonl'), 'utf8')).not.toContain('cost_usd')
})

it('Ctrl-C ends within two seconds with 130 and the line that goes on, also while a program grades', async () => {
  const api = await slowApi(1, (user) => (user.endsWith('9') ? null : verdictOf(user)))
  const folder = promptProject(api, { cases: 20, suite: '' })
  write(folder, 'evals/slow.mjs', "import { setTimeout as sleep } from 'node:timers/promises'\nawait sleep(60_000)\n")
  edit(folder, 'evals/cases.jsonl', '"question 5"}', '"question 5"},"assert":[{"command":{"run":["node","slow.mjs"]}}]')
  const { code, stderr, took } = await stopAfter(api, folder, ['eval', ...uncached], 12, 'SIGINT')
  expect(code).toBe(130)
  expect(took).toBeLessThan(2000)
  const [, command = ''] = /go on: aigate (eval --resume \S+)/.exec(stderr) ?? []
  expect(command).not.toBe('')
  const known = answered(join(runFolder(folder), 'app.jsonl'))
  write(folder, 'evals/slow.mjs', "console.log('{}')\n")
  const before = api.asked.length
  const changed = await aigate([...command.split(' '), ...uncached], folder)
  expect(changed.code).toBe(2)
  expect(changed.stderr).toMatch(
    /cannot go on, because this changed meanwhile: app: files that answer or grade: evals\/slow\.mjs\./,
  )
  expect(api.asked.length).toBe(before)
  expect(known.length).toBeGreaterThan(0)
})

it('one Ctrl-C that comes twice, as with --watch, is one: the record is closed and the line is there', async () => {
  const api = await slowApi(200)
  const folder = promptProject(api, { cases: 100 })
  const { child, ended } = start(['eval', ...uncached], folder)
  while (api.asked.length < 5) await new Promise((go) => setTimeout(go, 5))
  child.kill('SIGINT')
  child.kill('SIGINT')
  await new Promise((go) => setTimeout(go, 20))
  child.kill('SIGINT')
  const { code, stderr } = await ended
  expect([code, stderr]).toEqual([130, expect.stringMatching(/go on: aigate eval --resume/)])
  expect(readFileSync(join(runFolder(folder), 'app.jsonl'), 'utf8')).toMatch(/"type":"end","complete":false/)
})

it('goes on in the middle of a later pass: the same verdict', { timeout: 120_000 }, async () => {
  const api = await slowApi(4)
  const made = () => {
    const folder = promptProject(api, { cases: 40 })
    edit(folder, 'evals/app.suite.yaml', 'trials: 1', 'trials: 3')
    return folder
  }
  const calm = made()
  const whole = await aigate(['eval', ...uncached], calm)
  expect(api.asked).toHaveLength(120)
  const folder = made()
  let args = ['eval', ...uncached]
  for (const more of [50, 20, 15, 12]) {
    await stopAfter(api, folder, args, more, 'SIGKILL')
    args = ['eval', '--resume', ...uncached]
  }
  expect(answered(join(runFolder(folder), 'app.jsonl')).length).toBeGreaterThan(60)
  expect((await resume(folder)).code).toBe(whole.code)
  expect(same(folder)).toBe(same(calm))
  expect(reportIn(folder).suites[0]!.verdict.passes).toBe(3)
})

it('goes on in the middle of confirmations, and asks for no more of them', { timeout: 60_000 }, async () => {
  const seen = new Map<string, number>()
  const api = await slowApi(20, (user) => {
    seen.set(user, (seen.get(user) ?? 0) + 1)
    return user.endsWith(' 3') && seen.get(user) === 1 ? `no idea of ${user}` : `right: ${user}`
  })
  const made = () => {
    const folder = promptProject(api, { cases: 12 })
    // A program may judge otherwise the next time: what it says of a critical case is confirmed.
    edit(folder, 'evals/app.suite.yaml', 'contains: right', 'command: {run: [node, judge.mjs]}')
    write(
      folder,
      'evals/judge.mjs',
      'let text = ""\nfor await (const part of process.stdin) text += part\nconst pass = text.includes("right")\nconsole.log(JSON.stringify({ passed: pass, score: pass ? 1 : 0, reason: "seen" }))\n',
    )
    const rows = readFileSync(join(folder, 'evals/cases.jsonl'), 'utf8')
    writeFileSync(join(folder, 'evals/cases.jsonl'), rows.replace('{"id":"c3"', '{"critical":true,"id":"c3"'))
    seen.clear()
    return folder
  }
  const calm = made()
  const whole = await aigate(['eval', ...uncached], calm)
  expect(api.asked).toHaveLength(14)
  const folder = made()
  // The thirteenth question is the first that confirms: all of the pass is saved by then.
  await stopAfter(api, folder, ['eval', ...uncached], 13, 'SIGKILL')
  const before = api.asked.length
  expect((await resume(folder)).code).toBe(whole.code)
  expect(api.asked.slice(before).every(({ user }) => user === 'question 3')).toBe(true)
  expect(same(folder)).toBe(same(calm))
})

it('says what changed meanwhile, and asks nothing then', { timeout: 60_000 }, async () => {
  const api = await slowApi(15)
  const folder = promptProject(api, { cases: 60 })
  await stopAfter(api, folder, ['eval', ...uncached], 10, 'SIGKILL')
  const before = api.asked.length
  const refused = async (path: string, from: string | RegExp, to: string) => {
    const text = readFileSync(join(folder, path), 'utf8')
    edit(folder, path, from, to)
    const { code, stderr } = await resume(folder)
    writeFileSync(join(folder, path), text)
    expect([code, api.asked.length]).toEqual([2, before])
    return stderr
  }
  expect(await refused('evals/cases.jsonl', 'question 4"', 'question four"')).toMatch(
    /the cases or their assertions: c4\./,
  )
  expect(await refused('prompts/a/1.0.0.md', 'Be friendly', 'Be kind')).toMatch(/what is asked \(prompt, model/)
  expect(await refused('aigate.yaml', 'm-2026-01-01', 'm-2026-02-02')).toMatch(/m-2026-01-01\), now .*m-2026-02-02/)
  expect(await refused('aigate.yaml', '/v1', '/v2')).toMatch(/what is asked/)
  expect(await refused('evals/app.suite.yaml', 'min_pass_rate: 0.1', 'min_pass_rate: 0.2')).toMatch(
    /the policy of the gate/,
  )
  expect(await refused('evals/app.suite.yaml', 'suite: app', 'suite: other')).toMatch(/the suite app is gone/)
  const record = join('.aigate', 'runs', runFolder(folder).split(/[\\/]/).at(-1) ?? '', 'app.jsonl')
  expect(await refused(record, /"tool_version":"[^"]+"/, '"tool_version":"0.0.1"')).toMatch(
    /the version of aigate \(0\.0\.1, now/,
  )
  const other = await resume(folder, '--trials', '2')
  expect(other.stderr).toMatch(/goes on with a run as it was started, so that --trials cannot be changed/)
  expect((await resume(folder)).code).toBe(0)
  expect((await resume(folder)).stderr).toMatch(/None of the last 20 runs was interrupted/)
  expect((await resume(folder, 'latest')).code).toBe(0)
  expect(reportIn(folder).suites[0]!.totals.observations).toBe(60)
})

it('a baseline record goes on too: killed and interrupted, nothing is asked twice, the same baseline', {
  timeout: 60_000,
}, async () => {
  const api = await slowApi(15)
  const second = (folder: string) => {
    const suite = readFileSync(join(folder, 'evals/app.suite.yaml'), 'utf8')
    // After the other one, and as long as that.
    write(folder, 'evals/more.suite.yaml', suite.replace('suite: app', 'suite: more').replace('contains: right', 'contains: question')) // biome-ignore format: one line
    commit(folder, 'two suites')
    return folder
  }
  const recordArgs = ['baseline', 'record', '--trials', '2', '--reason', 'agreed']
  const baselines = (folder: string) =>
    ['app', 'more'].map((name) => {
      const { accepted, runs, history, cases, ...rest } = JSON.parse(readFileSync(join(folder, 'baselines', `${name}.json`), 'utf8'))
      const measured = cases.map(({ latencies_ms: _l, history: _h, ...one }: Record<string, unknown>) => one)
      return { ...rest, reason: accepted.reason, runs: runs.length, history: history.length, measured }
    }) // biome-ignore format: one line each
  const calm = second(promptProject(api, { cases: 60 }))
  expect((await aigate(recordArgs, calm)).code).toBe(0)
  const calls = api.asked.length
  expect(calls).toBe(240)

  const folder = second(promptProject(api, { cases: 60 }))
  await stopAfter(api, folder, recordArgs, 50, 'SIGKILL')
  const id = runFolder(folder).split(/[\\/]/).at(-1) ?? ''
  expect((await resume(folder)).stderr).toMatch(/None of the last 20 runs was interrupted/)
  const wrong = await resume(folder, id)
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    expect.stringContaining(`Go on with \`aigate baseline record --resume ${id}\``),
  ])
  const other = await aigate(['baseline', 'record', '--resume', '--trials', '3'], folder)
  expect(other.stderr).toContain('--trials cannot be changed')
  // In the second suite, when the first one has its baseline.
  const soft = await stopAfter(api, folder, ['baseline', 'record', '--resume'], 130, 'SIGINT')
  expect([soft.code, soft.took < 2000, soft.stderr]).toEqual([
    130,
    true,
    expect.stringContaining(`go on: aigate baseline record --resume ${id}`),
  ])
  const done = await aigate(['baseline', 'record', '--resume'], folder)
  expect([done.code, done.stdout]).toEqual([
    0,
    expect.stringMatching(/app\.json: holds this run already\.\n.*more\.json: /),
  ])
  expect(baselines(folder)).toEqual(baselines(calm))
  // What was under way when it was stopped, at most one a place, is asked again.
  expect(api.asked.length - calls).toBeLessThanOrEqual(240 + 2 * 8)
  expect((await aigate(['baseline', 'record', '--resume'], folder)).stderr).toMatch(/was interrupted/)
})

it('says that a judge, or who gives embeddings, is asked at another address now', { timeout: 60_000 }, async () => {
  const api = await slowApi(15)
  const folder = promptProject(api, { cases: 60, config: 'judges: {default: {model: judge}}\nembeddings: vectors\n' })
  const graders = `  graders: {type: openai, base_url: "${api.url}"}\n  vectors: {type: openai, base_url: "${api.url}/e"}\n`
  edit(folder, 'aigate.yaml', 'models:\n', `${graders}models:\n  vectors: {provider: vectors, id: e-2026-01-01}\n`)
  edit(folder, 'aigate.yaml', 'models:\n', 'models:\n  judge: {provider: graders, id: j-2026-01-01}\n')
  const asserted = '[{contains: right}, {rubric: good}, {similar: {to: right, method: cosine}}]'
  edit(folder, 'evals/app.suite.yaml', '[{contains: right}]', asserted)
  await stopAfter(api, folder, ['eval', ...uncached], 4, 'SIGKILL')
  for (const name of ['graders', 'vectors']) {
    const text = readFileSync(join(folder, 'aigate.yaml'), 'utf8')
    edit(
      folder,
      'aigate.yaml',
      `${name}: {type: openai, base_url: "`,
      `${name}: {type: openai, base_url: "http://other.example/x?`,
    )
    const before = api.asked.length
    const { code, stderr } = await resume(folder)
    writeFileSync(join(folder, 'aigate.yaml'), text)
    expect([code, stderr]).toEqual([2, expect.stringContaining('the judges, their prompts or their calibration')])
    expect(api.asked.length).toBe(before)
  }
})

it('never goes on with a record that is committed: its author could have written it', async () => {
  const api = await slowApi(15)
  const folder = promptProject(api, { cases: 60 })
  await stopAfter(api, folder, ['eval', ...uncached], 10, 'SIGKILL')
  git(folder, 'add', '-f', '.aigate/runs')
  commit(folder, 'a head start')
  const before = api.asked.length
  const { code, stderr } = await resume(folder)
  expect([code, stderr, api.asked.length]).toEqual([
    2,
    expect.stringMatching(/runs.\w+-\w+ is committed: its author/),
    before,
  ])
})

it('nobody goes on with a run that is still running', async () => {
  const api = await slowApi(300)
  const folder = promptProject(api, { cases: 100 })
  const { child, ended } = start(['eval', ...uncached], folder)
  while (api.asked.length < 5) await new Promise((go) => setTimeout(go, 5))
  const { code, stderr } = await resume(folder)
  expect(code).toBe(3)
  expect(stderr).toMatch(/Another runner is at this run/)
  expect((await ended).code).toBe(0)
  expect(child.exitCode).toBe(0)
  expect(api.asked).toHaveLength(100)
})

it('goes on from an uploaded folder on another machine, with all suites and both sides', {
  timeout: 60_000,
}, async () => {
  const api = await slowApi(10)
  const folder = promptProject(api, { cases: 40 })
  write(
    folder,
    'evals/zeta.suite.yaml',
    readFileSync(join(folder, 'evals/app.suite.yaml'), 'utf8').replace('suite: app', 'suite: zeta'),
  )
  commit(folder, 'two suites')
  git(folder, 'checkout', '-qb', 'change')
  for (const suite of ['app', 'zeta']) edit(folder, `evals/${suite}.suite.yaml`, 'a@1.0.0', 'a@1.1.0')
  commit(folder, 'the change')
  const begin = ['eval', '--against', 'main', '--seed', '5', '--trials', '2', ...uncached]
  await stopAfter(api, folder, begin, 60, 'SIGKILL')
  const uploaded = join(temporary(), 'artifact')
  cpSync(runFolder(folder), uploaded, { recursive: true })
  rmSync(join(folder, '.aigate'), { recursive: true })
  const kept = answered(join(uploaded, 'app.jsonl')).length + answered(join(uploaded, 'against', 'app.jsonl')).length
  expect(kept).toBeGreaterThan(30)
  const before = api.asked.length
  const { code } = await resume(folder, uploaded)
  expect(code).toBe(0)
  expect(api.asked.length - before).toBe(2 * 2 * 2 * 40 - kept)
  expect(reportIn(folder).suites.map(({ suite, run, totals }) => [suite, run.seed, totals.observations])).toEqual([
    ['app', 5, 80],
    ['zeta', 5, 80],
  ])
})

it('asks again what failed, where the run stopped because of it', async () => {
  const api = await slowApi(5)
  const folder = promptProject(api, { cases: 12 })
  edit(folder, 'aigate.yaml', api.url, 'http://127.0.0.1:9/v1')
  expect((await aigate(['eval', ...uncached], folder)).code).toBe(4)
  const changed = await resume(folder)
  expect(changed.code).toBe(4)
  expect(readFileSync(join(runFolder(folder), 'app.jsonl'), 'utf8').match(/"type":"end"/g)).toHaveLength(1)
})
