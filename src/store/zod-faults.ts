// Turns what zod finds into plain sentences: which key, what was expected, what was found, how to mend it.
import * as z from 'zod'
import { assertionKeys } from '../schema/assertion.ts'
import { choose, didYouMean, nearest } from './faults.ts'
import { isRequired, objectsAt, type Path, type Schema, shapeOf, unionOptionsAt } from './schema-walk.ts'
import { asShare, boundOf, expectation, formatOf, found, mendFalse, mendType } from './zod-words.ts'

type Issue = z.core.$ZodIssue

/** What is wrong at a path of the data; `at: key` means the key itself rather than its value. */
export type Finding = {
  path: Path
  at: 'key' | 'value'
  problem: string
  mend: string
  /** The required key that is missing, or the one that an unknown key probably means. */
  lacks?: string
  means?: string | undefined
}

/** What was read: the data, its schema, and the text of a scalar as it stands in the file (`1.10`, not 1.1). */
export type Reading = { data: unknown; schema: Schema; written: (path: Path) => string | undefined }

/** All findings of one failed parse. */
export function findingsOf(error: z.ZodError, reading: Reading): Finding[] {
  const findings = error.issues.flatMap((issue) => describe(issue, [], reading))
  // A misspelled required key is one mistake, not two.
  const misspelled = ({ path, lacks }: Finding) =>
    findings.some(({ means, path: other }) => means !== undefined && means === lacks && isChild(path, other))
  return findings.filter((one) => !misspelled(one))
}

const isChild = (parent: Path, child: Path) =>
  child.length === parent.length + 1 && parent.every((key, index) => key === child[index])

function describe(issue: Issue, base: Path, reading: Reading): Finding[] {
  const path = [...base, ...issue.path]
  const value = valueAt(reading.data, path)
  const here = (problem: string, mend: string): Finding[] => [
    { path, at: 'value', problem: prefix(path) + problem, mend },
  ]
  if (value === undefined && path.length > 0 && issue.code !== 'unrecognized_keys')
    return [missing(path, expectation([issue]))]
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, reading))
    case 'invalid_union':
      return describeUnion(issue, path, value, reading)
    case 'invalid_type':
      return here(
        `expected ${expectation([issue])}, found ${found(value)}`,
        mendType(issue.expected, value, path, reading.written(path)),
      )
    case 'invalid_value': {
      const known = issue.values.map(String)
      const list = issue.values.map((one) => JSON.stringify(one)).join(', ')
      const dym = typeof value === 'string' ? didYouMean(value, known) : ''
      const expected = known.length > 1 ? `one of ${list}` : list
      return here(
        `expected ${expected}, found ${found(value)}${dym}`,
        mendFalse(path, value, known) ?? `Write ${known.length > 1 ? 'one of these' : list}.`,
      )
    }
    case 'invalid_format':
      return here(`${formatOf(issue)}, found ${found(value)}`, 'Write it in this form.')
    case 'too_small':
    case 'too_big':
      return here(`${boundOf(issue)}, found ${found(value)}`, asShare(issue, value) ?? 'Change the value.')
    case 'not_multiple_of':
      return here(`expected a multiple of ${issue.divisor}`, 'Change the value.')
    case 'custom': {
      const mend: unknown = issue.params?.['mend']
      return here(lowerFirst(issue.message), typeof mend === 'string' ? mend : 'Change the value.')
    }
    default:
      return here(lowerFirst(issue.message), 'Change the value.')
  }
}

function missing(path: Path, expected: string): Finding {
  const parent = path.slice(0, -1)
  const key = String(path.at(-1))
  return {
    path: parent,
    at: 'value',
    problem: `${prefix(parent)}missing required key "${key}"`,
    mend: `Add "${key}:" with ${key === 'version' && expected === 'text' ? 'text such as 1.0.0' : expected}.`,
    lacks: key,
  }
}

function unknownKey(path: Path, key: string, reading: Reading): Finding {
  const data = valueAt(reading.data, path)
  const present = isRecord(data) ? Object.keys(data) : []
  const shapes = objectsAt(reading.schema, path).map((object) => Object.keys(object))
  const overlap = (keys: string[]) => keys.filter((one) => present.includes(one)).length
  const known = shapes.sort((a, b) => overlap(b) - overlap(a))[0] ?? []
  const free = known.filter((one) => !present.includes(one))
  return {
    path: [...path, key],
    at: 'key',
    problem: `${prefix(path)}unknown key "${key}"${didYouMean(key, free)}`,
    mend: choose(key, free, 'keys that are left', 'Remove it.'),
    means: nearest(key, free),
  }
}

