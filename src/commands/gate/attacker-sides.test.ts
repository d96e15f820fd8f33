// Attacks from the side: who is asked, which configuration is read, what dilutes a limit, and gates raised meanwhile.
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn, temporary } from '../cli-testing.ts'
import { type Api, clone, commit, edit, git, promptProject, startApi, write } from '../git-testing.ts'

afterAll(removeTemporary)

const apis: Api[] = []
afterEach(() => {
  for (const api of apis.splice(0)) api.close()
})
const opened = async (answer: Parameters<typeof startApi>[0]) => {
  const api = await startApi(answer)
  apis.push(api)
  return api
}

const CASES = 42
const rows = (ids: string[], more: object = {}) =>
  `${ids.map((id) => JSON.stringify({ id, vars: { q: id }, assert: [{ contains: 'right' }], ...more })).join('\n')}\n`
const all = Array.from({ length: CASES }, (_, i) => `c${i}`)
const broken = all.filter((_, i) => i % 6 === 0)
const good = "export default () => 'right'\n"
const bad = `export default ({ id }) => (${JSON.stringify(broken)}.includes(id) ? 'no idea' : 'right')\n`

/** A committed application with a baseline; `under`: the folder of its configuration. */
async function application(gate: string, under = ''): Promise<string> {
  const top = temporary()
  const folder = join(top, under)
  write(folder, 'aigate.yaml', `version: 1\ngate: ${gate}\n`)
  write(folder, 'app.mjs', good)
  write(
    folder,
    'evals/app.suite.yaml',
    'suite: app\nversion: 1.0.0\ntarget: {module: ../app.mjs}\ntrials: 1\ncases_from: [cases.jsonl]\n',
  )
  write(folder, 'evals/cases.jsonl', rows(all))
  write(top, '.gitignore', '.aigate/\nrun.json\n')
  expect(await aigate(['baseline', 'record', '--reason', 'first'], folder)).toMatchObject({ code: 0 })
  git(top, 'init', '-q', '-b', 'main')
  commit(top, 'the base')
  return top
}

async function judged(folder: string, args: string[] = []) {
  const { code, stdout, stderr } = await aigate(['eval', ...args, '--reporter', 'table,json:run.json'], folder, {
    CI: 'true',
  })
  expect(stderr).not.toMatch(/\n\s+at /)
  const verdicts = code === 2 ? [] : reportIn(folder).suites.map(({ verdict }) => verdict)
  const said = verdicts.flatMap(({ reasons, warnings }) => [...reasons, ...warnings]).join('\n')
  return { code, said: `${said}\n${stderr}`, stdout }
}

