#!/usr/bin/env node
import { main } from '../dist/main.js'

const code = await main(process)
// What is still open (a timer, a pool of a user's module) must not keep a pipeline waiting; what was written goes out first.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))))
process.exit(code)
