// The journal of a rollout: whole after kill -9, honest about what was changed, one runner at a time, a state that may be lost.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { AigateError } from '../errors.ts'
import type { RolloutEntry } from '../schema/rollout-journal.ts'
import { sha256Bytes } from './chained-file.ts'
import { bundled, killOnceAcknowledged, runScript } from './crash-testing.ts'
import { folderWith, problemsOf } from './project-testing.ts'
import {
  appendEntry,
  journalFile,
  readRolloutJournal,
  readSnapshot,
  withRunner,
  writeSnapshot,
} from './rollout-journal.ts'

const stamp = { at: '2026-11-21T10:00:00.000Z', by: 'Ada' }
const said = (reason: string): RolloutEntry => ({ kind: 'said', verb: 'pause', reason })
const sync = async (work: () => unknown) => work()

function journalOf(count: number): string {
  const folder = folderWith({})
  let journal = readRolloutJournal(folder)
  for (let i = 1; i <= count; i += 1) journal = appendEntry(journal, stamp, said(`number ${i}`)).journal
  return folder
}
const reasons = (folder: string) =>
  readRolloutJournal(folder).chain.records.map((one) => (one.kind === 'said' ? one.reason : one.kind))

it('what was appended is read back, in order and chained', () => {
  const folder = journalOf(3)
  const { chain, warnings } = readRolloutJournal(folder)
  expect([reasons(folder), chain.count, warnings]).toEqual([['number 1', 'number 2', 'number 3'], 3, []])
  expect(chain.records.map(({ prev }) => prev)).toEqual([
    '0'.repeat(64),
    ...chain.records.slice(0, 2).map((r) => r.hash),
  ])
})

it('records up to a mark are checked but not given again', async () => {
  const folder = journalOf(4)
  const { records, head } = readRolloutJournal(folder).chain
  const mark = { seq: 2, head: records[1]?.hash ?? '' }
  const behind = readRolloutJournal(folder, mark).chain
  expect([behind.records.map(({ seq }) => seq), behind.count, behind.head]).toEqual([[3, 4], 4, head])
  for (const wrong of [
    { seq: 2, head: 'f'.repeat(64) },
    { seq: 9, head },
  ])
    expect(readRolloutJournal(folder, wrong).chain.records.length).toBe(4)
  const bytes = readFileSync(journalFile(folder))
  const at = bytes.indexOf('number 1')
  bytes[at] = bytes.readUInt8(at) ^ 1
  writeFileSync(journalFile(folder), bytes)
  expect(await problemsOf(sync(() => readRolloutJournal(folder, mark)))).toEqual([
    expect.stringMatching(/journal\.jsonl:1 Record 1 of the journal is damaged: its content does not fit its hash/),
  ])
})

it('every flipped byte is found', async () => {
  const folder = journalOf(3)
  const bytes = readFileSync(journalFile(folder))
  for (let at = 0; at < bytes.length; at += 13) {
    const copy = Buffer.from(bytes)
    copy[at] = copy.readUInt8(at) ^ 2
    writeFileSync(journalFile(folder), copy)
    let whole = true
    try {
      whole = readRolloutJournal(folder).chain.count === 3
    } catch (error) {
      expect(error).toBeInstanceOf(AigateError)
      whole = false
    }
    expect(whole, `byte ${at}`).toBe(false)
  }
})

it('a torn last line is cut off with a warning, and the journal goes on', () => {
  const folder = journalOf(2)
  const before = statSync(journalFile(folder)).size
  appendEntry(readRolloutJournal(folder), stamp, said('three'))
  for (const cut of [1, 40, 100]) {
    truncateSync(journalFile(folder), before + cut)
    const journal = readRolloutJournal(folder)
    expect(journal.warnings).toEqual([expect.stringContaining(`${cut} bytes of a record that was never finished`)])
    appendEntry(journal, stamp, said('again'))
    expect(reasons(folder)).toEqual(['number 1', 'number 2', 'again'])
  }
})

it('a record of a newer format is refused', async () => {
  const folder = journalOf(1)
  const text = readFileSync(journalFile(folder), 'utf8').replace('"version":1', '"version":2')
  const open = text.replace(/,"hash":"[0-9a-f]+"\}\n$/, '')
  writeFileSync(journalFile(folder), `${open},"hash":"${sha256Bytes(open)}"}\n`)
  expect(await problemsOf(sync(() => readRolloutJournal(folder)))).toEqual([
    `${journalFile(folder)}:1 This is a record of the journal in format 2, written by a newer aigate; this one reads format 1.`,
  ])
})

it('a journal that somebody else wrote to is not written over', async () => {
  const folder = journalOf(1)
  const [mine, theirs] = [readRolloutJournal(folder), readRolloutJournal(folder)]
  appendEntry(theirs, stamp, said('theirs'))
  expect(await problemsOf(sync(() => appendEntry(mine, stamp, said('mine'))))).toEqual([
    expect.stringContaining('Somebody else has written to the journal meanwhile.'),
  ])
  expect(reasons(folder)).toEqual(['number 1', 'theirs'])
})

