// The entry of the GitHub Action: a second thin main, which hands the world to the command and its code to the runner.
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import packageJson from '../package.json' with { type: 'json' }
import { exitCodes } from './main.ts'
import { actionCommand } from './commands/action/action.ts'
import { annotationCommand } from './report/workflow-commands.ts'

const interrupt = new AbortController()
process.on('SIGINT', () => interrupt.abort())
process.on('SIGTERM', () => interrupt.abort())
// Until there is a verdict, whatever ends this process has measured nothing.
process.exitCode = exitCodes.invalid
try {
  process.exitCode = await actionCommand(
    {
      cwd: process.cwd(),
      env: process.env,
      stdout: process.stdout,
      stderr: process.stderr,
      now: () => new Date(),
      monotonic: () => performance.now(),
      signal: interrupt.signal,
      toolVersion: packageJson.version,
    },
    { program: fileURLToPath(new URL('../bin/aigate.js', import.meta.url)), codes: exitCodes },
  )
} catch (error) {
  const said = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const message = `aigate itself failed, which is a fault of aigate and not a verdict.\n${said}`
  process.stdout.write(annotationCommand({ level: 'error', title: 'aigate', message }))
}
