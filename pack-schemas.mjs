// Packs the JSON schemas without their white space, which is 23 kB of the package: `npm pack` calls it before and after.
// In git they stay readable. A file that would not come back byte for byte is left as it is.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, 'schema')
const readable = (value) => `${JSON.stringify(value, null, 2)}\n`
const dense = (value) => `${JSON.stringify(value)}\n`
const [from, to] = process.argv[2] === 'restore' ? [dense, readable] : [readable, dense]

for (const name of readdirSync(folder)) {
  const file = join(folder, name)
  const text = readFileSync(file, 'utf8')
  const value = JSON.parse(text)
  if (text === from(value)) writeFileSync(file, to(value))
}