it('an entry that could not be read back is not written', async () => {
  const folder = journalOf(1)
  const bad = { kind: 'said', verb: 'dance', reason: '' } as unknown as RolloutEntry
  expect(await problemsOf(sync(() => appendEntry(readRolloutJournal(folder), stamp, bad)))).toEqual([
    expect.stringContaining('Not written'),
  ])
  expect(readRolloutJournal(folder).chain.count).toBe(1)
})

it('a state is kept with its record, and any other file is none', async () => {
  const folder = journalOf(2)
  const journal = readRolloutJournal(folder)
  expect(readSnapshot(folder, 1)).toBeUndefined()
  await writeSnapshot(journal, { looks: 7 }, 1)
  expect(readSnapshot(folder, 1)).toEqual({ mark: { seq: 2, head: journal.chain.head }, state: { looks: 7 } })
  expect(readSnapshot(folder, 2)).toBeUndefined()
  for (const text of ['', '{', 'null', '[]', '{"aigate":"rollout-state","version":2}']) {
    writeFileSync(join(folder, 'state.json'), text)
    expect(readSnapshot(folder, 1), text).toBeUndefined()
  }
})

it('a second runner is told who holds it', async () => {
  const folder = folderWith({})
  await withRunner(folder, 'runner', async () => {
    const problems = await problemsOf(withRunner(folder, 'runner', () => 'never'))
    expect(problems).toEqual([
      `Another runner is at this rollout (process ${process.pid} on ${hostname()}): nothing was read or done here.`,
    ])
  })
  expect(await withRunner(folder, 'runner', () => 'free')).toBe('free')
}, 20_000)

it('the lock of a killed runner, and of a machine that went silent, is taken over', async () => {
  const folder = folderWith({})
  const lock = join(folder, 'lock')
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  writeFileSync(lock, `${child.pid} ${hostname()} abc\n`)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await withRunner(folder, 'runner', () => 'mine')).toBe('mine')
  writeFileSync(lock, '1 another-machine abc\n')
  await expect(withRunner(folder, 'runner', () => 'mine')).rejects.toThrow(/process 1 on another-machine/)
  const old = new Date(Date.now() - 180_000)
  utimesSync(lock, old, old)
  expect(await withRunner(folder, 'runner', () => 'mine')).toBe('mine')
  expect(existsSync(lock)).toBe(false)
}, 40_000)

it('the lock of a runner that lives is not taken over because a clock has jumped', async () => {
  const folder = folderWith({})
  const lock = join(folder, 'lock')
  const old = new Date(Date.now() - 3_600_000)
  await withRunner(folder, 'runner', async () => {
    // As after an hour in which the machine slept: the next sign of life comes within ten seconds.
    utimesSync(lock, old, old)
    await expect(withRunner(folder, 'runner', () => 'mine')).rejects.toThrow('Another runner is at this rollout')
  })
}, 40_000)

const appending = (url: string, folder: string) => `
  import { appendEntry, readRolloutJournal } from ${JSON.stringify(url)}
  let journal = readRolloutJournal(${JSON.stringify(folder)})
  const append = (reason) => {
    journal = appendEntry(journal, { at: new Date().toISOString(), by: 'a' }, { kind: 'said', verb: 'pause', reason }).journal
  }`

it('kill -9 loses no record that was acknowledged', async () => {
  const folder = folderWith({})
  const url = await bundled(folder, 'rollout-journal.ts')
  for (let round = 0; round < 5; round += 1) {
    const before = readRolloutJournal(folder).chain.count
    const script = `${appending(url, folder)}\nfor (let n = 1; ; n += 1) { append('x'.repeat(300)); acknowledge(n) }`
    const acknowledged = await killOnceAcknowledged(script, join(folder, `ack-${round}`), 5 + round * 7)
    const after = readRolloutJournal(folder)
    expect(after.chain.count).toBeGreaterThanOrEqual(before + acknowledged.length)
    expect(after.chain.count).toBeLessThanOrEqual(before + acknowledged.length + 1)
  }
}, 30_000)

it('a full disk leaves whole records only', async () => {
  const folder = folderWith({})
  const url = await bundled(folder, 'rollout-journal.ts')
  const script = `${appending(url, folder)}
    process.on('SIGXFSZ', () => {})
    let said = ''
    try { for (;;) append('y'.repeat(200)) } catch (error) { said = error.code }
    process.stdout.write(said)`
  expect(await runScript(script, { fileSizeLimit: 4096 })).toBe('disk_trouble')
  const { chain, warnings } = readRolloutJournal(folder)
  expect([chain.count > 5, chain.torn, warnings]).toEqual([true, 0, []])
}, 30_000)

it('an unsettled merge is named', async () => {
  const folder = journalOf(1)
  appendFileSync(journalFile(folder), '<<<<<<< HEAD\n=======\n>>>>>>> other\n')
  expect(await problemsOf(sync(() => readRolloutJournal(folder)))).toEqual([expect.stringMatching(/unsettled merge/)])
})
