// The baseline file: its layout, its round trip, every way in which it can be wrong, and kill -9 while it is written.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AigateError } from '../errors.ts'
import type { Baseline, CaseTally } from '../schema/baseline.ts'
import { baselineFile, committedBaseline, readBaseline, writeBaseline } from './baseline-file.ts'
import { bundled, killOnceAcknowledged, runScript } from './crash-testing.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'aigate-baseline-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const tally = (id: string, change: Partial<CaseTally> = {}): CaseTally => ({
  id,
  hash: `h-${id}`,
  passes: 1,
  trials: 2,
  errors: 0,
  scores: [1, 0.123456789],
  latencies_ms: [812.3456, 90],
  costs_usd: [0.00001234567891, 0],
  ...change,
})
const baseline = (cases: CaseTally[] = [tally('b'), tally('a')]): Baseline => ({
  aigate: 'baseline',
  version: 1,
  suite: 'support',
  suite_version: '1.0.0',
  target: { kind: 'command', label: 'echo', hash: 'h' },
  response_models: ['m-1'],
  accepted: { at: '2026-11-21T10:15:00Z', by: 'Ada', reason: 'first' },
  runs: [{ id: 'r1', at: '2026-11-21T10:15:00Z', trials: 2, git: null, tool_version: '0.1.0' }],
  cases,
})
const layout = `{
  "aigate": "baseline",
  "version": 1,
  "suite": "support",
  "suite_version": "1.0.0",
  "target": {"kind":"command","label":"echo","hash":"h"},
  "response_models": ["m-1"],
  "accepted": {"at":"2026-11-21T10:15:00Z","by":"Ada","reason":"first"},
  "runs": [
    {"id":"r1","at":"2026-11-21T10:15:00Z","trials":2,"git":null,"tool_version":"0.1.0"}
  ],
  "cases": [
    {"id":"a","hash":"h-a","passes":1,"trials":2,"errors":0,"scores":[1,0.123457],"latencies_ms":[812.3,90],"costs_usd":[0.000012346,0]},
    {"id":"b","hash":"h-b","passes":1,"trials":2,"errors":0,"scores":[1,0.123457],"latencies_ms":[812.3,90],"costs_usd":[0.000012346,0]}
  ]
}
`

async function fault(text: string, suite = 'support'): Promise<AigateError> {
  const file = join(folder, 'wrong.json')
  writeFileSync(file, text)
  const error = await readBaseline(file, suite).then(
    () => undefined,
    (e: unknown) => e,
  )
  expect(error).toBeInstanceOf(AigateError)
  expect((error as AigateError).places[0]?.file).toBe(file)
  return error as AigateError
}

describe('layout', () => {
  it('is one line a case, sorted, rounded', async () => {
    const file = join(folder, 'deep', 'er', 'support.json')
    await writeBaseline(file, baseline())
    expect(readFileSync(file, 'utf8')).toBe(layout)
  })
  it('does not depend on the order of keys or cases', async () => {
    const file = join(folder, 'order.json')
    const { cases, ...header } = baseline()
    const turned = Object.fromEntries(Object.entries(header).reverse()) as Omit<Baseline, 'cases'>
    await writeBaseline(file, { cases: cases.toReversed(), ...turned })
    expect(readFileSync(file, 'utf8')).toBe(layout)
  })
  it('hides no invisible characters in a diff', async () => {
    const file = join(folder, 'unseen.json')
    const answer = 'a\u202eb\u2028c\u0000d\u{1f600}'
    await writeBaseline(file, baseline([tally('a', { answer })]))
    expect(readFileSync(file, 'utf8')).toContain(String.raw`"a\u202eb\u2028c\u0000d😀"`)
    expect((await readBaseline(file, 'support'))?.cases[0]?.answer).toBe(answer)
  })
})

