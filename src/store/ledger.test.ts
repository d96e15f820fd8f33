// The ledger under kill -9, two writers, cut-off lines and flipped bytes, on a real disk with real processes.
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { ReleaseManifest } from '../schema/release.ts'
import { bundled, killOnceAcknowledged, runScript } from './crash-testing.ts'
import { appendRecord } from './ledger-append.ts'
import { verifyLedger } from './ledger-verify.ts'
import { ledgerFile, manifestText, readLedger, readRecord, soundRecords } from './ledger.ts'
import { folderWith, problemsOf } from './project-testing.ts'

const stamp = { at: '2026-11-21T10:00:00.000Z', by: 'Ada Lovelace' }
const verify = (folder: string) => verifyLedger(folder, { committed: null })

function manifest(n: number): ReleaseManifest {
  return {
    // Not in the order of the schema: the file must fit its hash all the same.
    models: [],
    aigate: 'release',
    version: 1,
    id: `2026-11-21.${n}`,
    env: 'production',
    at: stamp.at,
    by: stamp.by,
    sentence: `prompt answer 1.${n - 1}.0 -> 1.${n}.0 (tone: “warm” ☀)`,
    git: null,
    prompts: [{ name: 'answer', version: `1.${n}.0`, hash: 'a'.repeat(64), file: 'prompts/answer/1.0.0.md' }],
    components: {},
    suites: [],
    verdicts: [],
  }
}
const release = (folder: string) =>
  appendRecord(folder, stamp, (records) => ({ kind: 'release', manifest: manifest(records.length + 1) }))

async function ledgerOf(releases: number): Promise<string> {
  const folder = folderWith({})
  for (let n = 0; n < releases; n += 1) await release(folder)
  return folder
}

it('appends records that can be read back, with a readable manifest each', async () => {
  const folder = await ledgerOf(3)
  expect(soundRecords(folder).map(({ seq }) => seq)).toEqual([1, 2, 3])
  expect(readFileSync(join(folder, '2026-11-21.2.yaml'), 'utf8')).toBe(manifestText(ReleaseManifest.parse(manifest(2))))
  expect(readdirSync(folder).sort()).toEqual([1, 2, 3].map((n) => `2026-11-21.${n}.yaml`).concat('ledger.jsonl'))
  expect(await verify(folder)).toMatchObject({ records: 3, faults: [], warnings: [] })
})

it('a flipped bit in any byte of the ledger is found, and the record is named', async () => {
  const folder = await ledgerOf(3)
  const file = ledgerFile(folder)
  const good = readFileSync(file)
  const lineOf = (at: number) => good.subarray(0, at).filter((byte) => byte === 10).length + 1
  for (let at = 0; at < good.length; at += 1) {
    const bad = Buffer.from(good)
    bad[at] = (bad[at] ?? 0) ^ (1 << (at % 7))
    writeFileSync(file, bad)
    const found = readLedger(folder)
    expect([at, found.faults.map(({ record }) => record), found.torn]).toEqual([at, [lineOf(at)], 0])
  }
  writeFileSync(file, good)
  expect(await verify(folder)).toMatchObject({ faults: [] })
})

it('a flipped bit in any byte of a manifest file is found, and its record is named', async () => {
  const folder = await ledgerOf(3)
  const file = join(folder, '2026-11-21.2.yaml')
  const good = readFileSync(file)
  for (let at = 0; at < good.length; at += 1) {
    const bad = Buffer.from(good)
    bad[at] = (bad[at] ?? 0) ^ (1 << (at % 7))
    writeFileSync(file, bad)
    expect((await verify(folder)).faults).toMatchObject([{ record: 2, file }])
  }
})

it('a damaged ledger is neither read nor written', async () => {
  const folder = await ledgerOf(3)
  const file = ledgerFile(folder)
  writeFileSync(file, readFileSync(file, 'utf8').replace('1.2.0', '1.9.0'))
  const before = readFileSync(file)
  expect(await problemsOf(release(folder))).toEqual([
    `${file}:2 Record 2 of the ledger is damaged: its content does not fit its hash.`,
  ])
  expect(() => soundRecords(folder)).toThrow('Record 2 of the ledger is damaged')
  expect(readFileSync(file)).toEqual(before)
})

