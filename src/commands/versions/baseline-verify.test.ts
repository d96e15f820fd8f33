// aigate baseline verify in real repositories: acceptances over months, edits by hand, merges, renames, shallow clones.
import { rmSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { aigate, removeTemporary, temporary } from '../cli-testing.ts'
import { clone, commit, edit, git, write } from '../git-testing.ts'

afterAll(removeTemporary)

/** Its application answers the first `right` of ten cases rightly. */
function repository(right = 10): string {
  const folder = temporary()
  write(folder, 'aigate.yaml', 'version: 1\n')
  app(folder, right)
  const cases = Array.from({ length: 10 }, (_, i) => `  - {id: c${i}, assert: [{contains: right}]}`).join('\n')
  write(
    folder,
    'evals/app.suite.yaml',
    `suite: app\nversion: 1.0.0\ntarget: {module: ../app.mjs}\ntrials: 1\ngate: {min_pass_rate: 0}\ncases:\n${cases}\n`,
  )
  write(folder, '.gitignore', '.aigate/\n')
  git(folder, 'init', '-q', '-b', 'main')
  commit(folder, 'the base')
  return folder
}
const app = (folder: string, right: number) =>
  write(folder, 'app.mjs', `export default ({ id }) => (Number(id.slice(1)) < ${right} ? 'right' : 'no idea')\n`)
async function accept(folder: string, right: number, message = `accept ${right}`): Promise<void> {
  app(folder, right)
  await aigate(['eval', '--no-baseline'], folder)
  expect(await aigate(['baseline', 'accept', 'latest', '--reason', 'agreed'], folder)).toMatchObject({ code: 0 })
  if (message) commit(folder, message)
}
const verify = (folder: string, ...args: string[]) => aigate(['baseline', 'verify', ...args], folder)

it('follows acceptance after acceptance, and says how far they slid', async () => {
  const folder = repository()
  expect((await verify(folder)).stdout).toBe('baselines/app.json: no baseline, now or ever.\n')
  for (const right of [10, 9, 8]) await accept(folder, right)
  git(folder, 'mv', 'baselines', 'accepted')
  edit(folder, 'aigate.yaml', 'version: 1\n', 'version: 1\nbaselines: accepted\n')
  commit(folder, 'a rename')
  await accept(folder, 8, '')
  await accept(folder, 7)
  const { code, stdout } = await verify(folder, 'app')
  expect(stdout).toMatch(/^accepted\/app\.json: 5 accepted baselines, -30\.0 points since \w+ 20\d\d; every link holds/)
  expect(stdout).toMatch(/1 acceptance in between never committed/)
  expect(code).toBe(0)
  const data = JSON.parse((await verify(folder, '--json')).stdout)
  expect(data).toMatchObject({
    aigate: 'baseline-verification',
    holds: true,
    suites: [{ suite: 'app', file: 'accepted/app.json', holds: true, links: 3, problems: [] }],
  })
  git(folder, 'checkout', '-q', '--detach')
  expect((await verify(folder)).code).toBe(0)

  const shallow = await verify(clone(folder, '--depth', '1'))
  expect(shallow.stdout).toMatch(/The clone is shallow/)
  expect(shallow.code).toBe(0)
}, 120_000)

it('finds what was changed by hand, committed or not, and what was removed', async () => {
  const folder = repository()
  await accept(folder, 10)
  await accept(folder, 9)
  edit(folder, 'baselines/app.json', '"passes":0,', '"passes":1,')
  const now = await verify(folder)
  expect(now.code).toBe(1)
  const data = JSON.parse((await verify(folder, '--json')).stdout)
  expect(data).toMatchObject({
    holds: false,
    suites: [{ holds: false, problems: expect.arrayContaining([expect.stringContaining('work tree: its content')]) }],
  })
  expect(now.stdout).toMatch(/work tree: its content and its history differ in its pass rate/)
  const guilty = commit(folder, 'a little better')
  git(folder, 'commit', '-qm', 'later', '--allow-empty')
  const later = await verify(folder)
  expect(later.code).toBe(1)
  expect(later.stdout).toContain(`${guilty.slice(0, 12)}: it does not continue the baseline of`)

  const other = repository()
  await accept(other, 10)
  rmSync(`${other}/baselines`, { recursive: true })
  commit(other, 'no baseline')
  await accept(other, 5)
  const anew = await verify(other)
  expect(anew.code).toBe(1)
  expect(anew.stdout).toMatch(/the baseline is removed\.\n.*does not continue/)
})

it('takes merges as they came onto the branch: one side was lost where both accepted', async () => {
  const folder = repository()
  await accept(folder, 10)
  git(folder, 'checkout', '-qb', 'one')
  await accept(folder, 9)
  git(folder, 'checkout', '-q', 'main')
  git(folder, 'merge', '-q', '--no-ff', '--no-edit', 'one')
  expect(await verify(folder)).toMatchObject({ code: 0 })
  git(folder, 'checkout', '-qb', 'two', 'HEAD~1')
  await accept(folder, 8)
  git(folder, 'checkout', '-q', 'main')
  git(folder, 'merge', '-q', '--no-ff', '--no-edit', '-X', 'theirs', 'two')
  git(folder, 'checkout', 'two', '--', 'baselines', 'app.mjs')
  git(folder, 'commit', '-q', '--amend', '--no-edit')
  const { code, stdout } = await verify(folder)
  expect(code).toBe(1)
  expect(stdout).toMatch(/does not continue/)
})

it('is a usage error without a history, and for a suite that is not there', async () => {
  const folder = repository()
  await accept(folder, 10)
  expect(await verify(folder, 'nobody')).toMatchObject({ code: 2 })
  rmSync(`${folder}/.git`, { recursive: true })
  const { code, stderr } = await verify(folder)
  expect(code).toBe(2)
  expect(stderr).toContain('There is no git history here')
})
