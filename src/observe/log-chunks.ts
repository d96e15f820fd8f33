// The new lines of one log file in large pieces: plain files by offset, packed ones as they unpack.
import { readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { isPacked, unpacked, type LogFile } from './log-files.ts'
import { LONGEST_LINE, objectIn } from './lines.ts'

/** `next`: whole lines, `null` at the end. `offset`: behind the lines that were given; `ended`: the end was reached. */
export type Chunks = {
  next(): Promise<string | null>
  offset(): number
  ended(): boolean
  close(): Promise<void>
}

const CHUNK = 256 * 1024
const PIECES_A_TURN = 32
const LF = 10

/** Room for pieces, shared by all files: one piece is read at a time. */
export type Room = { buffer: Buffer }
export const newRoom = (): Room => ({ buffer: Buffer.allocUnsafe(CHUNK) })

export function openChunks(file: LogFile, room: Room, cut: (text: string) => void): Promise<Chunks> {
  return isPacked(file.path) ? Promise.resolve(packedChunks(file, cut)) : plainChunks(file, room, cut)
}

/** A last line without its end waits, unless it is whole already: the beginning of an object is no object. */
async function plainChunks(file: LogFile, room: Room, cut: (text: string) => void): Promise<Chunks> {
  const handle = await open(file.path, 'r')
  let { offset } = file
  let done = false
  let turns = 0
  const next = async (): Promise<string | null> => {
    for (;;) {
      // Waiting for a thread costs more than reading what is mostly in memory; now and then others get their turn.
      turns += 1
      if (turns % PIECES_A_TURN === 0) await setImmediate()
      const bytesRead = readSync(handle.fd, room.buffer, 0, room.buffer.length, offset)
      const bytes = room.buffer.subarray(0, bytesRead)
      const end = bytes.lastIndexOf(LF)
      const full = bytesRead === room.buffer.length
      if (end !== -1) {
        offset += end + 1
        return bytes.toString('utf8', 0, end)
      }
      if (!full) {
        done = true
        const rest = bytes.toString('utf8')
        if (rest === '' || objectIn(rest) === undefined) return null
        offset += bytesRead
        return rest
      }
      if (bytesRead >= LONGEST_LINE) {
        cut(`${file.path}: a line of more than ${LONGEST_LINE} bytes was skipped.`)
        offset += bytesRead
      } else room.buffer = Buffer.allocUnsafe(room.buffer.length * 2)
    }
  }
  return {
    next: async () => (done ? null : next()),
    offset: () => offset,
    ended: () => done,
    close: () => handle.close(),
  }
}

/** What is packed is finished: its last line counts. A file that is still being packed is gone on with at the next look. */
function packedChunks(file: LogFile, cut: (text: string) => void): Chunks {
  const pieces = unpacked(file.path)[Symbol.asyncIterator]()
  let skip = file.offset
  let { offset } = file
  let rest = Buffer.alloc(0)
  let done = false
  let whole = false
  const next = async (): Promise<string | null> => {
    while (!done) {
      const piece = await pieces.next().catch(() => {
        cut(`${file.path} cannot be unpacked to its end yet.`)
        done = true
        return undefined
      })
      if (piece === undefined) return null
      if (piece.done) {
        done = whole = true
        offset += rest.length
        return rest.length > 0 ? rest.toString('utf8') : null
      }
      const fresh = piece.value.subarray(Math.min(skip, piece.value.length))
      skip -= piece.value.length - fresh.length
      const bytes = rest.length === 0 ? fresh : Buffer.concat([rest, fresh])
      const end = bytes.lastIndexOf(LF)
      rest = Buffer.from(bytes.subarray(end + 1))
      if (rest.length > LONGEST_LINE) {
        cut(`${file.path}: a line of more than ${LONGEST_LINE} bytes was skipped.`)
        offset += rest.length
        rest = Buffer.alloc(0)
      }
      if (end === -1) continue
      offset += end + 1
      return bytes.toString('utf8', 0, end)
    }
    return null
  }
  const close = async () => void (await pieces.return?.())
  return { next, offset: () => offset, ended: () => whole, close }
}
