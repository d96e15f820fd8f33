// Ways around the gate that lie beside it: no base, graders, prices; and honest checkouts that must not be taken for one.
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { afterAll, describe, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn, temporary } from '../cli-testing.ts'
import { clone, commit, edit, git, promptProject, startApi, write } from '../git-testing.ts'

afterAll(removeTemporary)

const CASES = 60
const good = "export default () => 'right'\n"
const bad = "export default ({ id }) => (Number(id.slice(1)) % 7 === 0 ? 'no idea' : 'right')\n"
const loose = 'gate: {min_pass_rate: 0, max_regression: false}\n'

/** A committed application with a baseline; `assert` of every case. */
async function project(assert: object = { contains: 'right' }, files: Record<string, string> = {}): Promise<string> {
  const folder = temporary()
  write(folder, 'aigate.yaml', 'version: 1\ngate: {min_pass_rate: 0.85, max_regression: 0.05}\n')
  write(folder, 'app.mjs', good)
  const suite = 'suite: app\nversion: 1.0.0\ntarget: {module: ../app.mjs}\ntrials: 1\ncases_from: [cases.jsonl]\n'
  write(folder, 'evals/app.suite.yaml', suite)
  const rows = Array.from({ length: CASES }, (_, i) => `${JSON.stringify({ id: `c${i}`, assert: [assert] })}\n`)
  write(folder, 'evals/cases.jsonl', rows.join(''))
  write(folder, '.gitignore', '.aigate/\nrun.json\n')
  for (const [path, text] of Object.entries(files)) write(folder, path, text)
  expect(await aigate(['baseline', 'record', '--reason', 'first', '--trials', '2'], folder)).toMatchObject({ code: 0 })
  git(folder, 'init', '-q', '-b', 'main')
  commit(folder, 'the base')
  return folder
}
const inCi = { CI: 'true' }
const run = (folder: string, args: string[] = [], env: Record<string, string> = {}) =>
  aigate(['eval', ...args, '--reporter', 'table,json:run.json'], folder, { ...inCi, ...env })
const said = (folder: string) =>
  reportIn(folder)
    .suites.flatMap(({ verdict }) => [...verdict.reasons, ...verdict.warnings])
    .join('\n')

