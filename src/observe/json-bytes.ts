// Where a string, a number or any other value of JSON ends, byte by byte: what is not of the grammar of RFC 8259 has no end.

/** There is no end: it is no JSON, or it is better left to `JSON.parse`. */
export const NONE = -1
/** Deeper objects and lists are left to others. */
const DEEPEST = 64
/** So many bytes behind the last line feed are read, and of no meaning. */
export const SLACK = 4

/** Whole lines, the last one with its line feed too: as bytes, as words from any place on, and as latin1 to cut texts from. */
export type Piece = { bytes: Buffer; view: DataView; text: string }

/** Takes bytes that end with a line feed. They are copied only where nothing lies behind them in memory. */
export function pieceOf(bytes: Buffer): Piece {
  const room = bytes.buffer.byteLength - bytes.byteOffset - bytes.length
  if (room < SLACK) {
    const larger = Buffer.alloc(bytes.length + SLACK)
    bytes.copy(larger)
    return pieceOf(larger.subarray(0, bytes.length))
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length + SLACK)
  return { bytes, view, text: bytes.toString('latin1') }
}

/** What a string holds that its bytes do not say as they are: escapes, and signs beyond ASCII. */
export type TextMarks = { escaped: boolean; wide: boolean }

const escapes = new Uint8Array(256)
for (const sign of '"\\/bfnrt') escapes[sign.charCodeAt(0)] = 1
const hexes = new Uint8Array(256)
for (const sign of '0123456789abcdefABCDEF') hexes[sign.charCodeAt(0)] = 1

/** Behind blanks; a line feed is none, since it ends the line. */
export function skipBlanks(view: DataView, from: number): number {
  let at = from
  for (;;) {
    const byte = view.getUint8(at)
    if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return at
    at += 1
  }
}

/**
 * The closing quote of the string whose first sign is at `from`, or NONE. Writes into `marks` what it holds. Four bytes are
 * looked at at once: of a word without a quote, a backslash, a control sign or a sign beyond ASCII, no top bit is left.
 */
export function endOfString(view: DataView, from: number, marks: TextMarks): number {
  marks.escaped = marks.wide = false
  for (let at = from; ; ) {
    for (;;) {
      const word = view.getInt32(at, true)
      const quotes = word ^ 0x22222222
      const slashes = word ^ 0x5c5c5c5c
      const signs =
        ((quotes - 0x01010101) & ~quotes) | ((slashes - 0x01010101) & ~slashes) | ((word - 0x20202020) & ~word) | word
      if ((signs & 0x80808080) !== 0) break
      at += 4
    }
    let byte = view.getUint8(at)
    while (byte >= 0x20 && byte < 0x80 && byte !== 0x22 && byte !== 0x5c) {
      at += 1
      byte = view.getUint8(at)
    }
    if (byte === 0x22) return at
    if (byte >= 0x80) {
      marks.wide = true
      at += 1
    } else if (byte === 0x5c) {
      marks.escaped = true
      at = endOfEscape(view, at + 1)
      if (at === NONE) return NONE
    } else return NONE
  }
}

/** Behind what follows a backslash, or NONE. */
function endOfEscape(view: DataView, from: number): number {
  const sign = view.getUint8(from)
  if (escapes[sign] === 1) return from + 1
  // u
  if (sign !== 0x75) return NONE
  for (let at = from + 1; at <= from + 4; at += 1) if (hexes[view.getUint8(at)] !== 1) return NONE
  return from + 5
}

/** Behind the number that begins at `from`, or NONE. */
export function endOfNumber(view: DataView, from: number): number {
  // - 0 . e + -
  let at = view.getUint8(from) === 0x2d ? from + 1 : from
  if (view.getUint8(at) === 0x30) at += 1
  else {
    const end = endOfDigits(view, at)
    if (end === at) return NONE
    at = end
  }
  if (view.getUint8(at) === 0x2e) {
    const end = endOfDigits(view, at + 1)
    if (end === at + 1) return NONE
    at = end
  }
  if ((view.getUint8(at) | 0x20) !== 0x65) return at
  const sign = view.getUint8(at + 1)
  const start = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1
  const end = endOfDigits(view, start)
  return end === start ? NONE : end
}

