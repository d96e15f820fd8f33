// Recorded answers: found by content, never for another trial, merged on save, never an error, never torn.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AigateError } from '../errors.ts'
import type { Completion } from '../schema/run.ts'
import { bundled, killOnceAcknowledged } from './crash-testing.ts'
import { openRecordings } from './recordings.ts'

let root = ''
let folder = ''
let folders = 0
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'aigate-recordings-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))
beforeEach(() => {
  folder = join(root, `r${(folders += 1)}`)
})

const said = (text: string, change: Partial<Completion> = {}): Completion => ({
  outcome: 'answered',
  text,
  tool_calls: [],
  latency_ms: 10.04,
  attempts: 1,
  ...change,
})
const entry = (key: string, trial: number, text: string, id = 'a') => ({ key, trial, case: id, completion: said(text) })

const head = '{"aigate":"recordings","version":1}'
const line = (key: string, trial: number, text: string) =>
  JSON.stringify({ key, trial, case: 'a', completion: { ...said(text), latency_ms: 10 } })

async function fault(lines: string): Promise<AigateError> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'other.jsonl'), lines)
  const error = await openRecordings(folder, 'support').then(
    () => undefined,
    (e: unknown) => e,
  )
  expect(error).toBeInstanceOf(AigateError)
  expect((error as AigateError).places[0]?.file).toBe(join(folder, 'other.jsonl'))
  return error as AigateError
}

describe('find and add', () => {
  it('finds what was added, as replayed, for its own trial only', async () => {
    const recordings = await openRecordings(folder, 'support')
    expect(recordings.count).toBe(0)
    recordings.add(entry('k', 2, 'two'))
    expect(recordings.find('k', 2)).toEqual({ ...said('two'), latency_ms: 10, replayed: true })
    expect(recordings.find('k', 1)).toBeUndefined()
    expect(recordings.find('other', 2)).toBeUndefined()
    expect(recordings.count).toBe(1)
  })
  it('never keeps an error or a timeout, but a refusal and a cut-off answer', async () => {
    const recordings = await openRecordings(folder, 'support')
    for (const [at, outcome] of (['error', 'timeout', 'refused', 'truncated'] as const).entries())
      recordings.add({ key: outcome, trial: at + 1, case: 'a', completion: said('x', { outcome }) })
    await recordings.save()
    const again = await openRecordings(folder, 'support')
    expect([again.count, again.find('refused', 3)?.outcome, again.find('truncated', 4)?.outcome]).toEqual([
      2,
      'refused',
      'truncated',
    ])
  })
  it('forgets that a recorded answer had been replayed', async () => {
    const recordings = await openRecordings(folder, 'support')
    recordings.add({ key: 'k', trial: 1, case: 'a', completion: said('x', { replayed: true }) })
    await recordings.save()
    expect(readFileSync(join(folder, 'support.jsonl'), 'utf8')).not.toContain('replayed')
  })
})

describe('save', () => {
  it('writes a header and one line an answer, sorted by case, key and trial', async () => {
    const recordings = await openRecordings(folder, 'team/support')
    recordings.add(entry('k2', 10, 'e', 'b'))
    recordings.add(entry('k2', 9, 'd', 'b'))
    recordings.add(entry('k1', 1, 'c', 'b'))
    recordings.add(entry('k9', 1, 'a', 'a'))
    await recordings.save()
    const lines = readFileSync(join(folder, 'team-support.jsonl'), 'utf8').split('\n')
    expect(lines[0]).toBe(head)
    expect(lines[1]).toBe(line('k9', 1, 'a'))
    expect(lines.slice(1, -1).map((text) => (JSON.parse(text) as { completion: Completion }).completion.text)).toEqual([
      'a', 'c', 'd', 'e',
    ]) // biome-ignore format: short
    expect(lines.at(-1)).toBe('')
  })
  it('replaces the same question and trial, keeps all others', async () => {
    const first = await openRecordings(folder, 'support')
    first.add(entry('k', 1, 'old'))
    first.add(entry('k', 2, 'stays'))
    await first.save()
    const second = await openRecordings(folder, 'support')
    second.add(entry('k', 1, 'new'))
    await second.save()
    const read = await openRecordings(folder, 'support')
    expect([read.count, read.find('k', 1)?.text, read.find('k', 2)?.text]).toEqual([2, 'new', 'stays'])
  })
  it('merges with what another run saved meanwhile', async () => {
    const one = await openRecordings(folder, 'support')
    const two = await openRecordings(folder, 'support')
    one.add(entry('one', 1, 'x'))
    two.add(entry('two', 1, 'x'))
    await one.save()
    await two.save()
    expect((await openRecordings(folder, 'support')).count).toBe(2)
  })
  it('keeps what is added while it saves for the next time', async () => {
    const recordings = await openRecordings(folder, 'support')
    recordings.add(entry('k', 1, 'x'))
    const saving = recordings.save()
    await new Promise((go) => setImmediate(go))
    recordings.add(entry('k', 2, 'y'))
    await Promise.all([saving, recordings.save()])
    expect((await openRecordings(folder, 'support')).count).toBe(2)
  })
  it('writes nothing when nothing is new', async () => {
    await (await openRecordings(folder, 'support')).save()
    expect(() => statSync(folder)).toThrow(/ENOENT/)
  })
  it('gives the same bytes whatever the order (property)', async () => {
    const texts = fc.uniqueArray(
      fc.record({
        key: fc.stringMatching(/^[0-9a-f]{1,4}$/),
        trial: fc.integer({ min: 1, max: 5 }),
        text: fc.string({ unit: 'binary' }),
      }),
      {
        selector: ({ key, trial }) => `${trial} ${key}`,
        maxLength: 10,
        minLength: 1,
      },
    )
    await fc.assert(
      fc.asyncProperty(texts, fc.nat(), async (answers, seed) => {
        const bytes = async (order: typeof answers, name: string) => {
          const place = join(folder, name)
          rmSync(place, { recursive: true, force: true })
          const recordings = await openRecordings(place, 'support')
          for (const { key, trial, text } of order) recordings.add(entry(key, trial, text))
          await recordings.save()
          const read = await openRecordings(place, 'support')
          for (const { key, trial, text } of order) expect(read.find(key, trial)?.text).toBe(text)
          return readFileSync(join(place, 'support.jsonl'), 'utf8')
        }
        const turn = seed % answers.length
        expect(await bytes([...answers.slice(turn), ...answers.slice(0, turn)], 'b')).toBe(await bytes(answers, 'a'))
      }),
      { numRuns: 30 },
    )
  })
})

