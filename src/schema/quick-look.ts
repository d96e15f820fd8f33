// Quick looks at values that came from JSON: a hundred thousand ordinary ones take a schema as long as all the rest of their reading.

/** true: the schema takes the value as it is. false says nothing. */
export type Look = (value: unknown) => boolean

export const isText: Look = (value) => typeof value === 'string'
export const isCount: Look = (value) => Number.isSafeInteger(value) && (value as number) >= 0
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether an object has all the `needed` keys, and each of its keys looks plain; a key without a look is for the schema to judge. */
export function isPlain(value: unknown, needed: readonly string[], looks: ReadonlyMap<string, Look>): boolean {
  if (!isObject(value)) return false
  for (const key of needed) if (!Object.hasOwn(value, key)) return false
  for (const key of Object.keys(value)) if (!looks.get(key)?.(value[key])) return false
  return true
}
