// Takes the few fields that are asked for out of a line of JSON without building the rest of its object.
import {
  endOfNumber,
  endOfString,
  endOfValue,
  endOfWord,
  NONE,
  numberAt,
  skipBlanks,
  type Piece,
  type TextMarks,
} from './json-bytes.ts'
import { keyChain } from './key-chain.ts'

/** Names that are written in one way only, byte for byte, and that no object inherits as a value. */
const PLAIN = /^(?!__proto__$)[\x20-\x21\x23-\x5b\x5d-\x7e]*$/

/**
 * `scan` reads the line that begins at `at` and gives where the next one begins, or NONE: then only `JSON.parse` may judge it,
 * since it is torn, no object, or uncommon. Whatever it takes is a whole object by the grammar of JSON (RFC 8259).
 */
export type LineScanner = { scan(piece: Piece, at: number): number }

/**
 * The scanner of some keys of the outermost object: into `values` it puts what `JSON.parse` gives for them, in the order of
 * `names`; undefined where there is no such key. There is none where a name cannot be compared byte by byte.
 */
export function lineScanner(names: readonly string[], values: unknown[]): LineScanner | undefined {
  if (!names.every((name) => PLAIN.test(name)) || new Set(names).size < names.length) return undefined
  const keys = keyChain(names)
  const scan = (piece: Piece, from: number): number => {
    const { view } = piece
    for (let slot = 0; slot < names.length; slot += 1) values[slot] = undefined
    keys.begin()
    let at = skipBlanks(view, from)
    // { } ,
    if (view.getUint8(at) !== 0x7b) return NONE
    at = skipBlanks(view, at + 1)
    if (view.getUint8(at) === 0x7d) return endOfLine(view, at + 1)
    for (;;) {
      at = keys.read(piece, at)
      if (at === NONE) return NONE
      at = skipBlanks(view, at)
      at = keys.slot === -1 ? endOfValue(view, at) : take(values, keys.slot, piece, at)
      if (at === NONE) return NONE
      at = skipBlanks(view, at)
      const sign = view.getUint8(at)
      if (sign === 0x7d) return endOfLine(view, at + 1)
      if (sign !== 0x2c) return NONE
      at = skipBlanks(view, at + 1)
    }
  }
  return { scan }
}

function endOfLine(view: DataView, from: number): number {
  const at = skipBlanks(view, from)
  return view.getUint8(at) === 0x0a ? at + 1 : NONE
}

const marks: TextMarks = { escaped: false, wide: false }

/** Puts the value at `at` into its slot; gives where it ends, or NONE. */
function take(values: unknown[], slot: number, piece: Piece, at: number): number {
  const { bytes, view, text } = piece
  const first = view.getUint8(at)
  if (first === 0x22) {
    const end = endOfString(view, at + 1, marks)
    if (end === NONE) return NONE
    if (marks.escaped) values[slot] = JSON.parse(bytes.toString('utf8', at, end + 1))
    else values[slot] = marks.wide ? bytes.toString('utf8', at + 1, end) : text.slice(at + 1, end)
    return end + 1
  }
  if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
    const end = endOfNumber(view, at)
    if (end !== NONE) values[slot] = numberAt(piece, at, end)
    return end
  }
  // { [
  const inner = first === 0x7b || first === 0x5b
  const end = inner ? endOfValue(view, at) : endOfWord(view, at)
  if (end !== NONE) values[slot] = inner ? JSON.parse(bytes.toString('utf8', at, end)) : wordOf(first)
  return end
}

const wordOf = (first: number): boolean | null => (first === 0x6e ? null : first === 0x74)