describe('another provider behind the same name', () => {
  /** The word of the new prompt breaks every sixth case; the fake always knows the answer. */
  const honest = ({ system, user }: { system: string; user: string }) =>
    system.includes('terse') && broken.includes(`c${user.replace(/\D+/g, '')}`) ? 'no idea' : 'right'
  async function base(config = '') {
    const [real, fake] = [await opened(honest), await opened(() => 'right')]
    const folder = promptProject(real, { cases: CASES, config })
    expect(await aigate(['baseline', 'record', '--reason', 'first'], folder)).toMatchObject({ code: 0 })
    expect(await aigate(['lock'], folder)).toMatchObject({ code: 0 })
    commit(folder, 'a baseline')
    const attack = async (change: (into: string) => void) => {
      const into = clone(folder)
      change(into)
      expect(await aigate(['lock'], into)).toMatchObject({ code: 0 })
      commit(into, 'a change')
      return into
    }
    return { real, fake, attack }
  }
  const newPrompt = (into: string) => edit(into, 'evals/app.suite.yaml', 'a@1.0.0', 'a@1.1.0')

  it('is a second cause beside a new prompt', async () => {
    const { real, fake, attack } = await base()
    const control = await judged(await attack(newPrompt))
    expect(control).toMatchObject({ code: 1 })
    const { code, said } = await judged(
      await attack((into) => {
        newPrompt(into)
        edit(into, 'aigate.yaml', real.url, fake.url)
      }),
    )
    expect(said).toContain(`provider api (base_url ${real.url} -> ${fake.url}) changed together`)
    expect(code).toBe(2)
  })

  it('of a judge is held beside a new prompt, and not where nothing can hide behind it', async () => {
    const answer = ({ system, user }: { system: string; user: string }) =>
      system.startsWith('Be ') ? honest({ system, user }) : JSON.stringify({ reason: 'as asked', score: user.includes('no idea') ? 1 : 5 }) // biome-ignore format: one answer
    const [real, fake] = [await opened(answer), await opened(() => JSON.stringify({ reason: 'wonderful', score: 5 }))]
    const folder = promptProject(real, { cases: CASES, config: 'judges: {default: {model: judge}}\n' })
    const line = (url: string) =>
      `  judging: {type: openai, base_url: "${url}", retries: 0, headers: {x-role: judge}}\n`
    edit(
      folder,
      'aigate.yaml',
      'models:\n',
      `${line(real.url)}models:\n  judge: {provider: judging, id: j-2026-01-01}\n`,
    )
    edit(folder, 'evals/app.suite.yaml', 'assert: [{contains: right}]', 'assert: [{rubric: {criteria: it is right}}]')
    expect(await aigate(['baseline', 'record', '--reason', 'first'], folder)).toMatchObject({ code: 0 })
    expect(await aigate(['lock'], folder)).toMatchObject({ code: 0 })
    commit(folder, 'a baseline')
    const attack = async (change: (into: string) => void) => {
      const into = clone(folder)
      change(into)
      expect(await aigate(['lock'], into)).toMatchObject({ code: 0 })
      commit(into, 'a change')
      return judged(into, ['--no-cache'])
    }
    expect(await attack(newPrompt)).toMatchObject({ code: 1 })
    const bribed = (into: string) => edit(into, 'aigate.yaml', line(real.url), line(fake.url))
    const both = await attack((into) => {
      newPrompt(into)
      bribed(into)
    })
    expect(both.said).toContain(
      `would be graded at provider judging (openai ${fake.url}), which the base does not know`,
    )
    expect(both.code).toBe(3)
    const alone = await attack(bribed)
    expect(alone.said).toContain(
      'This change loosens the gate: the suite has judges, embeddings or players at provider judging',
    )
    expect(alone.code).toBe(0)
  })

  it('alone is said and held, also as another header, kind or name', async () => {
    const { real, fake, attack } = await base()
    const changes: [(into: string) => void, RegExp][] = [
      [
        (into) => edit(into, 'aigate.yaml', real.url, fake.url),
        /Somebody else answers than for the baseline: provider/,
      ],
      [(into) => edit(into, 'aigate.yaml', 'retries: 0', 'headers: {x-model: canned}'), /headers none -> x-model/],
      [
        (into) => {
          edit(into, 'aigate.yaml', '\nmodels:', `\n  own: {type: openai, base_url: "${fake.url}"}\nmodels:`)
          edit(into, 'aigate.yaml', 'provider: api', 'provider: own')
        },
        /asks a prompt at provider own/,
      ],
    ]
    for (const [change, says] of changes) {
      const { code, said } = await judged(await attack(change))
      expect(said).toMatch(says)
      expect(said).toMatch(/This change asks a prompt at provider .* which the base does not know/)
      expect(code).toBe(3)
    }
  })

  it('that the base registers, or where it permits that, passes; the listing stays', async () => {
    const second = '\n  second: {type: openai, base_url: "$URL"}\nmodels:'
    const { fake, attack } = await base('gate: {allow_target_changes: true}\n')
    const { code, said } = await judged(
      await attack((into) => {
        edit(into, 'aigate.yaml', '\nmodels:', second.replace('$URL', fake.url))
        edit(into, 'aigate.yaml', 'provider: api', 'provider: second')
      }),
    )
    expect(said).toMatch(/This change loosens the gate: the suite asks a prompt at provider second/)
    expect(code).toBe(0)
  })

  it('components that are removed, added or renamed are changes, and no same target', async () => {
    const { attack } = await base('components: {index: {version: kb-1}}\n')
    const renamed = await judged(
      await attack((into) => {
        newPrompt(into)
        edit(into, 'aigate.yaml', 'index: {version: kb-1}', 'index2: {version: kb-2}')
      }),
    )
    expect(renamed.said).toMatch(/index kb-1 -> none and index2 none -> kb-2 changed together/)
    expect(renamed.code).toBe(2)
    const gone = await judged(
      await attack((into) => {
        newPrompt(into)
        edit(into, 'aigate.yaml', 'components: {index: {version: kb-1}}\n', '')
      }),
    )
    expect(gone).toMatchObject({ code: 2 })
    const hiding = await judged(
      await attack((into) => {
        edit(into, 'aigate.yaml', 'kb-1', 'kb-2')
        const kept = all.filter((id) => !broken.includes(id))
        const lines = kept.map((id) => JSON.stringify({ id, vars: { q: `question ${id.slice(1)}` } }))
        write(into, 'evals/cases.jsonl', `${lines.join('\n')}\n`)
      }),
    )
    expect(hiding.said).toMatch(/7 cases of the base are removed or rewritten/)
    expect(hiding.code).toBe(3)
  })

  it('replaced by a module that knows the answers', async () => {
    const { attack } = await base()
    const { code, said } = await judged(
      await attack((into) => {
        write(into, 'evals/canned.mjs', good)
        edit(into, 'evals/app.suite.yaml', 'target: {prompt: a@1.0.0, model: main}', 'target: {module: canned.mjs}')
      }),
    )
    expect(said).toMatch(/asks module evals\/canned.mjs instead of a prompt at provider api/)
    expect(code).toBe(3)
  })
})

