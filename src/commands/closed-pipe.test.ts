// Whoever reads the output may stop before its end: no stack trace, and what is under way comes to its own exit code.
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { aigate, removeTemporary, root, temporary } from './cli-testing.ts'

afterAll(removeTemporary)

/** Nobody reads what a command prints. */
function unread(args: string[], cwd: string): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [join(root, 'bin', 'aigate.js'), ...args], { cwd })
  let said = ''
  child.stdout.destroy()
  child.stderr.on('data', (text) => (said += text))
  child.stdin.end()
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, said })))
}

it('help and an eval end as they would', async () => {
  const folder = temporary()
  expect(await unread(['--help'], folder)).toEqual({ code: 0, said: '' })
  const { code } = await aigate(['init'], folder)
  expect(code).toBe(0)
  const whole = await aigate(['eval'], folder)
  const { code: same, said } = await unread(['eval'], folder)
  expect(same).toBe(whole.code)
  expect(said).not.toContain('EPIPE')
  const runs = join(folder, '.aigate', 'runs')
  const [first = [], second = []] = readdirSync(runs).map((run) => readdirSync(join(runs, run)).sort())
  expect(second).toEqual(first)
  const [run = ''] = readdirSync(runs).sort().slice(-1)
  expect(readFileSync(join(runs, run, 'support.jsonl'), 'utf8')).toContain('"complete":true')
})