it('gives back what was written, and the same bytes when that is written again (property)', async () => {
  const numbers = (max: number) =>
    fc.array(
      fc.double({ min: 0, max, noNaN: true }).map((x) => x + 0),
      { maxLength: 5 },
    )
  const one = fc.record({
    id: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,8}$/),
    hash: fc.string(),
    passes: fc.constant(0),
    trials: fc.nat(9),
    errors: fc.nat(9),
    scores: numbers(1),
    latencies_ms: numbers(1e7),
    costs_usd: numbers(100),
    answer: fc.string({ unit: 'binary' }),
  })
  const cases = fc.uniqueArray(one, { selector: ({ id }) => id, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(cases, async (tallies) => {
      const file = join(folder, 'property.json')
      await writeBaseline(file, baseline(tallies))
      const bytes = readFileSync(file, 'utf8')
      const read = await readBaseline(file, 'support')
      expect(read?.cases.map(({ id, answer }) => [id, answer])).toEqual(
        tallies.map(({ id, answer }) => [id, answer]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
      )
      for (const { id, latencies_ms, costs_usd } of read?.cases ?? []) {
        const before = tallies.find((t) => t.id === id)
        for (const [at, ms] of latencies_ms.entries())
          expect(Math.abs(ms - before!.latencies_ms[at]!)).toBeLessThan(0.051)
        for (const [at, usd] of costs_usd.entries()) expect(Math.abs(usd - before!.costs_usd[at]!)).toBeLessThan(6e-10)
      }
      await writeBaseline(file, read!)
      expect(readFileSync(file, 'utf8')).toBe(bytes)
    }),
    { numRuns: 60 },
  )
})

it('reads CRLF and a byte order mark, as git and editors on Windows leave them', async () => {
  const file = join(folder, 'crlf.json')
  writeFileSync(file, `\ufeff${layout.replaceAll('\n', '\r\n')}`)
  expect((await readBaseline(file, 'support'))?.cases).toHaveLength(2)
})

describe('what is wrong with a file', () => {
  it('null when there is none', async () => {
    expect(await readBaseline(join(folder, 'none.json'), 'support')).toBeNull()
  })
  it('an error when it is required', async () => {
    const file = join(folder, 'none.json')
    await expect(readBaseline(file, 'support', { required: true })).rejects.toThrow(
      `${file} cannot be read: it does not exist.`,
    )
  })
  it('another suite', async () => {
    expect((await fault(layout, 'billing')).message).toBe('This is the baseline of the suite support, not of billing.')
  })
  it('no suite is another when any is welcome', async () => {
    writeFileSync(join(folder, 'any.json'), layout)
    expect((await readBaseline(join(folder, 'any.json'), null))?.suite).toBe('support')
  })
  it('cut off anywhere', async () => {
    for (let end = 30; end < layout.length - 2; end += 37) {
      const error = await fault(layout.slice(0, end))
      expect(error.message).toMatch(/cut off|no JSON/)
      expect(error.places[0]?.line).toBe(layout.slice(0, end).trimEnd().split('\n').length)
    }
    expect((await fault('')).message).toBe('The file is empty.')
  })
  it('a damaged line', async () => {
    const error = await fault(layout.replace('"id":"b",', '"id":"b" '))
    expect([error.message, error.places[0]?.line]).toEqual(['The baseline is no JSON.', 14])
  })
  it('foreign JSON, a run, a report', async () => {
    expect((await fault('{"results":[]}')).message).toBe('This is a file that aigate did not write, not a baseline.')
    expect((await fault('[]')).message).toMatch(/did not write/)
    expect((await fault('{"aigate":"run","version":1}\n{"type":"end"}\n')).message).toMatch(
      /^This is the record of a run/,
    )
    expect((await fault('{"aigate":"report","version":1}')).message).toMatch(/^This is a report/)
  })
  it('a newer version', async () => {
    const error = await fault(layout.replace('"version": 1', '"version": 2'))
    expect(error.message).toMatch(/^This is a baseline in format 2, written by a newer aigate/)
  })
  it('a violation of the schema, with its line', async () => {
    const error = await fault(layout.replace('"id":"b","hash":"h-b","passes":1', '"id":"b","hash":"h-b","passes":-1'))
    expect(error.message).toMatch(/^The baseline does not have the expected form: cases\[1\]\.passes: /)
    expect(error.places[0]?.line).toBe(14)
    expect((await fault(layout.replace('"suite_version"', '"suite_versoin"'))).message).toMatch(/suite_version/)
  })
  it('a case that stands twice, and more passes than trials', async () => {
    const twice = await fault(layout.replace('"id":"b"', '"id":"a"'))
    expect([twice.message, twice.places[0]?.line]).toEqual(['The case a stands in the baseline twice.', 14])
    const many = await fault(layout.replace('"h-a","passes":1', '"h-a","passes":3'))
    expect([many.message, many.places[0]?.line]).toEqual(['The case a has 3 passes in 2 trials.', 13])
  })
  it('the marks of an unsettled merge', async () => {
    const merged = layout.replace('    {"id":"b"', '<<<<<<< HEAD\n    {"id":"b"')
    const error = await fault(merged)
    expect([error.message, error.places[0]?.line]).toEqual(['git left the marks of an unsettled merge here.', 14])
    expect(error.mend).toMatch(/Settle the merge/)
  })
  it('a folder of that name', async () => {
    await expect(readBaseline(folder, 'support')).rejects.toMatchObject({ code: 'cannot_read' })
  })
})

