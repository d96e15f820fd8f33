// The types that are shipped: equal to those of the code, and found by a TypeScript project that installs the packed package.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
const temporary = () => {
  const folder = mkdtempSync(join(tmpdir(), 'aigate-types-'))
  folders.push(folder)
  return folder
}
const compile = (project: string) => {
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8' })
  return { status, said: stdout }
}

describe('types/index.d.ts', () => {
  it('says what the code does', () => {
    const folder = temporary()
    const from = (path: string) => JSON.stringify(join(root, path))
    const code = `
      import type * as told from ${from('types/index.d.ts')}
      import type { GraderInput } from ${from('src/score/custom.ts')}
      import type { question } from ${from('src/run/providers/app.ts')}
      import type { AppAnswer } from ${from('src/run/providers/app.ts')}
      import type { Message, ToolCall } from ${from('src/schema/suite.ts')}
      import type { Json } from ${from('src/schema/values.ts')}
      import type { RetrievedContext, Step } from ${from('src/schema/conversation.ts')}
      type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
      type Fits<A, B> = [A] extends [B] ? true : false
      export const all: true[] = [
        true satisfies Same<Message, told.Message>,
        true satisfies Same<ToolCall, told.ToolCall>,
        true satisfies Same<Json, told.Json>,
        true satisfies Same<keyof GraderInput | 'options', keyof told.AssertionInput>,
        true satisfies Fits<GraderInput & { options: unknown }, told.AssertionInput>,
        true satisfies Same<keyof ReturnType<typeof question> | 'message' | 'signal', keyof told.TargetInput>,
        true satisfies Fits<ReturnType<typeof question> & { signal: AbortSignal }, told.TargetInput>,
        true satisfies Fits<told.Answer, string | AppAnswer>,
        true satisfies Same<keyof Exclude<told.Answer, string>, keyof AppAnswer>,
        true satisfies Same<Step, told.Step>,
        true satisfies Same<RetrievedContext, told.RetrievedContext>,
      ]
    `
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
    writeFileSync(join(folder, 'same.ts'), code)
    const options = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        typeRoots: [join(root, 'node_modules/@types')],
        rewriteRelativeImportExtensions: false,
        allowImportingTsExtensions: true,
      },
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...options, include: ['same.ts'] }))
    expect(compile(folder)).toEqual({ status: 0, said: '' })
    // A difference is found: this very check can fail.
    writeFileSync(join(folder, 'same.ts'), code.replace('Same<Message, told.Message>', 'Same<Message, told.ToolCall>'))
    expect(compile(folder).said).toMatch(/false/)
  })
})

describe('a project that installs the package', () => {
  let tarball = ''
  beforeAll(() => {
    const folder = temporary()
    const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      shell: process.platform === 'win32',
    })
    tarball = join(folder, (JSON.parse(packed) as { filename: string }[])[0]!.filename)
  }, 60_000)

  const grader = `
    import type { Assertion, Target, Verdict } from 'aigate'
    export const tone: Assertion<{ max: number }> = ({ answer, tool_calls, vars, options }) => {
      const marks: number = answer.split('!').length - 1
      const asked = typeof vars['question'] === 'string' ? vars['question'] : ''
      return { score: marks <= options.max && tool_calls.length === 0 ? 1 : 0, reason: asked }
    }
    export const way: Assertion = ({ messages = [], steps = [], contexts = [], state }) =>
      steps.every(({ error }) => !error) && contexts.some(({ id }) => id === 'kb-7') && state !== null && messages.length > 0
    export const later: Assertion = async ({ answer }): Promise<Verdict> => answer.length < 200
    const target: Target = async ({ id, messages, signal }) => {
      signal.throwIfAborted()
      const trajectory = [
        { role: 'assistant' as const, tool_calls: [{ id: 'a', name: 'find', arguments: { q: 1 } }] },
        { role: 'tool' as const, tool_call_id: 'a', content: 'done', error: false },
      ]
      const text = id + (messages.at(-1)?.content ?? '')
      return { text, usage: { input_tokens: 1, output_tokens: 1 }, trajectory, contexts: ['x'], state: {} }
    }
    export default target
  `
  function project(compilerOptions: Record<string, unknown>, code = grader) {
    const folder = temporary()
    const home = join(folder, 'node_modules', 'aigate')
    mkdirSync(home, { recursive: true })
    execFileSync('tar', ['-xzf', tarball, '-C', home, '--strip-components', '1'])
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
    writeFileSync(join(folder, 'grader.ts'), code)
    const base = {
      strict: true,
      noEmit: true,
      target: 'es2022',
      lib: ['es2022', 'dom'],
      types: [],
      verbatimModuleSyntax: true,
    }
    const all = { compilerOptions: { ...base, ...compilerOptions }, include: ['grader.ts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(all))
    return folder
  }

  it.each([
    [{ module: 'nodenext' }],
    [{ module: 'node16' }],
    [{ module: 'node20' }],
    [{ module: 'esnext', moduleResolution: 'bundler' }],
    [{ module: 'nodenext', exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false }],
  ])('compiles a grader with %j', (options) => {
    expect(compile(project(options))).toEqual({ status: 0, said: '' })
  })
  it.each([
    ['({ answer }) => answer.length', "() => 'good'", /not assignable to type .*Verdict/],
    ['({ answer }) => answer.length', '({ answr }) => 1', /answr/],
    ['({ answer }) => answer.length', '() => ({ reason: "x" })', /not assignable/],
  ])('%# is told what is wrong', (right, wrong, said) => {
    const code = (body: string) => `import type { Assertion } from 'aigate'\nexport const one: Assertion = ${body}\n`
    expect(compile(project({ module: 'nodenext' }, code(right)))).toEqual({ status: 0, said: '' })
    expect(compile(project({ module: 'nodenext' }, code(wrong))).said).toMatch(said)
  })
  it('finds the schemas and the program where they were', () => {
    const folder = project({ module: 'nodenext' })
    const script =
      "import { createRequire } from 'node:module'; const r = createRequire(process.cwd() + '/x.js'); r.resolve('aigate/schema/suite.schema.json'); console.log(r('aigate/package.json').bin.aigate)"
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder,
      encoding: 'utf8',
    })
    expect(said.trim()).toBe('bin/aigate.js')
  })
})
