// Reads entries of a zip file (stored, deflate, Zstandard), each bounded in size before it is unpacked.
import { inflateRawSync } from 'node:zlib'
import { Decompress } from 'fzstd'
import { badResults } from './foreign.ts'

export type ZipEntry = { name: string; read(): Uint8Array }

/** Unpacked, of all entries that are read together. */
const MOST_UNPACKED = 512 * 1024 * 1024
/** Unpacked, of one entry. */
const MOST_ENTRY = 64 * 1024 * 1024
const MOST_ENTRIES = 200_000

const END_OF_DIRECTORY = 0x06054b50
const DIRECTORY_ENTRY = 0x02014b50
const LOCAL_ENTRY = 0x04034b50
/** Compression methods of APPNOTE 6.3.10, section 4.4.5. */
const [STORED, DEFLATE, ZSTD] = [0, 8, 93]

const mend = 'Copy the file again from where it was made.'

/**
 * The entries of the central directory, none unpacked yet. `read` unpacks one.
 * Throws AigateError `bad_file` for a torn archive, and when it would unpack to more than 64 MiB an entry or 512 MiB in all.
 */
export function zipEntries(bytes: Uint8Array, file: string): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const torn = (why: string) => badResults(file, `The zip archive is torn: ${why}.`, mend)
  const end = endOfDirectory(view)
  if (end === undefined) throw torn('its directory is missing')
  const count = view.getUint16(end + 10, true)
  if (count === 0xffff || count > MOST_ENTRIES)
    throw badResults(file, 'The zip archive has too many entries.', 'Split it.')
  const budget = { left: MOST_UNPACKED }
  const entries: ZipEntry[] = []
  let at = view.getUint32(end + 16, true)
  try {
    for (let i = 0; i < count; i += 1) {
      if (view.getUint32(at, true) !== DIRECTORY_ENTRY) throw torn('its directory is broken')
      const [method, packed, size] = [
        view.getUint16(at + 10, true),
        view.getUint32(at + 20, true),
        view.getUint32(at + 24, true),
      ]
      const [nameLength, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true))
      const local = view.getUint32(at + 42, true)
      const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + (nameLength ?? 0)))
      entries.push({ name, read: () => unpack({ bytes, view, file, name, method, packed, size, local, budget }) })
      at += 46 + (nameLength ?? 0) + (extra ?? 0) + (comment ?? 0)
    }
  } catch (error) {
    throw error instanceof RangeError ? torn('its directory is cut off') : error
  }
  return entries
}

/** The last record of the file; a comment of up to 64 KiB may follow it. */
function endOfDirectory(view: DataView): number | undefined {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 22 - 0xffff); at -= 1) {
    if (view.getUint32(at, true) === END_OF_DIRECTORY) return at
  }
  return undefined
}

type Packed = {
  bytes: Uint8Array
  view: DataView
  file: string
  name: string
  method: number
  packed: number
  size: number
  local: number
  budget: { left: number }
}

function unpack({ bytes, view, file, name, method, packed, size, local, budget }: Packed): Uint8Array {
  const torn = () => badResults(file, `The entry ${name} of the zip archive is torn.`, mend)
  if (size > Math.min(MOST_ENTRY, budget.left)) throw tooLarge(file, name)
  if (local + 30 > view.byteLength || view.getUint32(local, true) !== LOCAL_ENTRY) throw torn()
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true)
  if (start + packed > bytes.length) throw torn()
  const body = bytes.subarray(start, start + packed)
  budget.left -= size
  if (method === STORED && packed === size) return body
  try {
    // No more than the directory announced: an entry that lies about its size is broken.
    const plain = method === DEFLATE ? inflate(body, size) : method === ZSTD ? unzstd(body, size) : undefined
    if (plain?.length === size) return plain
  } catch {
    throw torn()
  }
  if (method === STORED || method === DEFLATE || method === ZSTD) throw torn()
  throw badResults(
    file,
    `The entry ${name} is packed by a method (${method}) that aigate does not know.`,
    'Pack it by deflate or Zstandard.',
  )
}

const tooLarge = (file: string, name: string) =>
  badResults(
    file,
    `The zip archive unpacks to too much (${name}).`,
    'At most 64 MiB an entry and 512 MiB in all are read.',
  )

const inflate = (body: Uint8Array, size: number): Uint8Array =>
  size === 0 ? new Uint8Array() : inflateRawSync(body, { maxOutputLength: size })

/** Frames as they come, and no byte beyond the announced size. A frame that wants a window above 64 MiB is refused. */
function unzstd(body: Uint8Array, size: number): Uint8Array {
  if (zstdWindow(body) > MOST_ENTRY) throw new RangeError('window')
  const plain = new Uint8Array(size)
  let filled = 0
  const stream = new Decompress((chunk) => {
    plain.set(chunk, filled)
    filled += chunk.length
  })
  stream.push(body, true)
  return plain.subarray(0, filled)
}

/** What the first frame wants to keep in memory, in bytes (RFC 8878, section 3.1.1.1): it is taken before anything is known. */
function zstdWindow(body: Uint8Array): number {
  const descriptor = body[4] ?? 0
  const oneSegment = ((descriptor >> 5) & 1) === 1
  if (!oneSegment) {
    const window = body[5] ?? 0
    const base = 2 ** (10 + (window >> 3))
    return base + (base / 8) * (window & 7)
  }
  const bytes = 2 ** (descriptor >> 6)
  const content = body.subarray(5 + ([0, 1, 2, 4][descriptor & 3] ?? 0)).subarray(0, bytes)
  return content.reduceRight((size, byte) => size * 256 + byte, 0)
}
