// How grades become scores and scores a case: not, threshold, weights, graders that fail, custom graders.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GraderTools } from '../ports.ts'
import { Completion } from '../schema/run.ts'
import { Case } from '../schema/suite.ts'
import { bleu } from './bleu.ts'
import { grade } from './grade.ts'

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'aigate-score-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const tools: GraderTools = {
  runCommand: ([program = '', ...args], stdin, timeout) =>
    new Promise((resolve, reject) => {
      const child = execFile(program, args, { timeout, cwd: dir }, (error, stdout, stderr) => {
        const code = error?.code
        if (error && typeof code !== 'number') reject(new Error(error.killed ? 'it took too long' : error.message))
        else resolve({ exitCode: typeof code === 'number' ? code : 0, stdout, stderr })
      })
      child.stdin?.on('error', () => {})
      child.stdin?.end(stdin)
    }),
  loadExport: async (path, name) => {
    const loaded = (await import(pathToFileURL(join(dir, path)).href)) as Record<string, unknown>
    return loaded[name]
  },
}
const answered = (text: string, over = {}) =>
  Completion.parse({ outcome: 'answered', text, latency_ms: 1, attempts: 1, ...over })
const run = (assert: unknown[], text: string, over = {}) =>
  grade(Case.parse({ id: 'c', vars: { q: 'why' }, assert, ...over }), answered(text), tools)

describe('a case', () => {
  it('passes when every assertion with weight passes', async () => {
    expect(await run([{ contains: 'a' }, { contains: 'b' }], 'ab')).toMatchObject({ passed: true, score: 1 })
    expect(await run([{ contains: 'a' }, { contains: 'b' }], 'a')).toMatchObject({ passed: false, score: 0.5 })
    expect(await run([{ contains: 'a' }, { contains: 'b', weight: 0 }], 'a')).toMatchObject({ passed: true, score: 1 })
  })
  it('passes by the mean score when it sets a threshold', async () => {
    const assert = [
      { contains: 'a', weight: 0.2 },
      { contains: 'b', weight: 0.7 },
      { contains: 'c', weight: 0.1 },
    ]
    expect(await run(assert, 'ab', { threshold: 0.9 })).toMatchObject({ passed: true })
    expect(await run(assert, 'bc', { threshold: 0.9 })).toMatchObject({ passed: false })
  })
  it('survives weights whose sum is no number', async () => {
    const assert = [
      { contains: 'a', weight: 1e308 },
      { contains: 'b', weight: 1e308 },
    ]
    expect(await run(assert, 'a')).toMatchObject({ score: 0.5 })
  })
  it('that asserts nothing is not measured', async () => {
    expect(await run([], 'a')).toMatchObject({
      passed: null,
      score: null,
      grader_error: expect.stringMatching(/no assertion/),
    })
    expect(await run([{ contains: 'a', weight: 0 }], 'a')).toMatchObject({ passed: null, scores: [] })
  })
  it.each(['error', 'timeout'])('of which the call ended in %s is not measured', async (outcome) => {
    const completion = answered('a', { outcome })
    const graded = await grade(Case.parse({ id: 'c', assert: [{ contains: 'a' }] }), completion, tools)
    expect(graded).toEqual({ scores: [], passed: null, score: null })
  })
  it.each(['refused', 'truncated'])('of which the answer is %s is graded on its text', async (outcome) => {
    const completion = answered('a', { outcome })
    const graded = await grade(Case.parse({ id: 'c', assert: [{ contains: 'a' }] }), completion, tools)
    expect(graded).toMatchObject({ passed: true, score: 1 })
  })
  it('names assertions as people do', async () => {
    const { scores } = await run([{ not_contains: 'x' }, { contains: 'a', name: 'says a' }], 'a')
    expect(scores.map(({ assertion }) => assertion)).toEqual(['not_contains', 'says a'])
  })
  it('knows which assertions always say the same', async () => {
    const { scores } = await run([{ contains: 'a' }, { latency: '1s' }], 'a')
    expect(scores.map(({ deterministic }) => deterministic)).toEqual([true, false])
  })
})

