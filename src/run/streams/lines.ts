// The lines of a body as they arrive, whatever the borders of its chunks: inside of a character, or between CR and LF.

/** No answer of an application or a model may be longer: 10 million bytes. */
const LONGEST_STREAM = 10_000_000

/** A stream that said more than an answer can be. */
export const tooLong = `The answer is longer than ${LONGEST_STREAM} bytes.`

/** The text of a body, piece by piece as UTF-8 allows. Throws Error when it is longer than 10 million bytes. */
export async function* textOf(body: AsyncIterable<Uint8Array> | null): AsyncGenerator<string> {
  // Takes a byte order mark away, and keeps the first bytes of a character until its last ones come.
  const decoder = new TextDecoder()
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.byteLength
    if (length > LONGEST_STREAM) throw new Error(tooLong)
    const text = decoder.decode(chunk, { stream: true })
    if (text !== '') yield text
  }
  const rest = decoder.decode()
  if (rest !== '') yield rest
}

/** The lines of a text in pieces, without their ends (LF, CR LF or CR), the last one also without an end. */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let waiting: string[] = []
  let endedByCr = false
  for await (const piece of pieces) {
    // The LF of a CR LF that was cut in two belongs to the line that was given out already.
    const text: string = endedByCr && piece.startsWith('\n') ? piece.slice(1) : piece
    if (text === '') continue
    endedByCr = text.endsWith('\r')
    const parts = text.split(/\r\n|\n|\r/)
    const last = parts.pop() ?? ''
    for (const part of parts) {
      yield waiting.join('') + part
      waiting = []
    }
    if (last !== '') waiting.push(last)
  }
  if (waiting.length > 0) yield waiting.join('')
}