it('a record that was taken out, swapped or written anew with a fitting hash is found', async () => {
  const folder = await ledgerOf(4)
  const file = ledgerFile(folder)
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const faultsOf = async (...kept: (string | undefined)[]) => {
    writeFileSync(file, `${kept.join('\n')}\n`)
    return (await verify(folder)).faults.map(({ record, problem }) => `${record} ${problem}`)
  }
  const [one = '', two = '', three = '', four = ''] = lines
  expect(await faultsOf(one, three, four)).toEqual([expect.stringMatching(/^2 it does not follow/)])
  expect(await faultsOf(two, one, three)).toEqual([expect.stringMatching(/^1 it does not follow/)])
  const open = two.replace('"by":"Ada Lovelace"', '"by":"Eve"').replace(/,"hash":"[0-9a-f]+"\}$/, '')
  const forged = `${open},"hash":"${createHash('sha256').update(open).digest('hex')}"}`
  expect(await faultsOf(one, forged, three, four)).toEqual([expect.stringMatching(/^3 it does not follow/)])
  // The chain holds up to its new end: only the manifest without a record tells.
  expect(await faultsOf(one, two, three)).toEqual([expect.stringMatching(/^null This manifest has no record/)])
  for (const n of [3, 4]) rmSync(join(folder, `2026-11-21.${n}.yaml`))
  expect(await faultsOf(one, two)).toEqual([])
  const seen = await verifyLedger(folder, { committed: lines.join('\n'), head: undefined })
  expect(seen.faults[0]?.problem).toMatch(/The ledger of the last commit is not its beginning/)
  const { head } = JSON.parse(`{"head":"${four.slice(-66, -2)}"}`) as { head: string }
  expect((await verifyLedger(folder, { committed: null, head })).faults[0]?.problem).toMatch(/No record has the hash/)
})

it('a record cut off at any byte is removed by the next append with a warning, and no other record is lost', async () => {
  const folder = await ledgerOf(3)
  const file = ledgerFile(folder)
  const good = readFileSync(file)
  const start = good.subarray(0, -1).lastIndexOf(10) + 1
  for (let size = start + 1; size < good.length - 1; size += 7) {
    writeFileSync(file, good)
    truncateSync(file, size)
    expect(readLedger(folder)).toMatchObject({ torn: size - start, faults: [], records: [{}, {}] })
    const { record, warnings } = await release(folder)
    expect(record.seq).toBe(3)
    expect(warnings).toEqual([expect.stringMatching(/ bytes of a record that was never finished were cut off/)])
    expect(readFileSync(file)).toEqual(good)
  }
  truncateSync(file, good.length - 1)
  expect((await release(folder)).warnings).toEqual([])
  expect(soundRecords(folder)).toHaveLength(4)
})

it('a manifest that a crash kept from being written is written by the next append', async () => {
  const folder = await ledgerOf(2)
  rmSync(join(folder, '2026-11-21.2.yaml'))
  const { faults, warnings } = await verify(folder)
  expect([faults.length, warnings.length]).toEqual([0, 1])
  await release(folder)
  expect(await verify(folder)).toMatchObject({ faults: [], warnings: [] })
})

const appending = (url: string, folder: string) => `
  import { appendRecord } from ${JSON.stringify(url)}
  const make = (records) => ({ kind: 'status', component: { kind: 'index', name: 'kb-' + (records.length + 1) }, status: 'archived' })
  const append = () => appendRecord(${JSON.stringify(folder)}, ${JSON.stringify(stamp)}, make)`

