// The record of a run: written and read back, killed in the middle, torn, foreign, full disk, large; and found by name.
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AigateError, explain } from '../errors.ts'
import type { Observation, RunHeader } from '../schema/run.ts'
import { defaultPolicy } from '../schema/gate.ts'
import { bundled, killOnceAcknowledged, runScript } from './crash-testing.ts'
import { createRun, findRuns, newRunId, readRun } from './run-journal.ts'

let root = ''
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'aigate-journal-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

let folders = 0
const newFolder = () => join(root, `run-${(folders += 1)}`)

const headerOf = (cases: string[], suite = 'support'): RunHeader => ({
  aigate: 'run',
  version: 1,
  id: '20261121T101500Z-3f9a',
  suite,
  suite_version: '1.0.0',
  target: { kind: 'command', label: 'echo', hash: 'h' },
  policy: defaultPolicy,
  trials: { min: 1, max: 3 },
  seed: 1,
  partial: false,
  cases: cases.map((id) => ({ id, hash: `h-${id}`, tags: [], critical: false, file: 'evals/s.yaml', line: 1 })),
  git: null,
  tool_version: '0.1.0',
  node: 'v20.19.0',
  started_at: '2026-11-21T10:15:00.000Z',
})

const answered = (text: string): Observation['completion'] => ({
  outcome: 'answered',
  text,
  tool_calls: [],
  latency_ms: 12.5,
  attempts: 1,
})
const observation = (id: string, trial: number, text: string): Observation => ({
  case: id,
  trial,
  purpose: 'pass',
  completion: answered(text),
  scores: [{ assertion: 'contains', passed: true, score: 1, weight: 1, reason: 'found', deterministic: true }],
  passed: true,
  score: 1,
})

async function record(header: RunHeader, observations: Observation[], end = true): Promise<string> {
  const journal = await createRun(newFolder(), header)
  for (const one of observations) {
    journal.answer(one)
    journal.score(one)
  }
  if (end) await journal.end({ complete: true })
  return journal.file
}

async function fault(promise: Promise<unknown>): Promise<AigateError> {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e,
  )
  expect(error).toBeInstanceOf(AigateError)
  return error as AigateError
}

it('what comes after the end is refused, and goes into no other file', async () => {
  const journal = await createRun(newFolder(), headerOf(['a']))
  await journal.end({ complete: true })
  const other = join(root, 'other.txt')
  const fd = openSync(other, 'w')
  expect(() => journal.answer(observation('a', 1, 'late'))).toThrow(AigateError)
  closeSync(fd)
  expect(readFileSync(other, 'utf8')).toBe('')
})

describe('write and read', () => {
  it('gives back what was written, in the order of the cases', async () => {
    const confirm: Observation = { ...observation('a', 1, 'again'), purpose: 'confirm' }
    const written = [observation('b', 2, 'x'), observation('a', 2, 'y'), confirm, observation('a', 1, 'z')]
    const run = await readRun(await record(headerOf(['a', 'b']), written))
    expect(run).toEqual({
      header: headerOf(['a', 'b']),
      observations: [written[3], written[1], written[2], written[0]],
      complete: true,
      stopped: undefined,
    })
  })

  it('holds for any text and numbers (property)', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\u2028', '\r\n', '\u202e', '\ud800', '\ufeff'),
    )
    const completion = fc.record({
      outcome: fc.constantFrom('answered' as const, 'refused' as const, 'truncated' as const),
      text,
      tool_calls: fc.array(fc.record({ name: text, arguments: text }), { maxLength: 2 }),
      latency_ms: fc.double({ min: 0, max: 1e6, noNaN: true }).map((x) => x + 0),
      attempts: fc.nat(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(completion, { maxLength: 8 }), async (completions) => {
        const written = completions.map((one, at) => ({ ...observation('a', at + 1, ''), completion: one }))
        const run = await readRun(await record(headerOf(['a']), written))
        expect(run.observations).toEqual(written)
      }),
      { numRuns: 60 },
    )
  })

  it('flattens groups in names of suites, and keeps two suites of the same flat name apart', async () => {
    const folder = newFolder()
    const one = await createRun(folder, headerOf(['a'], 'team/support'))
    const two = await createRun(folder, headerOf(['a'], 'team-support'))
    await one.end({ complete: true })
    await two.end({ complete: true })
    expect([one.file, two.file]).toEqual([join(folder, 'team-support.jsonl'), join(folder, 'team-support-2.jsonl')])
    expect((await readRun(two.file)).header.suite).toBe('team-support')
  })

  it('keeps why a run stopped', async () => {
    const journal = await createRun(newFolder(), headerOf(['a']))
    await journal.end({ complete: false, stopped: 'the budget is spent' })
    expect(await readRun(journal.file)).toMatchObject({ complete: false, stopped: 'the budget is spent' })
  })

  it('keeps a grader error', async () => {
    const broken: Observation = {
      ...observation('a', 1, 'x'),
      scores: [],
      passed: null,
      score: null,
      grader_error: 'no',
    }
    const run = await readRun(await record(headerOf(['a']), [broken]))
    expect(run.observations).toEqual([broken])
  })
})

