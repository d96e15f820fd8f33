// Packs the JSON schemas without their white space and repetitions, which are 40 kB of the package: `npm pack` calls it before
// and after. In git they stay readable: the readable texts are put aside meanwhile. A file of another form is left as it is.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packedSchema } from './schemas.mjs'

const folder = join(import.meta.dirname, '../schema')
const aside = join(tmpdir(), `aigate-schemas-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`)
const readable = (text) => `${JSON.stringify(JSON.parse(text), null, 2)}\n`

function pack() {
  mkdirSync(aside, { recursive: true })
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'utf8')
    if (text !== readable(text)) continue
    writeFileSync(join(aside, name), text)
    writeFileSync(join(folder, name), packedSchema(name, text))
  }
}

function restore() {
  for (const name of existsSync(aside) ? readdirSync(aside) : []) {
    const text = readFileSync(join(aside, name), 'utf8')
    if (readFileSync(join(folder, name), 'utf8') === packedSchema(name, text)) writeFileSync(join(folder, name), text)
  }
  rmSync(aside, { recursive: true, force: true })
}

if (process.argv[2] === 'restore') restore()
else pack()
