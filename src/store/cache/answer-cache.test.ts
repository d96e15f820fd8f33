// The cache by itself: what went in comes out or is asked again, whatever happens to its files, its processes and its disk.
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Completion } from '../../schema/run.ts'
import { bundled, killOnceAcknowledged, runScript } from '../crash-testing.ts'
import { type AnswerCache, openAnswerCache } from './answer-cache.ts'
import { answerOf, isLive, lineOf } from './segment.ts'
import { cacheStats, clearCache, tidyCache } from './tidy.ts'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aigate-cache-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'cache')
}
const NOW = new Date('2026-11-21T12:00:00.000Z')
const AGES_AGO = new Date(0)
const keyOf = (n: number) => n.toString(16).padStart(64, '0')
const answer = (text: string, more: Partial<Completion> = {}): Completion => ({
  outcome: 'answered',
  text,
  tool_calls: [],
  attempts: 1,
  latency_ms: 1.2345,
  ...more,
})
const put = (cache: AnswerCache, n: number, trial: number, text: string, at = NOW) =>
  cache.add({ key: keyOf(n), trial, at, suite: 's', case: `c${n}`, asked: 'a model', completion: answer(text) })
const get = (cache: AnswerCache, n: number, trial: number, since = AGES_AGO) =>
  cache.find({ key: keyOf(n), trial }, since)
const bounds = { maxBytes: 1e9, maxAgeMs: 1e12 }
const files = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => join(folder, name))

describe('what went in comes out', () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 })
  it('whatever the texts are, trial by trial, the last one of several, in this process and the next', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ n: fc.nat(4), trial: fc.integer({ min: 1, max: 3 }), text, reopen: fc.boolean() }), {
          maxLength: 20,
        }),
        (puts) => {
          const folder = mkdtempSync(join(tmpdir(), 'aigate-cache-'))
          try {
            const expected = new Map<string, string>()
            let cache = openAnswerCache(folder, NOW)
            for (const [nth, { n, trial, text: said, reopen }] of puts.entries()) {
              put(cache, n, trial, said, new Date(NOW.getTime() + nth))
              expected.set(`${n} ${trial}`, said)
              if (!reopen) continue
              cache.close()
              cache = openAnswerCache(folder, new Date(NOW.getTime() + nth))
            }
            for (const round of ['same process', 'next process']) {
              for (let n = 0; n <= 4; n++)
                for (let trial = 1; trial <= 3; trial++)
                  expect([round, get(cache, n, trial)?.text]).toEqual([round, expected.get(`${n} ${trial}`)])
              cache.close()
              cache = openAnswerCache(folder, NOW)
            }
            expect(cache.notes).toEqual([])
            cache.close()
          } finally {
            rmSync(folder, { recursive: true })
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  it('marked, with the latency of the time when it was asked, and not older than wanted', () => {
    const cache = openAnswerCache(newFolder(), NOW)
    put(cache, 1, 1, 'x')
    expect(get(cache, 1, 1)).toEqual({ ...answer('x'), attempts: 0, replayed: true, cached: true })
    expect(get(cache, 1, 1, new Date(NOW.getTime() + 1))).toBeUndefined()
    expect(get(cache, 1, 2)).toBeUndefined()
    expect(cache.askedAt({ key: keyOf(1), trial: 1 }, AGES_AGO)).toBe(NOW.toISOString())
    cache.close()
  })

  it('no failure, and nothing that was not asked', () => {
    const folder = newFolder()
    const cache = openAnswerCache(folder, NOW)
    const add = (completion: Completion) =>
      cache.add({ key: keyOf(1), trial: 1, at: NOW, suite: 's', case: 'c', asked: '', completion })
    add(answer('', { outcome: 'error', error: { kind: 'server_error', message: 'x' } }))
    add(answer('', { outcome: 'timeout' }))
    add(answer('x', { replayed: true }))
    expect([cache.count, get(cache, 1, 1)]).toEqual([0, undefined])
    for (const outcome of ['answered', 'refused', 'truncated'] as const) {
      add(answer(outcome, { outcome }))
      expect(get(cache, 1, 1)?.outcome).toBe(outcome)
    }
    cache.close()
  })
})

