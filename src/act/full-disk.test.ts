// Flag files on a disk that is really full: a small one of its own, in a namespace of this test alone.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'rolldown'
import { beforeAll, describe, expect, it } from 'vitest'
import { newFolder } from './act-testing.ts'

const own = ['-rm', 'sh', '-c']
const mountable = spawnSync('unshare', [...own, 'mount -t tmpfs -o size=64k tmpfs /mnt']).status === 0

const flag = (padding = '') => ({ state: 'ENABLED', variants: { a: '1.1.0', b: '1.2.0' }, defaultVariant: 'b', metadata: { padding } }) // biome-ignore format: one value
const pretty = (value: object) => `${JSON.stringify(value, null, 2)}\n`

/** Fills the disk to the last block, does `work` on `flags.json` there, and prints what it says and what the file then has. */
const script = (bundle: string, text: string, work: string) => `
  import { readFileSync, writeFileSync, appendFileSync, readdirSync, statSync } from 'node:fs'
  import { openPlane, switchOn } from ${JSON.stringify(bundle)}
  writeFileSync('flags.json', ${JSON.stringify(text)})
  const before = statSync('flags.json')
  let full = ''
  try { for (;;) appendFileSync('filler', 'x'.repeat(4096)) } catch (error) { full = error.code }
  const plane = openPlane({ type: 'flagd', path: 'flags.json', flag: 'p' }, { root: process.cwd(), component: 'p', env: {} })
  const kill = { scope: {}, reason: 'wrong', by: 'Ada', at: '2026-11-21T10:00:00.000Z', until: null, flags: [] }
  const options = { flags: { p: 'a' } }
  let said = 'done'
  try { await (${work}) } catch (error) { said = error.message + ' ' + error.mend }
  console.log(JSON.stringify({ full, said, text: readFileSync('flags.json', 'utf8'), files: readdirSync('.').sort() }))`

let bundle = ''
beforeAll(async () => {
  const folder = newFolder()
  const here = (name: string) => JSON.stringify(join(import.meta.dirname, name))
  const entry = join(folder, 'entry.ts')
  writeFileSync(
    entry,
    `export { openPlane } from ${here('planes.ts')}\nexport { switchOn } from ${here('kill-file.ts')}\n`,
  )
  const file = join(folder, 'act.mjs')
  await build({
    input: entry,
    platform: 'node',
    logLevel: 'silent',
    output: { file, format: 'esm', codeSplitting: false },
  })
  bundle = pathToFileURL(file).href
}, 60_000)

function onFullDisk(text: string, work: string) {
  const folder = newFolder()
  mkdirSync(join(folder, 'disk'))
  writeFileSync(join(folder, 'run.mjs'), script(bundle, text, work))
  const command = 'mount -t tmpfs -o size=32k tmpfs disk && cd disk && exec "$0" ../run.mjs'
  const printed = execFileSync('unshare', [...own, command, process.execPath], { cwd: folder, encoding: 'utf8' })
  return JSON.parse(printed) as { full: string; said: string; text: string; files: string[] }
}
const back = `plane.apply({ version: '1.1.0', key: 'k', reason: 'worse' }, new AbortController().signal)`
const killed = `switchOn('flags.json', kill, options, Date.now())`

describe.skipIf(!mountable)('on a full disk', () => {
  it('a flag goes back, in the room that the file has', () => {
    const { full, said, text, files } = onFullDisk(pretty({ flags: { p: flag() } }), back)
    expect(full).toBe('ENOSPC')
    expect(said).toBe('done')
    expect(text).toBe(pretty({ flags: { p: { ...flag(), defaultVariant: 'a' } } }))
    expect(files).toEqual(['filler', 'flags.json'])
  })

  it('a shorter text leaves nothing of the longer one behind', () => {
    const targeting = { if: [{ '==': [{ var: 'segment' }, 'beta'.repeat(100)] }, 'b', 'a'] }
    const { said, text } = onFullDisk(pretty({ flags: { p: { ...flag(), targeting } } }), back)
    expect(said).toBe('done')
    expect(text).toBe(pretty({ flags: { p: { ...flag(), defaultVariant: 'a' } } }))
  })

  it('a kill is written, without blanks where it would be too long with them', () => {
    const short = onFullDisk(pretty({ flags: { p: flag() } }), killed)
    expect(short.said).toBe('done')
    expect(short.text).toContain('\n    "aigate-kill"')
    const padding = 'x'.repeat(4096 - pretty({ flags: { p: flag(), q: flag() } }).length - 10)
    const long = onFullDisk(pretty({ flags: { p: flag(padding), q: flag() } }), killed)
    expect(long.said).toContain('the disk is full, and the new text is longer than the room')
    const wide = JSON.stringify({ flags: { p: flag() }, wide: Array.from({ length: 150 }, () => 0) }, null, 20)
    const dense = onFullDisk(`${wide}\n`, killed)
    expect(wide.length).toBeGreaterThan(3_700)
    expect(dense.said).toBe('done')
    expect(JSON.parse(dense.text).flags['aigate-kill'].metadata.kills).toContain('wrong')
  })

  it('what does not fit is said, and the file is as it was', () => {
    const padding = 'x'.repeat(4096 - pretty({ flags: { p: flag() } }).length)
    const text = pretty({ flags: { p: flag(padding) } })
    const after = onFullDisk(text, killed)
    expect(after.said).toContain('Make room on the disk of flags.json.')
    expect(after.text).toBe(text)
    expect(after.files).toEqual(['filler', 'flags.json'])
  })
})
