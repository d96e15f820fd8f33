// docs/whole-road.md step by step: the shell of its workflows runs on a real repository with a remote, and the application on the loopback.
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { aigate, removeTemporary, root, temporary } from './commands/cli-testing.ts'
import { commit, edit, git } from './commands/git-testing.ts'

type Step = { name?: string; run?: string; env?: Record<string, string>; if?: string }
const page = readFileSync(join(root, 'docs', 'whole-road.md'), 'utf8')
const fence = (kind: string, start: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].find(([, text = '']) =>
    text.startsWith(start),
  )?.[1] ?? ''
const jobs = {
  ...parse(fence('yaml', '# .github/workflows/road.yml')).jobs,
  ...parse(fence('yaml', '# .github/workflows/canary.yml')).jobs,
} as Record<string, { steps: Step[] }>
const stepOf = (job: string, name: string): string => {
  const found = jobs[job]?.steps.find((step) => step.name === name)?.run
  if (found === undefined) throw new Error(`${job} has no step ${name}`)
  return found
}
const fixture = (path: string) => readFileSync(join(root, 'fixtures', 'road', path), 'utf8')
afterAll(removeTemporary)

const plain = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|CI$|GITHUB_|VITEST|NODE_|GIT_|INIT_CWD)/.test(name)),
)
/** As the runner does: `bash -e`, and what was written to GITHUB_OUTPUT. */
function step(cwd: string, script: string, env: Record<string, string> = {}) {
  const output = join(temporary(), 'output')
  writeFileSync(output, '')
  const all = { ...plain, npm_config_offline: 'true', GITHUB_OUTPUT: output, NO_COLOR: '1', ...env }
  const { status, stdout, stderr } = spawnSync('bash', ['-e', '-o', 'pipefail', '-c', script], {
    cwd,
    env: all,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { code: status, said: stdout + stderr, output: readFileSync(output, 'utf8').trim() }
}

/** The project of `aigate init` with that of the fixture, committed and pushed; the plan in seconds instead of hours. */
async function project(): Promise<{ folder: string; remote: string }> {
  const [folder, remote] = [temporary(), temporary()]
  expect((await aigate(['init'], folder)).code).toBe(0)
  cpSync(join(root, 'fixtures', 'road'), folder, { recursive: true })
  expect((await aigate(['prompt', 'bump', 'support/answer@1.0.0', '--patch'], folder)).code).toBe(0)
  edit(folder, 'rollouts/support.rollout.yaml', 'settle: 60s', 'settle: 1s')
  edit(folder, 'rollouts/support.rollout.yaml', 'interval: 1m, lateness: 60s', 'interval: 1s, lateness: 1s')
  edit(
    folder,
    'rollouts/support.rollout.yaml',
    'traffic: 5%, duration: 4h, gate: no-harm, min_users: 200',
    'traffic: 5%, duration: 2s, gate: no-harm, min_users: 20',
  )
  edit(folder, 'rollouts/support.rollout.yaml', 'bake: 12h', 'bake: 1s')
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true })
  symlinkSync(join(root, 'bin', 'aigate.js'), join(folder, 'node_modules', '.bin', 'aigate'))
  writeFileSync(join(folder, '.gitignore'), '.aigate/\nnode_modules/\nlogs/\nstatus.txt\nsmoke.xml\ndeploy/*.image\n')
  git(remote, 'init', '-q', '--bare', '-b', 'main')
  git(folder, 'init', '-q', '-b', 'main')
  git(folder, 'remote', 'add', 'origin', remote)
  commit(folder, 'the project')
  edit(folder, 'evals/support.suite.yaml', 'support/answer@1.0.0', 'support/answer@1.0.1')
  expect((await aigate(['baseline', 'record', '--reason', 'first'], folder)).code).toBe(0)
  commit(folder, 'the next prompt')
  git(folder, 'push', '-q', '-u', 'origin', 'main')
  return { folder, remote }
}

/** Traffic and looks until the rollout has ended; `worse`: how many times the errors of the candidate. */
async function walk(folder: string, worse: number): Promise<string> {
  for (let at = 0; at < 40; at += 1) {
    const percent = parse(readFileSync(join(folder, 'deploy', 'values.yaml'), 'utf8')).canary.percent
    expect(step(folder, `node traffic.mjs ${percent} ${worse} 1500`).code).toBe(0)
    const look = step(folder, stepOf('look', 'One look'))
    expect(look.code, look.said).toBe(0)
    if (/mode=(succeeded|rolled-back)/.test(look.output)) return look.output
    await new Promise((resolve) => setTimeout(resolve, 900))
  }
  return 'still open'
}

