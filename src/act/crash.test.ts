// A writer of the flag file that is killed in the middle, many times: readers never see a part of it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { newFolder, planWith } from './act-testing.ts'

it('leaves a whole file after kill -9 in the middle of writes', async () => {
  const root = newFolder()
  const file = join(root, 'flags.json')
  const { build } = await import('rolldown')
  const module = join(root, 'actuators.mjs')
  await build({
    input: join(import.meta.dirname, 'actuators.ts'),
    platform: 'node',
    logLevel: 'silent',
    output: { file: module, format: 'esm', codeSplitting: false },
    external: ['execa', 'yaml'],
  })
  const plan = planWith({ type: 'flagd', path: 'flags.json' })
  const script = `import { openActuator } from ${JSON.stringify(pathToFileURL(module).href)}
    const plan = JSON.parse(${JSON.stringify(JSON.stringify(plan))})
    // Large values make a write long enough to be hit.
    plan.release.prompt = 'p'.repeat(300_000)
    const actuator = openActuator(plan, { root: ${JSON.stringify(root)}, env: {} })
    for (let n = 0; ; n++) await actuator.apply({ ppm: n, generation: n, killed: false, lease_until: null,
      components: ['prompt', 'model'] }, new AbortController().signal)`
  let last = 0
  for (let round = 0; round < 12; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const gone = once(child, 'exit')
    try {
      const start = Date.now()
      while (!existsSync(file) || Date.now() - start < 250 + round * 13) {
        if (child.exitCode !== null) throw new Error('the writer ended by itself')
        await new Promise((go) => setTimeout(go, 3))
        // A reader at any moment sees a whole file.
        if (existsSync(file)) JSON.parse(readFileSync(file, 'utf8'))
      }
    } finally {
      child.kill('SIGKILL')
      await gone
    }
    const text = readFileSync(file, 'utf8')
    expect(Object.keys((JSON.parse(text) as { flags: object }).flags)).toHaveLength(2)
    last = Math.max(last, text.length)
  }
  expect(last).toBeGreaterThan(300_000)
}, 60_000)
