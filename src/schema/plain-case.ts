// Knows ordinary cases by a quick look: ten thousand of them take the schema as long as all the rest of their reading.
import type { Case } from './suite.ts'

const ID = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/
const CATEGORY = /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/
/** A case with any other key is for the schema to judge. */
const KEYS = new Set(['id', 'category', 'tags', 'critical', 'vars'])

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

const isPlainValue = (value: unknown): value is string | boolean | number | null =>
  typeof value === 'string' || typeof value === 'boolean' || value === null || Number.isFinite(value)

const isTags = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((tag) => typeof tag === 'string' && tag !== '')

type Vars = Record<string, string | boolean | number | null>

function isVars(value: unknown): value is Vars {
  if (!isObject(value)) return false
  for (const name of Object.keys(value)) if (name === '__proto__' || !isPlainValue(value[name])) return false
  return true
}

/**
 * What the schema `Case` makes of a value that came from JSON, where it is an id with a category, tags and variables that are no
 * lists or objects. undefined says nothing: all others, and whatever is wrong, are for the schema.
 */
export function plainCase(value: unknown): Case | undefined {
  if (!isObject(value)) return undefined
  for (const key of Object.keys(value)) if (!KEYS.has(key)) return undefined
  const { id, category, tags = [], critical = false, vars = {} } = value
  if (typeof id !== 'string' || !ID.test(id)) return undefined
  if (!isTags(tags) || typeof critical !== 'boolean' || !isVars(vars)) return undefined
  if (!('category' in value)) return { id, tags, critical, vars, assert: [] }
  if (typeof category !== 'string' || !CATEGORY.test(category)) return undefined
  return { id, category, tags, critical, vars, assert: [] }
}