describe('a grader that fails is never a failed answer', () => {
  it.each([
    [{ cost: 1 }, /^cost: the cost of this answer is not known/],
    [{ regex: '(' }, /^regex: /],
    [{ json_path: { path: 'total', exists: true } }, /^json_path: /],
    [{ not_json_schema: { type: 'nonsense' } }, /^not_json_schema: /],
    [{ command: { run: ['/no/such/program'] }, name: 'tone' }, /^tone: /],
    [{ module: { path: 'missing.mjs' } }, /^module: /],
  ])('%j', async (written, message) => {
    const graded = await run([{ contains: 'absent' }, written], '{"a": 1}')
    expect(graded).toMatchObject({ passed: null, score: null, scores: [] })
    expect(graded.grader_error).toMatch(message)
  })
})

describe('properties', () => {
  const word = fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom('a', 'B', 'é', ' ', '1', '{', '"', '。') })
  const form = fc.oneof(
    word.map((text) => ({ contains: text })),
    fc.array(word, { minLength: 1, maxLength: 3 }).map((texts) => ({ contains_any: texts })),
    word.map((text) => ({ equals: text })),
    word.map((text) => ({ similar: { to: text, method: 'levenshtein' }, threshold: 0.4 })),
    word.map((text) => ({ similar: { to: text, method: 'bleu' } })),
    fc.constant({ is_json: true }),
    fc.constant({ is_refusal: true }),
  )
  it('not_ turns passed and score round', () =>
    fc.assert(
      fc.asyncProperty(form, fc.string({ unit: 'binary' }), async (written, text) => {
        const [key = '', args] = Object.entries(written)[0] ?? []
        const { [key as never]: _dropped, ...options } = written
        const {
          scores: [plain],
        } = await run([written], text)
        const {
          scores: [turned],
        } = await run([{ [`not_${key}`]: args, ...(options as object) }], text)
        expect(turned!.passed).toBe(!plain!.passed)
        expect(turned!.score).toBeCloseTo(1 - plain!.score, 12)
        expect(plain!.score).toBeGreaterThanOrEqual(0)
        expect(plain!.score).toBeLessThanOrEqual(1)
      }),
    ))
  it('the score of a case is the mean by weight', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.double({ min: 0.001, max: 1000, noNaN: true })), { minLength: 1 }),
        async (parts) => {
          const graded = await run(
            parts.map(([holds, weight]) => ({ contains: holds ? 'a' : 'b', weight })),
            'a',
          )
          const total = parts.reduce((sum, [, weight]) => sum + weight, 0)
          const won = parts.reduce((sum, [holds, weight]) => sum + (holds ? weight : 0), 0)
          expect(graded.score).toBeCloseTo(won / total, 9)
          expect(graded.passed).toBe(parts.every(([holds]) => holds))
        },
      ),
    ))
})

describe('BLEU', () => {
  const split = (text: string) => text.split(' ')
  it('agrees with an independent calculation in exact fractions', () => {
    const reference = split('It is a guide to action that ensures that the military will forever heed Party commands')
    const candidate = split(
      'It is a guide to action which ensures that the military always obeys the commands of the party',
    )
    expect(bleu(candidate, reference)).toBeCloseTo(0.4452945001507636, 12)
    expect(bleu(split('the cat sat on a mat'), split('the cat is on the mat'))).toBeCloseTo(0.32466791547509893, 12)
  })
  it('punishes short candidates and unmatched ones', () => {
    expect(bleu(split('a b'), split('a b c d'))).toBeCloseTo(Math.exp(-1), 12)
    expect(bleu(['x'], ['y'])).toBe(0)
    expect(bleu([], ['y'])).toBe(0)
  })
})

