// Which key of an object stands at a place: most lines of a log have the same keys in the same order.
import { endOfString, NONE, skipBlanks, type Piece, type TextMarks } from './json-bytes.ts'

/** More different keys than this are not learnt. */
const MOST_KEYS = 1024
const PLACES = 4096

/** `words`, `last`: of the key as it is written, with its quotes and colon, four bytes each. `slot`: -1 where nobody asks for it. */
type Key = { bytes: Uint8Array; words: Int32Array; last: number; slot: number; next: Key | undefined }

/** `read`: gives where the value begins, or NONE, and sets `slot`. `begin` is called at the beginning of an object. */
export type KeyChain = { slot: number; begin(): void; read(piece: Piece, at: number): number }

/**
 * Reads keys one after the other. The key that followed the last time is compared first, by words; only another one is looked
 * for. A key that holds an escape or signs beyond ASCII has no end here. `names`: plain ASCII, each once.
 */
export function keyChain(names: readonly string[]): KeyChain {
  const places: (Key | undefined)[] = Array.from({ length: PLACES })
  const marks: TextMarks = { escaped: false, wide: false }
  let many = 0
  const root = keyOf(Buffer.from('""'), -1)
  let current = root

  const find = (bytes: Uint8Array, start: number, end: number): Key | undefined => {
    for (let place = placeOf(bytes, start, end); ; place = (place + 1) & (PLACES - 1)) {
      const key = places[place]
      if (key === undefined || isAt(bytes, start, end, key.bytes)) return key
    }
  }
  const learn = (name: Uint8Array, slot: number): Key => {
    let place = placeOf(name, 0, name.length)
    while (places[place] !== undefined) place = (place + 1) & (PLACES - 1)
    const key = keyOf(name, slot)
    places[place] = key
    many += 1
    return key
  }
  for (const [slot, name] of names.entries()) learn(Buffer.from(name), slot)

  const chain: KeyChain = {
    slot: -1,
    begin: () => void (current = root),
    read(piece, at) {
      const { bytes, view } = piece
      const expected = current.next
      if (expected !== undefined && stands(view, at, expected)) {
        current = expected
        chain.slot = expected.slot
        return at + expected.bytes.length + 3
      }
      if (view.getUint8(at) !== 0x22) return NONE
      const end = endOfString(view, at + 1, marks)
      if (end === NONE || marks.escaped || marks.wide) return NONE
      const colon = skipBlanks(view, end + 1)
      if (view.getUint8(colon) !== 0x3a) return NONE
      const found =
        find(bytes, at + 1, end) ?? (many < MOST_KEYS ? learn(Uint8Array.from(bytes.subarray(at + 1, end)), -1) : root)
      current.next = found
      current = found
      chain.slot = found.slot
      return colon + 1
    },
  }
  return chain
}

function keyOf(name: Uint8Array, slot: number): Key {
  const written = Buffer.concat([Buffer.from('"'), name, Buffer.from('":')])
  const words = new Int32Array(written.length >> 2)
  for (const index of words.keys()) words[index] = written.readInt32LE(index * 4)
  // Nothing is shorter than a word but the empty key, which is never expected.
  const last = written.length < 4 ? 0 : written.readInt32LE(written.length - 4)
  return { bytes: name, words, last, slot, next: undefined }
}

/** true: the key stands there with its quotes and a colon right behind them. */
function stands(view: DataView, at: number, { bytes, words, last }: Key): boolean {
  const length = bytes.length + 3
  if (length < 4 || at + length > view.byteLength) return false
  for (let index = 0; index < words.length; index += 1)
    if (view.getInt32(at + index * 4, true) !== words[index]) return false
  return view.getInt32(at + length - 4, true) === last
}

/** A few bytes choose the candidates, all bytes decide. */
function placeOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193)
  return (hash ^ (hash >>> 15)) & (PLACES - 1)
}

function isAt(bytes: Uint8Array, start: number, end: number, key: Uint8Array): boolean {
  if (end - start !== key.length) return false
  for (let index = 0; index < key.length; index += 1) if (bytes[start + index] !== key[index]) return false
  return true
}
