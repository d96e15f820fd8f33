// The reader of responses: the same response however it is cut, and what it leaves to a full parser or refuses.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Raw, responseReader } from './response-reader.ts'

const head = (lines: string[], first = 'HTTP/1.1 200 OK') => `${[first, ...lines].join('\r\n')}\r\n\r\n`

/** Feeds a response cut at these places, none of which is in its head. */
function read(response: Buffer, cuts: readonly number[]): { said: Raw | 'strange' | undefined; left: number } {
  const reader = responseReader()
  const bodyAt = response.indexOf('\r\n\r\n') + 4
  const places = [...new Set(cuts.map((cut) => bodyAt + (cut % Math.max(1, response.length - bodyAt))))]
  const ends = [...places.toSorted((a, b) => a - b), response.length]
  let from = 0
  for (const end of ends) {
    const said = reader(response.subarray(from, end))
    from = end
    if (said !== undefined) return { said, left: response.length - end }
  }
  return { said: undefined, left: 0 }
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((all) => Buffer.from(all))
const cuts = fc.array(fc.nat(5000), { maxLength: 12 })

it('gives the body that its length tells, however it is cut', () => {
  fc.assert(
    fc.property(bytes, cuts, (body, where) => {
      const text = head([`Content-Length: ${body.length}`, 'X-One:  a\t', 'x-one: b'])
      const { said } = read(Buffer.concat([Buffer.from(text), body]), where)
      if (said === undefined || said === 'strange') throw new Error('no response')
      expect(said.bytes.equals(body)).toBe(true)
      expect(said).toMatchObject({ status: 200, statusText: 'OK', stays: Infinity })
      expect([said.headers.get('X-ONE'), said.headers.get('none')]).toEqual(['a, b', null])
    }),
  )
})

it('puts chunks together, with their extensions and the fields behind them, however they are cut', () => {
  const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 })
  fc.assert(
    fc.property(parts, cuts, fc.boolean(), (chunks, where, more) => {
      const sent = chunks.map((chunk, i) =>
        Buffer.concat([
          Buffer.from(`${chunk.length.toString(16)}${i % 2 ? ';name="value"' : ''}\r\n`),
          chunk,
          Buffer.from('\r\n'),
        ]),
      )
      const end = more ? '0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n' : '0\r\n\r\n'
      const response = Buffer.concat([Buffer.from(head(['Transfer-Encoding: chunked'])), ...sent, Buffer.from(end)])
      const { said, left } = read(response, where)
      if (said === undefined || said === 'strange') throw new Error('no response')
      expect(said.bytes.equals(Buffer.concat(chunks))).toBe(true)
      expect(left).toBe(0)
    }),
  )
})

it.each([
  ['its head comes in pieces', 'HTTP/1.1 200 OK\r\nContent-Le'],
  ['HTTP/1.0', head(['Content-Length: 2'], 'HTTP/1.0 200 OK')],
  ['an interim response', head([], 'HTTP/1.1 100 Continue')],
  ['no content', head([], 'HTTP/1.1 204 No Content')],
  ['a body that ends with the connection', head(['Content-Type: text/plain'])],
  ['two lengths', head(['Content-Length: 2', 'Content-Length: 3'])],
  ['a length and chunks', head(['Content-Length: 2', 'Transfer-Encoding: chunked'])],
  ['another coding', head(['Transfer-Encoding: gzip, chunked'])],
  ['a negative length', head(['Content-Length: -1'])],
  ['a folded field', head(['X-One: a', ' b', 'Content-Length: 0'])],
  ['a space before the colon', head(['Content-Length : 0'])],
  ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
])('leaves to others: %s', (_, text) => {
  expect(responseReader()(Buffer.from(text))).toBe('strange')
})

it.each([
  ['without a size', 'zz\r\n'],
  ['with a negative size', '-1\r\n'],
  ['longer than they say', '2\r\nabc\r\n'],
  ['whose lines end without CR', '2\nab\n'],
  ['with a line without end', 'a'.repeat(20_000)],
])('refuses chunks %s', (_, body) => {
  const reader = responseReader()
  expect(() => reader(Buffer.from(head(['Transfer-Encoding: chunked']) + body))).toThrow(/torn/)
})

it.each([
  [[], Infinity],
  [['Connection: Keep-Alive', 'Keep-Alive: timeout=5, max=100'], 4000],
  [['Keep-Alive: timeout=1'], 0],
  [['Connection: close'], 0],
  [['Connection: keep-alive, foo'], 0],
])('knows how long a connection stays with %j', (lines, stays) => {
  expect(responseReader()(Buffer.from(head([...lines, 'Content-Length: 0'])))).toMatchObject({ stays })
})
it('does not use a connection again on which more came than the answer', () => {
  for (const body of [head(['Content-Length: 2']) + 'okHTTP', `${head(['Transfer-Encoding: chunked'])}0\r\n\r\nH`])
    expect(responseReader()(Buffer.from(body))).toMatchObject({ stays: 0 })
})