it.skipIf(process.platform !== 'linux')('gives up where no folder can be made', { timeout: 5000 }, async () => {
  const refused = await createRun('/proc/aigate-none/run', headerOf(['a'])).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(AigateError)
  expect(refused).toMatchObject({ code: 'cannot_write' })
})

describe('a run that was cut short', () => {
  it('marks an answer that was never graded, but not a failed call', async () => {
    const journal = await createRun(newFolder(), headerOf(['a', 'b']))
    journal.answer(observation('a', 1, 'x'))
    const timeout = { ...answered(''), outcome: 'timeout' as const }
    journal.answer({ ...observation('b', 1, ''), completion: timeout })
    const run = await readRun(journal.file)
    expect(run.complete).toBe(false)
    expect(run.stopped).toBe('interrupted')
    expect(run.observations.map((o) => [o.passed, o.score, o.grader_error])).toEqual([
      [null, null, 'interrupted before it was graded'],
      [null, null, undefined],
    ])
    await journal.end({ complete: false })
  })

  it('cuts a torn last line off and says so, wherever it is torn', async () => {
    const file = await record(headerOf(['a']), [observation('a', 1, 'first'), observation('a', 2, 'secönd')], false)
    const whole = readFileSync(file)
    const third = whole.toString().split('\n').slice(0, 3).join('\n').length + 1
    for (let end = third + 1; end < whole.length; end += 7) {
      const torn = join(root, 'torn.jsonl')
      writeFileSync(torn, whole.subarray(0, end))
      const run = await readRun(torn)
      expect(run.observations[0]?.completion.text).toBe('first')
      expect(run.complete).toBe(false)
      expect(run.stopped).toMatch(/^interrupted/)
    }
    truncateSync(file, whole.length - 5)
    expect((await readRun(file)).stopped).toBe('interrupted while a line was being written')
    appendFileSync(file, Buffer.alloc(64))
    expect((await readRun(file)).stopped).toBe('interrupted while a line was being written')
  })

  it('says that a record without a header asked nothing', async () => {
    const file = join(root, 'headless.jsonl')
    writeFileSync(file, '{"aigate":"run","ver')
    expect((await fault(readRun(file))).message).toMatch(/stopped before it asked anything/)
    writeFileSync(file, '')
    expect((await fault(readRun(file))).message).toMatch(/stopped before it asked anything/)
  })

  it('loses no answer to kill -9 in the middle of writing', async () => {
    const module = await bundled(join(root, 'built'), 'run-journal.ts')
    const folder = newFolder()
    const cases = Array.from({ length: 200 }, (_, i) => `c${i}`)
    const acknowledged = await killOnceAcknowledged(
      `import { createRun } from ${JSON.stringify(module)}
       const journal = await createRun(${JSON.stringify(folder)}, ${JSON.stringify(headerOf(cases))})
       const text = 'x'.repeat(20000)
       for (let n = 0; ; n++) {
         const entry = { case: 'c' + (n % 200), trial: Math.floor(n / 200) + 1, purpose: 'pass' }
         journal.answer({ ...entry, completion: { outcome: 'answered', text: n + ' ' + text, tool_calls: [], latency_ms: 1, attempts: 1 } })
         acknowledge(n)
         if (n % 10 === 0) await new Promise((go) => setImmediate(go))
       }`,
      join(root, 'acknowledged'),
      200,
    )
    const run = await readRun(join(folder, 'support.jsonl'))
    const numbers = new Set(run.observations.map((o) => Number.parseInt(o.completion.text, 10)))
    expect(acknowledged.length).toBeGreaterThanOrEqual(200)
    expect(acknowledged.filter((n) => !numbers.has(n))).toEqual([])
    expect(run.observations.length - acknowledged.length).toBeLessThanOrEqual(1)
    expect(run.complete).toBe(false)
  })

  it('takes a line back that a full disk cut off, says so, and stays readable', async () => {
    const module = await bundled(join(root, 'built'), 'run-journal.ts')
    const folder = newFolder()
    const output = await runScript(
      `import { createRun } from ${JSON.stringify(module)}
       process.on('SIGXFSZ', () => {})
       const journal = await createRun(${JSON.stringify(folder)}, ${JSON.stringify(headerOf(['a']))})
       const entry = (trial, text) => ({ case: 'a', trial, purpose: 'pass', completion: { outcome: 'answered', text, tool_calls: [], latency_ms: 1, attempts: 1 } })
       journal.answer(entry(1, 'small'))
       try { journal.answer(entry(2, 'x'.repeat(9000))) } catch (error) { console.log(error.code, error.outcome, error.message) }
       journal.answer(entry(3, 'small again'))
       await journal.end({ complete: false, stopped: 'full' })`,
      { fileSizeLimit: 4096 },
    )
    expect(output).toMatch(/^disk_trouble invalid .*support\.jsonl could not be .* largest file/)
    const run = await readRun(join(folder, 'support.jsonl'))
    expect(run.observations.map((o) => o.completion.text)).toEqual(['small', 'small again'])
    expect(run.stopped).toBe('full')
  })

  it('a full disk never parts a score from its answer that was waiting to be written', async () => {
    const module = await bundled(join(root, 'built'), 'run-journal.ts')
    const folder = newFolder()
    await runScript(
      `import { createRun } from ${JSON.stringify(module)}
       process.on('SIGXFSZ', () => {})
       const journal = await createRun(${JSON.stringify(folder)}, ${JSON.stringify(headerOf(['a']))})
       const entry = (trial, text, replayed) => ({ case: 'a', trial, purpose: 'pass', completion: { outcome: 'answered', text, tool_calls: [], latency_ms: 1, attempts: 1, ...(replayed && { replayed }) } })
       const score = (trial) => ({ case: 'a', trial, purpose: 'pass', scores: [], passed: true, score: 1 })
       // From the cache: written with the next line that is worth it.
       journal.answer(entry(1, 'kept', true))
       let full = false
       try { journal.answer(entry(2, 'x'.repeat(9000))) } catch { full = true }
       if (!full) throw new Error('the disk is not full')
       journal.score(score(1))
       await journal.end({ complete: false, stopped: 'full' })`,
      { fileSizeLimit: 4096 },
    )
    const run = await readRun(join(folder, 'support.jsonl'))
    expect(run.observations.map(({ completion, passed }) => [completion.text, passed])).toEqual([['kept', true]])
  })
})

