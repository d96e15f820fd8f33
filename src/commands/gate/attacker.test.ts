// A scripted attacker: pull requests in real git repositories that make the model worse and weaken the gate in one change.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn, temporary } from '../cli-testing.ts'

afterAll(removeTemporary)

const git = (cwd: string, ...args: string[]) =>
  execFileSync(
    'git',
    ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', '-c', 'commit.gpgsign=false', ...args],
    {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  ).trim()
const write = (folder: string, path: string, text: string) => {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), text)
}
const edit = (folder: string, path: string, change: (text: string) => string) => {
  const before = readFileSync(join(folder, path), 'utf8')
  const after = change(before)
  expect(after).not.toBe(before)
  writeFileSync(join(folder, path), after)
}

const CASES = 60
/** Every seventh case breaks in the attacker's change: 9 of 60. */
const broken = Array.from({ length: CASES }, (_, i) => i).filter((i) => i % 7 === 0)
const id = (i: number) => `c${String(i).padStart(3, '0')}`
const line = (i: number, more: object = {}) => ({
  id: id(i),
  category: i % 2 === 0 ? 'even' : 'odd',
  tags: ['smoke'],
  ...(i === 7 && { critical: true }),
  vars: { question: `question ${i}` },
  assert: [{ module: { path: 'grade.mjs' } }],
  ...more,
})
const jsonl = (lines: object[]) => `${lines.map((one) => JSON.stringify(one)).join('\n')}\n`
const all = Array.from({ length: CASES }, (_, i) => i)
const goodApp = "export default ({ id }) => 'right'\n"
const badApp = "export default ({ id }) => (Number(id.slice(1)) % 7 === 0 ? 'no idea' : 'right')\n"

let main = ''

/** The project as it is on main, with its baseline, and one critical case. */
async function project(critical = true): Promise<string> {
  const folder = temporary()
  write(folder, 'aigate.yaml', 'version: 1\ngate: {min_pass_rate: 0.85, max_regression: 0.05}\n')
  write(folder, 'app.mjs', goodApp)
  write(folder, 'evals/grade.mjs', "export default ({ answer }) => answer.includes('right')\n")
  write(
    folder,
    'evals/app.suite.yaml',
    'suite: app\nversion: 1.0.0\ntarget: {module: ../app.mjs}\ncases_from: [cases.jsonl]\n',
  )
  write(folder, 'evals/cases.jsonl', jsonl(all.map((i) => line(i, critical ? {} : { critical: false }))))
  write(folder, '.gitignore', '.aigate/\nrun.json\n')
  const recorded = await aigate(['baseline', 'record', '--reason', 'first'], folder)
  expect(recorded).toMatchObject({ code: 0 })
  git(folder, 'init', '-q', '-b', 'main')
  git(folder, 'add', '.')
  git(folder, 'commit', '-qm', 'the base')
  return folder
}

beforeAll(async () => {
  main = await project()
})

/** A pull request from `main`: a fresh clone, a branch, the change committed. */
function pullRequest(from: string, change: (folder: string) => void): string {
  const folder = join(temporary(), 'clone')
  git(from, 'clone', '-q', from, folder)
  git(folder, 'checkout', '-qb', 'change')
  change(folder)
  git(folder, 'add', '-A')
  git(folder, 'commit', '-qm', 'a change')
  return folder
}

const inCi = { CI: 'true' }
const evaluate = (folder: string, args: string[] = []) =>
  aigate(['eval', ...args, '--reporter', 'table,json:run.json'], folder, inCi)

const suiteFile = (folder: string, more: string) => edit(folder, 'evals/app.suite.yaml', (text) => text + more)
const cases = (folder: string, of: (i: number) => object | null) =>
  write(folder, 'evals/cases.jsonl', jsonl(all.flatMap((i) => of(i) ?? [])))

