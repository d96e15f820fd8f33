// doctor and power-check through the built program: exit codes, pages, JSON that the schemas accept, the same bytes twice.
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { DoctorReport, PowerReport } from '../schema/doctor.ts'

const root = join(import.meta.dirname, '..', '..')
const folders: string[] = []
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

const aigate = (args: string[], cwd: string, env: Record<string, string> = {}) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const options = { cwd, env: { ...process.env, CI: '', NO_COLOR: '1', ...env }, maxBuffer: 1e8 }
    execFile(process.execPath, [join(root, 'bin', 'aigate.js'), ...args], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })

function scenario(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'aigate-doctor-'))
  folders.push(folder)
  cpSync(join(root, 'fixtures', 'scenarios', name), folder, { recursive: true })
  return folder
}

it('without data both say how to get some, and doctor --ask gets it', async () => {
  const folder = scenario('pass')
  for (const verb of ['doctor', 'power-check']) {
    const { code, stdout } = await aigate([verb], folder, { SIDE: 'before' })
    expect(code).toBe(4)
    expect(stdout).toMatch(/NO DATA/)
    expect(stdout).toMatch(/aigate baseline record/)
  }
  const asked = await aigate(['doctor', '--ask', '--json', '--draws', '40'], folder, { SIDE: 'before' })
  const [suite] = DoctorReport.parse(JSON.parse(asked.stdout)).suites
  expect(suite).toMatchObject({ evidence: { baseline: null, replayed: 0 } })
  expect(suite && 'evidence' in suite && suite.evidence.runs).toHaveLength(2)
}, 60_000)

it('with a baseline: a page, and the same JSON for the same seed', async () => {
  const folder = scenario('pass')
  expect(await aigate(['baseline', 'record'], folder, { SIDE: 'before' })).toMatchObject({ code: 0 })
  const page = await aigate(['doctor', '--draws', '40'], folder)
  expect(page.stdout).toMatch(/blocks .*of changes that change nothing/)
  expect(page.stdout).toMatch(/a true drop of/)
  expect(Math.max(...page.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
  const json = () => aigate(['doctor', '--json', '--draws', '40', '--seed', '3'], folder)
  const [one, two] = [await json(), await json()]
  expect(one).toEqual(two)
  expect(one.stderr).toBe('')
  const { outcome } = DoctorReport.parse(JSON.parse(one.stdout))
  expect(one.code).toBe(outcome === 'pass' ? 0 : 1)
  const power = await aigate(['power-check', '--json', '--draws', '20'], folder)
  expect(power.code).toBe(0)
  expect(PowerReport.parse(JSON.parse(power.stdout)).suites[0]).toMatchObject({ outcome: 'pass' })
  expect((await aigate(['power-check', '--draws', '20'], folder)).stdout).toMatch(/gate fires/)
}, 60_000)

it('a wrong number of draws is a usage error', async () => {
  expect(await aigate(['doctor', '--draws', '0'], scenario('pass'))).toMatchObject({ code: 2 })
})

it('--ask stops at its budget, and draws no conclusion from a part of the suite', async () => {
  const folder = scenario('pass')
  const { code, stdout, stderr } = await aigate(['doctor', '--ask', '--max-calls', '3'], folder, { SIDE: 'before' })
  expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
  expect(stderr).toMatch(/^budget: max_calls is 3, and \d+ calls would be made/)
  expect(stderr).toMatch(/stopped: The budget of 3 calls \(max_calls\) is spent\. Every answer so far is saved in/)
}, 60_000)
