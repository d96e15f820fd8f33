// promptfoo's assertions as assertions of aigate; what has no equal is named.
import { parse as parseYamlText } from 'yaml'
import { Assertion } from '../../../schema/assertion.ts'
import { dataIn, filesNamed, isFile, textIn } from '../files.ts'
import { judgeProblem } from '../judges.ts'
import {
  changed,
  child,
  type Data,
  isMap,
  isScalar,
  items,
  type Job,
  leaveOthers,
  left,
  numberOf,
  type Part,
  textOf,
} from '../parts.ts'
import { knownForm, knownPath } from './javascript.ts'

/** The assertions of one test as far as they can be carried over, and the score from which on it passes. */
export type Graded = { assert: Data[]; threshold?: number }
/** Fills in the variables of a case; undefined, with a note, where that cannot be done. */
export type Fill = (part: Part, text: string) => Promise<string | undefined>
/** `threshold`: the score from which on the test passes, where it sets one: then weights and shares of a score decide. */
type Setting = { job: Job; fill: Fill; threshold?: number | undefined }
type Reading = { part: Part; value: unknown; threshold: number | undefined; job: Job }

const list = (value: unknown, split: (text: string) => string[]): string[] | undefined =>
  Array.isArray(value) ? value.filter(isScalar).map(String) : isScalar(value) ? split(String(value)) : undefined
