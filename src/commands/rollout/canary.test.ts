// The whole loop with the built program: a real application reads its flag through OpenFeature and logs; aigate watches it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { aigate, removeTemporary, root, start } from '../cli-testing.ts'
import { flagText, plan, planPath, projectFolder } from './canary-testing.ts'

const apps: ChildProcess[] = []
afterEach(async () => {
  for (const app of apps.splice(0)) if (app.kill('SIGKILL')) await once(app, 'exit').catch(() => undefined)
})
afterAll(removeTemporary)

const hasty = plan.replace('settle: 5s', 'settle: 1s').replace('lateness: 1s', 'lateness: 500ms')

/** An application of about 400 requests a second that asks flagd, in process, which prompt each user gets. */
const application = (folder: string, bad: number) => `
  import { appendFileSync } from 'node:fs'
  import { OpenFeature } from ${JSON.stringify(join(root, 'node_modules/@openfeature/server-sdk/dist/esm/index.js'))}
  import flagd from ${JSON.stringify(join(root, 'node_modules/@openfeature/flagd-provider/index.cjs.js'))}
  const file = ${JSON.stringify(join(folder, 'deploy/flags.json'))}
  await OpenFeature.setProviderAndWait(
    new flagd.FlagdProvider({ resolverType: 'in-process', offlineFlagSourcePath: file, offlinePollIntervalMs: 500 }),
  )
  const client = OpenFeature.getClient()
  let n = 0
  setInterval(async () => {
    let lines = ''
    for (let i = 0; i < 20; i += 1) {
      n += 1
      const user = 'user-' + n
      const { variant } = await client.getStringDetails('support-1.3-prompt', 'x', { targetingKey: user })
      const failed = variant === 'candidate' ? n % 100 < ${bad} * 5 : n % 100 < 2
      lines += JSON.stringify({
        ts: new Date().toISOString(), id: String(n), 'gen_ai.operation.name': 'chat', 'error.type': failed ? 'timeout' : null,
        duration_ms: 100, 'feature_flag.result.variant': variant, 'feature_flag.context.id': user, 'aigate.arm': variant,
      }) + '\\n'
    }
    appendFileSync(${JSON.stringify(join(folder, 'logs/app.jsonl'))}, lines)
  }, 50)
`

function startApp(folder: string, bad: number): void {
  mkdirSync(join(folder, 'logs'), { recursive: true })
  const app = spawn(process.execPath, ['--input-type=module', '-e', application(folder, bad)], { stdio: 'inherit' })
  apps.push(app)
}

it('the verbs show examples and take --json', async () => {
  const folder = projectFolder()
  for (const verb of ['plan', 'start', 'tick', 'watch', 'status', 'approve', 'replay', 'simulate', 'selftest']) {
    const { code, stdout } = await aigate(['canary', verb, '--help'], folder)
    expect(stdout).toMatch(/Examples:\n {2}\$ aigate canary /)
    expect([stdout.includes('--json'), code]).toEqual([true, 0])
  }
  expect(await aigate(['canary', 'status'], folder)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('none was started'),
  })
}, 60_000)

it('check, start, two runners, edited plan, abort', async () => {
  const folder = projectFolder({ [planPath]: hasty })
  expect(await aigate(['canary', 'start', '--json'], folder)).toMatchObject({ code: 0 })
  const both = await Promise.all([aigate(['canary', 'tick'], folder), aigate(['canary', 'tick'], folder)])
  for (const { code, stderr } of both) expect([0, 3, 4], stderr).toContain(code)
  writeFileSync(join(folder, planPath), hasty.replace('50%', '45%'))
  expect(await aigate(['canary', 'tick'], folder)).toMatchObject({ code: 4 })
  expect(await aigate(['canary', 'amend', '--reason', 'smaller'], folder)).toMatchObject({ code: 0 })
  expect(await aigate(['canary', 'replay'], folder)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/same decisions/),
  })
  expect(await aigate(['canary', 'abort', '--reason', 'enough'], folder)).toMatchObject({ code: 0 })
  expect(flagText(folder)).toContain('"generation": 2')
  // What was stopped has not passed.
  expect(await aigate(['canary', 'tick'], folder)).toMatchObject({ code: 1 })
}, 60_000)

it('without a name: every rollout that still goes on; plans need no suite', async () => {
  const other = hasty.replace('support-1.3', 'other').replace('flags.json', 'other.json')
  const folder = projectFolder({ [planPath]: hasty, 'rollouts/other.rollout.yaml': other })
  expect(await aigate(['check'], folder)).toMatchObject({ code: 0, stdout: expect.stringContaining('2 rollouts') })
  for (const name of ['support-1.3', 'other'])
    expect(await aigate(['canary', 'start', name], folder)).toMatchObject({ code: 0 })
  const both = await aigate(['canary', 'tick'], folder)
  expect([both.code, both.stdout.match(/^\S+ (\S+):/gm)?.length]).toEqual([0, 2])
  expect(await aigate(['canary', 'status'], folder)).toMatchObject({ code: 2 })
  expect(await aigate(['canary', 'abort', 'other', '--reason', 'enough'], folder)).toMatchObject({ code: 0 })
  expect((await aigate(['canary', 'tick'], folder)).stdout).not.toContain('other')
  expect(await aigate(['canary', 'status'], folder)).toMatchObject({ code: 0 })
}, 60_000)

it('a bad candidate is rolled back while the application runs, over kill -9 at any moment', async () => {
  const folder = projectFolder({ [planPath]: hasty })
  expect(await aigate(['canary', 'start'], folder)).toMatchObject({ code: 0 })
  startApp(folder, 20)
  for (let round = 0; round < 20; round += 1) {
    const { child, ended } = start(['canary', 'tick'], folder)
    await new Promise((go) => setTimeout(go, 20 + round * 35))
    child.kill('SIGKILL')
    await ended
  }
  const { ended } = start(['canary', 'watch', '--every', '2s'], folder)
  const watched = await ended
  expect([watched.code, watched.stdout]).toEqual([1, expect.stringContaining('rolled-back')])
  expect(await aigate(['canary', 'verdict'], folder)).toMatchObject({ code: 1 })
  expect(await aigate(['canary', 'replay'], folder)).toMatchObject({ code: 0 })
  const settled = readFileSync(join(folder, 'logs/app.jsonl'), 'utf8').length
  await new Promise((go) => setTimeout(go, 6000))
  const size = readFileSync(join(folder, 'logs/app.jsonl'), 'utf8').length
  await new Promise((go) => setTimeout(go, 1000))
  const after = readFileSync(join(folder, 'logs/app.jsonl'), 'utf8').slice(size)
  expect(size).toBeGreaterThan(settled)
  expect(after).not.toContain('"aigate.arm":"candidate"')
}, 240_000)

it('Ctrl-C ends a watch within two seconds', async () => {
  const folder = projectFolder({ [planPath]: hasty })
  await aigate(['canary', 'start'], folder)
  const { child, ended } = start(['canary', 'watch', '--every', '60s'], folder)
  await new Promise<void>((go) => child.stdout?.once('data', () => go()))
  child.kill('SIGINT')
  const late = new Promise((go) => setTimeout(() => go('late'), 2000).unref())
  expect(await Promise.race([ended.then(({ code }) => code), late])).toBe(130)
}, 60_000)
