// aigate ready: green only with proof for every question; each missing or broken proof alone makes it red or unproven.
import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { actionsFolder, openActions, withActions } from '../../store/action-journal.ts'
import { loadProject } from '../../store/project.ts'
import { recordCommand } from '../versions/baseline.ts'
import { projectFolder } from '../rollout/canary-testing.ts'
import { removeTemporary } from '../cli-testing.ts'
import { evalCommand } from '../gate/eval.ts'
import { lockCommand } from '../versions/lock.ts'
import { planesHash } from './rollback-drill.ts'
import { readyCommand } from './ready.ts'
import { contextOf, log, MINUTE, NOW } from './watch-testing.ts'

const told: string[] = []
const hook = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    told.push(Buffer.concat(chunks).toString())
    response.end('ok')
  })
})
let port = 0
beforeAll(async () => {
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  const address = hook.address()
  port = typeof address === 'object' && address ? address.port : 0
})
afterAll(() => {
  hook.closeAllConnections()
  hook.close()
  removeTemporary()
})

const suite = (name: string) => `suite: ${name}
version: 1.0.0
target: {command: [sh, -c, 'cat > /dev/null; echo "{\\"text\\": \\"right\\", \\"cost_usd\\": 0.001}"']}
trials: 3
gate: {latency_p95: {max: 60s}, cost_per_case: {max: 1}}
cases:
${Array.from({ length: 40 }, (_, i) => `  - {id: c${i}, vars: {q: "${i}"}, assert: [{contains: right}]}`).join('\n')}
`
const guardText = (url: string) =>
  JSON.stringify({
    guard: 'production',
    source: { type: 'jsonl', path: 'logs/*.jsonl', lateness: '1s' },
    metrics: { error_rate: { bad: 'error.type != null' } },
    triggers: [{ id: 'errors', metric: 'error_rate', above: '50%', window: '10m', do: ['page'] }],
    actions: { page: { type: 'webhook', url } },
  })

/** A project in which everything is proven. */
async function ready(): Promise<string> {
  const folder = projectFolder({
    'aigate.yaml': 'version: 1\nready: {tests: [[node, -e, "0"]]}\n',
    'evals/app.suite.yaml': suite('app'),
    'evals/security.suite.yaml': suite('security'),
    'guard.yaml': guardText(`http://127.0.0.1:${port}/hook`),
  })
  rmSync(join(folder, 'rollouts'), { recursive: true })
  mkdirSync(join(folder, 'logs'), { recursive: true })
  writeFileSync(
    join(folder, 'logs/app.jsonl'),
    log(30, () => false),
  )
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], { cwd: folder })
  // The newest run is told by its time.
  const { context } = contextOf(folder, {}, { now: NOW - 10 * MINUTE })
  await lockCommand(context, {})
  git('add', '-A')
  git('commit', '-qm', 'locked')
  expect(await recordCommand(context, [], { trials: 3, reason: 'test' })).toBe('pass')
  git('add', '-A')
  git('commit', '-qm', 'baselines')
  expect(await evalCommand(contextOf(folder).context, [], { reporter: 'json' })).toBe('pass')
  await drill(folder, 'pass', NOW - MINUTE)
  return folder
}

async function drill(folder: string, outcome: 'pass' | 'fail', at: number) {
  const actions = actionsFolder(await loadProject({ cwd: folder }))
  const detail = { from: 'a', to: 'b', steps: [], left: [], release: null, plan_ms: 1, planes: planesHash({}) }
  const ended = { kind: 'ended', run: 'd1', verb: 'rollback', subject: 'production', drill: true } as const
  await withActions(actions, 'person', () =>
    openActions(actions, () => ({ at: new Date(at).toISOString(), by: 'test' })).add({
      ...ended,
      outcome,
      took_ms: 12_000,
      detail,
    }),
  )
}

async function ask(folder: string, options: object = {}, at = NOW) {
  const { context, out } = contextOf(folder, {}, { now: at })
  const ending = await readyCommand(context, { env: 'production', json: true, ...options })
  const { rows } = JSON.parse(out.join(''))
  const of: Record<string, string> = {}
  for (const { id, outcome } of rows) of[id] = outcome
  return { ending, of, text: out.join('') }
}

it('is ready with proof for all, sends the test notice, and each proof that goes is seen', async () => {
  const folder = await ready()
  const first = await ask(folder)
  expect(
    Object.values(first.of).every((outcome) => outcome === 'pass'),
    first.text,
  ).toBe(true)
  expect(first.ending).toBe('pass')
  expect(Object.keys(first.of)).toEqual(['tests', 'prompts', 'schema', 'eval', 'security', 'cost-latency', 'pins', 'rollback', 'triggers', 'on-call', 'baseline']) // biome-ignore format: one list

  const notified = await ask(folder, { notify: true })
  expect(notified.of['on-call']).toBe('pass')
  expect(told.join('')).toContain('nothing has happened')

  // Two months later nothing is fresh, nothing is drilled, and no data comes.
  const later = await ask(folder, {}, NOW + 60 * 86_400_000)
  expect(later.ending).toBe('fail')
  expect(later.of).toMatchObject({ rollback: 'fail', baseline: 'fail', triggers: 'invalid', tests: 'pass' })

  // The code moves on: what was measured before says nothing of it.
  writeFileSync(join(folder, 'app.js'), 'changed')
  expect((await ask(folder)).of).toMatchObject({ eval: 'invalid', security: 'invalid' })
  rmSync(join(folder, 'app.js'))

  await drill(folder, 'fail', NOW)
  writeFileSync(join(folder, 'aigate.yaml'), 'version: 1\nready: {tests: [[node, -e, "process.exit(3)"]]}\n')
  writeFileSync(join(folder, 'guard.yaml'), guardText('http://127.0.0.1:9/nobody'))
  const broken = await ask(folder, { notify: true })
  expect(broken.ending).toBe('fail')
  expect(broken.of).toMatchObject({ tests: 'fail', rollback: 'fail', 'on-call': 'fail' })
}, 60_000)

it('is unproven, never green, in a project that has nothing to show', async () => {
  const folder = projectFolder({ 'evals/app.suite.yaml': suite('app') })
  const { ending, of } = await ask(folder)
  expect(ending).not.toBe('pass')
  for (const id of ['tests', 'eval', 'security', 'cost-latency', 'pins', 'rollback', 'triggers', 'on-call', 'baseline'])
    expect(of[id]).toBe('invalid')
})
