// The cases of one suite: every source in order, with what the suite adds to each, checked against each other.
import { AigateError } from '../errors.ts'
import type { Graders, LoadedPrompt, LoadedSuite, ResolvedModel } from '../ports.ts'
import type { CaseInfo } from '../schema/run.ts'
import { assertionsOf, type Case, type Suite } from '../schema/suite.ts'
import { caseAt, readCases, type WrittenCase } from './case-files.ts'
import { canonicalJson, sha256 } from '../content-hash.ts'
import { didYouMean, type Fault, faultError } from './faults.ts'
import { graderIdentity, modelIdentity } from './graders.ts'
import { type SourceFile, sourceFile } from './source-text.ts'
import type { Locate } from './yaml.ts'

/** A suite file that was read: `file` is shown relative to the root. */
export type SuiteFile = { suite: Suite; file: SourceFile; dir: string; locate: Locate }

/**
 * The cases in file order: inline ones first, then those of `cases_from`. What cannot be read is a problem; the rest
 * is read all the same, so that all problems can be told at once.
 */
export async function collectCases(
  root: string,
  { suite, file, dir, locate }: SuiteFile,
): Promise<{ cases: WrittenCase[]; problems: AigateError[] }> {
  const cases = suite.cases.map((one, index) => ({ case: one, ...caseAt(file, ['cases', index], locate) }))
  const problems: AigateError[] = []
  for (const [index, name] of suite.cases_from.entries()) {
    const source = sourceFile(dir, name)
    try {
      cases.push(...(await readCases({ path: source.path, shown: sourceFile(root, source.path).shown })))
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      problems.push(error.places[0]?.line === undefined ? namedHere(error, name, locate(['cases_from', index])) : error)
    }
  }
  const faults = duplicateFaults(cases)
  if (cases.length === 0 && problems.length === 0)
    faults.push({
      problem: `suite "${suite.suite}" has no cases`,
      mend: 'Add `cases:` with at least one case, or name files of cases under `cases_from:`.',
      place: locate([]),
    })
  if (faults.length > 0) problems.push(faultError(faults))
  return { cases, problems }
}

/** A file that could not be opened is a fault of the line that names it. */
function namedHere(error: AigateError, name: string, place: Fault['place']): AigateError {
  return new AigateError('bad_file', { problem: `cases_from: ${name}: ${error.message}`, mend: error.mend }, place)
}

function duplicateFaults(cases: readonly WrittenCase[]): Fault[] {
  if (new Set(cases.map((one) => one.case.id)).size === cases.length) return []
  const first = new Map<string, WrittenCase>()
  return cases.flatMap((one): Fault[] => {
    const before = first.get(one.case.id)
    if (before === undefined) {
      first.set(one.case.id, one)
      return []
    }
    const problem = `the case id "${one.case.id}" is used twice, first in ${before.file}:${before.line}`
    return [{ problem, mend: 'Give one of the two another id.', place: one.locate(['id']) }]
  })
}

/** Every case of a prompt gives exactly the variables that the prompt needs. */
export function variableFaults(cases: readonly WrittenCase[], prompt: LoadedPrompt): Fault[] {
  const ref = `${prompt.name}@${prompt.version}`
  const needed = new Set(prompt.input)
  return cases.flatMap((one): Fault[] => {
    const given = Object.keys(one.case.vars)
    if (given.length === needed.size && given.every((name) => needed.has(name))) return []
    const spare = given.filter((name) => !prompt.input.includes(name))
    const lacking = prompt.input.filter((name) => !given.includes(name))
    return [
      ...lacking.map((name) => ({
        problem: `case ${one.case.id} lacks variable "${name}" that prompt ${ref} needs`,
        mend: `Add "${name}" to \`vars\` of the case.`,
        place: one.locate([]),
      })),
      ...spare.map((name) => ({
        problem: `case ${one.case.id} gives variable "${name}" that prompt ${ref} does not use${didYouMean(name, lacking)}`,
        mend: `Remove it from \`vars\`, or use {{ ${name} }} in a new version of the prompt.`,
        place: one.locate(['vars', name], 'key'),
      })),
    ]
  })
}

