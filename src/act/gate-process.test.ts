// The process of the gate: its lines come whole and in order, its code is told, and an interrupt reaches it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { lineSplitter, runGate } from './gate-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'aigate-gate-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function run(code: string, { signal = new AbortController().signal, env = {} } = {}, onStart = () => {}) {
  const file = join(folder, `${Math.random()}.mjs`)
  writeFileSync(file, code)
  const lines: string[] = []
  const onLine = (line: string, stream: string) => {
    lines.push(`${stream}: ${line}`)
    onStart()
  }
  const ended = await runGate({ program: [file, 'word'], cwd: folder, env: { ...env }, signal, onLine })
  return { ended, lines }
}

describe('lineSplitter', () => {
  const split = (chunks: readonly string[]) => {
    const lines: string[] = []
    const splitter = lineSplitter((line) => lines.push(line))
    for (const chunk of chunks) splitter.take(chunk)
    splitter.end()
    return lines
  }
  it('gives the same lines however the text arrives', () => {
    const text = fc.array(fc.constantFrom('a', '::', '\n', '\r', '\u2028', '\u0085', '\f', '🙂'), { maxLength: 60 })
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 59 })), (parts, cuts) => {
        const at = [0, ...cuts.filter((cut) => cut < parts.length).toSorted((a, b) => a - b), parts.length]
        const chunks = at.slice(1).map((end, i) => parts.slice(at[i], end).join(''))
        const lines = split(chunks)
        expect(lines).toEqual(split([parts.join('')]))
        for (const line of lines) expect(line).not.toMatch(/[\n\r\v\f\u0085\u2028\u2029]/)
      }),
    )
  })
  it('ends a line at a lone return, and once at CR LF', () => {
    expect(split(['a\r\nb\rc\n\nd\r'])).toEqual(['a', 'b', 'c', '', 'd'])
    expect(split(['a\r', '\nb'])).toEqual(['a', 'b'])
  })
  it('hands on what never ends', () => {
    expect(split(Array.from({ length: 50 }, () => 'x'.repeat(100_000))).join('')).toHaveLength(5_000_000)
  })
})

describe('runGate', () => {
  it('tells lines, arguments, environment and code', async () => {
    const code =
      "console.log(process.argv[2], process.env.A, process.env.HOME)\nconsole.error('bad')\nprocess.exitCode = 3\n"
    const { ended, lines } = await run(code, { env: { A: 'a' } })
    expect(ended).toBe(3)
    expect(lines.toSorted()).toEqual(['stderr: bad', 'stdout: word a undefined'])
  })
  it('a character that is torn between two chunks is whole', async () => {
    const code =
      "const b = Buffer.from('返金🙂\\n')\nfor (const byte of b) { process.stdout.write(Buffer.from([byte])); await new Promise((r) => setTimeout(r, 3)) }\n"
    expect((await run(code)).lines).toEqual(['stdout: 返金🙂'])
  })
  it('killed is no code', async () => {
    expect((await run("process.kill(process.pid, 'SIGKILL')\n")).ended).toBe(null)
  })
  it('an interrupt reaches it, so that it can save what was paid for', async () => {
    const stop = new AbortController()
    const code =
      "process.on('SIGINT', () => { console.log('saved'); process.exit(130) })\nconsole.log('ready')\nsetInterval(() => {}, 1000)\n"
    const { ended, lines } = await run(code, { signal: stop.signal }, () => stop.abort())
    expect(ended).toBe(130)
    expect(lines).toEqual(['stdout: ready', 'stdout: saved'])
  })
})
