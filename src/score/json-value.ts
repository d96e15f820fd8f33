// JSON in answers: read it, compare it, look for one value inside another.
import type { Json } from '../schema/values.ts'
import { shorten } from './reason.ts'

/** Deeper nesting is not accepted: walking it would exhaust the stack, and no honest answer needs it. */
const deepest = 500

export type Parsed = { ok: true; value: Json } | { ok: false; problem: string }

/** Largest number of brackets open at once, brackets inside strings left out. For valid JSON only: others take for ever. */
function depth(text: string): number {
  let open = 0
  let most = 0
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{\]}]/g)) {
    if (token === '[' || token === '{') most = Math.max(most, ++open)
    else if (token === ']' || token === '}') open -= 1
  }
  return most
}

/** Reads text as exactly one JSON value (RFC 8259). */
export function parseJson(text: string): Parsed {
  if (text.trim() === '') return { ok: false, problem: 'the answer is empty' }
  try {
    const value = JSON.parse(text) as Json
    if (depth(text) > deepest) return { ok: false, problem: `the answer is nested deeper than ${deepest} levels` }
    return { ok: true, value }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { ok: false, problem: `the answer is not JSON: ${shorten(why)}` }
  }
}

/** Reads the whole answer as JSON, or else the only fenced code block in it (``` or ```json), whatever stands around it. */
export function parseJsonAnswer(text: string): Parsed {
  const whole = parseJson(text)
  if (whole.ok) return whole
  const lines = text.split(/\r\n?|\n/)
  const fences = lines.flatMap((line, index) => (line.trimStart().startsWith('```') ? [index] : []))
  const [open, close] = fences
  if (fences.length !== 2 || open === undefined || close === undefined) return whole
  if (!/^\s*```\s*(json[c5]?)?\s*$/i.test(lines[open] ?? '') || !/^\s*```\s*$/.test(lines[close] ?? '')) return whole
  return parseJson(lines.slice(open + 1, close).join('\n'))
}

const isObject = (value: Json): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether `found` is `wanted`, or, with `subset`, has at least the members of `wanted` (lists have the same length either way). */
function alike(found: Json, wanted: Json, subset: boolean): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(found) &&
      found.length === wanted.length &&
      wanted.every((value, index) => alike(found[index] ?? null, value, subset))
    )
  }
  if (!isObject(wanted)) return found === wanted
  if (!isObject(found)) return false
  const keys = Object.keys(wanted)
  if (!subset && keys.length !== Object.keys(found).length) return false
  return keys.every((key) => Object.hasOwn(found, key) && alike(found[key] ?? null, wanted[key] ?? null, subset))
}

/** Deep equality of JSON values; the order of members does not matter, that of lists does. */
export const equalJson = (found: Json, wanted: Json): boolean => alike(found, wanted, false)

/** Whether `found` has at least the members of `wanted`, at every depth. */
export const includesJson = (found: Json, wanted: Json): boolean => alike(found, wanted, true)
