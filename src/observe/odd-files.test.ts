// Files that no good logger writes and every system has: byte order marks, holes of zeros, Windows line ends, endless lines, half a .gz.
import { appendFileSync, closeSync, openSync, renameSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { constants, createGzip, gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { event, lines, planWith, watcher } from './observe-testing.ts'
import { openSource } from './registry.ts'

function logged(path: string | string[] = 'app.log') {
  const plan = planWith({ source: { type: 'jsonl', path } })
  const seen = watcher((root) => openSource(plan.source, { root, env: {} }), plan)
  return { ...seen, log: join(seen.root, 'app.log') }
}
const many = (from: number, to: number, more = {}) =>
  lines(Array.from({ length: to - from }, (_, i) => event(from + i, `u${from + i}`, 'baseline', more)))
const total = (blocks: readonly { arms: { baseline: { requests: number } } }[]) =>
  blocks.reduce((sum, { arms }) => sum + arms.baseline.requests, 0)

it.each([
  ['plain', (bytes: Buffer) => bytes, 'app.log'],
  ['packed', (bytes: Buffer) => gzipSync(bytes), 'app.log.gz'],
])('reads the first event behind a byte order mark, and Windows line ends: %s', async (_, pack, name) => {
  const { root, look } = logged(name)
  const text = `\ufeff${many(0, 5).replaceAll('\n', '\r\n')}\r\n\r\n`
  writeFileSync(join(root, name), pack(Buffer.from(text)))
  expect(await look(130)).toMatchObject({ events: 5, unreadable: 0 })
  expect(await look(200)).toMatchObject({ events: 0, unreadable: 0 })
})

it.each(['utf16le', 'utf16be'])('says of UTF-16 that it is that: %s', async (encoding) => {
  const { log, look } = logged()
  const bytes = Buffer.from(`\ufeff${many(0, 5)}`, 'utf16le')
  writeFileSync(log, encoding === 'utf16be' ? bytes.swap16() : bytes)
  const reading = await look(130)
  expect(reading.events).toBe(0)
  expect(reading.unreadable).toBeGreaterThan(0)
  expect(reading.notes.join()).toContain('is in UTF-16')
})

it('passes over the hole that is left where a file is cut off under its writer', async () => {
  const { log, look, blocks } = logged()
  const handle = openSync(log, 'w')
  writeSync(handle, many(0, 5))
  await look(10)
  truncateSync(log, 0)
  // Not opened for appending: the writer goes on at its old place, and zeros are before it.
  writeSync(handle, many(20, 25))
  closeSync(handle)
  expect(await look(30)).toMatchObject({ events: 5, unreadable: 0 })
  appendFileSync(log, many(30, 33))
  expect(await look(130)).toMatchObject({ events: 3, unreadable: 0 })
  expect(total(blocks)).toBe(13)
})

it('counts a line with a zero byte as unreadable, and the lines around it', async () => {
  const { log, look } = logged()
  writeFileSync(log, `${many(0, 2)}{"ts":"2026-11-21\u0000T10:00:00Z"}\n${many(2, 4)}`)
  expect(await look(130)).toMatchObject({ events: 4, unreadable: 1 })
})

it.each(['app.log', 'app.log.gz'])('reads a line of 10 MB and leaves out one of 20 MB: %s', async (name) => {
  const { root, look } = logged(name)
  const long = (megabytes: number) =>
    many(10, 11, { prompt: 'x'.repeat(megabytes * 1_000_000), 'gen_ai.response.id': `${megabytes}` })
  const text = `${many(0, 3)}${long(10)}${long(20)}${many(3, 6)}`
  writeFileSync(join(root, name), name.endsWith('.gz') ? gzipSync(text, { level: 1 }) : text)
  const reading = await look(130)
  expect(reading.events).toBe(7)
  expect(reading.unreadable).toBe(1)
  expect(reading.notes.join()).toContain('was skipped')
})

it('goes on with a .gz that is still being written, without counting anything twice', async () => {
  const { root, look, blocks } = logged('app.log.gz')
  const file = join(root, 'app.log.gz')
  const packer = createGzip()
  const packed: Buffer[] = []
  packer.on('data', (piece: Buffer) => packed.push(piece))
  const flushed = async (text: string) => {
    packer.write(text)
    await new Promise<void>((done) => packer.flush(constants.Z_SYNC_FLUSH, () => done()))
    writeFileSync(file, Buffer.concat(packed))
  }
  const text = many(0, 400)
  const middle = Math.floor(text.length / 2)
  await flushed(text.slice(0, middle))
  const first = await look(10)
  expect(first.notes.join()).toContain('cannot be unpacked to its end yet')
  expect(first.unreadable).toBe(0)
  await flushed(text.slice(middle))
  await new Promise<void>((done) => packer.end(() => done()))
  await new Promise((done) => setImmediate(done))
  writeFileSync(file, Buffer.concat(packed))
  const second = await look(600)
  expect([first.events + second.events, second.unreadable, second.duplicates]).toEqual([400, 0, 0])
  expect(total(blocks)).toBe(400)
})

it('finds the rest of a line that was torn by a rotation in the renamed file', async () => {
  const { log, look, blocks } = logged()
  const text = many(0, 4)
  writeFileSync(log, text.slice(0, -40))
  expect(await look(10)).toMatchObject({ events: 3, unreadable: 0 })
  renameSync(log, `${log}.1`)
  writeFileSync(log, many(20, 22))
  await look(30)
  appendFileSync(`${log}.1`, text.slice(-40))
  expect(await look(130)).toMatchObject({ events: 1, unreadable: 0 })
  expect(total(blocks)).toBe(6)
})