describe('what is no run', () => {
  const cases = [
    [
      'a report',
      '{\n  "aigate": "report",\n  "version": 1\n}\n',
      /^This is a report \(.*\), not the record of a run\.$/,
    ],
    ['a baseline', '{\n  "aigate": "baseline",\n', /^This is a baseline, not/],
    ['recordings', '{"aigate":"recordings","version":1}\n', /^This is a file of recorded answers, not/],
    ['JSON of others', '{"results": []}\n', /^This is a file that aigate did not write, not the record of a run/],
    ['an inherited name', '{"aigate":"toString"}\n', /^This is a file that aigate did not write/],
    ['YAML', 'suite: support\n', /^This is a file that aigate did not write/],
    ['a number', '7\n', /^This is a file that aigate did not write/],
    ['a newer run', '{"aigate":"run","version":2}\n', /format 2, written by a newer aigate; this one reads format 1/],
    ['a broken header', '{"aigate":"run","version":1,"id":3}\n', /^The header of the run is broken: id: /],
  ] as const
  it.each(cases)('refuses %s', async (name, text, message) => {
    const file = join(root, `${name.replaceAll(' ', '-')}.jsonl`)
    writeFileSync(file, text)
    const error = await fault(readRun(file))
    expect(error.message).toMatch(message)
    expect(error.outcome).toBe('usage')
    expect(explain(error)).toContain(file)
  })

  it('says that a file is missing, and what a folder holds', async () => {
    expect((await fault(readRun(join(root, 'nowhere.jsonl')))).message).toMatch(/cannot be read: it does not exist\.$/)
    const empty = newFolder()
    mkdirSync(empty)
    expect((await fault(readRun(empty))).message).toMatch(/no record of a run in this folder/)
  })
})