describe.skipIf(process.platform === 'win32')('the road', { timeout: 150_000 }, () => {
  it('leads from the unit tests to a recorded release', async () => {
    const { folder, remote } = await project()
    const settings = stepOf('prove', 'Settings and files, before anything is paid for')
    const keys = { OPENAI_API_KEY: 'sk-test-0123456789', STAGING_URL: 'http://127.0.0.1:9' }
    expect(step(folder, settings, { ...keys, OPENAI_API_KEY: '' }).said).toContain('is no secret of this repository')
    expect(step(folder, settings, { ...keys, STAGING_URL: '' }).code).not.toBe(0)
    expect(step(folder, settings, keys)).toMatchObject({ code: 0 })
    expect(step(folder, stepOf('prove', 'Unit tests'))).toMatchObject({ code: 0 })
    expect(await aigate(['eval'], folder)).toMatchObject({ code: 0 })

    expect(step(folder, stepOf('staging', 'To staging'), { IMAGE: 'registry.example.org/support:abc' }).code).toBe(0)
    expect(readFileSync(join(folder, 'deploy', 'staging.image'), 'utf8')).toContain('support:abc')
    const app = spawn('node', ['app.mjs'], { cwd: folder, env: { ...plain, PORT: '0' } })
    const port = await new Promise<string>((resolve) => app.stdout.on('data', (data) => resolve(String(data).trim())))
    const smoke = stepOf('staging', 'Smoke checks')
    try {
      const good = step(folder, smoke, { STAGING_URL: `http://127.0.0.1:${port}` })
      expect(good.code, good.said).toBe(0)
      expect(existsSync(join(folder, 'smoke.xml'))).toBe(true)
    } finally {
      app.kill()
    }
    expect(step(folder, smoke, { STAGING_URL: '' })).toMatchObject({ code: 4 })

    const before = step(folder, stepOf('look', 'One look'))
    expect(before, before.said).toMatchObject({ code: 0, output: 'mode=none' })
    const image = { IMAGE: 'registry.example.org/support:abc' }
    const start = step(folder, stepOf('canary', '5 % get the candidate'), { GH_TOKEN: 'ghs_secret', ...image })
    expect(start.code, start.said).toBe(0)
    expect(git(remote, 'show', 'main:deploy/values.yaml')).toContain('percent: 5')
    expect(readFileSync(join(folder, '.git', 'config'), 'utf8')).not.toContain('ghs_secret')

    expect(await walk(folder, 1)).toBe('mode=succeeded')
    expect(git(remote, 'show', 'main:deploy/values.yaml')).toContain('percent: 100')
    const record = stepOf('look', 'The release is recorded, once')
    for (const time of ['first', 'second']) {
      // What was served is recorded, whatever main is at by then.
      const found = step(folder, record, { IMAGE: 'registry.example.org/support:later' })
      expect(found.code, time + found.said).toBe(0)
    }
    const ledger = git(remote, 'show', 'main:releases/ledger.jsonl').split('\n')
    expect(ledger.filter((line) => line.includes('support:abc'))).toHaveLength(1)
    expect(ledger.join('\n')).toContain('support/answer')
  })

  it('leads back when the candidate harms, and somebody is told once', async () => {
    const { folder, remote } = await project()
    expect(step(folder, stepOf('canary', '5 % get the candidate')).code).toBe(0)
    expect(await walk(folder, 20)).toBe('mode=rolled-back')
    expect(git(remote, 'show', 'main:deploy/values.yaml')).toContain('percent: 0')
    const bin = temporary()
    writeFileSync(join(bin, 'gh'), '#!/bin/sh\necho "$@" >> "$TOLD"\ncat status.txt >> "$TOLD"\n', { mode: 0o755 })
    const told = join(bin, 'told')
    const env = { PATH: `${bin}:${process.env['PATH']}`, TOLD: told }
    for (let time = 0; time < 2; time += 1) {
      const found = step(folder, stepOf('look', 'Somebody is told'), env)
      expect(found.code, found.said).toBe(0)
    }
    expect(readFileSync(told, 'utf8').match(/issue create/g)).toHaveLength(1)
    expect(readFileSync(told, 'utf8')).toContain('error_rate')
  })
})

describe('the image', () => {
  const text = fixture('Dockerfile')
  const stages = text.split(/^FROM /m).slice(1)
  it('is that of the page, as is the plan', () => {
    expect(fence('dockerfile', '# syntax')).toBe(text)
    const plan = (yaml: string) => parse(yaml) as unknown
    expect(plan(fence('yaml', '# rollouts/support.rollout.yaml'))).toEqual(
      plan(fixture('rollouts/support.rollout.yaml')),
    )
  })
  it('has two stages, a user who may write nothing, the commit as its label, and no secret', () => {
    expect(stages).toHaveLength(2)
    const [, last = ''] = stages
    expect(last).toMatch(/^USER (?!root|0)\w+$/m)
    expect(last.indexOf('USER ')).toBeLessThan(last.indexOf('CMD '))
    expect(last).toMatch(/org\.opencontainers\.image\.revision=\$COMMIT/)
    expect(last).not.toMatch(/^(RUN|COPY (?!--from=build --chown=root:root))/m)
    expect(text).not.toMatch(/^(ARG|ENV).*(KEY|TOKEN|SECRET|PASSWORD)/im)
    expect(text).not.toMatch(/^ADD /m)
    const [, ignored = ''] = /^([\s\S]*)$/.exec(fixture('.dockerignore')) ?? []
    expect(ignored.split('\n')[0]).toBe('*')
    expect(ignored).not.toMatch(/!.*(\.env|\.git|\.aigate)/)
    expect(stepOf('staging', 'Image, tagged with the commit')).toContain('--tag "$IMAGE"')
  })
  it('copies only files that are there', () => {
    const names = [...text.matchAll(/(?<=\/app\/|COPY |json )([\w-]+\.(?:mjs|json))(?=\s)/g)].map(
      ([, name = '']) => name,
    )
    expect(names).toContain('package-lock.json')
    for (const name of names) expect(fixture(name)).toBeTruthy()
  })
  // Where a daemon runs; its checks need no registry that is asked for layers of a build.
  const daemon = spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0
  it.skipIf(!daemon)('holds to the rules of the builder', () => {
    const built = spawnSync('docker', ['build', '--check', join(root, 'fixtures', 'road')], { encoding: 'utf8' })
    expect(built.status, built.stderr).toBe(0)
  })
})
