// aigate explain through the whole program: the exit code of the verdict, text and JSON, one suite of several.
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { main } from '../../main.ts'
import { ExplanationReport } from '../../schema/explanation.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const folders: string[] = []
afterAll(() => {
  vi.unstubAllEnvs()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Runs the program in this process, with streams and a folder of its own. */
async function aigate(args: string[], folder: string, side = 'after') {
  // The applications of the scenarios read it.
  vi.stubEnv('SIDE', side)
  const out = { stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr') => ({ write: (text: string) => ((out[name] += text), true), columns: 100 })
  const world = {
    argv: ['node', 'aigate', ...args],
    env: { NO_COLOR: '1', TERM: 'xterm' },
    cwd: () => folder,
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    on: () => world,
    removeListener: () => world,
    exit: () => undefined,
    exitCode: undefined,
  }
  const status = await main(world as unknown as Parameters<typeof main>[0])
  return { status, ...out }
}

/** A copy of the scenario with its baseline, evaluated once. */
async function evaluated(name: string): Promise<{ folder: string; status: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'aigate-explain-'))
  folders.push(folder)
  cpSync(join(root, 'fixtures', 'scenarios', name), folder, { recursive: true })
  await aigate(['baseline', 'record'], folder, 'before')
  const { status } = await aigate(['eval'], folder)
  return { folder, status }
}

describe.each([
  ['pass', 0, 'Why did it pass?', 'ruled out'],
  ['regressed', 1, 'Why was it blocked?', 'Which cases carry it'],
  ['category-regressed', 1, 'Why was it blocked?', 'By category'],
  ['critical-broken', 1, 'Why was it blocked?', 'must pass every trial'],
  ['inconclusive', 3, 'Why is it undecided?', 'It could be settled'],
  ['floor-missed', 1, 'Why was it blocked?', 'more passed trials'],
])('%s', (name, code, question, says) => {
  it('answers in words, and in data, with the exit code of the verdict', async () => {
    const { folder, status } = await evaluated(name)
    expect(status).toBe(code)
    const text = await aigate(['explain', 'latest'], folder)
    expect(text.status, text.stderr).toBe(code)
    expect(text.stdout).toContain(question)
    expect(text.stdout).toContain(says)
    const data = await aigate(['explain', 'latest', '--json'], folder)
    expect(data.status).toBe(code)
    const found = ExplanationReport.parse(JSON.parse(data.stdout))
    expect(found.suites[0]).toMatchObject({ question })
    const page = await aigate(['report', 'latest', '--reporter', 'html:out.html'], folder)
    expect(page.status, page.stderr).toBe(code)
    expect(readFileSync(join(folder, 'out.html'), 'utf8')).toContain('Content-Security-Policy')
  }, 30_000)
})

it('names the suites of the run when asked for another', async () => {
  const { folder } = await evaluated('pass')
  const asked = await aigate(['explain', 'latest', '--suite', 'nothing'], folder)
  expect(asked.status).toBe(2)
  expect(asked.stderr).toMatch(/no suite nothing[\s\S]*Suites of this run: \w+/)
}, 30_000)
