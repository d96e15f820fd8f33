// Named streams of random numbers for the simulations of doctor and power-check, and choices drawn from them.
import { type Random, randomFrom } from '../../statistics/draws.ts'

export type { Random } from '../../statistics/draws.ts'

/** A stream that depends on its name alone, so that no simulation hangs on which others ran before it. */
export const randomOf = (name: string): Random => randomFrom(hash(name))

/** FNV-1a, then the finaliser of MurmurHash3. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return value ^ (value >>> 16)
}

/** `count` of the items in random order (Fisher and Yates); all of them when there are fewer. */
export function chosen<T>(items: readonly T[], count: number, random: Random): T[] {
  const order = [...items]
  const size = Math.min(count, order.length)
  for (let i = 0; i < size; i++) {
    const j = i + Math.floor(random() * (order.length - i))
    const [a, b] = [order[i], order[j]]
    order[i] = b as T
    order[j] = a as T
  }
  return order.slice(0, size)
}

/** One of the items; undefined for none. */
export const oneOf = <T>(items: readonly T[], random: Random): T | undefined =>
  items[Math.floor(random() * items.length)]