type Attack = {
  name: string
  code: number
  says: RegExp
  args?: string[]
  critical?: false
  /** Where CI works, relative to the repository. */
  cwd?: string
  change: (folder: string) => void
}
const attacks: Attack[] = [
  {
    name: 'lowers the floor and switches the comparison off',
    code: 1,
    critical: false,
    says: /max_regression: 0.05 -> false/,
    change: (folder) => suiteFile(folder, 'gate: {min_pass_rate: 0, max_regression: false}\n'),
  },
  {
    name: 'lets raw thresholds that never block decide, at another alpha, with pass for undecided',
    code: 1,
    critical: false,
    says: /naive: not set -> .*on_inconclusive|on_inconclusive: hold -> pass/s,
    change: (folder) =>
      suiteFile(
        folder,
        'gate: {alpha: 0.0001, on_inconclusive: pass, naive: {min_pass_rate: false, max_drop: false, max_category_drop: false}}\n',
      ),
  },
  {
    name: 'removes the cases that break',
    code: 3,
    critical: false,
    says: /9 cases of the base removed/,
    change: (folder) => cases(folder, (i) => (broken.includes(i) ? null : line(i, { critical: false }))),
  },
  {
    name: 'weakens the assertions of the cases that break',
    code: 3,
    critical: false,
    says: /9 cases of the base rewritten/,
    change: (folder) =>
      cases(folder, (i) => line(i, { critical: false, ...(broken.includes(i) && { assert: [{ min_words: 1 }] }) })),
  },
  {
    name: 'replaces the case ids, so that nothing can be paired',
    code: 3,
    says: /60 of the base's 60 cases are removed or rewritten/,
    change: (folder) =>
      cases(folder, (i) => (broken.includes(i) ? null : line(i, { id: `new-${id(i)}`, critical: false }))),
  },
  {
    name: 'removes the critical case only',
    code: 3,
    says: /Critical case removed or rewritten: c007/,
    change: (folder) => {
      write(folder, 'app.mjs', "export default ({ id }) => (id === 'c007' ? 'no idea' : 'right')\n")
      cases(folder, (i) => (i === 7 ? null : line(i)))
    },
  },
  {
    name: 'takes critical and category off the cases that break',
    code: 1,
    says: /c007 is no longer critical/,
    change: (folder) => {
      write(folder, 'app.mjs', "export default ({ id }) => (id === 'c007' ? 'no idea' : 'right')\n")
      cases(folder, (i) => line(i, { critical: false, category: 'other' }))
    },
  },
  {
    name: 'takes the tag off the cases that break, where CI asks by tag',
    code: 1,
    args: ['--tag', 'smoke'],
    says: /c000 loses the tag smoke/,
    change: (folder) => cases(folder, (i) => line(i, broken.includes(i) ? { tags: ['slow'] } : {})),
  },
  {
    name: 'removes the cases that break, where CI asks by tag',
    code: 3,
    critical: false,
    args: ['--tag', 'smoke'],
    says: /9 cases of the base are removed or rewritten .*If they had failed/,
    change: (folder) => cases(folder, (i) => (broken.includes(i) ? null : line(i, { critical: false }))),
  },
  {
    name: 'asks a program that knows the answers instead of the application',
    code: 3,
    says: /asks module evals\/canned.mjs instead of module app.mjs, which the base does not know/,
    change: (folder) => {
      write(folder, 'evals/canned.mjs', goodApp)
      edit(folder, 'evals/app.suite.yaml', (text) => text.replace('../app.mjs', 'canned.mjs'))
    },
  },
  {
    name: 'puts an easy configuration into the folder that CI works in',
    code: 3,
    cwd: 'service',
    says: /At the base aigate.yaml is the configuration for this folder, and this change is run with service\/aigate.yaml/,
    change: (folder) => {
      write(folder, 'service/aigate.yaml', 'version: 1\nsuites: [easy.suite.yaml]\n')
      write(
        folder,
        'service/easy.suite.yaml',
        'suite: app\nversion: 1.0.0\ntarget: {module: ../app.mjs}\ncases: [{id: c001, assert: [{contains: right}]}]\n',
      )
    },
  },
  {
    name: 'writes the failures into the baseline',
    code: 1,
    critical: false,
    says: /baseline file is touched/,
    change: (folder) =>
      edit(folder, 'baselines/app.json', (text) =>
        text.replace(/"passes":5,"trials":5/g, (found, at) => (at % 3 === 0 ? found : '"passes":0,"trials":5')),
      ),
  },
  {
    name: 'removes the baseline and points to another folder',
    code: 1,
    critical: false,
    says: /baseline file is touched/,
    change: (folder) => {
      rmSync(join(folder, 'baselines'), { recursive: true })
      edit(folder, 'aigate.yaml', (text) => `${text}baselines: elsewhere\n`)
    },
  },
  {
    name: 'puts the cases that break into quarantine',
    code: 1,
    says: /is put into quarantine; it counts until/,
    change: (folder) => {
      const until = new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10)
      const entry = (i: number) =>
        `- {suite: app, case: ${id(i)}, owner: Eve, reason: flaky, until: ${until}, allow_critical: true}\n`
      write(folder, 'quarantine.yaml', broken.map(entry).join(''))
    },
  },
  {
    name: 'takes the suite out and leaves a harmless one',
    code: 3,
    says: /The suite app of the base is gone/,
    change: (folder) => {
      edit(folder, 'aigate.yaml', (text) => `${text}suites: [checks/*.suite.yaml]\n`)
      write(
        folder,
        'checks/easy.suite.yaml',
        'suite: easy\nversion: 1.0.0\ntarget: {module: ../app.mjs}\ncases: [{id: c001, assert: [{contains: right}]}]\n',
      )
    },
  },
  {
    name: 'makes the grader accept everything',
    code: 3,
    says: /rewritten \(question, assertions or grader\)/,
    change: (folder) => {
      write(folder, 'evals/grade.mjs', 'export default () => true\n')
    },
  },
  {
    name: 'turns failures into errors and asks for no coverage',
    code: 4,
    says: /min_coverage: 0.95 -> 0/,
    change: (folder) => {
      write(folder, 'app.mjs', badApp.replace("'no idea'", "(() => { throw new Error('busy') })()"))
      suiteFile(folder, 'gate: {min_coverage: 0}\n')
    },
  },
  {
    name: 'lowers the budget so that hardly anything is measured',
    code: 4,
    says: /budget.max_calls is lowered from no limit to 3/,
    change: (folder) => edit(folder, 'aigate.yaml', (text) => `${text}budget: {max_calls: 3}\n`),
  },
]