describe('command', () => {
  const node = (script: string, extra = {}) => ({
    command: { run: [process.execPath, '-e', script], timeout: '20s', ...extra },
  })
  const read = `const i = JSON.parse(require('fs').readFileSync(0, 'utf8'));`
  it.each([
    ['process.exit(0)', true, 1, /exited with 0/],
    ['console.log("too cold"); process.exit(1)', false, 0, /exited with 1: too cold/],
    ['console.log(JSON.stringify({score: 0.8, reason: "warm"}))', true, 0.8, /^warm$/],
    ['console.log(JSON.stringify({score: 0.3}))', false, 0.3, /exited with 0/],
    ['console.log(JSON.stringify({passed: false, score: 0.9}))', false, 0.9, /exited/],
    ['console.log(JSON.stringify({reason: "fine"}))', true, 1, /^fine$/],
    ['console.log(JSON.stringify({score: 0.4})); process.exit(1)', false, 0.4, /exited with 1/],
    [
      `${read} process.exit(i.answer === 'hot' && i.vars.q === 'why' && i.case.id === 'c' && i.tool_calls.length === 0 ? 0 : 1)`,
      true,
      1,
      /0/,
    ],
  ])('%s', async (script, passed, score, reason) => {
    const graded = await run([node(script)], 'hot')
    expect(graded).toMatchObject({ passed, score })
    expect(graded.scores[0]!.reason).toMatch(reason)
  })
  it.each([
    ['process.exit(3)', /exited with 3/],
    ['throw new Error("boom")', /crashed/],
    ['console.log("{oops")', /JSON/],
    ['console.log(JSON.stringify({score: 7}))', /score is 7/],
    ['console.log(JSON.stringify({score: "0.5"}))', /score is "0.5"/],
    ['console.log(JSON.stringify({passed: true})); process.exit(1)', /printed passed: true/],
  ])('%s is a grader error', async (script, message) => {
    const graded = await run([node(script)], 'hot')
    expect(graded).toMatchObject({ passed: null, score: null })
    expect(graded.grader_error).toMatch(message)
  })
  it('that does not end is a grader error', async () => {
    const graded = await run([node('setInterval(() => {}, 1000)', { timeout: 300 })], 'hot')
    expect(graded).toMatchObject({ passed: null, grader_error: expect.stringMatching(/too long/) })
  })
})

describe('module', () => {
  it.each([
    ['() => true', {}, true, 1],
    ['() => false', {}, false, 0],
    ['async () => 0.6', {}, true, 0.6],
    ['() => 0.6', { threshold: 0.7 }, false, 0.6],
    ['() => ({ score: 0.2, passed: true, reason: "short" })', {}, true, 0.2],
    [
      '({ answer, vars, options, case: c }) => answer === "hot" && vars.q === "why" && options.x === 1 && c.id === "c" && !("assert" in c)',
      {},
      true,
      1,
    ],
  ])('%s %j', async (source, over, passed, score) => {
    const path = `m${Math.random()}.mjs`
    await writeFile(join(dir, path), `export const judge = ${source}`)
    const graded = await run([{ module: { path, export: 'judge', options: { x: 1 } }, ...over }], 'hot')
    expect(graded).toMatchObject({ passed, score })
  })
  it.each([
    ['() => { throw new Error("boom") }', /^module: boom/],
    ['() => undefined', /expected true, false, a number/],
    ['() => "yes"', /expected true, false, a number/],
    ['() => NaN', /score is null/],
    ['() => ({ score: 0.5, passed: "no" })', /neither true nor false/],
    ['17', /exports no function "judge"/],
  ])('%s is a grader error', async (source, message) => {
    const path = `m${Math.random()}.mjs`
    await writeFile(join(dir, path), `export const judge = ${source}`)
    const graded = await run([{ module: { path, export: 'judge' } }], 'hot')
    expect(graded).toMatchObject({ passed: null, score: null })
    expect(graded.grader_error).toMatch(message)
  })
})
