// The delimiter around text under test: looks random, is the same for the same text, and never occurs in it.
import { createHash } from 'node:crypto'

/** As somebody, or a model, may read it: upper and lower case, compatible forms and invisible characters alike. */
const readAs = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(/[\p{Cf}\p{Cc}\p{M}\s]/gu, '')
    .toLowerCase()

/**
 * A delimiter of 24 letters for these texts. It is seeded by their content, so that nobody who writes one of them can know
 * it; should it occur in one all the same, in whatever spelling, the next one is taken. So no text can close its fence.
 */
export function fenceFor(texts: readonly string[]): string {
  const seed = createHash('sha256')
  for (const text of texts) seed.update(`${text.length}\0`).update(text)
  const digest = seed.digest('hex')
  const read = texts.map(readAs)
  for (let attempt = 0; ; attempt++) {
    const hash = createHash('sha256').update(`fence ${attempt} ${digest}`).digest()
    // Sixteen letters that are not confused with each other, and no digit that a text would count with.
    const fence = [...hash.subarray(0, 24)].map((byte) => 'bcdfghjkmnpqrstv'[byte % 16]).join('')
    if (!read.some((text) => text.includes(fence))) return fence
  }
}