it('reads what the commit holds, whatever lies in the folder now', async () => {
  const repo = join(folder, 'repo')
  mkdirSync(join(repo, 'sub'), { recursive: true })
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@b.c', ...args], { cwd: repo })
  git('init', '--quiet')
  const root = join(repo, 'sub')
  expect(await committedBaseline(root, 'baselines', 'support')).toBeNull()
  await writeBaseline(baselineFile(join(root, 'baselines'), 'support'), baseline())
  await writeBaseline(baselineFile(join(root, 'baselines'), 'team/other'), { ...baseline(), suite: 'team/other' })
  writeFileSync(join(root, 'baselines', 'empty.json'), '')
  git('add', '.')
  git('commit', '--quiet', '-m', 'x')
  rmSync(join(root, 'baselines'), { recursive: true })
  expect((await committedBaseline(root, 'baselines', 'support'))?.cases.map(({ id }) => id)).toEqual(['a', 'b'])
  expect((await committedBaseline(root, './baselines', 'team/other'))?.suite).toBe('team/other')
  expect(await committedBaseline(root, 'baselines', 'nobody')).toBeNull()
  await expect(committedBaseline(root, 'baselines', 'empty')).rejects.toThrow('The file is empty.')
})

it('is the old file or the new one after kill -9 at any moment', async () => {
  const module = await bundled(join(folder, 'built'), 'baseline-file.ts')
  const place = join(folder, 'killed')
  const file = join(place, 'support.json')
  const answer = 'x'.repeat(5000)
  const cases = Array.from({ length: 200 }, (_, at) => tally(`c${at}`, { answer }))
  for (let round = 0; round < 5; round += 1) {
    const acknowledged = await killOnceAcknowledged(
      `import { writeBaseline } from ${JSON.stringify(module)}
       const answer = 'x'.repeat(5000)
       const { cases: [first], ...header } = ${JSON.stringify(baseline([cases[0]!]))}
       for (let n = 0; ; n++) {
         const cases = Array.from({ length: 200 }, (_, at) => ({ ...first, id: 'c' + at }))
         await writeBaseline(${JSON.stringify(file)}, { ...header, accepted: { ...header.accepted, reason: String(n) }, cases })
         acknowledge(n)
       }`,
      join(folder, `acknowledged-${round}`),
      3 + round,
    )
    const read = await readBaseline(file, 'support')
    expect(read?.cases).toHaveLength(200)
    const last = acknowledged.at(-1)!
    expect([last, last + 1]).toContain(Number(read?.accepted.reason))
  }
  expect(readdirSync(place).filter((name) => name.endsWith('.json'))).toEqual(['support.json'])
}, 60_000)

it('keeps the old file when the disk is full', async () => {
  const module = await bundled(join(folder, 'built'), 'baseline-file.ts')
  const file = join(folder, 'full', 'support.json')
  await writeBaseline(file, baseline())
  const large = JSON.stringify(baseline([tally('a', { answer: 'x'.repeat(9000) })]))
  const output = await runScript(
    `import { writeBaseline } from ${JSON.stringify(module)}
     process.on('SIGXFSZ', () => {})
     await writeBaseline(${JSON.stringify(file)}, ${large}).catch((error) => console.log(error.code, error.outcome))`,
    { fileSizeLimit: 4096 },
  )
  expect(output).toBe('disk_trouble invalid\n')
  expect(readFileSync(file, 'utf8')).toBe(layout)
  expect(readdirSync(join(folder, 'full'))).toEqual(['support.json'])
})
