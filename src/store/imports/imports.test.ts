// Reads real and documented files of other tools: exact counts, identity by content, and what is refused.
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { zipSync } from 'fflate'
import { afterAll, describe, expect, it } from 'vitest'
import { AigateError } from '../../errors.ts'
import { RunHeader } from '../../schema/run.ts'
import { Observation } from '../../schema/run.ts'
import { readResults, type ResultsOptions } from './read-results.ts'

const fixtures = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'imports')
const fixture = (name: string) => join(fixtures, name)
const folder = mkdtempSync(join(tmpdir(), 'aigate-imports-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function written(content: string | Uint8Array, ending: string): string {
  files += 1
  const file = join(folder, `results-${files}${ending}`)
  writeFileSync(file, content)
  return file
}

async function counts(file: string, options?: ResultsOptions) {
  const run = await readResults(file, options)
  const { observations, header } = run
  return {
    cases: header.cases.length,
    trials: observations.length,
    passed: observations.filter(({ passed }) => passed === true).length,
    failed: observations.filter(({ passed }) => passed === false).length,
    errors: observations.filter(({ completion }) => ['error', 'timeout'].includes(completion.outcome)).length,
    ungraded: observations.filter(({ grader_error }) => grader_error !== undefined).length,
  }
}

async function refusal(file: string, options?: ResultsOptions): Promise<AigateError> {
  const error: unknown = await readResults(file, options).then(
    () => 'nothing was refused',
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(AigateError)
  return error as AigateError
}

const none = { failed: 0, errors: 0, ungraded: 0 }

describe('counts of each file', () => {
  it.each([
    ['promptfoo/before.jsonl', { ...none, cases: 34, trials: 68, passed: 67, errors: 1 }],
    ['promptfoo/same.jsonl', { ...none, cases: 34, trials: 68, passed: 67, errors: 1 }],
    ['promptfoo/worse.json', { ...none, cases: 34, trials: 68, passed: 38, failed: 29, errors: 1 }],
    ['pytest/before.xml', { ...none, cases: 36, trials: 108, passed: 102, errors: 6 }],
    ['pytest/worse.xml', { ...none, cases: 36, trials: 108, passed: 62, failed: 40, errors: 6 }],
    ['vitest/junit.xml', { ...none, cases: 6, trials: 6, passed: 3, failed: 1, errors: 2 }],
    // Two results of "refund is named": only the first whole pass counts.
    ['ctrf/report.json', { ...none, cases: 6, trials: 6, passed: 1, failed: 2, errors: 3 }],
    ['inspect/quiz.json', { ...none, cases: 4, trials: 8, passed: 4, failed: 3, errors: 1 }],
    ['inspect/quiz.eval', { ...none, cases: 4, trials: 8, passed: 4, failed: 3, errors: 1 }],
    ['openai-evals/match.jsonl', { ...none, cases: 4, trials: 4, passed: 2, failed: 1, errors: 1 }],
    ['rows/results.jsonl', { ...none, cases: 2, trials: 4, passed: 2, failed: 1, errors: 1 }],
    ['rows/results.csv', { ...none, cases: 2, trials: 4, passed: 2, failed: 1, errors: 1 }],
  ])('%s', async (name, expected) => {
    expect(await counts(fixture(name))).toEqual(expected)
    const { notes: _, ...run } = await readResults(fixture(name), { from: fixtures })
    expect(RunHeader.parse(run.header).cases[0]).toMatchObject({ file: name, line: 1 })
    for (const one of run.observations) Observation.parse(one)
  })

  it('agrees with what promptfoo itself counted', async () => {
    const { results } = JSON.parse(readFileSync(fixture('promptfoo/worse.json'), 'utf8'))
    const { passed, failed, errors } = await counts(fixture('promptfoo/worse.json'))
    expect({ successes: passed, failures: failed, errors }).toEqual({
      successes: results.stats.successes,
      failures: results.stats.failures,
      errors: results.stats.errors,
    })
  })
})

describe('what is read besides', () => {
  it('promptfoo: category, tokens, cost, latency, target and version', async () => {
    const { header, observations } = await readResults(fixture('promptfoo/worse.json'))
    expect(header.target).toMatchObject({ kind: 'results', label: 'quiz-model | Answer briefly: {{question}}' })
    expect(header.tool_version).toBe('promptfoo 0.120.19')
    expect(header.trials).toEqual({ min: 2, max: 2 })
    expect(new Set(header.cases.map(({ category }) => category))).toEqual(new Set(['arithmetic', 'facts']))
    const { completion } = observations.find(({ passed }) => passed) ?? expect.fail()
    expect(completion).toMatchObject({ usage: { input_tokens: 12, output_tokens: 8 }, cost_usd: 0.0001 })
    expect(observations.find(({ completion: { error } }) => error)?.completion.error).toEqual({
      kind: 'server_error',
      message: 'API error: 503 Service Unavailable',
    })
  })
  it('inspect: epochs are trials, the archive and the JSON are the same cases', async () => {
    const [json, archive] = await Promise.all(
      ['quiz.json', 'quiz.eval'].map((name) => readResults(fixture(`inspect/${name}`))),
    )
    const key = (run: typeof json) => run?.header.cases.map(({ id, hash, category }) => [id, hash, category])
    expect(key(archive)).toEqual(key(json))
    expect(archive?.observations).toEqual(json?.observations)
    expect(json?.observations.map(({ score }) => score)).toEqual([1, 1, 1, 0, null, 1, 0.5, 0])
  })
  it('rows: trial numbers decide the order, CSV and JSONL are the same', async () => {
    const [lines, table] = await Promise.all(
      ['results.jsonl', 'results.csv'].map((name) => readResults(fixture(`rows/${name}`))),
    )
    const passed = (run: typeof lines) => run?.observations.map((one) => [one.case, one.trial, one.passed])
    expect(passed(lines)).toEqual([['greeting', 1, null], ['greeting', 2, true], ['refund', 1, true], ['refund', 2, false]]) // biome-ignore format: a table
    expect(passed(table)).toEqual(passed(lines))
    expect(table?.observations[3]?.completion).toMatchObject({
      text: 'Ask "somebody" else.',
      latency_ms: 745,
      cost_usd: 0.0004,
    })
    expect(table?.observations[0]?.completion).not.toHaveProperty('latency_ms')
  })
  it('notes what was not run or left out', async () => {
    expect((await readResults(fixture('ctrf/report.json'))).notes).toEqual([
      '2 skipped or pending tests were not measured; they count where the baseline or the suite has them.',
      '1 of 6 cases have more than 1 trial; only the first 1 of each count, so that no case is asked more often than others.',
    ])
  })
  it('ctrf: the attempt that was run again counts as it ended first', async () => {
    const { observations } = await readResults(fixture('ctrf/report.json'))
    expect(observations.find((one) => one.case === 'support > greets')).toMatchObject({ passed: false })
  })
})

describe('what a file lacks', () => {
  const lines = (rows: unknown[]) => written(rows.map((row) => JSON.stringify(row)).join('\n'), '.jsonl')
  it('tests that were skipped were not measured, and asked nobody', async () => {
    const file = written('<testsuite><testcase name="a"><skipped/></testcase></testsuite>', '.xml')
    const { observations } = await readResults(file)
    expect(observations).toHaveLength(1)
    expect(observations[0]).toMatchObject({
      passed: null,
      completion: { outcome: 'error', attempts: 0, error: { kind: 'not_recorded' } },
    })
  })
  it('samples of OpenAI evals that nobody graded were not measured', async () => {
    const sampling = (id: string) => ({ sample_id: id, type: 'sampling', data: { prompt: id, sampled: ['x'] } })
    const match = { sample_id: 'a', type: 'match', data: { correct: true, expected: 'x' } }
    const file = lines([
      { spec: { eval_name: 'e' } },
      sampling('a'),
      match,
      sampling('b'),
      { final_report: { accuracy: 1 } },
    ])
    expect(await counts(file)).toEqual({ ...none, cases: 2, trials: 2, passed: 1, ungraded: 1 })
    expect((await readResults(file)).notes[0]).toContain('1 samples have no match')
  })
  it('a log of Inspect that counts more samples than it holds was stopped', async () => {
    const log = JSON.parse(readFileSync(fixture('inspect/quiz.json'), 'utf8'))
    log.results = { ...log.results, total_samples: 100 }
    expect(await readResults(written(JSON.stringify(log), '.json'))).toMatchObject({
      complete: false,
      stopped: expect.stringContaining('counts 100 samples, but holds only 8'),
    })
  })
  it('a case of which nothing was measured takes no repeats from the others', async () => {
    const rows = [1, 2, 3].map((trial) => ({ case_id: 'a', trial, passed: true }))
    const run = await readResults(lines([...rows, { case_id: 'b', error: '503' }]))
    expect(run.header.trials).toEqual({ min: 3, max: 3 })
    expect(run.observations.map(({ case: id, trial, passed }) => [id, trial, passed])).toEqual([
      ['a', 1, true], ['a', 2, true], ['a', 3, true], ['b', 1, null], ['b', 2, null], ['b', 3, null],
    ]) // biome-ignore format: a table
    expect(run.notes).toEqual([])
  })
  it('an error that says there was none is none', async () => {
    for (const error of ['false', 'False', '0', 'no', 'None', 'null', ' ']) {
      expect(await counts(written(`case_id,passed,error\na,true,${error}\n`, '.csv'))).toMatchObject({ passed: 1 })
    }
    expect(await counts(written('case_id,passed,error\na,true,503\n', '.csv'))).toMatchObject({ errors: 1 })
  })
})

describe('the same file is the same run', () => {
  it('whenever it was written, when it tells no date', async () => {
    const make = () => written('{"case_id":"a","passed":true}\n', '.jsonl')
    const [old, now] = [make(), make()]
    utimesSync(old, 0, 1_000_000_000)
    const headers = await Promise.all([old, now].map((file) => readResults(file, { suite: 's', from: file })))
    const [first, second] = headers.map(({ header: { id, started_at } }) => ({ id, started_at }))
    expect(first).toEqual(second)
    expect(first?.started_at).toBe('1970-01-01T00:00:00.000Z')
  })
})

describe('answers of a cache', () => {
  const row = (q: string, output: string, cached: boolean) => ({
    provider: { id: 'p' },
    prompt: { label: 'x' },
    vars: { q },
    success: true,
    score: 1,
    response: { output, cached },
  })
  const ids = async (rows: unknown[]) => {
    const run = await readResults(written(JSON.stringify({ results: { results: rows, stats: {} } }), '.json'))
    return { ids: run.observations.map(({ completion }) => completion.request_id), notes: run.notes }
  }
  it('are one draw with the first that was asked, for each case and answer', async () => {
    const same = [row('q', 'y', false), row('q', 'y', true), row('q', 'y', true), row('q', 'y', false)]
    const { ids: [first, second, third, asked], notes } = await ids(same) // biome-ignore format: one line
    expect(first).toMatch(/^[0-9a-f]{16}$/)
    expect([second, third, asked]).toEqual([first, first, undefined])
    expect(notes).toEqual([
      '2 answers are of a cache and the same as another trial of the case: together they count once.',
    ])
    const other = await ids([row('q', 'y', true), row('q', 'n', true), row('r', 'y', true), row('r', 'z', true)])
    expect(new Set(other.ids).size).toBe(4)
    expect(other.notes).toEqual([])
  })
  it('are nothing where nothing came from a cache', async () => {
    expect((await ids([row('q', 'y', false), row('q', 'y', false)])).ids).toEqual([undefined, undefined])
  })
})

describe('identity by content', () => {
  const rows = readFileSync(fixture('promptfoo/before.jsonl'), 'utf8').trimEnd().split('\n')
  const tallyOf = async (file: string) => {
    const { header, observations } = await readResults(file)
    const results = (id: string) =>
      observations
        .filter((one) => one.case === id)
        .map(({ passed }) => String(passed))
        .sort()
    return header.cases.map(({ id, hash }) => ({ id, hash, results: results(id) }))
  }
  it('the order of the rows of promptfoo, and their indices, change nothing', async () => {
    const expected = await tallyOf(fixture('promptfoo/before.jsonl'))
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(rows, { minLength: rows.length }), async (shuffled) => {
        const renumbered = shuffled.map((row, at) => JSON.stringify({ ...JSON.parse(row), testIdx: at }))
        expect(await tallyOf(written(renumbered.join('\n'), '.jsonl'))).toEqual(expected)
      }),
      { numRuns: 25, seed: 4 },
    )
  })
  it('the order of the tests of JUnit changes nothing', async () => {
    const xml = readFileSync(fixture('pytest/worse.xml'), 'utf8')
    const cases = xml.match(/<testcase\b[^>]*?(?:\/>|>.*?<\/testcase>)/gs) ?? []
    expect(cases.length).toBe(108)
    const expected = await tallyOf(fixture('pytest/worse.xml'))
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(cases, { minLength: cases.length }), async (shuffled) => {
        const file = written(`<testsuites><testsuite name="x">${shuffled.join('')}</testsuite></testsuites>`, '.xml')
        expect(await tallyOf(file)).toEqual(expected)
      }),
      { numRuns: 25, seed: 4 },
    )
  })
  it('another prompt is the same case; another expectation is another content', async () => {
    const keys = async (name: string) => (await readResults(name)).header.cases.map(({ id, hash }) => [id, hash])
    const before = await keys(fixture('promptfoo/before.jsonl'))
    expect(await keys(fixture('promptfoo/same.jsonl'))).toEqual(before)
    const other = await keys(
      written(rows.join('\n').replaceAll('"type":"contains","value":"4"', '"type":"contains","value":"5"'), '.jsonl'),
    )
    expect(other.map(([id]) => id)).toEqual(before.map(([id]) => id))
    expect(other.filter(([, hash], at) => hash !== before[at]?.[1])).not.toEqual([])
  })
  it('one id with two contents is two cases', async () => {
    const lines = ['{"case_id":"a","input":"x","passed":true}', '{"case_id":"a","input":"y","passed":false}']
    const { header } = await readResults(written(lines.join('\n'), '.jsonl'))
    expect(header.cases.map(({ id }) => id)).toEqual([
      expect.stringMatching(/^a~[0-9a-f]{8}$/),
      expect.stringMatching(/^a~/),
    ])
  })
  it('parameters that merely look like repeats stay cases', async () => {
    const grid = [1, 2].flatMap((a) => [1, 2, 3].map((b) => `<testcase classname="t" name="sum[${a}-${b}]"/>`))
    expect(await counts(written(`<testsuite>${grid.join('')}</testsuite>`, '.xml'))).toMatchObject({
      cases: 6,
      trials: 6,
    })
    const repeats = [1, 2, 3].map((k) => `<testcase classname="t" name="sum[${k}-3]"/>`)
    expect(await counts(written(`<testsuite>${repeats.join('')}</testsuite>`, '.xml'))).toMatchObject({
      cases: 1,
      trials: 3,
    })
  })
})