describe('damage', () => {
  const filled = (count: number) => {
    const folder = newFolder()
    const cache = openAnswerCache(folder, NOW)
    for (let n = 0; n < count; n++) put(cache, n, 1, `answer ${n}`)
    cache.close()
    return folder
  }

  it('any byte changed anywhere costs at most the line that it is in, and never gives another answer', () => {
    const folder = filled(5)
    const [file = ''] = files(folder)
    const whole = readFileSync(file)
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const bytes = Buffer.from(whole)
        bytes[at] = (bytes[at]! + by) % 256
        writeFileSync(file, bytes)
        const cache = openAnswerCache(folder, NOW)
        const found = [0, 1, 2, 3, 4].map((n) => get(cache, n, 1)?.text)
        const inHead = at <= whole.indexOf(10)
        if (!inHead) expect(found.filter((text) => text === undefined).length).toBeLessThanOrEqual(2)
        for (const [n, text] of found.entries()) expect([undefined, `answer ${n}`]).toContain(text)
        cache.close()
      }),
      { numRuns: 150 },
    )
  })

  it('cut off anywhere, the whole lines before count', () => {
    const folder = filled(5)
    const [file = ''] = files(folder)
    const whole = readFileSync(file)
    for (let size = whole.length; size >= 0; size -= 37) {
      truncateSync(file, size)
      const cache = openAnswerCache(folder, NOW)
      const lines = whole.subarray(0, size).toString().split('\n').length - 2
      expect(cache.count).toBe(Math.max(0, lines))
      expect(cache.notes.filter((note) => !/torn|no segment/.test(note))).toEqual([])
      cache.close()
    }
  })

  it('a line whose checksum was made to fit, but whose content is none, is asked again', async () => {
    const folder = filled(1)
    const [file = ''] = files(folder)
    const good = answerOf(readFileSync(file, 'utf8').split('\n')[1]!)!
    const line = lineOf({ ...good, completion: { ...good.completion, outcome: 'error' as 'answered' } })
    writeFileSync(file, `${readFileSync(file, 'utf8').split('\n')[0]}\n${line}`)
    const cache = openAnswerCache(folder, NOW)
    expect([cache.count, get(cache, 0, 1), cache.count]).toEqual([1, undefined, 0])
    expect(cache.notes.join()).toMatch(/could not be read any more, and is asked again/)
    cache.close()
  })
})

describe('several processes', () => {
  const script = (folder: string, url: string) => `
    const { openAnswerCache } = await import(${JSON.stringify(url)})
    const cache = openAnswerCache(${JSON.stringify(folder)}, new Date())
    for (let n = 0; ; n++) {
      cache.add({ key: (n + 1000 * process.pid % 7919).toString(16).padStart(64, '0'), trial: 1, at: new Date(), suite: 's', case: 'c', asked: '',
        completion: { outcome: 'answered', text: 'x'.repeat(n % 300), tool_calls: [], attempts: 1 } })
      acknowledge(n)
    }`

  it('killed while they write, lose nothing that was written, and leave no lock', async () => {
    const folder = newFolder()
    const home = mkdtempSync(join(tmpdir(), 'aigate-cache-'))
    onTestFinished(() => rmSync(home, { recursive: true, force: true }))
    const url = await bundled(home, join('cache', 'answer-cache.ts'))
    const told = await Promise.all(
      [0, 1, 2].map((nth) => killOnceAcknowledged(script(folder, url), join(home, `ack-${nth}`), 50 + 30 * nth)),
    )
    const stats = cacheStats(folder, new Date(), bounds)
    expect(stats.answers + stats.replaced).toBeGreaterThanOrEqual(told.flat().length)
    expect(stats.damaged).toBeLessThanOrEqual(3)
    expect(stats.live).toBe(0)
    const tidied = await tidyCache(folder, new Date(), bounds)
    expect(tidied?.kept).toBe(stats.answers)
    expect(cacheStats(folder, new Date(), bounds)).toMatchObject({
      answers: stats.answers,
      segments: 1,
      damaged: 0,
      replaced: 0,
    })
  })

  it('gc and clear leave alone what is being written, and who reads goes on reading', async () => {
    const folder = newFolder()
    const first = openAnswerCache(folder, NOW)
    put(first, 1, 1, 'old')
    first.close()
    const writer = openAnswerCache(folder, NOW)
    put(writer, 2, 1, 'written')
    const reader = openAnswerCache(folder, NOW)
    await tidyCache(folder, NOW, { maxBytes: 0, maxAgeMs: 0 })
    expect(clearCache(folder, NOW)).toEqual({ removed: 0, left: 1 })
    put(writer, 3, 1, 'after')
    expect([get(reader, 1, 1)?.text, get(reader, 2, 1)?.text]).toEqual(['old', 'written'])
    writer.close()
    reader.close()
    const next = openAnswerCache(folder, NOW)
    expect([get(next, 1, 1)?.text, get(next, 2, 1)?.text, get(next, 3, 1)?.text]).toEqual([
      undefined,
      'written',
      'after',
    ])
    next.close()
  })

  it('a segment of another machine counts as written for a week', () => {
    const file = '20261121T120000000Z-00000000-7-0a0b0c0d.live.jsonl'
    const at = NOW.getTime()
    expect([
      isLive(file, { mtimeMs: at - 1000, now: at }),
      isLive(file, { mtimeMs: at - 8 * 86_400_000, now: at }),
    ]).toEqual([true, false])
    expect(isLive('20261121T120000000Z-00000000-7-0a0b0c0d.jsonl', { mtimeMs: at, now: at })).toBe(false)
  })
})

