// The cosine of two embeddings.

/** Cosine of two vectors, -1 to 1. Throws RangeError where their lengths differ or one has no direction. */
export function cosine(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length || a.length === 0)
    throw new RangeError(`embeddings of ${a.length} and ${b.length} numbers cannot be compared`)
  const norm = (vector: readonly number[]) => Math.hypot(...vector)
  const size = norm(a) * norm(b)
  if (!(size > 0 && Number.isFinite(size))) throw new RangeError('an embedding of zeros has no direction')
  const dot = a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)
  return Math.min(1, Math.max(-1, dot / size))
}
