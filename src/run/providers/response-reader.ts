// Reads one HTTP/1.1 response out of the pieces that a connection brings: the plain forms of it, and says of any other that it is strange.

/** Header fields of an answer, by name in any case. */
export type Fields = { get(name: string): string | null; entries(): Iterable<[string, string]> }

/** A whole response. `stays`: the connection can be used again, for so many milliseconds if nothing comes. */
export type Raw = { status: number; statusText: string; headers: Fields; bytes: Buffer; stays: number }

type Head = Omit<Raw, 'bytes'> & { body: (piece: Buffer) => Body | undefined }
/** `clean`: nothing came behind it. */
type Body = { bytes: Buffer; clean: boolean }

/** Gives the response with its last piece, and undefined before; `strange`: the first piece is none of the plain forms. Throws on a torn body. */
export type Reader = (piece: Buffer) => Raw | 'strange' | undefined

const HEAD_END = Buffer.from('\r\n\r\n')
/** A server that closes idle connections says when; a moment earlier none is used any more. */
const MARGIN_MS = 1000

/**
 * Makes the reader of one response (RFC 9112). Plain is: HTTP/1.1 with its head in the first piece, a final status, and
 * a body whose end is known, by Content-Length or by chunks. All else (a body that ends with the connection, 1xx, 204,
 * HTTP/1.0, fields folded over lines) is for a full parser, which can have the first piece as nothing of it is lost.
 */
export function responseReader(): Reader {
  let head: Head | undefined
  return (piece) => {
    let rest = piece
    if (!head) {
      const end = piece.indexOf(HEAD_END)
      head = end === -1 ? undefined : headOf(piece.toString('latin1', 0, end))
      if (!head) return 'strange'
      rest = piece.subarray(end + HEAD_END.length)
    }
    const whole = head.body(rest)
    if (!whole) return undefined
    const { status, statusText, headers, stays } = head
    return { status, statusText, headers, bytes: whole.bytes, stays: whole.clean ? stays : 0 }
  }
}

/** undefined: strange. */
function headOf(text: string): Head | undefined {
  const [first = '', ...lines] = text.split('\r\n')
  const [, digits, statusText = ''] = /^HTTP\/1\.1 ([2-5]\d\d)(?: ([^\r\n\0]*))?$/.exec(first) ?? []
  if (digits === undefined || digits === '204' || digits === '304') return undefined
  const found = fieldsOf(lines)
  if (!found) return undefined
  const length = found.get('content-length')
  const coding = found.get('transfer-encoding')
  const body = bodyOf(length, coding)
  if (!body) return undefined
  const headers: Fields = { get: (name) => found.get(name.toLowerCase()) ?? null, entries: () => found.entries() }
  return { status: Number(digits), statusText, headers, stays: lifeOf(found), body }
}

/** A field name is a token, and its value has no control characters (RFC 9110, 5.1 and 5.5). */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

function fieldsOf(lines: readonly string[]): Map<string, string> | undefined {
  const found = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).toLowerCase()
    if (!NAME.test(name) || !VALUE.test(line)) return undefined
    const value = withoutEdges(line, colon + 1)
    const before = found.get(name)
    found.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return found
}

/** The text from there on, without white space at its edges. */
function withoutEdges(text: string, from: number): string {
  const isBlank = (at: number) => text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9
  let [start, end] = [from, text.length]
  while (start < end && isBlank(start)) start += 1
  while (end > start && isBlank(end - 1)) end -= 1
  return text.slice(start, end)
}

/** Both at once, several lengths or another coding are for nobody to guess. */
function bodyOf(length: string | undefined, coding: string | undefined): Head['body'] | undefined {
  if (coding !== undefined) return length === undefined && coding.toLowerCase() === 'chunked' ? chunked() : undefined
  return length !== undefined && /^\d{1,15}$/.test(length) ? sized(Number(length)) : undefined
}

/** Milliseconds that the connection stays open when it is idle; 0: it must not be used again. */
function lifeOf(fields: ReadonlyMap<string, string>): number {
  const connection = fields.get('connection')
  if (connection !== undefined && connection.toLowerCase() !== 'keep-alive') return 0
  const seconds = /(?:^|[\s,;])timeout=(\d{1,9})/i.exec(fields.get('keep-alive') ?? '')?.[1]
  return seconds === undefined ? Infinity : Math.max(0, Number(seconds) * 1000 - MARGIN_MS)
}

function sized(length: number): Head['body'] {
  const pieces: Buffer[] = []
  let missing = length
  return (piece) => {
    missing -= piece.length
    pieces.push(piece)
    if (missing > 0) return undefined
    const all = joined(pieces)
    return missing === 0 ? { bytes: all, clean: true } : { bytes: all.subarray(0, length), clean: false }
  }
}

const joined = (pieces: readonly Buffer[]): Buffer =>
  pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)

const torn = (what: string) =>
  Object.assign(new Error(`the answer is torn: ${what}`), { code: 'HPE_INVALID_CHUNK_SIZE' })
/** Longer lines between chunks are no sizes. */
const LONGEST_LINE = 16_384

/** Chunks until the empty one and the fields behind it (RFC 9112, 7.1). */
function chunked(): Head['body'] {
  const pieces: Buffer[] = []
  let state: 'size' | 'data' | 'after' | 'trailer' = 'size'
  let line = ''
  let missing = 0
  /** The line that `piece` ends from `at` on, without its end; null: it goes on in the next piece. */
  const lineAt = (piece: Buffer, at: number): { text: string; next: number } | null => {
    const end = piece.indexOf(10, at)
    line += piece.toString('latin1', at, end === -1 ? piece.length : end)
    if (line.length > LONGEST_LINE) throw torn('a line without end')
    if (end === -1) return null
    if (!line.endsWith('\r')) throw torn('a line ends without CR')
    const text = line.slice(0, -1)
    line = ''
    return { text, next: end + 1 }
  }
  return (piece) => {
    let at = 0
    while (at < piece.length) {
      if (state === 'data') {
        const part = piece.subarray(at, at + missing)
        pieces.push(part)
        at += part.length
        missing -= part.length
        if (missing === 0) state = 'after'
        continue
      }
      const found = lineAt(piece, at)
      if (!found) return undefined
      at = found.next
      if (state === 'trailer') {
        if (found.text === '') return { bytes: Buffer.concat(pieces), clean: at === piece.length }
      } else if (state === 'after') {
        if (found.text !== '') throw torn('a chunk is longer than it says')
        state = 'size'
      } else {
        const size = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(found.text)?.[1]
        if (size === undefined) throw torn('a chunk without a size')
        missing = Number.parseInt(size, 16)
        state = missing === 0 ? 'trailer' : 'data'
      }
    }
    return undefined
  }
}
