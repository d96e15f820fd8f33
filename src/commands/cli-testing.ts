// For tests: runs the built program in temporary folders.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Report } from '../schema/verdict.ts'
import { PULL_REQUEST_VARIABLES } from '../store/base-commit.ts'

export const root = join(import.meta.dirname, '..', '..')
const bin = join(root, 'bin', 'aigate.js')
const folders: string[] = []

/** The tests themselves may run for a pull request. */
const noPipeline = {
  ...Object.fromEntries(PULL_REQUEST_VARIABLES.map((name) => [name, ''])),
  CI_DEFAULT_BRANCH: '',
  CI: '',
  NO_COLOR: '1',
}

type Result = { code: number | null; stdout: string; stderr: string }
type Running = { child: ReturnType<typeof spawn>; ended: Promise<Result> }

export function start(args: string[], cwd: string, env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [bin, ...args], { cwd, env: { ...process.env, ...noPipeline, ...env } })
  const out = { stdout: '', stderr: '' }
  child.stdout.on('data', (data) => (out.stdout += data))
  child.stderr.on('data', (data) => (out.stderr += data))
  child.stdin.end()
  return { child, ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, ...out }))) }
}
export const aigate = (args: string[], cwd: string, env?: Record<string, string>) => start(args, cwd, env).ended

export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aigate-scenario-'))
  folders.push(folder)
  return folder
}

export function removeTemporary(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

export const reportIn = (folder: string) => Report.parse(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')))
