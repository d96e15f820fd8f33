// aigate kill that is killed itself with kill -9, again and again: the next call finishes, and file and journal are whole.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { actionsFolder, readActions } from '../../store/action-journal.ts'
import { bench } from '../rollout/canary-testing.ts'
import { removeTemporary, temporary } from '../cli-testing.ts'
import { killOnCommand } from './kill.ts'

afterAll(removeTemporary)

it('survives kill -9 between intent and applied', async () => {
  const folder = temporary()
  writeFileSync(join(folder, 'aigate.yaml'), 'version: 1\nkill: {path: flags.json, flags: {aigate-kill: on}}\n')
  writeFileSync(join(folder, 'flags.json'), '{"flags": {}}\n')
  const { build } = await import('rolldown')
  const module = join(folder, 'kill.mjs')
  await build({
    input: join(import.meta.dirname, 'kill.ts'),
    platform: 'node',
    logLevel: 'silent',
    output: { file: module, format: 'esm', codeSplitting: false },
  })
  const script = `import { killOnCommand, killOffCommand } from ${JSON.stringify(pathToFileURL(module).href)}
    const context = { cwd: ${JSON.stringify(folder)}, env: {}, stdout: { write() {} }, stderr: process.stderr,
      now: () => new Date(), monotonic: () => performance.now(), signal: new AbortController().signal, toolVersion: '0' }
    for (let n = 0; ; n++) {
      await killOnCommand(context, { user: 'u' + n % 50, reason: 'r'.repeat(20000) })
      if (n % 3 === 0) await killOffCommand(context, { all: true, reason: 'again' })
    }`
  const file = join(folder, 'flags.json')
  let unfinished = 0
  for (let round = 0; round < 8; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const gone = once(child, 'exit')
    const start = Date.now()
    while (!existsSync(file) || Date.now() - start < 500 + round * 37) {
      if (child.exitCode !== null) throw new Error('the writer ended by itself')
      await new Promise((go) => setTimeout(go, 5))
    }
    child.kill('SIGKILL')
    await gone
    JSON.parse(readFileSync(file, 'utf8'))
    const at = await bench(folder)
    if (readActions(actionsFolder(at.project)).records.at(-1)?.kind !== 'ended') unfinished += 1
    expect(await killOnCommand(at.context, { reason: `round ${round}` })).toBe('pass')
    expect(at.err).toEqual([])
    expect(at.out.join('')).toContain(`round ${round}`)
    expect(readActions(actionsFolder(at.project)).records.at(-1)).toMatchObject({ kind: 'ended', outcome: 'pass' })
  }
  expect(unfinished).toBeGreaterThan(0)
}, 60_000)
