// Change control in the repositories that people really have: forks, shallow clones, submodules, merges, renames, no base.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn, temporary } from '../cli-testing.ts'
import { type Api, clone, commit, edit, git, promptProject, startApi, write } from '../git-testing.ts'

let api: Api
beforeEach(async () => {
  api = await startApi(({ system, user }, nth) =>
    system.includes('terse') && Number(user.split(' ')[1]) % 2 === 0 ? `no idea ${nth}` : `right ${nth}`,
  )
})
afterEach(() => api.close())
afterAll(removeTemporary)

const inCi = { CI: 'true', GITHUB_BASE_REF: '' }
const run = (folder: string, args: string[] = [], env: Record<string, string> = inCi) =>
  aigate(['eval', ...args, '--reporter', 'table,json:run.json'], folder, env)
function said(folder: string): string {
  const [suite] = reportIn(folder).suites
  return [...(suite?.verdict.reasons ?? []), ...(suite?.verdict.warnings ?? [])].join('\n')
}

/** With a baseline of the good prompt on main. */
async function origin(given: Parameters<typeof promptProject>[1] = {}): Promise<string> {
  const folder = promptProject(api, given)
  expect(await aigate(['baseline', 'record', '--trials', '2'], folder)).toMatchObject({ code: 0 })
  commit(folder, 'the baseline')
  return folder
}
/** The worse prompt, and a gate that would let it through. */
function worse(folder: string): void {
  edit(folder, 'evals/app.suite.yaml', 'a@1.0.0', 'a@1.1.0')
  edit(folder, 'evals/app.suite.yaml', 'max_regression: 0.1', 'max_regression: false')
  commit(folder, 'worse')
}

describe('where the base is', () => {
  it('a clone, a detached HEAD and a fork are judged by the merge base', async () => {
    const folder = clone(await origin())
    worse(folder)
    expect((await run(folder)).code).toBe(1)
    expect(said(folder)).toMatch(/max_regression: 0\.1 -> false/)
    git(folder, 'checkout', '-q', '--detach')
    expect((await run(folder)).code).toBe(1)

    // A fork: origin is the fork, whose main lags behind or is moved; the workflow names the branch that is merged into.
    const fork = clone(folder)
    git(fork, 'remote', 'add', 'upstream', folder)
    git(fork, 'fetch', '-q', 'upstream')
    expect((await run(fork, ['--base', 'upstream/change'])).code).toBe(0)
    expect((await run(fork, ['--base', 'HEAD~1'])).code).toBe(1)
  })

  it('a merge commit is judged by what it was merged into', async () => {
    const upstream = await origin()
    const folder = clone(upstream)
    worse(folder)
    write(upstream, 'README.md', 'another change\n')
    commit(upstream, 'meanwhile on main')
    git(folder, 'fetch', '-q')
    git(folder, 'checkout', '-q', '--detach', 'origin/main')
    git(folder, 'merge', '-q', '--no-ff', '--no-edit', 'change')
    expect((await run(folder, [], { ...inCi, GITHUB_BASE_REF: 'main' })).code).toBe(1)
    expect(said(folder)).toMatch(/max_regression: 0\.1 -> false/)
  })

  it('a shallow clone without the common history, and a clone without the branch, say so', async () => {
    const upstream = await origin()
    git(upstream, 'checkout', '-qb', 'work')
    worse(upstream)
    git(upstream, 'checkout', '-q', 'main')
    write(upstream, 'README.md', 'another change\n')
    commit(upstream, 'meanwhile on main')
    const folder = clone(upstream, '--depth', '1', '--no-single-branch', '--branch', 'work')
    const shallow = await run(folder, [], { ...inCi, GITHUB_BASE_REF: 'main' })
    expect(shallow.stderr).toMatch(/cannot be guarded against this change, because the clone is shallow/)
    expect(shallow.code).toBe(2)
    git(folder, 'fetch', '-q', '--unshallow')
    expect((await run(folder, [], { ...inCi, GITHUB_BASE_REF: 'main' })).code).toBe(1)

    const { stderr } = await run(folder, [], { ...inCi, GITHUB_BASE_REF: 'release' })
    expect(stderr).toMatch(/GITHUB_BASE_REF is "release", but this clone has no origin\/release/)
  })

  it('a project in a submodule, and one in a subfolder that was renamed', async () => {
    const evals = await origin()
    const outer = temporary()
    git(outer, 'init', '-q', '-b', 'main')
    git(outer, 'submodule', '--quiet', 'add', evals, 'evals')
    commit(outer, 'with a submodule')
    const inner = join(outer, 'evals')
    git(inner, 'checkout', '-qb', 'change')
    worse(inner)
    expect((await run(inner)).code).toBe(1)
    expect(said(inner)).toMatch(/max_regression: 0\.1 -> false/)

    const renamed = clone(evals)
    git(renamed, 'mv', 'evals/app.suite.yaml', 'evals/support.suite.yaml')
    git(renamed, 'mv', 'evals/cases.jsonl', 'evals/questions.jsonl')
    edit(renamed, 'evals/support.suite.yaml', 'cases.jsonl', 'questions.jsonl')
    edit(renamed, 'evals/support.suite.yaml', 'a@1.0.0', 'a@1.1.0')
    edit(renamed, 'evals/support.suite.yaml', 'max_regression: 0.1', 'max_regression: false')
    commit(renamed, 'renamed and worse')
    expect((await run(renamed)).code).toBe(1)
  })
})