describe('refused, with what to do', () => {
  it('several providers in one file, until one is chosen', async () => {
    const file = fixture('promptfoo/two-providers.json')
    const error = await refusal(file)
    expect(error.message).toContain('2 targets')
    expect(error.mend).toMatch(/two-providers\.json#quiz-model'.*"quiz-model-mini \| Answer/)
    expect(await counts(file, { pick: 'quiz-model' })).toMatchObject({ cases: 5, passed: 5 })
    expect((await readResults(file, { pick: 'mini' })).header.target.label).toContain('quiz-model-mini')
    expect((await refusal(file, { pick: 'gpt' })).message).toContain('called "gpt"')
    expect((await refusal(fixture('inspect/quiz.json'), { pick: 'x' })).message).toContain('promptfoo')
  })
  it.each([
    ['{"runs": [], "tool": 1}', '.json', 'JSON, an object with the keys runs, tool'],
    ['[{"question": 1}]', '.json', 'JSON, a list of 1, the first of them an object with the keys question'],
    ['{"a": 1}\n{"a": 2}\n', '.jsonl', 'JSON lines, the first an object with the keys a'],
    ['<html><body/></html>', '.xml', 'XML with the element <html>'],
    ['id,ok\n1,2\n', '.csv', 'text that begins with "id,ok"'],
    ['{"aigate":"run","version":1}', '.json', 'a file of aigate itself (run)'],
  ])('an unknown shape is named: %s', async (content, ending, seen) => {
    const error = await refusal(written(content, ending))
    expect(error.message).toBe(`This is no results file that aigate knows: it is ${seen}.`)
    expect(error.mend).toMatch(/promptfoo.*Inspect.*JUnit.*CTRF.*JSONL.*CSV.*OpenAI evals/)
  })
  it('a format that was forced and is not there', async () => {
    expect((await refusal(fixture('ctrf/report.json'), { format: 'promptfoo' })).message).toContain(
      '(results: tool, summary, tests)',
    )
    expect((await refusal(fixture('ctrf/report.json'), { format: 'nunit' })).mend).toContain(
      'promptfoo, inspect, junit',
    )
  })
  it.each(['promptfoo/before.jsonl', 'promptfoo/worse.json', 'pytest/before.xml', 'ctrf/report.json', 'inspect/quiz.eval', 'inspect/quiz.json', 'openai-evals/match.jsonl'])(
    'a torn %s, wherever it was cut',
    async (name) => {
      const whole = readFileSync(fixture(name))
      const { length } = await readResults(fixture(name)).then(({ observations }) => observations)
      for (const share of [0.1, 0.37, 0.5, 0.83, 0.99]) {
        const cut = whole.subarray(0, Math.floor(whole.length * share))
        const file = written(cut, name.slice(name.lastIndexOf('.')))
        const read = await readResults(file).catch((error: unknown) => error)
        expect(read, `${name} cut at ${share} gave ${length} trials`).toBeInstanceOf(AigateError)
      }
    },
  ) // biome-ignore format: the names
  it('scores that neither pass nor fail by themselves, until it is said which do', async () => {
    const file = written('{"case_id":"a","score":0.7}\n{"case_id":"b","score":1}\n', '.jsonl')
    expect((await refusal(file)).mend).toContain('--pass-score 0.7')
    expect(await counts(file, { passScore: 0.7 })).toMatchObject({ passed: 2 })
    expect(await counts(file, { passScore: 0.8 })).toMatchObject({ passed: 1, failed: 1 })
    expect(await counts(fixture('inspect/quiz.json'), { passScore: 0.5 })).toMatchObject({ passed: 5, failed: 2 })
  })
  it.each([
    ['{"case_id":"a","passed":"maybe"}', 'neither true nor false'],
    ['{"case_id":"","passed":true}', 'no case_id'],
    ['{"case_id":"a","score":7}', 'from 0 to 1'],
    ['{"case_id":"a","passed":true,"latency":"fast"}', 'latency is "fast"'],
  ])('a row that cannot be read: %s', async (row, problem) => {
    const error = await refusal(written(`{"case_id":"ok","passed":true}\n${row}\n`, '.jsonl'))
    expect(error.message).toContain(problem)
    expect(error.places[0]?.line).toBe(2)
  })
  it('one repeat that stands twice', async () => {
    const row = '{"case_id":"a","trial":1,"passed":true}'
    expect((await refusal(written(`${row}\n${row}\n`, '.jsonl'))).message).toBe('Trial 1 of case a stands twice.')
  })
  it('NaN of Python is no score, and text that says NaN stays', async () => {
    const log = readFileSync(fixture('inspect/quiz.json'), 'utf8')
      .replace('"value": "C"', '"value": NaN')
      .replace('"APIC', '"NaN, APIC')
    expect(await counts(written(log, '.json'))).toMatchObject({ passed: 3, ungraded: 1, errors: 1 })
  })
  it('a log of Inspect that was interrupted is not finished', async () => {
    const log = readFileSync(fixture('inspect/quiz.json'), 'utf8').replace(
      '"status": "success"',
      '"status": "cancelled"',
    )
    expect(await readResults(written(log, '.json'))).toMatchObject({
      complete: false,
      stopped: expect.stringContaining('cancelled'),
    })
  })
})

describe('attacks', () => {
  it('XML entities, external and multiplying ones', async () => {
    const xml = (head: string) => `<?xml version="1.0"?>${head}<testsuite><testcase name="&e;"/></testsuite>`
    const laughs = Array.from({ length: 10 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`).join('')
    for (const head of [
      `<!DOCTYPE x [<!ENTITY e0 "ha">${laughs}]>`,
      '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
    ]) {
      expect((await refusal(written(xml(head), '.xml'))).message).toContain('document type')
    }
  })
  it('a zip bomb, one that lies about its size too, is not unpacked', async () => {
    const zeros = new Uint8Array(80 * 1024 * 1024)
    const bomb = zipSync({ 'header.json': [zeros, { level: 9 }] })
    expect(bomb.length).toBeLessThan(100_000)
    expect((await refusal(written(bomb, '.eval'))).message).toContain('unpacks to too much')
    const view = new DataView(bomb.buffer, bomb.byteOffset, bomb.byteLength)
    const directory = view.getUint32(bomb.length - 22 + 16, true)
    view.setUint32(directory + 24, 1000, true)
    expect((await refusal(written(bomb, '.eval'))).message).toContain('is torn')
  })
  it('reads entries that are packed by Zstandard, and refuses frames that want too much memory', async () => {
    const log = Buffer.from(readFileSync(fixture('inspect/quiz.json')))
    const { samples, ...header } = JSON.parse(log.toString())
    const entries = [
      ['header.json', header],
      ...samples.map((one: { id: number; epoch: number }) => [`samples/${one.id}_epoch_${one.epoch}.json`, one]),
    ]
    const zip = (frame: (plain: Buffer) => Buffer) =>
      zstdZip(entries.map(([name, value]) => ({ name, plain: Buffer.from(JSON.stringify(value)), frame })))
    expect(await counts(written(zip(rawFrame), '.eval'))).toEqual(await counts(fixture('inspect/quiz.json')))
    const greedy = (plain: Buffer) =>
      Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0]), rawFrame(plain).subarray(9)])
    expect((await refusal(written(zip(greedy), '.eval'))).message).toContain('is torn')
  })
})

/** A Zstandard frame of one raw block (RFC 8878, section 3.1.1), with its size in four bytes. */
function rawFrame(plain: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt32LE(0xfd2fb528, 0)
  head[4] = 0xa0
  head.writeUInt32LE(plain.length, 5)
  head.writeUIntLE((plain.length << 3) | 1, 9, 3)
  return Buffer.concat([head, plain])
}

/** A zip archive with method 93 (APPNOTE 6.3.10); checksums are left 0. */
function zstdZip(files: { name: string; plain: Buffer; frame: (plain: Buffer) => Buffer }[]): Buffer {
  const [locals, directory]: [Buffer[], Buffer[]] = [[], []]
  let at = 0
  for (const { name, plain, frame } of files) {
    const [packed, title] = [frame(plain), Buffer.from(name)]
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(93, 4)
    fields.writeUInt32LE(packed.length, 14)
    fields.writeUInt32LE(plain.length, 18)
    fields.writeUInt16LE(title.length, 22)
    locals.push(Buffer.from([0x50, 0x4b, 3, 4]), fields, title, packed)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(at, 10)
    directory.push(Buffer.from([0x50, 0x4b, 1, 2, 20, 0]), fields, tail, title)
    at += 30 + title.length + packed.length
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(size, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...locals, ...directory, end])
}