describe('the folder', () => {
  it('is read as a whole; the file of the suite wins', async () => {
    mkdirSync(folder)
    writeFileSync(join(folder, 'aaa.jsonl'), `${head}\n${line('k', 1, 'theirs')}\n${line('j', 1, 'from aaa')}\n`)
    writeFileSync(join(folder, 'support.jsonl'), `${head}\r\n${line('k', 1, 'ours')}\r\n`)
    writeFileSync(join(folder, 'zzz.jsonl'), `${head}\n${line('k', 1, 'theirs too')}`)
    writeFileSync(join(folder, 'notes.txt'), 'not read')
    const recordings = await openRecordings(folder, 'support')
    expect([recordings.count, recordings.find('k', 1)?.text, recordings.find('j', 1)?.text]).toEqual([
      2,
      'ours',
      'from aaa',
    ])
    await recordings.save()
    expect(readdirSync(folder)).toEqual(['aaa.jsonl', 'notes.txt', 'support.jsonl', 'zzz.jsonl'])
  })
})

describe('a poisoned file', () => {
  const good = line('k', 1, 'x')
  const failed = JSON.stringify({ key: 'k', trial: 2, case: 'a', completion: said('', { outcome: 'error' }) })
  const cases: [string, string, number | undefined, RegExp][] = [
    ['torn', `${head}\n${good}\n${line('k', 2, 'y').slice(0, -9)}`, 3, /cut off or no JSON/],
    ['no JSON', `${head}\nhello\n${good}\n`, 2, /cut off or no JSON/],
    ['an error that was recorded', `${head}\n${good}\n${failed}\n`, 3, /completion\.outcome/],
    ['an unknown key', `${head}\n${good.replace('"case"', '"cas"')}\n`, 2, /no recorded answer: /],
    ['twice the same', `${head}\n${good}\n${good}\n`, 3, /Trial 1 of case a is recorded twice/],
    ['an unsettled merge', `${head}\n<<<<<<< ours\n${good}\n=======\n`, 2, /unsettled merge/],
    ['an unsettled merge of the head', `<<<<<<< ours\n${head}\n`, 1, /unsettled merge/],
    ['no header', `${good}\n`, undefined, /did not write, not a file of recorded answers/],
    ['a run', '{"aigate":"run","version":1}\n', undefined, /^This is the record of a run/],
    ['a newer format', '{"aigate":"recordings","version":2}\n', undefined, /format 2, written by a newer aigate/],
    ['nothing', '', undefined, /^The file is empty/],
  ]
  it.each(cases)('%s', async (_, text, number, message) => {
    const error = await fault(text)
    expect(error.message).toMatch(message)
    expect(error.places[0]?.line).toBe(number)
    expect(error.outcome).toBe('usage')
  })
})

