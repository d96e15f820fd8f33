// The new lines of one log file in large pieces: plain files by offset, packed ones as they unpack.
import { readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { SLACK } from './json-bytes.ts'
import { isPacked, unpacked, type LogFile } from './log-files.ts'
import { LONGEST_LINE, objectIn } from './lines.ts'

/**
 * `next`: whole lines, whose last byte is a line feed, good until the next call; `null` at the end. `offset`: behind the lines that
 * were given; `ended`: the end was reached.
 */
export type Chunks = {
  next(): Promise<Buffer | null>
  offset(): number
  ended(): boolean
  close(): Promise<void>
}

/** Strings of this size are made and thrown away cheaply; those of twice the size are not. */
const CHUNK = 64 * 1024
const PIECES_A_TURN = 64
const LF = 10

/** Room for pieces, shared by all files: one piece is read at a time. */
export type Room = { buffer: Buffer }
export const newRoom = (): Room => ({ buffer: Buffer.allocUnsafe(CHUNK + SLACK) })

export function openChunks(file: LogFile, room: Room, cut: (text: string) => void): Promise<Chunks> {
  return isPacked(file.path) ? Promise.resolve(packedChunks(file, cut)) : plainChunks(file, room, cut)
}

/** A last line without its end waits, unless it is whole already: the beginning of an object is no object. */
async function plainChunks(file: LogFile, room: Room, cut: (text: string) => void): Promise<Chunks> {
  const handle = await open(file.path, 'r')
  let { offset } = file
  let done = false
  let turns = 0
  const next = async (): Promise<Buffer | null> => {
    for (;;) {
      // Waiting for a thread costs more than reading what is mostly in memory; now and then others get their turn.
      turns += 1
      if (turns % PIECES_A_TURN === 0) await setImmediate()
      const most = room.buffer.length - SLACK
      const bytesRead = readSync(handle.fd, room.buffer, 0, most, offset)
      const bytes = room.buffer.subarray(0, bytesRead)
      const nothing = beforeText(bytes, offset, file.path, cut)
      if (nothing > 0) {
        offset += nothing
        continue
      }
      const end = bytes.lastIndexOf(LF) + 1
      if (end > 0) {
        offset += end
        return bytes.subarray(0, end)
      }
      if (bytesRead < most) {
        done = true
        if (bytesRead === 0 || objectIn(bytes.toString('utf8')) === undefined) return null
        offset += bytesRead
        room.buffer[bytesRead] = LF
        return room.buffer.subarray(0, bytesRead + 1)
      }
      if (bytesRead >= LONGEST_LINE) {
        cut(`${file.path}: a line of more than ${LONGEST_LINE} bytes was skipped.`)
        offset += bytesRead
      } else room.buffer = Buffer.allocUnsafe(most * 2 + SLACK)
    }
  }
  return {
    next: async () => (done ? null : next()),
    offset: () => offset,
    ended: () => done,
    close: () => handle.close(),
  }
}

/**
 * Bytes that are no text: the mark of UTF-8 at the beginning, and the hole that is left where a file was cut off under a
 * writer that goes on at its old place.
 */
function beforeText(bytes: Buffer, offset: number, path: string, cut: (text: string) => void): number {
  let zeros = 0
  while (bytes[zeros] === 0) zeros += 1
  if (zeros > 0 || offset > 0) return zeros
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    cut(`${path} is in UTF-16, of which no line can be read: let it be written as UTF-8.`)
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}

/** What is packed is finished: its last line counts. A file that is still being packed is gone on with at the next look. */
function packedChunks(file: LogFile, cut: (text: string) => void): Chunks {
  const pieces = unpacked(file.path)[Symbol.asyncIterator]()
  let skip = file.offset
  let { offset } = file
  let rest: Buffer[] = []
  let waiting = 0
  let done = false
  let whole = false
  const keep = (bytes: Buffer) => {
    rest = bytes.length > 0 ? [bytes] : []
    waiting = bytes.length
  }
  const next = async (): Promise<Buffer | null> => {
    while (!done) {
      const piece = await pieces.next().catch(() => {
        cut(`${file.path} cannot be unpacked to its end yet.`)
        done = true
        return undefined
      })
      if (piece === undefined) return null
      if (piece.done) {
        done = whole = true
        offset += waiting
        return waiting > 0 ? Buffer.concat([...rest, Buffer.of(LF)]) : null
      }
      let fresh = piece.value.subarray(Math.min(skip, piece.value.length))
      skip -= piece.value.length - fresh.length
      const nothing = waiting === 0 ? beforeText(fresh, offset, file.path, cut) : 0
      offset += nothing
      fresh = fresh.subarray(nothing)
      const end = fresh.lastIndexOf(LF) + 1
      if (end === 0) {
        rest.push(fresh)
        waiting += fresh.length
        if (waiting > LONGEST_LINE) {
          cut(`${file.path}: a line of more than ${LONGEST_LINE} bytes was skipped.`)
          offset += waiting
          keep(Buffer.alloc(0))
        }
        continue
      }
      offset += waiting + end
      const lines = Buffer.concat([...rest, fresh.subarray(0, end)])
      keep(fresh.subarray(end))
      return lines
    }
    return null
  }
  const close = async () => void (await pieces.return?.())
  return { next, offset: () => offset, ended: () => whole, close }
}
