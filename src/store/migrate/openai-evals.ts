// OpenAI evals: samples.jsonl, and the registry YAML that says how they are graded.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { readText, type SourceFile, sourceFile } from '../source-text.ts'
import { addSamples, messagesOf, MOST_SAMPLES, type Sample } from './chat-samples.ts'
import { filesNamed, readData, readLines, textIn } from './files.ts'
import { judgeProblem } from './judges.ts'
import { type Made, nothingMade, notEmpty } from './made.ts'
import { unnamedModel } from './model.ts'
import { slug } from './names.ts'
import {
  changed,
  child,
  type Data,
  entries,
  isMap,
  isScalar,
  items,
  type Job,
  leaveOthers,
  left,
  type Part,
  textOf,
} from './parts.ts'
import { gradedBy } from './promptfoo/cases.ts'
import { problemOf } from './promptfoo/assertions.ts'

/** How an eval grades: the class of the registry, with its arguments. */
type Grading = { kind: string; ignoreCase: boolean }
const graders = ['Match', 'Includes', 'FuzzyMatch', 'JsonMatch'] as const

/** Evals of a registry file: one suite for each whose samples can be read. */
export async function readRegistry(job: Job, root: Part): Promise<Made> {
  const made = nothingMade()
  for (const [name, part] of entries(root)) {
    const spec = textOf(child(part, 'class'))
    if (spec === undefined) continue
    leaveOthers(job, part, ['class', 'args', 'description', 'metrics', 'id', 'disclaimer', 'key', 'group'])
    const args = child(part, 'args')
    const kind = spec.split(':').at(-1) ?? ''
    const samples = child(args, 'samples_jsonl')
    leaveOthers(job, args, ['samples_jsonl', 'ignore_case', 'max_tokens', 'eval_type', 'modelgraded_spec'])
    const judged = /ModelBased|modelgraded/i.test(spec)
    if (judged) left(job, part, judgeProblem('modelgraded') ?? '', name)
    else if (!graders.some((one) => one === kind)) {
      left(job, part, `its grader is Python of its own (${spec}), which is never run`, name)
      continue
    }
    const file = samples === undefined ? undefined : await samplesFile(job, samples)
    if (file === undefined) {
      if (samples === undefined) left(job, part, 'it names no samples', name)
      continue
    }
    const text = await textIn(job, part, file)
    if (text === undefined) continue
    const grading = { kind: judged ? 'judged' : kind, ignoreCase: child(args, 'ignore_case')?.value === true }
    add(job, made, slug(name.split('.')[0] ?? name, 'eval'), readLines(job, text, file), grading, root)
  }
  return made
}

/** Samples stand in the folder data beside the folder of the registry. */
async function samplesFile(job: Job, part: Part): Promise<SourceFile | undefined> {
  const name = textOf(part) ?? ''
  const folders = ['.', '../data', 'data', '..']
  const folder = folders.find((one) => existsSync(resolve(part.source.dir, one, name))) ?? '../data'
  // The registry is one folder with evals/ and data/ in it, wherever one stands.
  const data = resolve(part.source.dir, '../data')
  const roots = existsSync(data) ? [...job.roots, data] : job.roots
  const [file] = await filesNamed({ ...job, roots }, part, `${folder}/${name}`)
  return file
}

/** Samples alone: how they are graded is looked for in the registry beside them. */
export async function readSamples(job: Job, rows: readonly Part[], root: Part, file: SourceFile): Promise<Made> {
  const made = nothingMade()
  const found = await gradingOf(file)
  const folder = basename(dirname(file.path))
  const stem = basename(file.path).replace(/\.\w+$/, '')
  const name = slug(found?.name ?? (stem === 'samples' ? folder : stem), 'samples')
  if (found === undefined)
    changed(
      job,
      root,
      'no registry file says how these samples are graded: an answer has to begin with the ideal one (Match), as most do',
      'grading',
    )
  const grading = found?.grading ?? { kind: 'Match', ignoreCase: false }
  if (grading.kind === 'judged') left(job, root, judgeProblem('modelgraded') ?? '', name)
  add(job, made, name, rows, grading, root)
  return made
}