it('is whole after kill -9 in the middle of a save', async () => {
  const module = await bundled(join(root, 'built'), 'recordings.ts')
  for (let round = 0; round < 4; round += 1) {
    const acknowledged = await killOnceAcknowledged(
      `import { openRecordings } from ${JSON.stringify(module)}
       const recordings = await openRecordings(${JSON.stringify(folder)}, 'support')
       const start = recordings.count
       for (let n = start; ; n++) {
         recordings.add({ key: 'k' + n, trial: 1, case: 'a', completion: { outcome: 'answered', text: 'x'.repeat(50000), tool_calls: [], latency_ms: 1, attempts: 1 } })
         await recordings.save()
         acknowledge(n + 1)
       }`,
      join(root, `acknowledged-${round}`),
      5,
    )
    const { count } = await openRecordings(folder, 'support')
    expect([acknowledged.at(-1), acknowledged.at(-1)! + 1]).toContain(count)
  }
}, 60_000)

describe('answers that are not saved yet', () => {
  const place = () => join(folder, 'run', 'recordings', 'support.jsonl')
  const open = () => openRecordings(folder, 'support', place())
  const saved = () => readFileSync(join(folder, 'support.jsonl'), 'utf8')

  it('stand on disk when add returns, in the order in which they came; nothing does before the first one', async () => {
    const recordings = await open()
    expect(existsSync(folder)).toBe(false)
    recordings.add(entry('k2', 1, 'two'))
    recordings.add(entry('k1', 1, 'one'))
    expect(readFileSync(place(), 'utf8')).toBe(`${head}\n${line('k2', 1, 'two')}\n${line('k1', 1, 'one')}\n`)
    expect(recordings.told('k1', 1)).toBeUndefined()
    await recordings.save()
    expect(saved()).toBe(`${head}\n${line('k1', 1, 'one')}\n${line('k2', 1, 'two')}\n`)
  })
  it('are told, found and saved by who opens them next, the last of the same first; one that was cut off is asked again', async () => {
    const first = await open()
    for (const text of ['old', 'new']) first.add(entry('k', 1, text))
    appendFileSync(place(), line('k', 2, 'torn').slice(0, -3))
    const second = await open()
    expect([second.told('k', 1)?.text, second.find('k', 1)?.text, second.told('k', 2)]).toEqual([
      'new',
      'new',
      undefined,
    ])
    second.add(entry('k', 3, 'three'))
    expect(second.told('k', 3)).toBeUndefined()
    const third = await open()
    expect([third.told('k', 1)?.text, third.told('k', 3)?.text]).toEqual(['new', 'three'])
    await third.save()
    expect(saved()).toBe(`${head}\n${line('k', 1, 'new')}\n${line('k', 3, 'three')}\n`)
    // Whoever removes it knows that nobody goes on.
    expect((await open()).told('k', 1)?.text).toBe('new')
  })
  it.each([
    ['the first line cut off', head.slice(0, 9)],
    ['the first line without its end', head],
    ['an empty file', ''],
  ])('%s: nothing was said yet', async (_, text) => {
    mkdirSync(join(folder, 'run', 'recordings'), { recursive: true })
    writeFileSync(place(), text)
    const recordings = await open()
    expect(recordings.count).toBe(0)
    recordings.add(entry('k', 1, 'x'))
    expect(readFileSync(place(), 'utf8')).toBe(`${head}\n${line('k', 1, 'x')}\n`)
  })
  it.each([
    ['a newer format', '{"aigate":"recordings","version":2}\n', /format 2, written by a newer aigate/],
    ['another file', '{"aigate":"run","version":1}\n', /^This is the record of a run/],
    [
      'a line that was damaged',
      `${head}\n${line('k', 1, 'x').slice(0, -5)}\n${line('k', 2, 'y')}\n`,
      /cut off or no JSON/,
    ],
  ])('%s is refused, and stays as it was', async (_, text, message) => {
    mkdirSync(join(folder, 'run', 'recordings'), { recursive: true })
    writeFileSync(place(), text)
    await expect(open()).rejects.toThrow(message)
    expect(readFileSync(place(), 'utf8')).toBe(text)
  })
  it('survive kill -9, all that were acknowledged, again and again', { timeout: 60_000 }, async () => {
    const module = await bundled(join(root, 'built'), 'recordings.ts')
    for (let round = 0; round < 3; round += 1) {
      const acknowledged = await killOnceAcknowledged(
        `import { openRecordings } from ${JSON.stringify(module)}
         const recordings = await openRecordings(${JSON.stringify(folder)}, 'support', ${JSON.stringify(place())})
         for (let n = recordings.count; ; n++) {
           recordings.add({ key: 'k' + n, trial: 1, case: 'a', completion: { outcome: 'answered', text: 'x'.repeat(50000), tool_calls: [], latency_ms: 1, attempts: 1 } })
           acknowledge(n + 1)
           await new Promise((go) => setTimeout(go, 1))
         }`,
        join(root, `unsaved-${round}`),
        5,
      )
      const { count } = await open()
      expect([acknowledged.at(-1), acknowledged.at(-1)! + 1]).toContain(count)
    }
    expect(existsSync(join(folder, 'support.jsonl'))).toBe(false)
  })
})
