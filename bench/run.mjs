// Bundles bench/<name>.ts into a temporary file and runs it: `node bench/run.mjs <name> [flags]`, with plain Node 20.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'rolldown'

const [name, ...flags] = process.argv.slice(2)
if (name === undefined || !/^[a-z-]+$/.test(name)) {
  console.error('usage: node bench/run.mjs <name> [flags], for example operating-characteristics --quick')
  process.exit(2)
}
const folder = await mkdtemp(join(tmpdir(), 'aigate-bench-'))
try {
  const file = join(folder, `${name}.mjs`)
  await build({
    input: join(import.meta.dirname, `${name}.ts`),
    platform: 'node',
    logLevel: 'warn',
    output: { file, format: 'esm', codeSplitting: false },
  })
  const bench = await import(pathToFileURL(file).href)
  process.exitCode = await bench.main(flags)
} finally {
  await rm(folder, { recursive: true, force: true })
}