function endOfDigits(view: DataView, from: number): number {
  let at = from
  for (;;) {
    const digit = view.getUint8(at) - 0x30
    if (digit < 0 || digit > 9) return at
    at += 1
  }
}

/** Powers of ten that a double holds exactly, as far as they are needed. */
const TENS = Array.from({ length: 16 }, (_, power) => 10 ** power)

/**
 * The number between two places, where `endOfNumber` found one. Up to 15 digits and a power of ten are exact in a double, and
 * the quotient of two exact numbers is rounded once: it is the number that every reader of decimals gives (Clinger 1990).
 */
export function numberAt({ view, text }: Piece, from: number, end: number): number {
  const negative = view.getUint8(from) === 0x2d
  const start = negative ? from + 1 : from
  let value = 0
  let dot = end
  for (let at = start; at < end; at += 1) {
    const byte = view.getUint8(at)
    if (byte === 0x2e) dot = at
    else if (byte > 0x39 || byte < 0x30) return Number(text.slice(from, end))
    else value = value * 10 + byte - 0x30
  }
  const behind = Math.max(0, end - dot - 1)
  if (end - start - (behind > 0 ? 1 : 0) > 15) return Number(text.slice(from, end))
  if (behind > 0) value /= TENS[behind] ?? 1
  return negative ? -value : value
}

const scratch: TextMarks = { escaped: false, wide: false }

/** Behind the value that begins at `from`, whatever it is, or NONE. */
export function endOfValue(view: DataView, from: number, depth = 0): number {
  const first = view.getUint8(from)
  // " { [
  if (first === 0x22) {
    const end = endOfString(view, from + 1, scratch)
    return end === NONE ? NONE : end + 1
  }
  if (first === 0x7b) return depth < DEEPEST ? endOfMembers(view, from + 1, depth + 1) : NONE
  if (first === 0x5b) return depth < DEEPEST ? endOfItems(view, from + 1, depth + 1) : NONE
  if (first === 0x2d || (first >= 0x30 && first <= 0x39)) return endOfNumber(view, from)
  return endOfWord(view, from)
}

/** Behind true, false or null, or NONE. */
export function endOfWord(view: DataView, from: number): number {
  const word = view.getInt32(from, true)
  // 'true', 'null' and 'fals' as little-endian words, then e
  if (word === 0x65757274 || word === 0x6c6c756e) return from + 4
  return word === 0x736c6166 && view.getUint8(from + 4) === 0x65 ? from + 5 : NONE
}

function endOfMembers(view: DataView, from: number, depth: number): number {
  let at = skipBlanks(view, from)
  if (view.getUint8(at) === 0x7d) return at + 1
  for (;;) {
    if (view.getUint8(at) !== 0x22) return NONE
    const end = endOfString(view, at + 1, scratch)
    if (end === NONE) return NONE
    at = skipBlanks(view, end + 1)
    // : } ,
    if (view.getUint8(at) !== 0x3a) return NONE
    at = endOfValue(view, skipBlanks(view, at + 1), depth)
    if (at === NONE) return NONE
    at = skipBlanks(view, at)
    const sign = view.getUint8(at)
    if (sign === 0x7d) return at + 1
    if (sign !== 0x2c) return NONE
    at = skipBlanks(view, at + 1)
  }
}

function endOfItems(view: DataView, from: number, depth: number): number {
  let at = skipBlanks(view, from)
  if (view.getUint8(at) === 0x5d) return at + 1
  for (;;) {
    at = endOfValue(view, at, depth)
    if (at === NONE) return NONE
    at = skipBlanks(view, at)
    const sign = view.getUint8(at)
    if (sign === 0x5d) return at + 1
    if (sign !== 0x2c) return NONE
    at = skipBlanks(view, at + 1)
  }
}
