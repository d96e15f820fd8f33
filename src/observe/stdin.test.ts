// A pipe on stdin: a look takes what has come, waits for torn lines, and never for a pipe that stays open.
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'rolldown'
import { expect, it } from 'vitest'
import { newFolder } from './observe-testing.ts'

it('hands over whole lines look by look, and the last one at the end', async () => {
  const file = join(newFolder(), 'stdin.mjs')
  const input = join(import.meta.dirname, 'stdin.ts')
  await build({ input, platform: 'node', logLevel: 'silent', output: { file, format: 'esm' } })
  const program = `import { stdinLines } from ${JSON.stringify(file)}
    const look = stdinLines()
    for (let at = 0; at < 3; at += 1) {
      let text = ''
      await look((more) => { text += more }, AbortSignal.timeout(20000))
      console.log(JSON.stringify(text))
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const output = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const said = async () => JSON.parse(String((await output.next()).value)) as string
  child.stdin.write('one\ntw')
  expect(await said()).toBe('one\n')
  child.stdin.write('o\n')
  expect(await said()).toBe('two\n')
  child.stdin.end('three')
  expect(await said()).toBe('three')
  await once(child, 'close')
}, 30_000)