/** Categories that the suite sets limits for, but that none of its cases has. */
export function categoryFaults({ suite, locate }: SuiteFile, cases: readonly WrittenCase[]): Fault[] {
  const known = categoriesOf(cases.map((one) => one.case))
  return Object.keys(suite.gate?.categories ?? {})
    .filter((name) => !known.includes(name))
    .map((name) => ({
      problem: `gate.categories: no case has the category "${name}"${didYouMean(name, known)}`,
      mend: known.length > 0 ? `The cases have: ${known.join(', ')}.` : 'Give cases a `category`, or remove it here.',
      place: locate(['gate', 'categories', name], 'key'),
    }))
}

export function categoriesOf(cases: readonly Case[]): string[] {
  return [...new Set(cases.flatMap(({ category }) => (category === undefined ? [] : [category])))]
}

/** A case with the assertions and the threshold of its suite, and its identity. */
export function finishCase(
  suite: Suite,
  { case: one, file, line }: WrittenCase,
  graders?: Graders,
  users: Readonly<Record<string, ResolvedModel>> = {},
): LoadedSuite['cases'][number] {
  const threshold = one.threshold ?? suite.threshold
  const all = suite.tags || one.tags.length > 1 ? [...new Set([...one.tags, ...(suite.tags ?? [])])] : one.tags
  // Where a case adds nothing, those of the suite are one list for all of them.
  const assert = one.assert.length === 0 ? suite.assert : [...one.assert, ...suite.assert]
  const whole: Case = { ...one, tags: all, assert }
  if (threshold !== undefined) whole.threshold = threshold
  if (suite.tools) whole.tools = { ...suite.tools, ...one.tools }
  const player = one.user && users[one.user.model]
  // Who plays decides what is said: it is in the hash of the case and in the key of every recording.
  if (one.user && player)
    whole.user = Object.assign({ ...one.user }, { played_by: sha256(canonicalJson(modelIdentity(player))) })
  const steps = one.max_steps ?? suite.max_steps
  if (steps !== undefined && (one.max_steps !== undefined || whole.tools)) whole.max_steps = steps
  const { id, category, tags, critical } = whole
  const info: CaseInfo = { id, hash: caseHash(whole, one.assert, suite.assert, graders), tags, critical, file, line }
  if (category !== undefined) info.category = category
  return { case: whole, info }
}

/**
 * SHA-256 (hex) of what a case asks and demands: variables, messages, assertions, threshold, and the models that grade it. Category, tags and
 * `critical` are no part of it, nor is anything of the prompt or the model: those are compared by the gate.
 */
function caseHash(whole: Case, own: Case['assert'], shared: Suite['assert'], graders: Graders | undefined): string {
  const graded = graders ? graderIdentity(assertionsOf(whole), graders) : []
  const assert = own.length === 0 ? textOf(shared) : `[${[...own, ...shared].map(canonicalJson).join(',')}]`
  let text = `{"assert":${assert}`
  if (graded.length > 0) text += `,"graded":${canonicalJson(graded)}`
  for (const key of hashed) if (whole[key] !== undefined) text += `,"${key}":${canonicalJson(whole[key])}`
  return sha256(`${text}}`)
}

/** In the order of canonical JSON, in which `assert` and `graded` come before. */
const hashed = ['max_steps', 'messages', 'state', 'threshold', 'tools', 'turns', 'user', 'vars'] as const

const sharedTexts = new WeakMap<Suite['assert'], string>()

/** What a suite adds to each of its cases is written out once. */
function textOf(assertions: Suite['assert']): string {
  const text = sharedTexts.get(assertions) ?? `[${assertions.map(canonicalJson).join(',')}]`
  sharedTexts.set(assertions, text)
  return text
}