describe('an attacker changes the gate together with the model', () => {
  let uncritical = ''
  beforeAll(async () => {
    uncritical = await project(false)
  })

  it.each(attacks)('$name: exit $code', async ({ code, says, args, critical, cwd = '', change }) => {
    const clone = pullRequest(critical === false ? uncritical : main, (into) => {
      write(into, 'app.mjs', badApp)
      change(into)
    })
    const folder = join(clone, cwd)
    const { code: ended, stdout, stderr } = await evaluate(folder, args)
    expect(stderr).not.toMatch(/\n\s+at /)
    const warnings = reportIn(folder).suites.flatMap(({ verdict }) => [...verdict.warnings, ...verdict.reasons])
    expect(warnings.join('\n')).toMatch(says)
    expect({ ended, stdout }).toEqual({ ended: code, stdout: expect.any(String) })

    const again = await aigate(['report', 'latest'], folder, inCi)
    expect(again.code).toBe(code)
    const compared = await aigate(['compare', 'latest'], folder, inCi)
    expect(compared.code, compared.stdout + compared.stderr).not.toBe(0)
  })

  it('would be taken in without the guard', async () => {
    const taken = []
    for (const { name, critical, args = [], cwd = '', change } of attacks) {
      const folder = pullRequest(critical === false ? uncritical : main, (clone) => {
        write(clone, 'app.mjs', badApp)
        change(clone)
      })
      const { code } = await evaluate(join(folder, cwd), [...args, '--no-base'])
      if (code === 0) taken.push(name)
    }
    expect(taken.length, taken.join('; ')).toBeGreaterThanOrEqual(10)
  }, 60_000)
})

describe('honest changes', () => {
  it('a change of one case and of nothing else in the gate passes', async () => {
    const folder = pullRequest(main, (clone) => {
      write(clone, 'app.mjs', `// tidier\n${goodApp}`)
      cases(clone, (i) => line(i, i === 3 ? { vars: { question: 'clearer?' } } : {}))
    })
    const { code, stdout } = await evaluate(folder)
    expect(stdout).toMatch(/1 case of the base rewritten/)
    expect(code).toBe(0)
  })

  it('stricter rules of the change count at once', async () => {
    const folder = pullRequest(main, (clone) => {
      write(clone, 'app.mjs', "export default ({ id }) => (id === 'c001' ? 'no idea' : 'right')\n")
      suiteFile(clone, 'gate: {min_pass_rate: 1, burden: prove-good}\n')
    })
    expect((await evaluate(folder)).code).not.toBe(0)
    expect((await evaluate(folder, ['--base', 'main'])).code).not.toBe(0)
  })

  it('where the base has no configuration, or there is no git, that is said and the own rules count', async () => {
    const folder = temporary()
    write(folder, 'readme', 'x')
    git(folder, 'init', '-q', '-b', 'main')
    git(folder, 'add', '.')
    git(folder, 'commit', '-qm', 'empty')
    const clone = pullRequest(folder, (into) => {
      for (const path of ['aigate.yaml', 'app.mjs', 'evals/grade.mjs', 'evals/app.suite.yaml', 'evals/cases.jsonl'])
        write(into, path, readFileSync(join(main, path), 'utf8'))
    })
    const { code, stdout } = await evaluate(clone)
    expect(stdout).toMatch(/has no configuration/)
    expect(code).toBe(0)
    expect((await aigate(['eval', '--base', 'nowhere'], clone)).code).toBe(2)
  })
})