describe('recordings and results that the change itself hands in', () => {
  it('forged recordings hold, until the base allows them', async () => {
    const folder = await origin()
    const old = '  old: {provider: tape, id: m-2026-01-01}\n'
    edit(folder, 'aigate.yaml', 'models:\n', `  tape: {type: replay}\nmodels:\n${old}`)
    edit(folder, 'evals/app.suite.yaml', 'max_regression: 0.1', 'max_regression: 0.1, allow_joint_changes: true')
    edit(folder, 'evals/app.suite.yaml', 'model: main', 'model: old')
    write(folder, 'recordings/.gitkeep', '')
    commit(folder, 'replay')
    const live = clone(folder)
    edit(live, 'evals/app.suite.yaml', 'a@1.0.0', 'a@1.1.0')
    edit(live, 'aigate.yaml', '{type: replay}', `{type: replay, of: {type: openai, base_url: "${api.url}"}}`)
    expect(await aigate(['eval', '--record', '--no-baseline'], live)).toMatchObject({ code: 0 })
    const file = join(live, 'recordings/app.jsonl')
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('no idea', 'right'))
    edit(live, 'aigate.yaml', /\{type: replay, of: .*\}\}/, '{type: replay}')
    commit(live, 'answers of my own')
    const { code } = await run(live)
    expect(said(live)).toMatch(/answers to 40 of 40 cases come from recordings that this change itself brings/)
    expect(code).toBe(3)
    edit(folder, 'evals/app.suite.yaml', 'max_regression: 0.1', 'max_regression: 0.1, allow_new_recordings: true')
    commit(folder, 'recordings may come along')
    git(live, 'fetch', '-q')
    git(live, 'rebase', '-q', 'origin/main')
    expect((await run(live)).code).toBe(0)
  })

  it('results of another tool are judged by the rules and the baseline of the base', async () => {
    const folder = clone(await origin())
    const rows = Array.from({ length: 40 }, (_, i) => {
      const test = i % 2 === 0 ? '<failure message="no idea"/>' : ''
      return `<testcase name="c${i}">${test}</testcase>`
    })
    write(folder, 'results.xml', `<testsuite name="app" tests="40">${rows.join('')}</testsuite>\n`)
    edit(
      folder,
      'evals/app.suite.yaml',
      'min_pass_rate: 0.1, max_regression: 0.1',
      'min_pass_rate: 0, max_regression: false',
    )
    rmSync(join(folder, 'baselines'), { recursive: true })
    commit(folder, 'results')
    const { code, stderr } = await run(folder, ['app', '--results', 'results.xml'])
    expect(stderr).toBe('')
    expect(said(folder)).toMatch(/max_regression: 0\.1 -> false/)
    expect(said(folder)).toMatch(/baseline file is touched/)
    expect(code).not.toBe(0)
    expect((await run(folder, ['app', '--results', 'results.xml', '--no-base'])).code).toBe(0)
  })
})