it('kill -9 in the middle of appends loses nothing and corrupts nothing', async () => {
  const folder = folderWith({})
  const url = await bundled(folder, 'ledger-append.ts')
  const home = join(folder, 'releases')
  const acknowledged: number[] = []
  for (let round = 0; round < 8; round += 1) {
    const script = `${appending(url, home)}
      for (;;) acknowledge((await append()).record.seq)`
    acknowledged.push(...(await killOnceAcknowledged(script, join(folder, `ack-${round}`), 3 + round * 2)))
    const { faults } = readLedger(home)
    expect(faults).toEqual([])
  }
  const { record } = await appendRecord(home, stamp, () => ({
    kind: 'status',
    component: { kind: 'index', name: 'kb' },
    status: 'archived',
  }))
  const records = soundRecords(home)
  expect(records.at(-1)).toEqual(record)
  expect(new Set(acknowledged).size).toBe(acknowledged.length)
  for (const seq of acknowledged) expect(records[seq - 1]).toMatchObject({ seq, component: { name: `kb-${seq}` } })
  expect((await verify(home)).faults).toEqual([])
}, 60_000)

it('three processes that append at once take turns', async () => {
  const folder = folderWith({})
  const url = await bundled(folder, 'ledger-append.ts')
  const home = join(folder, 'releases')
  const script = `${appending(url, home)}
    for (let n = 0; n < 25; n += 1) process.stdout.write((await append()).record.seq + ' ')`
  const said = await Promise.all([runScript(script), runScript(script), runScript(script)])
  const numbers = said.flatMap((text) => text.trim().split(' ').map(Number))
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 75 }, (_, i) => i + 1))
  expect(await verify(home)).toMatchObject({ records: 75, faults: [] })
  expect(existsSync(join(home, 'ledger.lock'))).toBe(false)
}, 60_000)

it('a full disk in the middle of a record takes the part back', async () => {
  const folder = folderWith({})
  const url = await bundled(folder, 'ledger-append.ts')
  const home = join(folder, 'releases')
  const script = `${appending(url, home)}
    process.on('SIGXFSZ', () => {})
    let said = ''
    try { for (;;) await append() } catch (error) { said = error.code }
    process.stdout.write(said)`
  expect(await runScript(script, { fileSizeLimit: 4096 })).toBe('disk_trouble')
  const { records, faults, torn } = readLedger(home)
  expect([records.length > 5, faults, torn]).toEqual([true, [], 0])
}, 30_000)

it('records of a newer format are refused, those of older formats are read', async () => {
  const folder = await ledgerOf(2)
  const file = ledgerFile(folder)
  const line = Buffer.from(readFileSync(file, 'utf8').split('\n')[0] ?? '')
  const place = { file, record: 1, head: '0'.repeat(64) }
  // In the world of format 3, what is written today is old: each step makes the next format of it.
  const seen: unknown[] = []
  const step = (record: Record<string, unknown>) => {
    seen.push(record.version)
    return { ...record, version: Number(record.version) + 1, by: `${String(record.by)}!` }
  }
  const read = readRecord(line, place, { format: 3, upgrades: { 1: step, 2: step } })
  expect([seen, read]).toMatchObject([[1, 2], { record: { seq: 1, by: 'Ada Lovelace!!' } }])

  const open = line
    .toString('utf8')
    .replace('"version":1', '"version":2')
    .replace(/,"hash":"[0-9a-f]+"\}$/, '')
  writeFileSync(file, `${open},"hash":"${createHash('sha256').update(open).digest('hex')}"}\n`)
  const says = `${file}:1 This is a record of the ledger in format 2, written by a newer aigate; this one reads format 1.`
  expect(await problemsOf(release(folder))).toEqual([says])
  expect(await problemsOf(verify(folder))).toEqual([says])
})

it('an unsettled merge is named', async () => {
  const folder = await ledgerOf(1)
  appendFileSync(ledgerFile(folder), '<<<<<<< HEAD\n=======\n>>>>>>> other\n')
  expect(await problemsOf(release(folder))).toEqual([expect.stringMatching(/unsettled merge/)])
})
