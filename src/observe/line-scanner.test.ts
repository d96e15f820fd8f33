// Fields taken off the bytes of a line are those that JSON.parse gives, and whatever JSON.parse refuses is refused.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { startCounting } from './counting.ts'
import { NONE, pieceOf } from './json-bytes.ts'
import { jsonlSource } from './jsonl.ts'
import { lineScanner } from './line-scanner.ts'
import { event, lines, planWith, START, watcher } from './observe-testing.ts'

const names = ['ts', 'error.type', 'error', 'a', '', 'größe'.slice(0, 2), 'constructor', 'duration_ms']

/** What the scanner says of one line: its values by name, or undefined where it leaves the line to others. */
function scanned(bytes: Buffer, wanted: readonly string[] = names): Record<string, unknown> | undefined {
  const values: unknown[] = []
  const scanner = lineScanner(wanted, values)
  if (!scanner) throw new Error('no scanner')
  const piece = pieceOf(Buffer.concat([bytes, Buffer.from('\n')]))
  const end = scanner.scan(piece, 0)
  if (end === NONE) return undefined
  expect(end).toBe(bytes.length + 1)
  return Object.fromEntries(wanted.map((name, slot) => [name, values[slot]]))
}
function parsed(bytes: Buffer, wanted: readonly string[] = names): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const own = (name: string) => (Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined)
    return Object.fromEntries(wanted.map((name) => [name, own(name)]))
  } catch {
    return undefined
  }
}

/** -0 is not 0 here, and a key may be called `constructor`. */
function same(mine: unknown, theirs: unknown): void {
  if (!isDeepStrictEqual(mine, theirs)) expect(JSON.stringify(mine)).toBe(JSON.stringify(theirs))
  expect(isDeepStrictEqual(mine, theirs)).toBe(true)
}

const key = fc.oneof(fc.constantFrom(...names, 'ab', 'b', 'error.typ', 'error.types'), fc.string({ maxLength: 5 }))
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string(),
  fc.constantFrom('', '"', '\\', '\u0000'),
)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.constantFrom(null, true, false, 0, -0, 1e300, 5e-324, 0.1, 2 ** 53),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3 }),
  ),
}))
const blank = fc.constantFrom('', '', ' ', '\t', '\r', '  ')
const member = fc
  .tuple(blank, key, blank, blank, value, blank)
  .map(([a, name, b, c, one, d]) => `${a}${JSON.stringify(name)}${b}:${c}${JSON.stringify(one)}${d}`)
const object = fc.array(member, { maxLength: 8 }).map((members) => `{${members.join(',')}}`)

it('takes what JSON.parse gives, duplicate keys and blanks included', () => {
  fc.assert(
    fc.property(object, blank, (line, behind) => {
      const bytes = Buffer.from(line + behind)
      const mine = scanned(bytes)
      if (mine) same(mine, parsed(bytes))
      // Escaped or wide keys alone are left to others.
      else expect(line).toMatch(/"[^"]*(\\|[^\u0020-\u007f])/)
    }),
    { numRuns: 2000 },
  )
})

it('takes no line that JSON.parse refuses, whatever bytes are changed, lost or put in', () => {
  const change = fc.tuple(
    fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    fc.constantFrom('set', 'drop', 'put', 'cut'),
    fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0x22, 0x5c, 0x2c, 0x7b, 0x7d, 0x30, 0x2e, 0x65, 0x2d, 0),
    ),
  )
  fc.assert(
    fc.property(object, fc.array(change, { minLength: 1, maxLength: 3 }), (line, changes) => {
      let bytes = Buffer.from(line)
      for (const [where, what, byte] of changes) {
        const at = Math.floor(where * bytes.length)
        const rest = what === 'cut' ? [] : bytes.subarray(what === 'put' ? at : at + 1)
        const put = what === 'set' || what === 'put' ? [byte === 10 ? 32 : byte] : []
        bytes = Buffer.from([...bytes.subarray(0, at), ...put, ...rest])
      }
      const mine = scanned(bytes)
      if (mine) same(mine, parsed(bytes))
    }),
    { numRuns: 4000 },
  )
})

it.each([
  '0',
  '-0',
  '01',
  '1.',
  '.5',
  '1e5',
  '1E+05',
  '1e',
  '-',
  '+1',
  '123456789012345',
  '1234567890123456',
  '12345678.12345678',
  '0.1',
  '-0.0',
  '1e999',
  '0.000000000000001',
  '999999999999999.9',
  '1.7976931348623157e308',
  'NaN',
  'Infinity',
  'tru',
  'true',
  'nul',
  'null',
  'nulll',
  'falsey',
  'false',
  '[1,]',
  '[,1]',
  '{"a":}',
  '{"a":1,}',
  '[1 2]',
  '"a',
  '"\\x"',
  '"\\u12g4"',
  '"\\u00e9"',
  '"\ud800"',
  `${'['.repeat(70)}${']'.repeat(70)}`,
])('judges the value %s as JSON.parse does', (written) => {
  for (const name of ['a', 'other']) {
    const bytes = Buffer.from(`{"${name}":${written}}`)
    const mine = scanned(bytes)
    if (mine) same(mine, parsed(bytes))
    else if (!written.startsWith('[[[')) expect(parsed(bytes)).toBeUndefined()
  }
})