describe('the configuration', () => {
  it('moved up, so that the same folder reads a laxer one', async () => {
    const top = await application('{min_pass_rate: 0.95, max_regression: 0.05}', 'pkg')
    const into = clone(top)
    write(into, 'pkg/app.mjs', bad)
    renameSync(join(into, 'pkg/aigate.yaml'), join(into, 'aigate.yaml'))
    edit(into, 'aigate.yaml', /gate: .*/, 'gate: {min_pass_rate: 0, max_regression: false}')
    write(
      into,
      'aigate.yaml',
      'version: 1\ngate: {min_pass_rate: 0, max_regression: false}\nsuites: [pkg/evals/*.yaml]\n',
    )
    commit(into, 'a change')
    const { code, said } = await judged(join(into, 'pkg'))
    expect(said).toMatch(/At the base pkg\/aigate.yaml is the configuration for this folder/)
    expect(code).toBe(3)
    const named = await judged(join(into, 'pkg'), ['--config', '../aigate.yaml'])
    expect(named).toMatchObject({ code: 3 })
  })

  it('of a new package passes from its own folder; another one at the root is none of its business', async () => {
    const top = await application('{min_pass_rate: 0.85, max_regression: 0.05}', 'pkg')
    const into = clone(top)
    mkdirSync(join(into, 'other'))
    write(into, 'other/aigate.yaml', 'version: 1\n')
    write(
      into,
      'other/evals/b.suite.yaml',
      'suite: b\nversion: 1.0.0\ntarget: {module: ../app.mjs}\ncases_from: [cases.jsonl]\n',
    )
    write(into, 'other/app.mjs', good)
    write(into, 'other/evals/cases.jsonl', rows(all))
    commit(into, 'a change')
    const { code, said } = await judged(join(into, 'other'))
    expect(said).toMatch(/has no configuration/)
    expect(code).toBe(0)
    expect(await judged(join(into, 'pkg'))).toMatchObject({ code: 0 })
    expect(await judged(into, ['--config', 'pkg/aigate.yaml'])).toMatchObject({ code: 0 })
  })
})

describe('limits', () => {
  const floor = '{min_pass_rate: 0.95, max_regression: false}'
  it('are not lifted by easy cases that the change adds', async () => {
    const into = clone(await application(floor))
    write(into, 'app.mjs', bad)
    const easy = Array.from({ length: 600 }, (_, i) => `n${i}`)
    write(into, 'evals/cases.jsonl', rows([...all, ...easy]))
    commit(into, 'a change')
    const { code, said } = await judged(into)
    expect(said).toMatch(/600 cases added: the limits are held against the cases of the base alone as well: n0/)
    expect(said).toMatch(/On the 42 cases of the base, without those that are added: Pass rate/)
    expect(code).toBe(1)
    expect((await aigate(['eval', '--no-base'], into, { CI: 'true' })).code).toBe(0)
    expect((await aigate(['report', 'latest'], into)).code).toBe(0)

    const hidden = clone(await application(floor))
    write(hidden, 'app.mjs', bad)
    write(hidden, 'evals/cases.jsonl', rows([...all.filter((id) => !broken.includes(id)), ...easy]))
    commit(hidden, 'a change')
    expect(await judged(hidden)).toMatchObject({ code: 3 })
  })

  it('that the base branch raised since the change left it judge', async () => {
    const top = await application('{min_pass_rate: 0.5, max_regression: false}')
    const first = git(top, 'rev-parse', 'HEAD')
    edit(top, 'aigate.yaml', '0.5, max_regression: false', '0.95, max_regression: 0.05')
    commit(top, 'a higher bar')
    const into = clone(top)
    git(into, 'reset', '-q', '--hard', first)
    write(into, 'app.mjs', bad)
    commit(into, 'a change')
    const { code, said } = await judged(into)
    expect(said).toMatch(
      /origin\/\w+ has another gate since this change left it, which judges: min_pass_rate: 0.5 -> 0.95/,
    )
    expect(code).toBe(1)
    expect(await judged(into, ['--base', 'main'])).toMatchObject({ code: 1 })
  })

  it('--tag holds a suite of which nothing is left to ask', async () => {
    const top = await application('{min_pass_rate: 0.85, max_regression: 0.05}')
    write(top, 'evals/cases.jsonl', rows(all, { tags: ['smoke'] }))
    write(
      top,
      'evals/b.suite.yaml',
      'suite: b\nversion: 1.0.0\ntarget: {module: ../app.mjs}\ncases: [{id: b1, tags: [smoke], assert: [{contains: right}]}, {id: b2, assert: [{contains: right}]}]\n',
    )
    commit(top, 'two suites')
    const into = clone(top)
    edit(into, 'evals/b.suite.yaml', /\{id: b1.*?\}\]\}, /, '')
    commit(into, 'a change')
    const { said } = await judged(into, ['--tag', 'smoke'])
    expect(said).toMatch(/The suite b has no case left that is asked here; at the base it has 1 such case/)
    expect((await judged(into, ['--tag', 'smoke'])).code).toBe(3)
  })
})
