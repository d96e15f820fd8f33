// Randomness that a seed decides: the order of the calls and the jitter of the retries, the same every time.

/** A number in [0, 1) that depends on the text alone (FNV-1a, then the finaliser of MurmurHash3). */
export function unitOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/** The items in an order that the seed decides (Fisher and Yates, in the form of Durstenfeld); the list itself stays as it is. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const order = [...items]
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(unitOf(`${seed}/${i}`) * (i + 1))
    const [a, b] = [order[i], order[j]]
    order[i] = b as T
    order[j] = a as T
  }
  return order
}