describe('bounds', () => {
  it('drops what is too old, then the oldest, and never more than it must', async () => {
    const folder = newFolder()
    for (const day of [0, 1, 2, 3]) {
      const cache = openAnswerCache(folder, NOW)
      for (let n = 0; n < 10; n++)
        put(cache, day * 10 + n, 1, 'x'.repeat(100), new Date(NOW.getTime() - day * 86_400_000 - n))
      cache.close()
    }
    const kept = async (maxBytes: number, maxAgeMs: number) => {
      const done = await tidyCache(folder, NOW, { maxBytes, maxAgeMs })
      const bytes = files(folder).reduce((sum, file) => sum + statSync(file).size, 0)
      return [done?.kept, bytes <= maxBytes + 40] as const
    }
    expect(await kept(1e9, 2.5 * 86_400_000)).toEqual([30, true])
    expect(await kept(1e9, 2.5 * 86_400_000)).toEqual([30, true])
    const [few, fits] = await kept(4000, 1e12)
    expect([few! > 5, few! < 20, fits]).toEqual([true, true, true])
    const cache = openAnswerCache(folder, NOW)
    expect([get(cache, 0, 1)?.text.length, get(cache, 29, 1)]).toEqual([100, undefined])
    cache.close()
    expect(await kept(0, 1e12)).toEqual([0, true])
    expect(files(folder)).toEqual([])
  })

  it('loses sight of no answer while another process finishes and joins segments', { timeout: 60_000 }, async () => {
    const folder = newFolder()
    const home = mkdtempSync(join(tmpdir(), 'aigate-cache-'))
    onTestFinished(() => rmSync(home, { recursive: true, force: true }))
    const url = await bundled(home, join('cache', 'tidy.ts'))
    const cache = openAnswerCache(folder, NOW)
    for (let n = 0; n < 30; n++) put(cache, n, 1, 'x')
    cache.close()
    const done = join(home, 'done')
    const script = runScript(
      `const { copyFileSync, readdirSync, renameSync, writeFileSync } = await import('node:fs')
       const { tidyCache } = await import(${JSON.stringify(url)})
       const folder = ${JSON.stringify(folder)}
       for (let round = 0; round < 80; round++) {
         const [first] = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))
         for (let n = 0; n < 40; n++) copyFileSync(folder + '/' + first, folder + '/copy-' + n + '.tmp')
         for (let n = 0; n < 40; n++) renameSync(folder + '/copy-' + n + '.tmp', folder + '/2026-' + round + '-' + n + '.jsonl')
         await tidyCache(folder, new Date(), { maxBytes: 1e9, maxAgeMs: 1e13 })
       }
       writeFileSync(${JSON.stringify(done)}, '')`,
    )
    const counts = new Set<number>()
    let looks = 0
    while (!existsSync(done)) {
      const now = openAnswerCache(folder, NOW)
      counts.add(now.count)
      now.close()
      looks += 1
      await new Promise((go) => setImmediate(go))
    }
    await script
    expect([...counts]).toEqual([30])
    expect(looks).toBeGreaterThan(5)
  })

  it('a full disk costs the cache, not the run: what was written is still found', async () => {
    const folder = newFolder()
    const home = mkdtempSync(join(tmpdir(), 'aigate-cache-'))
    onTestFinished(() => rmSync(home, { recursive: true, force: true }))
    const url = await bundled(home, join('cache', 'answer-cache.ts'))
    const said = await runScript(
      `process.on('SIGXFSZ', () => {})
       const { openAnswerCache } = await import(${JSON.stringify(url)})
       const cache = openAnswerCache(${JSON.stringify(folder)}, new Date())
       const key = (n) => n.toString(16).padStart(64, '0')
       for (let n = 0; n < 200; n++) cache.add({ key: key(n), trial: 1, at: new Date(), suite: 's', case: 'c', asked: '', completion: { outcome: 'answered', text: 'x'.repeat(200), tool_calls: [], attempts: 1 } })
       const found = Array.from({ length: 200 }, (_, n) => cache.find({ key: key(n), trial: 1 }, new Date(0))).filter(Boolean).length
       cache.close()
       console.log(JSON.stringify({ found, notes: cache.notes }))`,
      { fileSizeLimit: 8192 },
    )
    const { found, notes } = JSON.parse(said)
    expect(found).toBeGreaterThan(5)
    expect(found).toBeLessThan(200)
    expect(notes.join()).toMatch(/Answers are not kept for the next run: .* largest file/)
    const next = openAnswerCache(folder, NOW)
    expect([next.count, next.notes]).toEqual([found, []])
    next.close()
  })

  it('looks at folders that are none', async () => {
    const folder = newFolder()
    expect(await tidyCache(folder, NOW, bounds)).toBeNull()
    expect(clearCache(folder, NOW)).toEqual({ removed: 0, left: 0 })
    expect(cacheStats(folder, NOW, bounds)).toMatchObject({ answers: 0, segments: 0, bytes: 0, oldest: null })
    writeFileSync(folder, 'a file')
    const cache = openAnswerCache(folder, NOW)
    put(cache, 1, 1, 'x')
    expect([cache.count, cache.notes.length]).toEqual([0, 2])
    cache.close()
  })
})