/** The eval of `registry/evals/*.yaml` that names these samples. */
async function gradingOf(file: SourceFile): Promise<{ name: string; grading: Grading } | undefined> {
  const folder = resolve(dirname(file.path), '../../evals')
  const own = `${basename(dirname(file.path))}/${basename(file.path)}`
  for (const one of (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).sort()) {
    const text = await readText(sourceFile(folder, join(folder, one))).catch(() => '')
    if (!text.includes(own)) continue
    for (const [name, part] of entries(readData(text, sourceFile(folder, one)))) {
      const args = child(part, 'args')
      if (textOf(child(args, 'samples_jsonl')) !== own) continue
      const spec = textOf(child(part, 'class')) ?? ''
      const kind = /ModelBased/.test(spec) ? 'judged' : (spec.split(':').at(-1) ?? '')
      return {
        name: name.split('.')[0] ?? name,
        grading: { kind, ignoreCase: child(args, 'ignore_case')?.value === true },
      }
    }
  }
  return undefined
}

function add(job: Job, made: Made, name: string, rows: readonly Part[], grading: Grading, root: Part): void {
  if (rows.length > MOST_SAMPLES)
    left(job, root, `it has ${rows.length} samples; the first ${MOST_SAMPLES} were read`, name)
  const samples = rows.slice(0, MOST_SAMPLES).flatMap((row, i): Sample[] => {
    if (!isMap(row.value)) {
      left(job, row, 'it is no sample')
      return []
    }
    leaveOthers(job, row, ['input', 'ideal', 'id'])
    const said = messagesOf(job, row, row.value.input)
    if (said === undefined) return []
    return [{ part: row, id: textOf(child(row, 'id')) ?? `sample-${i + 1}`, said, assert: graded(job, row, grading) }]
  })
  if (samples.length === 0) return
  const model = made.models.unnamed === undefined ? unnamedModel(job, made, root) : 'unnamed'
  addSamples(made, name, model, samples)
}

function graded(job: Job, row: Part, { kind, ignoreCase }: Grading): Data[] {
  const ideal = child(row, 'ideal')
  const all = items(ideal).flatMap((one) => (isScalar(one.value) ? [String(one.value)] : []))
  if (kind === 'judged') return [notEmpty]
  if (all.length === 0) {
    left(job, row, 'it has no ideal answer', 'ideal')
    return [notEmpty]
  }
  if (kind === 'FuzzyMatch')
    changed(
      job,
      row,
      'FuzzyMatch also forgives articles, punctuation and answers that are part of the ideal one; this does not',
      'ideal',
    )
  const made = assertionOf(kind, all, ignoreCase)
  const problem = typeof made === 'string' ? made : problemOf(job, made)
  if (typeof made !== 'string' && problem === null) return [made]
  left(job, ideal ?? row, problem ?? '', 'ideal')
  return gradedBy(job, row, [])
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** The assertion with the meaning of a grader (evals/elsuite/basic of openai/evals). */
function assertionOf(kind: string, ideal: readonly string[], ignoreCase: boolean): Data | string {
  const [only = '', ...more] = ideal
  switch (kind) {
    case 'Includes':
      return ignoreCase ? { icontains_any: ideal } : more.length === 0 ? { contains: only } : { contains_any: ideal }
    case 'FuzzyMatch':
      return { icontains_any: ideal.map((one) => one.trim()) }
    case 'JsonMatch':
      try {
        return { json_schema: { enum: ideal.map((one) => JSON.parse(one) as unknown) } }
      } catch {
        return 'the ideal answer is no JSON'
      }
    default:
      return more.length === 0 ? { starts_with: only } : { regex: `^(?:${ideal.map(escaped).join('|')})` }
  }
}