describe('without a base in a pipeline', () => {
  async function attack() {
    const upstream = await project()
    const folder = clone(upstream)
    write(folder, 'app.mjs', bad)
    edit(folder, 'evals/app.suite.yaml', 'trials: 1\n', `trials: 1\n${loose}`)
    commit(folder, 'worse')
    return { upstream, folder }
  }

  it('nothing is asked, unless --no-base says that nobody is guarded', async () => {
    const { folder } = await attack()
    const shallow = join(temporary(), 'shallow')
    git(folder, 'clone', '-q', '--depth', '1', '--branch', 'change', `file://${folder}`, shallow)
    for (const env of [{ GITHUB_BASE_REF: 'main' }, { CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main' }, {}]) {
      git(shallow, 'remote', 'set-head', 'origin', '--delete')
      const { code, stdout, stderr } = await run(shallow, [], env)
      expect(stderr).toMatch(/The gate cannot be guarded against this change, because .*\n {2}fix: .*--no-base/)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    }
    expect((await run(shallow, ['--no-base'])).code).toBe(0)
    expect((await run(shallow, [], { CI: '' })).code).toBe(0)
  })

  it('a git that is not installed is no way out, a folder outside of git is no change', async () => {
    const { folder } = await attack()
    const PATH = dirname(process.execPath).includes('/usr/bin') ? temporary() : dirname(process.execPath)
    const { code, stderr } = await run(folder, [], { PATH })
    expect(stderr).toMatch(/cannot be guarded against this change, because git knows no repository here/)
    expect(code).toBe(2)
    rmSync(join(folder, '.git'), { recursive: true })
    expect((await run(folder)).code).toBe(0)
    expect(said(folder)).toMatch(/not guarded against this change/)
    expect((await run(folder, [], { GITHUB_BASE_REF: 'main' })).code).toBe(2)
  })

  it('GitLab names the branch, or the commit that the merge request started from', async () => {
    const { upstream, folder } = await attack()
    git(folder, 'remote', 'set-head', 'origin', '--delete')
    git(folder, 'branch', '-q', '-D', 'main')
    expect((await run(folder, [], { CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main' })).code).toBe(1)
    const start = git(upstream, 'rev-parse', 'HEAD')
    git(folder, 'update-ref', '-d', 'refs/remotes/origin/main')
    const env = { CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main', CI_MERGE_REQUEST_DIFF_BASE_SHA: start }
    expect((await run(folder, [], env)).code).toBe(1)
    expect(said(folder)).toMatch(/max_regression: 0\.05 -> false/)
    expect((await run(folder, [], { ...env, CI_MERGE_REQUEST_DIFF_BASE_SHA: '0'.repeat(40) })).code).toBe(2)
  })

  it('a plain clone of main passes', async () => {
    const folder = join(temporary(), 'clone')
    const upstream = await project()
    git(upstream, 'clone', '-q', upstream, folder)
    expect((await run(folder)).code).toBe(0)
  })
})

describe('graders that change with what they grade', () => {
  const grader = 'grep -q right\n'
  it.each<[string, string[], string]>([
    ['in the text of a shell', ['sh', '-c', '. ./grade.sh'], 'evals/grade.sh'],
    ['in a folder', ['sh', '-c', 'cd ../grade && sh ./index.sh'], 'grade/index.sh'],
    ['named by nothing', ['sh', '-c', 'sh ./gr""ade.sh'], 'evals/grade.sh'],
  ])('%s are rewritten cases, and in the lock', async (_, command, path) => {
    const main = await project({ command: { run: command } }, { [path]: grader })
    expect((await aigate(['lock'], main)).code).toBe(0)
    commit(main, 'the lock')
    const honest = clone(main)
    write(honest, 'app.mjs', `// tidier\n${good}`)
    commit(honest, 'tidier')
    expect((await run(honest)).code).toBe(0)

    const folder = clone(main)
    write(folder, 'app.mjs', bad)
    write(folder, path, 'exit 0\n')
    commit(folder, 'accepts everything')
    const frozen = await run(folder)
    expect(frozen.code).toBe(2)
    expect(frozen.stderr).toMatch(/suite app graders\.\S+: [0-9a-f]{12} -> [0-9a-f]{12}/)
    await aigate(['lock'], folder)
    commit(folder, 'and locks it')
    const { code, stderr } = await run(folder)
    expect(stderr).not.toMatch(/error|\n\s+at /)
    expect(said(folder)).toMatch(/60 of the base's 60 cases are removed or rewritten/)
    expect(code).toBe(3)
  })
})

it('a price that is lowered, or invented, does not pay for a dearer model', async () => {
  const api = await startApi((_, nth) => `right ${nth} ${'word '.repeat(40)}`)
  const price = (input: number, output: number) => `price: {input: ${input}, output: ${output}}`
  const folder = promptProject(api)
  edit(folder, 'aigate.yaml', 'id: m-2026-01-01', `id: m-2026-01-01, ${price(1, 1)}`)
  edit(folder, 'aigate.yaml', 'id: m-2026-06-01', `id: m-2026-06-01, ${price(100, 100)}`)
  edit(folder, 'evals/app.suite.yaml', 'max_regression: 0.1', 'max_regression: false, cost_per_case: {max: 0.01}')
  await aigate(['lock'], folder)
  commit(folder, 'a cost gate')
  const change = clone(folder)
  edit(change, 'aigate.yaml', price(100, 100), price(0, 0))
  edit(change, 'evals/app.suite.yaml', 'model: main', 'model: next')
  commit(change, 'dear for nothing')
  expect((await run(change)).stderr).toMatch(/model next price\.input: 100 -> 0/)
  await run(change, ['--no-frozen'])
  expect(said(change)).toContain(
    'the price of model next goes from $100 in and $100 out a million tokens to $0 in and $0 out a million tokens; the higher one counts.',
  )
  const known = clone(folder)
  edit(known, 'aigate.yaml', '  next:', `  list: {provider: api, id: gpt-4o-2024-11-20, ${price(0, 0)}}\n  next:`)
  edit(known, 'evals/app.suite.yaml', 'model: main', 'model: list')
  commit(known, 'a list price overruled')
  await run(known, ['--no-frozen'])
  expect(said(known)).toContain('the price of model list goes from $2.5 in and $10 out a million tokens to $0 in')
  api.close()
})

describe('honest checkouts', () => {
  it('with CRLF line ends differ in nothing', async () => {
    const grade = "export default ({ answer }) =>\n  answer.includes('right')\n"
    const main = await project({ module: { path: 'grade.mjs' } }, { 'evals/grade.mjs': grade })
    await aigate(['lock'], main)
    commit(main, 'the lock')
    const folder = join(temporary(), 'clone')
    git(main, '-c', 'core.autocrlf=true', 'clone', '-q', '--config', 'core.autocrlf=true', main, folder)
    git(folder, 'checkout', '-qb', 'change')
    write(folder, 'readme', 'a\r\n')
    commit(folder, 'nothing')
    const { code, stdout, stderr } = await run(folder)
    expect(said(folder)).not.toMatch(/loosens/)
    expect({ code, stderr: stderr.match(/error.*/)?.[0] }, stdout).toEqual({ code: 0 })
  })

  it.each([
    ['evals/cases.jsonl', 'real/cases.jsonl', '../real/cases.jsonl'],
    ['baselines', 'kept', 'kept'],
    ['evals', 'ev', 'ev'],
  ])('%s as a link is followed at the base', async (link, to, target) => {
    const main = await project()
    mkdirSync(dirname(join(main, to)), { recursive: true })
    renameSync(join(main, link), join(main, to))
    symlinkSync(target, join(main, link))
    commit(main, 'a link')
    const same = clone(main)
    write(same, 'readme', 'x')
    commit(same, 'nothing')
    expect((await run(same)).code).toBe(0)
    expect(said(same)).not.toMatch(/loosens|cannot be read/)
    const worse = clone(main)
    write(worse, 'app.mjs', bad)
    edit(worse, 'evals/app.suite.yaml', 'trials: 1\n', `trials: 1\n${loose}`)
    commit(worse, 'worse')
    const { code, stderr } = await run(worse)
    expect(stderr).not.toMatch(/aigate-base/)
    expect(said(worse)).toMatch(/max_regression: 0\.05 -> false/)
    expect(code).toBe(1)
  })
})

describe('--against', () => {
  it('a suite that the commit does not have is inconclusive', async () => {
    const folder = clone(await project())
    edit(folder, 'evals/app.suite.yaml', 'suite: app', 'suite: app2')
    const { code } = await run(folder, ['--against', 'origin/main'], { CI: '' })
    expect(said(folder)).toMatch(/origin\/main \([0-9a-f]{12}\) has no suite app2: .* It has app\./)
    expect(code).toBe(3)
    expect((await aigate(['report', 'latest'], folder)).code).toBe(3)
  })

  it('an application that crashes at the commit is told with its side, and without the folder that it lay in', async () => {
    const main = await project()
    write(main, 'app.mjs', "import x from './lib.cjs'\nexport default () => x()\n")
    write(main, 'lib.cjs', "throw new Error('boom in ' + __dirname)\n")
    commit(main, 'broken')
    const folder = clone(main)
    write(folder, 'app.mjs', good)
    commit(folder, 'mended')
    const { code, stdout, stderr } = await run(folder, ['--against', 'origin/main'], { CI: '' })
    expect(code, stdout + stderr).toBe(4)
    expect(said(folder)).toMatch(/60 of 60 answers of the base side, origin\/main \([0-9a-f]{12}\), .*boom in \./)
    expect(stdout + stderr + JSON.stringify(reportIn(folder))).not.toMatch(
      /aigate-base-\w+\/_\/.*boom|boom.*aigate-base/,
    )
    const again = await aigate(['report', 'latest'], folder)
    expect(again.stdout.replace(/\s+/g, ' ')).toMatch(/60 of 60 answers of the base side/)
  })

  it('programs stay programs, links stay links and bytes stay bytes at the commit', async () => {
    const main = await project()
    write(main, 'src/run.sh', '#!/bin/sh\ncmp -s real.bin data.bin && echo right\n')
    symlinkSync('../src/run.sh', join(main, 'evals/run.sh'))
    edit(main, 'evals/app.suite.yaml', '{module: ../app.mjs}', '{command: [./run.sh]}')
    chmodSync(join(main, 'src/run.sh'), 0o755)
    writeFileSync(join(main, 'evals/real.bin'), Buffer.from([0, 255, 13, 10, 200]))
    symlinkSync('real.bin', join(main, 'evals/data.bin'))
    commit(main, 'a program')
    const folder = clone(main)
    const { code, stdout } = await run(folder, ['--against', 'origin/main'], { CI: '' })
    expect(reportIn(folder).suites[0]?.baseline?.accepted.by, stdout).toBe('aigate eval --against')
    expect(said(folder)).not.toMatch(/could not be measured/)
    expect(code).toBe(0)
  })
})
