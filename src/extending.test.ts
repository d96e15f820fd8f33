// docs/extending.md, followed: its examples are the files that run, its errors come as it says, and its template makes a built-in.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { graderTools } from './run/grader-tools.ts'
import { Case } from './schema/suite.ts'
import { grade } from './score/grade.ts'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs', 'extending.md'), 'utf8')
const blocks = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, kind, body = '']) => ({ kind, body }))
const block = (holds: string) => blocks.find(({ body }) => body.includes(holds))!.body
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
const temporary = () => {
  const folder = mkdtempSync(join(tmpdir(), 'aigate-extending-'))
  folders.push(folder)
  return folder
}

describe('the examples of the page', () => {
  /** What a program does: without the comments and the docstring at its head. */
  const code = (text: string) =>
    text
      .replace(/^"""[\s\S]*?"""\n/, '')
      .replace(/^(?:\s*(?:#|\/\/).*\n)+/, '')
      .trim()
  it.each([
    ['tone.ts', 'export const tone'],
    ['numbers.py', 'json.load(sys.stdin)'],
    ['polite.sh', 'answer=$(cat)'],
  ])('%s is the file that runs', (file, holds) => {
    expect(code(block(holds))).toBe(code(readFileSync(join(root, 'fixtures/extending/graders', file), 'utf8')))
  })
  it('shows what is given', async () => {
    const dir = temporary()
    writeFileSync(join(dir, 'keep.mjs'), "import { writeFileSync } from 'node:fs'\nexport default (given) => { writeFileSync(new URL('given.json', import.meta.url), JSON.stringify(given)); return true }\n") // biome-ignore format: one file
    const shown = JSON.parse(block('"tool_calls": [')) as {
      case: Record<string, unknown>
      vars: never
      answer: string
      tool_calls: never
    }
    const { vars, answer, tool_calls } = shown
    const one = Case.parse({ ...shown.case, vars, assert: [{ module: { path: 'keep.mjs', options: { max: 1 } } }] })
    const completion = { outcome: 'answered' as const, text: answer, tool_calls, attempts: 1 }
    expect(await grade(one, completion, graderTools({ dir, env: process.env }))).toMatchObject({ passed: true })
    expect(JSON.parse(readFileSync(join(dir, 'given.json'), 'utf8'))).toEqual({ ...shown, options: { max: 1 } })
  })
})

const python = spawnSync('python3', ['--version']).status === 0
describe('code of users', () => {
  const dir = temporary()
  async function graded(assertion: Record<string, unknown>, files: Record<string, string> = {}, text = 'one 2 three') {
    for (const [name, body] of Object.entries(files)) writeFileSync(join(dir, name), body)
    const one = Case.parse({ id: 'c', vars: { needs: 'one three four' }, assert: [assertion] })
    const completion = { outcome: 'answered' as const, text, tool_calls: [], attempts: 1 }
    return grade(one, completion, graderTools({ dir, env: { PATH: process.env['PATH'] } }))
  }
  const graders = join(root, 'fixtures/extending/graders')

  it.skipIf(!python)('in Python', async () => {
    const found = await graded({ command: { run: ['python3', join(graders, 'numbers.py')] }, threshold: 1 })
    expect(found).toMatchObject({
      passed: false,
      scores: [{ score: 2 / 3, reason: expect.stringContaining('2 of 3 words') }],
    })
  })
  it.skipIf(!python)('in Python that crashes is a grader error with its last line', async () => {
    const found = await graded(
      { command: { run: ['python3', 'crash.py'] } },
      { 'crash.py': 'raise ValueError("no table")\n' },
    )
    expect(found).toMatchObject({ passed: null, grader_error: expect.stringMatching(/crashed: ValueError: no table/) })
  })
  it.skipIf(process.platform === 'win32')('in shell', async () => {
    const run = { command: { run: ['sh', join(graders, 'polite.sh')] } }
    expect(await graded(run)).toMatchObject({ passed: true })
    expect(await graded(run, {}, 'that is stupid')).toMatchObject({ passed: false })
  })
  it('in TypeScript', async () => {
    const tone = { module: { path: join(graders, 'tone.ts'), export: 'tone', options: { max: 1 } } }
    expect(await graded(tone, {}, 'Hi!')).toMatchObject({
      passed: true,
      scores: [{ score: 0.5, reason: '1 exclamation marks' }],
    })
    expect(await graded(tone, {}, 'Hi!!')).toMatchObject({ passed: false })
  })

  const waiting = 'setInterval(() => {}, 1000)\n'
  it.each<[string, Record<string, unknown>, Record<string, string>, RegExp]>([
    ['a function that never answers', { module: { path: 'm1.mjs', timeout: '60ms' } }, { 'm1.mjs': 'export default () => new Promise(() => {})' }, /no grade came within 60 ms/],
    ['a file that never loads', { module: { path: 'm2.mjs', timeout: '60ms' } }, { 'm2.mjs': 'await new Promise((r) => setTimeout(r, 3000))\nexport default () => true' }, /no grade came within 60 ms/],
    ['a function that throws', { module: { path: 'm3.mjs' } }, { 'm3.mjs': 'export default () => { throw new Error("no table") }' }, /no table/],
    ['a function that says nothing', { module: { path: 'm4.mjs' } }, { 'm4.mjs': 'export default () => {}' }, /expected true, false, a number or/],
    ['a score out of range', { module: { path: 'm5.mjs' } }, { 'm5.mjs': 'export default () => 7' }, /score is 7, expected a number from 0 to 1/],
    ['an export that is none', { module: { path: 'm5.mjs', export: 'x' } }, {}, /has no export "x"; it exports default/],
    ['a file that is none', { module: { path: 'gone.mjs' } }, {}, /no file gone\.mjs/],
    ['a loop that never ends', { module: { path: 'm6.mjs', timeout: '60ms' } }, { 'm6.mjs': 'export default () => { for (;;); }' }, /within 60 ms/],
    ['an expression that never ends', { module: { path: 'm7.mjs', timeout: '60ms' } }, { 'm7.mjs': 'export default async () => /^(a+)+$/.test("a".repeat(60) + "b")' }, /within 60 ms/],
    ['a verdict of another tool', { module: { path: 'm8.mjs' } }, { 'm8.mjs': 'export default () => ({ pass: false, score: 0.9 })' }, /has the key "pass"; known are score, passed and reason/],
    ['a printed verdict of another tool', { command: { run: [process.execPath, 'p4.mjs'] } }, { 'p4.mjs': 'console.log(JSON.stringify({ success: false }))' }, /has the key "success"/],
    ['a program that is no Python', { command: { run: [process.execPath, 'p5.mjs'] } }, { 'p5.mjs': 'console.error(\'  File "grade.py", line 1\\n    if\\nSyntaxError: invalid syntax\'); process.exit(1)' }, /crashed: SyntaxError: invalid syntax/],
    ['a program that is no Lua', { command: { run: [process.execPath, 'p6.mjs'] } }, { 'p6.mjs': 'console.error("lua: grade.lua:1: no table\\nstack traceback:\\n\\t[C]: in ?"); process.exit(1)' }, /crashed/],
    ['a program that never ends', { command: { run: [process.execPath, 'p1.mjs'], timeout: '200ms' } }, { 'p1.mjs': waiting }, /did not end within 200 ms/],
    ['a program that says what it waits for', { command: { run: [process.execPath, 'p9.mjs'], timeout: '2s' } }, { 'p9.mjs': 'console.error("waiting for the lock")\n' + waiting }, /did not end within 2000 ms\. It said last: waiting for the lock/],
    ['a program that is killed', { command: { run: [process.execPath, 'p10.mjs'] } }, { 'p10.mjs': 'console.error("no memory"); process.kill(process.pid, "SIGKILL")' }, /ended by SIGKILL\. It said last: no memory/],
    ['a program that is none', { command: { run: ['no-such-program-here'] } }, {}, /no such program/],
    ['another exit code', { command: { run: [process.execPath, 'p2.mjs'] } }, { 'p2.mjs': 'console.error("bad key"); process.exit(3)' }, /exited with 3: bad key/],
    ['a print that is no verdict', { command: { run: [process.execPath, 'p3.mjs'] } }, { 'p3.mjs': 'console.log("{torn")' }, /JSON/],
  ])('%s is a grader error', async (_, assertion, files, said) => {
    const found = await graded(assertion, files)
    expect(found).toMatchObject({ passed: null, score: null, scores: [] })
    expect(found.grader_error).toMatch(said)
  }) // biome-ignore format: a table

  it('sees the way to the answer: what was sent, said, retrieved and left behind', async () => {
    writeFileSync(join(dir, 'all.mjs'), 'export default ({ messages, steps, contexts, state }) => ({ passed: messages[0].content === "hi" && steps[1].error === true && contexts[0].id === "kb-7" && state.refunds === 1 })\n') // biome-ignore format: one file
    const one = Case.parse({ id: 'c', assert: [{ module: { path: 'all.mjs' } }] })
    const steps = [
      { role: 'assistant' as const, turn: 1, content: '', tool_calls: [{ name: 'find', arguments: '{}' }] },
      { role: 'tool' as const, turn: 1, content: 'down', name: 'find', error: true as const },
    ]
    const completion = {
      outcome: 'answered' as const,
      text: 'a',
      tool_calls: [],
      attempts: 1,
      conversation: { steps, calls: 1, ended: 'answered' as const },
      contexts: [{ id: 'kb-7' }],
      state: { refunds: 1 },
    }
    const found = await grade(one, completion, graderTools({ dir, env: {} }), [{ role: 'user', content: 'hi' }])
    expect(found).toMatchObject({ passed: true })
  })
  it('may show how the code of an answer crashed: a verdict that was printed stands', async () => {
    const script =
      'console.error("Traceback (most recent call last):\\n  x"); console.log(JSON.stringify({ score: 0, reason: "it crashes" })); process.exit(1)'
    const found = await graded({ command: { run: [process.execPath, 'p7.mjs'] } }, { 'p7.mjs': script })
    expect(found).toMatchObject({ passed: false, scores: [{ reason: 'it crashes' }] })
  })
  it('says with its last line on stderr why it rejects an answer, where it prints nothing', async () => {
    const found = await graded(
      { command: { run: [process.execPath, 'p8.mjs'] } },
      { 'p8.mjs': 'console.error("too rude"); process.exit(1)' },
    )
    expect(found).toMatchObject({ passed: false, scores: [{ reason: 'exited with 1: too rude' }] })
  })

  it('cannot change what the next grader sees', async () => {
    writeFileSync(
      join(dir, 'greedy.mjs'),
      'export default (given) => { given.vars.needs = ""; given.case.id = "x"; return true }',
    )
    const one = Case.parse({ id: 'c', vars: { needs: 'all' }, assert: [{ module: { path: 'greedy.mjs' } }] })
    await grade(one, { outcome: 'answered', text: 'a', tool_calls: [], attempts: 1 }, graderTools({ dir, env: {} }))
    expect(one).toMatchObject({ id: 'c', vars: { needs: 'all' } })
  })
})

describe('the template for a new built-in', () => {
  it('makes one in five places, and the tests find the one that is forgotten', { timeout: 240_000 }, () => {
    const copy = temporary()
    for (const part of ['src', 'docs', 'package.json', 'tsconfig.json', 'vitest.config.ts', 'vitest.setup.ts']) {
      cpSync(join(root, part), join(copy, part), { recursive: true })
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
    const edit = (path: string, from: string | RegExp, to: string) => {
      const text = readFileSync(join(copy, path), 'utf8')
      expect(text).toMatch(from)
      writeFileSync(
        join(copy, path),
        text.replace(from, (found) => found + to),
      )
    }
    const vitest = (...args: string[]) => {
      const cli = join(root, 'node_modules', 'vitest', 'vitest.mjs')
      const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'run', ...args], {
        cwd: copy,
        encoding: 'utf8',
      })
      return { status, said: stdout + stderr }
    }
    const forms = () => vitest('src/score/forms.test.ts')
    const rows = () => vitest('src/score/assertions.test.ts', '-t', 'palindrome|a passing and a failing row')
    edit('src/schema/assertion.ts', 'export const assertionArgs = {\n', block('palindrome: () => z.literal'))
    writeFileSync(join(copy, 'src/score/palindrome.ts'), block('export const palindrome').replace(/^\/\/ src.*\n/, ''))
    edit('src/score/registry.ts', /\n\nexport const assertions: .*\n/, '  palindrome,\n')
    writeFileSync(
      join(copy, 'src/score/registry.ts'),
      readFileSync(join(copy, 'src/score/registry.ts'), 'utf8').replace(
        '\nimport ',
        "\nimport { palindrome } from './palindrome.ts'\nimport ",
      ),
    )
    expect(rows().said).toMatch(/a passing and a failing row for each/)
    expect(rows().status).toBe(1)
    edit(
      'src/score/assertions.test.ts',
      'const rows: Row[] = [\n',
      "  [{ palindrome: true }, 'Never odd or even.', true, /a palindrome/],\n  [{ palindrome: true }, 'Odd.', false, /no palindrome/],\n",
    )
    expect(rows()).toMatchObject({ status: 0 })
    expect(forms().status).toBe(1)
    edit(
      'docs/assertions.md',
      /\|---\|---\|---\|\n/,
      '| `palindrome` | `{palindrome: true}` | it reads the same from both ends |\n',
    )
    expect(forms()).toMatchObject({ status: 0 })
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', '.'], { cwd: copy, encoding: 'utf8' })
    // Tests reach for files outside of the copy; what the page made must compile.
    expect(stdout.split('\n').filter((line) => /^src\/(score|schema)\/(?!.*\.test\.ts)/.test(line))).toEqual([])
  })
})