describe('a broken line in the middle has its line number', () => {
  const good = observation('a', 1, 'x')
  const answerLine = (trial: number, id = 'a') =>
    JSON.stringify({ type: 'answer', case: id, trial, purpose: 'pass', completion: good.completion })
  const scoreLine = JSON.stringify({
    type: 'score',
    case: 'a',
    trial: 1,
    purpose: 'pass',
    scores: [],
    passed: null,
    score: null,
  })
  const cases: [string, string[], number, RegExp][] = [
    ['no JSON', [answerLine(1), '{"type":"ans', answerLine(2)], 3, /is no JSON/],
    ['an unknown kind', [answerLine(1), '{"type":"song"}'], 3, /no line of a run: type/],
    ['a wrong type', ['{"type":"answer","case":1}'], 2, /no line of a run: case/],
    ['a foreign case', [answerLine(1, 'other')], 2, /knows no case other/],
    ['an answer twice', [answerLine(1), answerLine(1)], 3, /A second answer for pass 1 of a/],
    ['a score first', [scoreLine], 2, /has no answer before it/],
    ['a score twice', [answerLine(1), scoreLine, scoreLine], 4, /A second score/],
    // Grades that were read before are known by their text: a fault before or behind it is found all the same.
    ['a foreign case with known grades', [answerLine(1), scoreLine, scoreLine.replace('"a"', '"b"')], 4, /no case b/],
    ['known grades without an answer', [answerLine(1), scoreLine, scoreLine.replace(':1,', ':2,')], 4, /no answer/],
    ['grades that name a case', [answerLine(1), scoreLine.replace('"scores"', '"case":"b","scores"')], 3, /no case b/],
    ['grades of another form', [answerLine(1), scoreLine.replace('"scores"', '"colour":1,"scores"')], 3, /colour/],
    ['torn grades', [answerLine(1), scoreLine.slice(0, -1)], 3, /is no JSON/],
    [
      'known grades after the end',
      [answerLine(1), scoreLine, answerLine(2), '{"type":"end","complete":true}', scoreLine.replace(':1,', ':2,')],
      6,
      /after the end/,
    ],
    ['a line after the end', ['{"type":"end","complete":true}', answerLine(1)], 3, /after the end/],
  ]
  it.each(cases)('%s', async (name, lines, line, message) => {
    const file = join(root, `broken-${name.replaceAll(' ', '-')}.jsonl`)
    writeFileSync(file, `${[JSON.stringify(headerOf(['a'])), ...lines].join('\n')}\n`)
    const error = await fault(readRun(file))
    expect(error.message).toMatch(message)
    expect(error.places).toEqual([{ file, line }])
  })
})

