// A fast 64-bit hash of texts, as two 32-bit halves: names of units and events need no room of their own.

/** The halves of the last hash: an object for each event would cost more than the hash. */
export const hashed = { high: 0, low: 0 }

/**
 * Hashes a text into `hashed.high` and `hashed.low` (unsigned, never both zero: that marks a free place). Two
 * multiplicative lanes over the UTF-16 code units with the finaliser of MurmurHash3; not for secrets. A million texts
 * have two alike with probability 3e-8.
 */
export function hashText(text: string, seed = 0): void {
  let a = 0xdeadbeef ^ seed
  let b = 0x41c6ce57 ^ seed
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    a = Math.imul(a ^ code, 2654435761)
    b = Math.imul(b ^ code, 1597334677)
  }
  a ^= text.length
  const low = mix(a ^ (b >>> 13))
  const high = mix(b ^ Math.imul(low, 0x9e3779b1))
  hashed.high = high
  hashed.low = high === 0 && low === 0 ? 1 : low
}

function mix(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