/** Texts apart by commas, in quotation marks where they hold one (`parseCommaSeparatedValues` of promptfoo). */
export function commaTexts(text: string): string[] {
  const quoted = /\s*"((?:[^"\\]|\\.|"")*)"\s*(?:,|$)|([^,]*)(?:,|$)/gy
  const found: string[] = []
  while (quoted.lastIndex < text.length) {
    const [, inner, plain = ''] = quoted.exec(text) ?? []
    const one = inner === undefined ? plain.trim() : inner.replaceAll(/\\(["\\])|""/g, (_, sign: string) => sign ?? '"')
    if (one !== '') found.push(one)
  }
  return found
}
const texts =
  (key: string) =>
  ({ value }: Reading): Data | string => {
    const all = list(value, commaTexts)
    return all === undefined || all.length === 0 ? 'it has no texts' : { [key]: all }
  }
const text =
  (key: string) =>
  ({ value }: Reading): Data | string =>
    isScalar(value) ? { [key]: String(value) } : 'it has no text'
const scored =
  (method: string, from: number) =>
  ({ value, threshold = from }: Reading): Data | string =>
    isScalar(value) ? { similar: { to: String(value), method }, threshold } : 'it has no text to compare with'
const noEqual = (why: string) => () => why

/** One entry a type of promptfoo: the assertion, or why there is none. */
const types: Readonly<Record<string, (reading: Reading) => Data | string>> = {
  contains: text('contains'),
  icontains: text('icontains'),
  'contains-all': texts('contains'),
  'icontains-all': texts('icontains'),
  'contains-any': texts('contains_any'),
  'icontains-any': texts('icontains_any'),
  'starts-with': text('starts_with'),
  regex: text('regex'),
  equals: ({ value }) => (isScalar(value) ? { equals: String(value) } : { json_schema: { const: value } }),
  'is-json': ({ value }) => schemaOf(value),
  'is-refusal': () => ({ is_refusal: true }),
  latency: ({ threshold }) => (threshold === undefined ? 'it has no threshold' : { latency: threshold }),
  cost: ({ threshold }) => (threshold === undefined ? 'it has no threshold' : { cost: threshold }),
  'rouge-l': scored('rouge_l', 0.75),
  bleu: scored('bleu', 0.5),
  'word-count': ({ value }) => wordCount(value),
  'not-empty': () => ({ min_characters: 1 }),
  'min-length': ({ value, threshold }) => ({ min_characters: Number(value ?? threshold) }),
  'max-length': ({ value, threshold }) => ({ max_characters: Number(value ?? threshold) }),
  javascript: ({ value }) => (typeof value === 'string' ? javascript(value) : 'it has no code'),
  python: noEqual('Python is never run: write the check as an assertion, or as a program (`command`) or module'),
  ruby: noEqual('Ruby is never run: write the check as an assertion, or as a program (`command`)'),
  webhook: noEqual('a webhook is never called: write a program (`command`) that asks it'),
  levenshtein: noEqual('it counts edits, and `similar` of aigate takes a share: write {similar: {to: …, method: levenshtein}}'),
} // biome-ignore format: one table

const schemaOf = (value: unknown): Data | string => {
  if (value === undefined) return { is_json: true }
  const schema = typeof value === 'string' ? yamlOf(value) : value
  return isMap(schema) ? { json_schema: schema } : 'its schema cannot be read'
}
function yamlOf(value: string): unknown {
  try {
    return parseYamlText(value, { maxAliasCount: 100 })
  } catch {
    return undefined
  }
}
function wordCount(value: unknown): Data | string {
  const number = isScalar(value) ? Number(value) : Number.NaN
  if (isMap(value)) {
    const both = [
      value.min === undefined ? {} : { min_words: value.min },
      value.max === undefined ? {} : { max_words: value.max },
    ]
    return { every: both.filter((one) => Object.keys(one).length > 0) }
  }
  return Number.isInteger(number)
    ? { every: [{ min_words: number }, { max_words: number }] }
    : 'it has no number of words'
}
function javascript(code: string): Data | string {
  const known = knownForm(code)
  if (known === undefined) return 'JavaScript is never run: write the check as an assertion, or as a module of your own'
  return known.length === 1 ? (known[0] ?? '') : { every: known }
}

const common = [
  'type',
  'value',
  'threshold',
  'weight',
  'metric',
  'provider',
  'rubricPrompt',
  'assert',
  'transform',
  'config',
  '$ref',
]

/** All assertions of one test. `whole`: its list; a set with a threshold can only stand alone in it. */
export async function readAssertions(setting: Setting, whole: readonly Part[]): Promise<Graded> {
  const graded: Graded = { assert: [] }
  for (const part of whole) {
    if (textOf(child(part, 'type')) !== 'assert-set') {
      graded.assert.push(...(await readAssertion(setting, part)))
      continue
    }
    const threshold = numberOf(child(part, 'threshold'))
    leaveOthers(setting.job, part, ['type', 'assert', 'threshold', 'weight', 'metric'])
    if (threshold !== undefined && whole.length > 1) {
      left(setting.job, part, 'a set with a threshold beside other assertions: a case of aigate has one threshold')
      continue
    }
    const within = { ...setting, threshold: setting.threshold ?? threshold }
    const inner = await readAssertions(within, items(child(part, 'assert')))
    const weight = numberOf(child(part, 'weight')) ?? 1
    // Without a threshold of the test no weight matters but 0.
    const scored = setting.threshold !== undefined || weight === 0
    graded.assert.push(...(scored ? asOne(inner.assert, weight) : inner.assert))
    if (threshold !== undefined) graded.threshold = threshold
  }
  return graded
}

const weightOf = ({ weight }: Data) => (typeof weight === 'number' ? weight : 1)

/** The assertions of a set with weights that count together as its own does. */
function asOne(inner: readonly Data[], weight: number): Data[] {
  const sum = inner.reduce((all, one) => all + weightOf(one), 0)
  if (sum === 0 || sum === weight) return [...inner]
  return inner.map((one) => ({ ...one, weight: (weight * weightOf(one)) / sum }))
}

async function readAssertion({ job, fill, threshold: least }: Setting, part: Part): Promise<Data[]> {
  const written = textOf(child(part, 'type'))
  if (written === undefined) return leave(job, part, 'it has no type')
  const not = written.startsWith('not-') && written !== 'not-empty'
  const type = not ? written.slice(4) : written
  const judged = judgeProblem(type)
  if (judged !== undefined) return leave(job, part, judged, written)
  const make = Object.hasOwn(types, type) ? types[type] : undefined
  if (make === undefined) return leave(job, part, 'aigate has no such assertion', written)
  leaveOthers(job, part, common)
  const value = await valueOf({ job, fill }, part, type)
  if (value === unreadable) return []
  const made = make({ part, value, threshold: numberOf(child(part, 'threshold')), job })
  if (typeof made === 'string') return leave(job, part, made, written)
  const transform = child(part, 'transform')
  const code = textOf(transform) ?? ''
  const through = transform === undefined ? made : transformed(made, code)
  if (through === undefined) return leave(job, part, 'its transform is code, which is never run', written)
  if (through !== made && not)
    return leave(job, part, 'the opposite of what stands in a part of the answer: an answer without that part would pass', written) // biome-ignore format: one call
  const { equals } = (through.json_path ?? {}) as Data
  if (through !== made && (typeof equals === 'number' || typeof equals === 'boolean'))
    changed(job, part, `compared with ${equals} itself; promptfoo also takes the text "${equals}"`, written)
  const doubt = ownWay[type]
  if (doubt !== undefined) changed(job, part, doubt, written)
  if (type.startsWith('min-') || type.startsWith('max-') || type === 'not-empty')
    changed(job, part, 'promptfoo itself has no such assertion; this is what its name says', written)
  const done = finished(job, part, through, { written, not, scored: least !== undefined })
  if (least !== undefined && done.some((one) => inParts(one) || done.length > 1))
    changed(job, part, 'promptfoo scores it 1 or 0; here what of it holds counts in part towards the threshold of the test', written) // biome-ignore format: one call
  return done
}

/** What both tools measure by the same name, each in its own way. */
const ownWay: Readonly<Record<string, string>> = {
  'is-refusal': 'the phrases that are known as refusals are not those of promptfoo',
  'rouge-l': 'the score may differ a little: words are told apart in another way',
  bleu: 'the score may differ a little: it is smoothed in another way',
}

/** Every text of a list that is there counts in the score. */
const inParts = (one: Data) => [one.contains, one.icontains].some((texts) => Array.isArray(texts) && texts.length > 1)

/** The assertion turned round where the type begins with `not-`, with weight and name, if it can be graded. */
function finished(
  job: Job,
  part: Part,
  made: Data,
  { written, not, scored }: { written: string; not: boolean; scored: boolean },
): Data[] {
  const all = Array.isArray(made.every) ? (made.every as Data[]) : [made]
  if (not && all.length > 1) return leave(job, part, 'the opposite of several conditions', written)
  const several = Object.values(made).find(Array.isArray)
  if (not && /^(i?contains)$/.test(Object.keys(made)[0] ?? '') && (several?.length ?? 0) > 1)
    return leave(job, part, '"not all of them" cannot be said here', written)
  const weight = numberOf(child(part, 'weight'))
  const metric = textOf(child(part, 'metric'))
  const share = all.length > 1 && scored ? (weight ?? 1) / all.length : weight
  const done = all.map((one) => ({
    ...(not ? inverted(one) : one),
    ...(share === undefined ? {} : { weight: share }),
    ...(metric === undefined || metric === '' || /\{\{/.test(metric) ? {} : { name: metric }),
  }))
  for (const one of done) {
    const problem = problemOf(job, one)
    if (problem !== null) return leave(job, part, problem, written)
  }
  return done
}

/** Why an assertion cannot be used; null when it can. */
export function problemOf(job: Job, made: Data): string | null {
  const read = Assertion.safeParse(made)
  return read.success ? job.problemOf(read.data) : 'its value cannot be used'
}

const inverted = (made: Data): Data =>
  Object.fromEntries(
    Object.entries(made).map(([key, value], i) => [
      i > 0 ? key : key.startsWith('not_') ? key.slice(4) : `not_${key}`,
      value,
    ]),
  )

function transformed(made: Data, code: string): Data | undefined {
  if (code.trim() === 'output.trim()') return made
  const path = knownPath(code)
  if (path === undefined) return undefined
  if (typeof made.equals === 'string') return { json_path: { path, equals: valueIn(made.equals) } }
  return typeof made.contains === 'string' ? { json_path: { path, contains: made.contains } } : undefined
}

/** A number, true or false that stands as text: promptfoo compares both as text. */
function valueIn(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  return text !== '' && String(Number(text)) === text && Number.isFinite(Number(text)) ? Number(text) : text
}

function leave(job: Job, part: Part, why: string, what?: string): Data[] {
  left(job, part, why, what)
  return []
}

const unreadable = Symbol('unreadable')
/** The value with variables filled in; a file is read where it holds data, and named where it holds code. */
async function valueOf({ job, fill }: Setting, part: Part, type: string): Promise<unknown> {
  const at = child(part, 'value')
  if (at === undefined) return undefined
  if (isFile(at.value)) {
    if (!/\.(json|ya?ml|txt|md)$/i.test(at.value)) {
      left(job, at, 'code is never run', `${type} ${at.value}`)
      return unreadable
    }
    const [file] = await filesNamed(job, at, at.value)
    if (file === undefined) return unreadable
    const read = /\.(txt|md)$/i.test(file.path) ? await textIn(job, at, file) : (await dataIn(job, at, file))?.value
    return read === undefined ? unreadable : read
  }
  if (type === 'javascript') return at.value
  return filled(at, at.value, fill)
}

async function filled(at: Part, value: unknown, fill: Fill): Promise<unknown> {
  if (typeof value === 'string') return (await fill(at, value)) ?? unreadable
  if (!Array.isArray(value)) return value
  const all = await Promise.all(value.map((one: unknown) => (typeof one === 'string' ? fill(at, one) : one)))
  return all.includes(undefined) ? unreadable : all
}
