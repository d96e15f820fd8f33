// eval --watch with a real program, real saves and real signals: only what a save changes is asked again, and errors end nothing.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { removeTemporary, start } from '../../cli-testing.ts'
import { type Api, edit, promptProject, startApi, write } from '../../git-testing.ts'

const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})
afterAll(removeTemporary)

function watching(folder: string) {
  const { child, ended } = start(['eval', '--watch'], folder)
  let said = ''
  child.stderr?.on('data', (data) => (said += data))
  open.push({ close: () => void child.kill('SIGKILL') })
  /** Does something, and gives what was said until the program waits again, after `wanted` was said. */
  const after = async (act: () => void, wanted = /./): Promise<string> => {
    const from = said.length
    const waits = () => said.indexOf('watching: save', from + said.slice(from).search(wanted)) !== -1
    const until = Date.now() + 30_000
    act()
    while (!(wanted.test(said.slice(from)) && waits()) && child.exitCode === null && Date.now() < until)
      await new Promise((go) => setTimeout(go, 10))
    return said.slice(from)
  }
  const sees = async (act: () => void, wanted: RegExp) => expect(await after(act, wanted)).toMatch(wanted)
  return { child, ended, after, sees, said: () => said }
}

async function twoSuites(): Promise<{ api: Api; folder: string }> {
  const api = await startApi(({ user }) => `right: ${user}`)
  open.push(api)
  const folder = promptProject(api, { cases: 20 })
  const suite = readFileSync(join(folder, 'evals/app.suite.yaml'), 'utf8')
  write(folder, 'evals/zeta.suite.yaml', suite.replace('suite: app', 'suite: zeta').replace('a@1.0.0', 'a@1.1.0'))
  return { api, folder }
}

it('asks again only what a save changes', { timeout: 90_000 }, async () => {
  const { api, folder } = await twoSuites()
  const { child, ended, after, sees, said } = watching(folder)
  await after(() => undefined)
  expect(api.asked).toHaveLength(40)
  // The look behind the first one is over by then: in its middle a save would be seen in two parts.
  await new Promise((go) => setTimeout(go, 1000))
  // One case: one question for each of the suites that have it.
  await sees(
    () => edit(folder, 'evals/cases.jsonl', 'question 4"', 'question four"'),
    /app: 1 of 20 cases changed; zeta: 1 of 20 cases changed/,
  )
  expect(api.asked.slice(40).map(({ user }) => user)).toEqual(['question four', 'question four'])
  // A prompt: the suite that uses it. Saved as editors do it, by a rename.
  const prompt = join(folder, 'prompts/a/1.1.0.md')
  const saved = await after(() => {
    writeFileSync(`${prompt}.tmp`, readFileSync(prompt, 'utf8').replace('Be terse', 'Be brief'))
    renameSync(`${prompt}.tmp`, prompt)
  })
  expect(saved).toMatch(/zeta: 20 of 20 cases changed\n/)
  expect(saved).not.toMatch(/app:/)
  expect([api.asked.length, api.asked.slice(42).every(({ system }) => system === 'Be brief.')]).toEqual([62, true])
  // Rules alone: judged again, nobody is asked.
  await sees(
    () => edit(folder, 'evals/app.suite.yaml', 'min_pass_rate: 0.1', 'min_pass_rate: 0.2'),
    /app: its rules or its baseline changed/,
  )
  expect(api.asked).toHaveLength(62)
  // A broken file is shown, and put right it goes on.
  await sees(() => edit(folder, 'evals/app.suite.yaml', 'trials: 1', 'trails: 1'), /unknown key.*trails/)
  expect(child.exitCode).toBe(null)
  await sees(() => edit(folder, 'evals/app.suite.yaml', 'trails: 1', 'trials: 2'), /app: its rules/)
  expect(api.asked).toHaveLength(82)
  child.kill('SIGINT')
  const { code, stdout } = await ended
  expect([code, stdout.split(/^app /m).length > 1]).toEqual([0, true])
  expect(said()).not.toMatch(/itself failed/)
})

it('Ctrl-C in the middle of a run ends both with 130', { timeout: 60_000 }, async () => {
  const { api, folder } = await twoSuites()
  edit(folder, 'aigate.yaml', 'concurrency: 8', 'concurrency: 1, rpm: 60')
  const { child, ended, said } = watching(folder)
  while (api.asked.length === 0) await new Promise((go) => setTimeout(go, 5))
  child.kill('SIGINT')
  expect((await ended).code).toBe(130)
  expect(said()).toMatch(/go on: aigate eval --resume/)
})

it('sees the save that mends what was broken from the start, the quarantine list, and folders made again', {
  timeout: 90_000,
}, async () => {
  const { folder } = await twoSuites()
  edit(folder, 'evals/app.suite.yaml', 'trials: 1', 'trails: 1')
  const { after, sees } = watching(folder)
  expect(await after(() => undefined)).toMatch(/unknown key.*trails/)
  await sees(() => edit(folder, 'evals/app.suite.yaml', 'trails: 1', 'trials: 1'), /zeta pass 1 · 20\/20/)
  const day = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)
  const entry = `- {suite: app, case: c1, owner: me, reason: flaky, until: ${day}}\n`
  await sees(() => write(folder, 'quarantine.yaml', entry), /app: its rules or its baseline changed/)
  // As git does it when it changes to another branch and back.
  const path = join(folder, 'prompts/a')
  const texts = ['1.0.0.md', '1.1.0.md'].map((name) => [name, readFileSync(join(path, name), 'utf8')] as const)
  const again = (change: (text: string) => string) => {
    rmSync(path, { recursive: true })
    for (const [name, text] of texts) write(folder, join('prompts/a', name), change(text))
  }
  // The program may look in the middle of it, and say so; what counts is that it comes to see the whole.
  const changed = /zeta: 20 of 20 cases changed/
  await sees(() => again((text) => text.replace('Be terse', 'Be brief')), changed)
  await sees(() => edit(folder, 'prompts/a/1.1.0.md', 'Be brief', 'Be short'), changed)
  // And looked at while half of it is there.
  rmSync(path, { recursive: true })
  await sees(() => undefined, /error/)
  mkdirSync(path)
  await new Promise((go) => setTimeout(go, 300))
  const whole = () => {
    for (const [name, text] of texts) write(folder, join('prompts/a', name), text)
  }
  await sees(whole, changed)
})