/** A union says what each branch missed; only the branch that was meant is of interest. */
function describeUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  value: unknown,
  reading: Reading,
): Finding[] {
  if ('discriminator' in issue && issue.errors.length === 0) return wrongKind(issue, path, value)
  if (isRecord(value)) {
    const branches = unionOptionsAt(reading.schema, path).map((option) => shapeOf(option))
    if (branches.length === issue.errors.length && branches.filter((shape) => shape !== undefined).length > 1)
      return describeVariant(issue, path, value, branches, reading)
  }
  const fitting = issue.errors.filter((branch) => !branch.some(isMismatch))
  const meant = fitting.sort((a, b) => a.length - b.length)[0]
  if (meant !== undefined) return meant.flatMap((one) => describe(one, path, reading))
  const problem = `${prefix(path)}expected ${expectation([issue])}, found ${found(value)}`
  const expected = issue.errors.flat().some((one) => one.code === 'invalid_type' && one.expected === 'string')
  const takesTrue = issue.errors.flat().some((one) => one.code === 'invalid_value' && one.values.join() === 'true')
  const mend = takesTrue ? mendFalse(path, value, ['true']) : undefined
  const type = expected ? 'string' : 'other'
  return [{ path, at: 'value', problem, mend: mend ?? mendType(type, value, path, reading.written(path)) }]
}

function wrongKind(issue: Extract<Issue, { code: 'invalid_union' }>, path: Path, value: unknown): Finding[] {
  const known = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : []
  const list = known.map((one) => `"${one}"`).join(', ')
  const written = typeof value === 'string' ? value : ''
  return [
    {
      path,
      at: 'value',
      problem: `${prefix(path)}expected one of ${list}, found ${found(value)}${didYouMean(written, known)}`,
      mend: choose(written, known, 'known kinds', 'Remove it.'),
    },
  ]
}

/** A map that may be one of several kinds, told apart by the keys that each kind requires. */
function describeVariant(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  value: Record<string, unknown>,
  branches: (Record<string, Schema> | undefined)[],
  reading: Reading,
): Finding[] {
  const ranked = branches
    .map((shape, index) => {
      const required = Object.entries(shape ?? {}).flatMap(([key, field]) => (isRequired(field) ? [key] : []))
      return { index, shape, required, present: required.filter((key) => key in value) }
    })
    .sort((a, b) => b.present.length - a.present.length)
  const [first, second] = ranked
  if (first === undefined || first.present.length === 0) return unknownVariant(path, value, ranked, reading)
  if (second !== undefined && second.present.length === first.present.length) {
    const keys = ranked.flatMap(({ present }) => present).map((key) => `"${key}"`)
    const problem = `${prefix(path)}${[...new Set(keys)].join(' and ')} cannot stand together`
    const mend = path.at(-2) === 'assert' ? 'Make an entry of the list of each.' : 'Keep one of them.'
    return [{ path, at: 'value', problem, mend }]
  }
  return (issue.errors[first.index] ?? []).flatMap((one) => describe(one, path, reading))
}

function unknownVariant(
  path: Path,
  value: Record<string, unknown>,
  ranked: { shape: Record<string, Schema> | undefined; required: string[] }[],
  reading: Reading,
): Finding[] {
  const known = new Set(ranked.flatMap(({ shape }) => Object.keys(shape ?? {})))
  const unknown = Object.keys(value).find((key) => !known.has(key))
  const isAssertion = path.at(-2) === 'assert'
  const kinds = isAssertion ? assertionKeys : ranked.flatMap(({ required }) => required.slice(0, 1))
  if (unknown === undefined) {
    const problem = `${prefix(path)}${isAssertion ? 'this entry asserts nothing' : `expected one of the keys ${kinds.join(', ')}`}`
    const mend = isAssertion ? 'Add what the answer must satisfy, for example contains: refund.' : 'Add one of them.'
    return [{ path, at: 'value', problem, mend }]
  }
  if (!isAssertion) {
    const one = unknownKey(path, unknown, reading)
    const dym = didYouMean(unknown, kinds)
    return [
      { ...one, problem: `${prefix(path)}unknown key "${unknown}"${dym}`, mend: choose(unknown, kinds, 'keys', '') },
    ]
  }
  if (unknown === 'type' && typeof value['type'] === 'string') {
    // As promptfoo and others write it.
    const meant = value['type'].replaceAll('-', '_')
    const mend = kinds.includes(meant) ? `Write {${meant}: …}.` : 'Write it as in {contains: refund}.'
    return [{ path: [...path, unknown], at: 'key', problem: `${prefix(path)}the name of an assertion is its key, not "type"`, mend }] // biome-ignore format: one finding
  }
  const problem = `${prefix(path)}unknown assertion "${unknown}"${didYouMean(unknown, kinds)}`
  return [{ path: [...path, unknown], at: 'key', problem, mend: choose(unknown, kinds, 'assertions', '') }]
}

/** Whether a branch failed because the value is of another type altogether. */
function isMismatch(issue: Issue): boolean {
  if (issue.path.length > 0) return false
  if (issue.code === 'invalid_union') return issue.errors.every((branch) => branch.some(isMismatch))
  return issue.code === 'invalid_type' || issue.code === 'invalid_value'
}

function valueAt(data: unknown, path: Path): unknown {
  let value = data
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1)
const prefix = (path: Path) => (path.length > 0 ? `${z.core.toDotPath(path)}: ` : '')