it('a baseline that grows old warns, then stops before anything is asked', async () => {
  const folder = await origin({ suite: '' })
  edit(
    folder,
    'baselines/app.json',
    /"at":"20\d\d-\d\d-\d\dT/,
    `"at":"${new Date(Date.now() - 40 * 86_400_000).toISOString().slice(0, 11)}`,
  )
  edit(
    folder,
    'evals/app.suite.yaml',
    'min_pass_rate: 0.1',
    'min_pass_rate: 0.1, baseline_max_age: {warn: 30d, stop: 60d}',
  )
  commit(folder, 'an age')
  expect((await run(folder)).code).toBe(0)
  expect(said(folder)).toMatch(/The baseline is 40 days old .*warned of after 30 days/)
  api.asked.length = 0
  edit(folder, 'evals/app.suite.yaml', 'stop: 60d', 'stop: 39d')
  const { code, stderr } = await run(folder)
  expect(code).toBe(4)
  expect(stderr).toMatch(/is 40 days old .*none older than 39 days/)
  expect(api.asked).toEqual([])
})

it('accepting small steps one after another is said from the third on', async () => {
  const folder = await origin()
  for (const broken of [4, 8]) {
    const rows = Array.from({ length: 40 }, (_, i) => ({ id: `c${i}`, vars: { q: `question ${i}` } }))
    const asserted = rows.map((row, i) => ({ ...row, assert: i < broken ? [{ contains: 'wrong' }] : [] }))
    write(folder, 'evals/cases.jsonl', `${asserted.map((row) => JSON.stringify(row)).join('\n')}\n`)
    await aigate(['eval', '--no-baseline'], folder)
    expect(await aigate(['baseline', 'accept', 'latest', '--reason', 'fine'], folder)).toMatchObject({ code: 0 })
    commit(folder, `step ${broken}`)
  }
  await run(folder)
  expect(said(folder)).toMatch(/A slow ratchet: 3 accepted baselines, -20\.0 points since/)
  expect((await aigate(['baseline', 'verify'], folder)).code).toBe(0)
})

it('--against asks the prompt that the commit has, also where the change rewrote or removed it', async () => {
  const folder = clone(await origin())
  edit(folder, 'prompts/a/1.0.0.md', 'friendly', 'terse')
  commit(folder, 'rewritten in place')
  expect((await run(folder, ['--against', 'origin/main', '--no-base'], {})).code).toBe(1)
  expect(api.asked.filter(({ system }) => system.includes('terse')).length).toBe(40)
  git(folder, 'rm', '-q', 'prompts/a/1.0.0.md')
  edit(folder, 'evals/app.suite.yaml', 'a@1.0.0', 'a@1.1.0')
  edit(folder, 'prompts/a/1.1.0.md', 'terse', 'kind')
  commit(folder, 'a new version')
  expect((await run(folder, ['--against', 'origin/main', '--no-base'], {})).code).toBe(0)
})

describe('the lock', () => {
  async function locked(): Promise<string> {
    const folder = await origin()
    await aigate(['lock'], folder)
    commit(folder, 'the lock')
    return clone(folder)
  }

  it('cannot be deleted by the change that it would stop', async () => {
    const folder = await locked()
    git(folder, 'rm', '-q', 'aigate.lock')
    commit(folder, 'no lock')
    api.asked.length = 0
    const { code, stderr } = await run(folder)
    expect(code).toBe(2)
    expect(stderr).toMatch(/aigate\.lock is gone from this change; its base origin\/HEAD \([0-9a-f]{12}\) has it/)
    expect((await run(folder, ['--frozen'], {})).code).toBe(2)
    expect(api.asked).toEqual([])
    expect((await run(folder, ['--no-frozen'])).code).toBe(0)
  })

  it('is not missed where the base has none', async () => {
    const folder = clone(await origin())
    expect((await run(folder)).code).toBe(0)
    expect(said(folder)).toContain('There is no aigate.lock')
  })
})
