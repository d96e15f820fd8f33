// eval --against in real git repositories, through the built program: both sides asked in one run, nothing checked out.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn, temporary } from '../cli-testing.ts'

afterAll(removeTemporary)

const git = (cwd: string, ...args: string[]) =>
  execFileSync(
    'git',
    ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', '-c', 'commit.gpgsign=false', ...args],
    {
      cwd,
      encoding: 'utf8',
    },
  ).trim()
const write = (folder: string, path: string, text: string) => {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), text)
}
/** Each answer is entered in a log beside the project, so that the order of both sides shows. */
const app = (side: string, wrong: number) =>
  `import { appendFileSync } from 'node:fs'\nexport default ({ id }) => {\n  appendFileSync(process.env.ORDER, '${side}')\n  const n = Number(id.slice(1))\n  return n % 7 < ${wrong} || process.env.PROVIDER_DRIFT && n % 3 === 0 ? 'no idea' : 'right'\n}\n`

function repository(): string {
  const folder = temporary()
  write(folder, 'aigate.yaml', 'version: 1\n')
  write(folder, 'app.mjs', app('b', 0))
  const cases = Array.from({ length: 56 }, (_, i) => `  - {id: c${i}, assert: [{contains: right}]}`).join('\n')
  write(
    folder,
    'evals/app.suite.yaml',
    `suite: app\nversion: 1.0.0\ntarget: {module: ../app.mjs, concurrency: 1}\ngate: {min_pass_rate: 0.5}\ncases:\n${cases}\n`,
  )
  write(folder, '.gitignore', '.aigate/\nrun.json\norder\n')
  git(folder, 'init', '-q', '-b', 'main')
  git(folder, 'add', '.')
  git(folder, 'commit', '-qm', 'base')
  return folder
}
const run = (folder: string, env: Record<string, string> = {}) =>
  aigate(['eval', '--against', 'main', '--reporter', 'table,json:run.json'], folder, {
    ORDER: join(folder, 'order'),
    ...env,
  })

it('finds a change worse than the commit, with both sides mixed in one seeded order, and says so again later', async () => {
  const folder = repository()
  git(folder, 'checkout', '-qb', 'worse')
  write(folder, 'app.mjs', app('h', 1))
  const { code, stdout } = await run(folder)
  expect(code, stdout).toBe(1)
  const [suite] = reportIn(folder).suites
  expect(suite?.baseline?.accepted.reason).toMatch(/^main \([0-9a-f]{12}\), asked in the same run$/)
  expect(suite?.verdict.gates.find(({ id }) => id === 'regression')?.outcome).toBe('fail')
  const order = readFileSync(join(folder, 'order'), 'utf8')
  expect(order.split('b').length).toBe(order.split('h').length)
  // Mixed: far more changes of side than two blocks have.
  expect(order.match(/bh|hb/g)?.length).toBeGreaterThan(order.length / 5)
  const [id = ''] = readdirSync(join(folder, '.aigate', 'runs'))
  expect(readdirSync(join(folder, '.aigate', 'runs', id, 'against'))).toEqual(['app.jsonl'])
  expect((await aigate(['report', 'latest'], folder)).code).toBe(1)
  expect((await aigate(['compare', 'latest'], folder)).code).toBe(1)
  expect(git(folder, 'status', '--porcelain')).toBe('M app.mjs')
})

it('does not blame a change for what drifted at the provider', async () => {
  const folder = repository()
  git(folder, 'checkout', '-qb', 'same')
  write(folder, 'app.mjs', app('h', 0))
  const { code, stdout } = await run(folder, { PROVIDER_DRIFT: '1' })
  expect(code, stdout).toBe(0)
  expect(reportIn(folder).suites[0]?.verdict.gates.find(({ id }) => id === 'regression')?.difference).toBe(0)
})

it('a suite that is new has no other side; an unknown ref is a usage error', async () => {
  const folder = repository()
  write(
    folder,
    'evals/new.suite.yaml',
    'suite: new\nversion: 1.0.0\ntarget: {module: ../app.mjs}\ncases: [{id: c1, assert: [{contains: right}]}]\n',
  )
  const { stdout } = await run(folder)
  expect(stdout.replace(/\s+/g, ' ')).toMatch(
    /main \([0-9a-f]{12}\) has no suite new: there is nothing to compare with/,
  )
  expect(await aigate(['eval', '--against', 'nowhere'], folder)).toMatchObject({ code: 2 })
})