it('reads bytes that are no UTF-8 as everybody does', () => {
  const bytes = Buffer.concat([Buffer.from('{"a":"x'), Buffer.of(0xff, 0xc3), Buffer.from('","ts":"ü"}')])
  same(scanned(bytes), parsed(bytes))
})

it('has no scanner for names that can be written in several ways', () => {
  for (const name of ['größe', 'a"b', 'a\\b', '__proto__', 'tab\t']) expect(lineScanner([name], [])).toBeUndefined()
  expect(lineScanner(['a', 'a'], [])).toBeUndefined()
})

it('learns the order of keys, and forgets it where another comes', () => {
  const values: unknown[] = []
  const scanner = lineScanner(['a', 'b', 'c'], values)
  const read = [
    '{"a":1,"b":2,"c":3}',
    '{"a":4,"b":5,"c":6}',
    '{"c":7,"a":8}',
    '{"a":9,"x":0,"b":1}',
    '{"b":2,"bb":3}',
    '{}',
  ]
  const text = `${read.join('\n')}\n`
  const piece = pieceOf(Buffer.from(text))
  let at = 0
  const found = read.map(() => {
    at = scanner?.scan(piece, at) ?? NONE
    return [...values]
  })
  expect(at).toBe(text.length)
  expect(found).toEqual([
    [1, 2, 3],
    [4, 5, 6],
    [8, undefined, 7],
    [9, 1, undefined],
    [undefined, 2, undefined],
    [undefined, undefined, undefined],
  ])
})

it('is there for the plans that people write', () => {
  const plan = planWith({
    metrics: {
      error_rate: { bad: 'error.type != null && user.id != null' },
      slow: { value: 'duration_ms' },
      cost: { mean: 'cost_usd' },
      hallucination: { bad: "eval.groundedness.label == 'fail'" },
    },
  })
  const request = { plan, cursor: null, since: 0, until: 0, closed: null, folder: '', changes: [], limits: {} }
  for (const mapping of ['aigate', 'otel-genai', 'openinference'] as const)
    expect(startCounting({ ...request, signal: new AbortController().signal }, mapping).lines).toBeDefined()
})

const anyEvent = fc.record({
  at: fc.integer({ min: -60, max: 400 }),
  unit: fc.constantFrom('a', 'ü "q"', 'c'),
  arm: fc.constantFrom('baseline', 'candidate', 'elsewhere', null),
  more: fc.record(
    {
      'error.type': fc.constantFrom('x', 'tïmeout', null, 5, { deep: 1 }),
      error: fc.constantFrom({ type: 'inner' }, { type: null }, 'flat', [1]),
      duration_ms: fc.oneof(fc.double({ noNaN: true }), fc.constantFrom('slow', null, 1e200)),
      constructor: fc.constantFrom(1, 'x'),
      'event.name': fc.constantFrom('aigate.feedback', 'page.view', 'aigate.request', null),
      'aigate.feedback': fc.constantFrom('down', 'up'),
      'gen_ai.response.model': fc.constantFrom('m-1', 'm-2'),
      'gen_ai.request.model': fc.constantFrom('m-1', 'é'),
      messages: fc.array(fc.record({ role: fc.constant('user'), text: fc.string() }), { maxLength: 2 }),
    },
    { requiredKeys: [] },
  ),
})

it('counts the same as whole objects do', async () => {
  const metrics = {
    errors: { bad: "error.type != null && constructor != 'x'" },
    slow: { value: 'duration_ms', tail_at: 'baseline.p50' },
    down: { bad: "feedback == 'down'", delay: '1m' },
  }
  const plan = planWith({ metrics, source: { type: 'jsonl', path: 'app.log' } })
  const source = { type: 'jsonl', path: 'app.log', mapping: 'aigate', freshness: 600_000, lateness: 60_000 } as const
  const broken = fc.constantFrom('', 'no json', '[1]', '{"a":1', '\u0000', '{"ts":"2026-11-21T10:00:00Z"}}')
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(anyEvent, broken), { maxLength: 40 }), async (events) => {
      const written = events
        .map(([{ at, unit, arm, more }, wrong]) => `${lines([event(at, unit, arm, more)])}${wrong}\n`)
        .join('')
      const read = async (whole: boolean) => {
        // Any other way of unpacking than the usual one needs objects.
        const unpack = whole ? [(one: Readonly<Record<string, unknown>>) => [one]] : []
        const { root, look } = watcher((folder) => jsonlSource(source, { root: folder, env: {} }, ...unpack), plan)
        writeFileSync(join(root, 'app.log'), written)
        const { cursor: _, ...reading } = await look(600, { since: START })
        return reading
      }
      expect(await read(false)).toEqual(await read(true))
    }),
    { numRuns: 60 },
  )
})
