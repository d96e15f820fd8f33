// Data sets of Inspect: JSON, JSONL or CSV with input, target, choices, id and metadata.
import { addSamples, messagesOf, MOST_SAMPLES, type Sample } from './chat-samples.ts'
import { type Made, nothingMade } from './made.ts'
import { unnamedModel } from './model.ts'
import {
  changed,
  child,
  type Data,
  entries,
  isMap,
  isScalar,
  type Job,
  leaveOthers,
  left,
  type Part,
  textOf,
} from './parts.ts'
import { gradedBy, tagsOf } from './promptfoo/cases.ts'
import { problemOf } from './promptfoo/assertions.ts'

const known = ['input', 'target', 'choices', 'id', 'metadata']

/** @param rows samples; those of CSV have lists and metadata as JSON in a text */
export function readInspectData(job: Job, rows: readonly Part[], root: Part, name: string): Made {
  const made = nothingMade()
  changed(
    job,
    root,
    'Inspect keeps its scorer in Python: an answer has to contain the target (without regard to case), or to name the letter of the right choice',
    'scorer',
  )
  if (rows.length > MOST_SAMPLES) left(job, root, `it has ${rows.length} samples; the first ${MOST_SAMPLES} were read`)
  const samples = rows.slice(0, MOST_SAMPLES).flatMap((row, i) => sampleOf(job, row, i))
  if (samples.length === 0) return made
  addSamples(made, name, unnamedModel(job, made, root), samples)
  return made
}

function sampleOf(job: Job, row: Part, at: number): Sample[] {
  if (!isMap(row.value)) {
    left(job, row, 'it is no sample')
    return []
  }
  leaveOthers(job, row, known)
  const said = messagesOf(job, row, unpacked(row.value.input))
  if (said === undefined) return []
  const choices = listOf(unpacked(row.value.choices))
  const target = listOf(unpacked(row.value.target))
  const asked = choices.length === 0 ? said : withChoices(said, choices)
  const metadata = child(row, 'metadata')
  const facts = metadata === undefined ? undefined : { ...metadata, value: unpacked(metadata.value) }
  if (facts !== undefined && !isMap(facts.value) && entries(facts).length === 0 && facts.value !== '')
    left(job, facts, 'metadata that is no map')
  const id = textOf(child(row, 'id')) ?? ''
  return [
    {
      part: row,
      id: id === '' ? `sample-${at + 1}` : id,
      said: asked,
      assert: choices.length === 0 ? includes(job, row, target) : chosen(job, row, target, choices.length),
      tags: tagsOf(job, facts),
    },
  ]
}

/** In CSV a list or a map stands as JSON. */
function unpacked(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  try {
    return JSON.parse(value) as unknown
  } catch {
    return value
  }
}

const listOf = (value: unknown): string[] =>
  (Array.isArray(value) ? (value as unknown[]) : value === undefined || value === null || value === '' ? [] : [value])
    .filter(isScalar)
    .map(String)

const letter = (at: number) => String.fromCharCode(65 + at)

function withChoices(said: Sample['said'], choices: readonly string[]): Sample['said'] {
  const lines = choices.map((one, i) => `${letter(i)}) ${one}`).join('\n')
  const letters = choices.map((_, i) => letter(i)).join(', ')
  const ask = `\n\n${lines}\n\nEnd with a line "ANSWER: " and the letter of the right choice (${letters}).`
  const last = said.findLastIndex(({ role }) => role === 'user')
  return said.map((one, i) => (i === last ? { ...one, content: `${one.content}${ask}` } : one))
}

function includes(job: Job, row: Part, target: readonly string[]): Data[] {
  const [only = '', ...more] = target
  const made: Data = more.length === 0 ? { icontains: only } : { icontains_any: target }
  if (target.length > 0 && problemOf(job, made) === null) return [made]
  left(job, row, 'it has no target', 'target')
  return gradedBy(job, row, [])
}

/** The letter, or one of them, behind ANSWER. A target that is the text of a choice is not one of Inspect. */
function chosen(job: Job, row: Part, target: readonly string[], count: number): Data[] {
  const right = target.filter((one) => /^[A-Z]$/.test(one) && one.charCodeAt(0) - 65 < count)
  if (right.length === target.length && right.length === 1)
    // The last one counts, and it names one letter.
    return [
      {
        regex: {
          pattern: `ANSWER\\s*:\\s*\\(?${right[0] ?? ''}\\b(?!\\)?\\s*(?:,|/|&|or|and)\\s*\\(?[A-Z]\\b)(?![\\s\\S]*ANSWER\\s*:)`,
          flags: 'i',
        },
      },
    ]
  left(job, row, right.length > 1 ? 'several right choices' : 'its target is no letter of a choice', 'target')
  return gradedBy(job, row, [])
}

/** Whether rows look like samples of Inspect. */
export const isInspectRow = (value: unknown): boolean =>
  isMap(value) && value.input !== undefined && (value.target !== undefined || value.choices !== undefined)
