#!/usr/bin/env node
import { createRequire } from 'node:module'

// Not imported: what is bundled as CommonJS would be read twice, for the names of what it exports.
const { main } = createRequire(import.meta.url)('../dist/main.cjs')

// Whoever reads along may stop (`aigate eval | head`): what is under way goes on to its end and its exit code all the same.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error
  })
const code = await main(process)
// What is still open (a timer, a pool of a user's module) must not keep a pipeline waiting; what was written goes out first.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))))
process.exit(code)
