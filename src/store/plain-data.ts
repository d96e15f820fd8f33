// Finds what JSON could not hold in data that came out of YAML, and data that has no end.

/** Values in a file with its aliases written out. */
const MOST_VALUES = 5_000_000
/** Levels of lists and maps in each other. */
export const DEEPEST = 200

/** The first value that JSON could not hold. */
export function notPlain(
  value: unknown,
  path: readonly PropertyKey[],
  budget: { values: number },
): { path: readonly PropertyKey[]; problem: string; mend: string } | undefined {
  budget.values++
  if (budget.values > MOST_VALUES)
    return {
      path: [],
      problem: 'the aliases (*name) of this file multiply beyond all measure',
      mend: 'Write the values out, or use fewer aliases.',
    }
  if (path.length > DEEPEST)
    return {
      path: path.slice(0, 8),
      problem: `values are nested more than ${DEEPEST} levels deep, or a value contains itself`,
      mend: 'Write it with fewer levels.',
    }
  if (typeof value === 'number' && !Number.isFinite(value))
    return { path, problem: `${value} is not a number that can be used`, mend: 'Write a number, or text in quotes.' }
  if (typeof value !== 'object' || value === null)
    return typeof value === 'bigint'
      ? { path, problem: 'the number is too large', mend: 'Write it in quotes.' }
      : undefined
  if (Object.getPrototypeOf(value) !== Object.prototype && !Array.isArray(value))
    return {
      path,
      problem: 'YAML tags such as !!binary or !!set are not supported',
      mend: 'Write plain text or a list.',
    }
  for (const [key, child] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
    const fault =
      key === '__proto__'
        ? { path, problem: 'the key "__proto__" is not allowed', mend: 'Use another key.' }
        : notPlain(child, [...path, key], budget)
    if (fault) return fault
  }
  return undefined
}
