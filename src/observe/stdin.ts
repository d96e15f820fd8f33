// Lines of stdin: what has come so far, so that a look never waits for a pipe that stays open.
import process from 'node:process'

/** A pipe that was silent for so long (milliseconds) has nothing more for this look. */
const SILENCE = 500

/** Hands over the lines that came since the last call; a torn last line waits for its rest until stdin ends. */
export function stdinLines(): (take: (text: string) => void, signal: AbortSignal) => Promise<void> {
  const parts: string[] = []
  let rest = ''
  let ended = false
  let started = false
  let heard: () => void = () => undefined
  const start = () => {
    if (started) return
    started = true
    process.stdin.setEncoding('utf8')
    process.stdin.on('data', (text: string) => {
      parts.push(text)
      // No more than one piece waits: the pipe holds its writer back instead of filling the memory.
      process.stdin.pause()
      heard()
    })
    const end = () => {
      ended = true
      heard()
    }
    process.stdin.on('end', end).on('error', end)
  }
  return async (take, signal) => {
    start()
    for (;;) {
      signal.throwIfAborted()
      const text = rest + parts.splice(0).join('')
      const end = ended ? text.length : text.lastIndexOf('\n') + 1
      rest = text.slice(end)
      if (end > 0) take(text.slice(0, end))
      if (ended) return
      const more = await new Promise<boolean>((done) => {
        const timer = setTimeout(() => done(false), SILENCE)
        heard = () => {
          clearTimeout(timer)
          done(true)
        }
        process.stdin.resume()
      })
      if (!more && parts.length === 0) {
        process.stdin.pause()
        return
      }
    }
  }
}
