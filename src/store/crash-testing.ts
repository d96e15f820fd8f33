// For tests only: runs modules of this room in processes of their own, to be killed or starved of disk in the middle.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

/** One module of this folder as plain JavaScript in `folder`; its URL, to be imported by a script. */
export async function bundled(folder: string, file: string): Promise<string> {
  const { build } = await import('rolldown')
  const output = join(folder, `${basename(file, '.ts')}.mjs`)
  if (!existsSync(output)) {
    const input = join(import.meta.dirname, file)
    await build({
      input,
      platform: 'node',
      logLevel: 'silent',
      output: { file: output, format: 'esm', codeSplitting: false },
    })
  }
  return pathToFileURL(output).href
}

/** Runs a script to its end; `fileSizeLimit` in bytes (a multiple of 512) makes larger files fail as a full disk would. */
export async function runScript(script: string, options: { fileSizeLimit?: number } = {}): Promise<string> {
  const limit = options.fileSizeLimit === undefined ? '' : `ulimit -f ${options.fileSizeLimit / 512}; `
  const command = `${limit}exec "$0" --input-type=module -e "$1"`
  const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, script])
  return stdout
}

/**
 * Runs a script that calls `acknowledge(n)` for ever, and ends it by SIGKILL as soon as `count` numbers were
 * acknowledged. Returns all numbers that were.
 */
export async function killOnceAcknowledged(script: string, ackFile: string, count: number): Promise<number[]> {
  const prelude = `import { openSync, writeSync } from 'node:fs'
    const ack = openSync(${JSON.stringify(ackFile)}, 'a')
    const acknowledge = (n) => writeSync(ack, n + '\\n')\n`
  const child = spawn(process.execPath, ['--input-type=module', '-e', prelude + script], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const gone = once(child, 'exit')
  const acknowledged = () =>
    existsSync(ackFile) ? readFileSync(ackFile, 'utf8').split('\n').slice(0, -1).map(Number) : []
  while (child.exitCode === null && acknowledged().length < count) await new Promise((go) => setTimeout(go, 3))
  child.kill('SIGKILL')
  await gone
  if (child.signalCode !== 'SIGKILL') throw new Error(`the script ended by itself with ${child.exitCode}`)
  return acknowledged()
}
