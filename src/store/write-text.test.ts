// Whole files or none: folders made, line ends, links and modes kept, and a sentence for every way a disk says no.
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AigateError } from '../errors.ts'
import { bundled } from './crash-testing.ts'
import { fileError, writeText } from './write-text.ts'
import { execFileSync, spawn } from 'node:child_process'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'aigate-write-'))
  chmodSync(folder, 0o755)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('writeText', () => {
  it('makes folders, writes LF and leaves nothing else behind', async () => {
    const place = join(folder, 'a', 'b')
    await writeText(join(place, 'c.txt'), 'one\r\ntwo\rthree\n')
    expect(readFileSync(join(place, 'c.txt'), 'utf8')).toBe('one\ntwo\nthree\n')
    await writeText(join(place, 'c.txt'), 'ü')
    expect(readFileSync(join(place, 'c.txt'), 'utf8')).toBe('ü')
    expect(readdirSync(place)).toEqual(['c.txt'])
  })
  it('follows a link and keeps the mode', async () => {
    const real = join(folder, 'real.txt')
    const link = join(folder, 'link.txt')
    writeFileSync(real, 'old')
    chmodSync(real, 0o640)
    symlinkSync(real, link)
    await writeText(link, 'new')
    expect(readFileSync(real, 'utf8')).toBe('new')
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(statSync(real).mode & 0o777).toBe(0o640)
  })
  it('says that the place is a folder', async () => {
    const place = join(folder, 'taken')
    mkdirSync(place)
    await expect(writeText(place, 'x')).rejects.toMatchObject({
      code: 'cannot_write',
      message: `${place} cannot be written: it is a folder.`,
    })
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })
  it('says that a part of the path is a file', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(writeText(join(folder, 'file', 'x.txt'), 'x')).rejects.toThrow(
      /a part of its path is a file, not a folder/,
    )
  })
  it('says that permission is denied, in a read-only folder', async () => {
    const module = await bundled(join(folder, 'built'), 'write-text.ts')
    const locked = join(folder, 'locked')
    mkdirSync(locked)
    writeFileSync(join(locked, 'x.txt'), 'old')
    chmodSync(locked, 0o555)
    // Root may write everywhere, so a root process becomes somebody else first.
    const script = `import { writeText } from ${JSON.stringify(module)}
      if (process.getuid() === 0) process.setuid(65534)
      await writeText(${JSON.stringify(join(locked, 'x.txt'))}, 'new').catch((e) => console.log(e.code, e.outcome, e.message))`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    chmodSync(locked, 0o755)
    expect(output).toBe(`cannot_write usage ${join(locked, 'x.txt')} cannot be written: permission denied.\n`)
    expect(readFileSync(join(locked, 'x.txt'), 'utf8')).toBe('old')
    expect(readdirSync(locked)).toEqual(['x.txt'])
  })
  it('writes the same file many times at once without mixing', async () => {
    const file = join(folder, 'busy.txt')
    const texts = Array.from({ length: 20 }, (_, at) => `${at}`.repeat(50_000))
    await Promise.all(texts.map((text) => writeText(file, text)))
    expect(texts).toContain(readFileSync(file, 'utf8'))
  })
})

describe('fileError', () => {
  const system = (code: string) => Object.assign(new Error('x'), { code })
  it.each([
    ['ENOSPC', 'disk_trouble', 'no space is left on the disk'],
    ['EDQUOT', 'disk_trouble', 'the disk quota is used up'],
    ['EACCES', 'cannot_write', 'permission denied'],
    ['EROFS', 'cannot_write', 'the disk is read-only'],
    ['EWHATEVER', 'cannot_write', 'EWHATEVER'],
  ])('%s', (code, ours, reason) => {
    const error = fileError('f', system(code), 'write')
    expect([error.code, error.message.includes(reason)]).toEqual([ours, true])
  })
  it('passes ours through and swallows no fault of the program', () => {
    const ours = new AigateError('usage', { problem: 'p', mend: 'm' })
    expect(fileError('f', ours, 'read')).toBe(ours)
    expect(() => fileError('f', new TypeError('bug'), 'read')).toThrow('bug')
  })
})

it.skipIf(process.platform === 'win32')('writes to a pipe or a device, and puts no file in its place', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'aigate-pipe-'))
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const reader = spawn('cat', [pipe], { stdio: ['ignore', 'pipe', 'ignore'] })
  const read = new Promise<string>((resolve) => {
    let text = ''
    reader.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()))
    reader.on('close', () => resolve(text))
  })
  await writeText(pipe, 'one\r\ntwo\n')
  expect(lstatSync(pipe).isFIFO()).toBe(true)
  expect(await read).toBe('one\ntwo\n')
  rmSync(folder, { recursive: true })
})