it('reads 10,000 observations quickly and in modest memory', async () => {
  const cases = Array.from({ length: 2000 }, (_, i) => `case-${i}`)
  const journal = await createRun(newFolder(), headerOf(cases))
  const text = 'word '.repeat(200)
  for (let trial = 1; trial <= 5; trial += 1)
    for (const id of cases) {
      journal.answer(observation(id, trial, text))
      journal.score(observation(id, trial, text))
    }
  await journal.end({ complete: true })
  const before = process.memoryUsage().heapUsed
  const run = await readRun(journal.file)
  expect(run.observations).toHaveLength(10_000)
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(300e6)
})

describe('findRuns', () => {
  let project = ''
  const ids = ['20261120T090000Z-aaaa', '20261121T090000Z-bbbb', '20261121T100000Z-cccc']
  beforeAll(async () => {
    project = join(root, 'project')
    for (const id of ids) {
      const folder = join(project, '.aigate', 'runs', id)
      for (const suite of ['b', 'a']) await (await createRun(folder, headerOf(['x'], suite))).end({ complete: true })
    }
    mkdirSync(join(project, '.aigate', 'runs', '20261122T000000Z-dddd'))
  })
  const filesOf = (id: string) => ['a', 'b'].map((suite) => join(project, '.aigate', 'runs', id, `${suite}.jsonl`))

  it('finds the latest run that recorded something', async () => {
    expect(await findRuns(project, 'latest')).toEqual(filesOf(ids[2]!))
  })
  it.each([
    ['an id', '20261120T090000Z-aaaa', 0],
    ['a unique beginning', '20261120', 0],
    ['a longer beginning', '20261121T09', 1],
    ['a folder', '.aigate/runs/20261121T090000Z-bbbb', 1],
  ])('finds by %s', async (_, ref, at) => {
    expect(await findRuns(project, ref)).toEqual(filesOf(ids[at]!))
  })
  it('takes a file as it stands', async () => {
    const [file] = filesOf(ids[0]!)
    expect(await findRuns(project, file!)).toEqual([file])
    expect(await findRuns(project, '.aigate/runs/20261120T090000Z-aaaa/a.jsonl')).toEqual([file])
  })
  it('names the latest runs when there is no such run, and all that fit when several do', async () => {
    const unknown = await fault(findRuns(project, 'yesterday'))
    expect(unknown.message).toBe('There is no run yesterday.')
    expect(unknown.mend).toContain(ids[2])
    const several = await fault(findRuns(project, '20261121'))
    expect(several.message).toBe(`2 runs begin with 20261121: ${ids[1]}, ${ids[2]}.`)
    expect((await fault(findRuns(project, ''))).code).toBe('run_unknown')
    expect((await fault(findRuns(project, '20261122'))).message).toMatch(/holds no record of a run/)
  })
  it('says that there is no run yet', async () => {
    const error = await fault(findRuns(join(root, 'empty'), 'latest'))
    expect([error.message, error.mend]).toEqual(['There is no run yet.', 'Run `aigate eval` first.'])
  })
})

describe('newRunId', () => {
  it('is the time and some entropy', () => {
    expect(newRunId(new Date('2026-11-21T10:15:00.999Z'), '3f9a77')).toBe('20261121T101500999Z-3f9a')
    expect(newRunId(new Date('2026-11-21T10:15:00Z'), '../E')).toBe('20261121T101500000Z-e000')
  })
  it('sorts by time', () => {
    const date = fc.date({ min: new Date('1970-01-01'), max: new Date('9999-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(date, date, (a, b) => {
        fc.pre(Math.floor(a.getTime() / 1000) < Math.floor(b.getTime() / 1000))
        expect(newRunId(a, 'zz') < newRunId(b, '00')).toBe(true)
      }),
    )
  })
})
