// Cases of promptfoo's tests: lists of variables multiplied out, variables in variables filled in, assertions graded by them.
import { basename } from 'node:path'
import { filesNamed, isFile, textIn, dataIn } from '../files.ts'
import { renderText } from '../liquid-text.ts'
import { type MadeCase, notEmpty } from '../made.ts'
import { onceOnly, slug } from '../names.ts'
import { changed, type Data, entries, isMap, isScalar, type Job, left, type Part } from '../parts.ts'
import { fromNunjucks } from '../templates/nunjucks.ts'
import { type Fill, readAssertions } from './assertions.ts'
import type { ReadTest } from './tests.ts'

/** More cases than this are made of no test, and of no suite. */
export const MOST_CASES = 10_000
const DEEPEST = 5
/** Variables that stand for the texts which a test puts before and behind the prompt. */
export const PREFIX = 'prompt_prefix'
export const SUFFIX = 'prompt_suffix'

/** One combination of the variables of a test, filled in. */
export type Combination = { test: ReadTest; at: number; of: number; vars: Data; used: ReadonlySet<string> } & Pick<
  MadeCase,
  'assert' | 'threshold'
>

/** All combinations of all tests. A test with too many is left out, with a note. */
export async function combinationsOf(job: Job, tests: readonly ReadTest[]): Promise<Combination[]> {
  const all: Combination[] = []
  for (const test of tests) {
    const lists = await valueLists(job, test)
    const count = lists.reduce((product, [, values]) => product * values.length, 1)
    if (count + all.length > MOST_CASES) {
      left(
        job,
        test.part,
        `its lists of variables make ${count > 1e15 ? 'more than 10^15' : count} cases; at most ${MOST_CASES} are made of one file`,
        'a test',
      )
      continue
    }
    for (let at = 0; at < count; at++) all.push(await combination(job, test, pick(lists, at), [at, count]))
  }
  return all
}

type Lists = (readonly [string, unknown[]])[]

/** The combination with a number: the last variable changes fastest. */
export function pick(lists: Readonly<Lists>, at: number): Data {
  const vars: Data = {}
  let rest = at
  for (const [name, values] of [...lists].reverse()) {
    vars[name] = values[rest % values.length]
    rest = Math.floor(rest / values.length)
  }
  return Object.fromEntries(lists.map(([name]) => [name, vars[name]]))
}

async function valueLists(job: Job, test: ReadTest): Promise<Lists> {
  const lists: Lists = []
  for (const [name, part] of test.vars) {
    // A list whose first entry is no text is one value, as in promptfoo.
    const list = Array.isArray(part.value) && !test.whole && typeof part.value[0] === 'string'
    const values = list ? (part.value as unknown[]) : [part.value]
    const read: unknown[] = []
    for (const [i, value] of values.entries()) {
      const at = list ? { ...part, value, path: [...part.path, i] } : part
      read.push(...(isFile(value) ? await fileValues(job, at, value) : [value ?? '']))
    }
    lists.push([name, read.length === 0 ? [''] : read])
  }
  return lists
}

/** The texts of the files that a variable names; pictures, sounds and code are named and left empty. */
async function fileValues(job: Job, part: Part, reference: string): Promise<unknown[]> {
  if (/\.(?:py|[cm]?[jt]s)(?::\w+)?$/i.test(reference)) {
    left(job, part, 'a variable that code makes: code is never run')
    return []
  }
  if (/\.(jpe?g|png|gif|webp|bmp|svg|pdf|wav|mp3|mp4|ogg|flac|m4a|mov|avi|webm|docx|xlsx)$/i.test(reference)) {
    left(job, part, 'a picture, a sound or a document: aigate asks with text')
    return []
  }
  const texts: unknown[] = []
  for (const file of await filesNamed(job, part, reference)) {
    if (/\.ya?ml$/i.test(file.path)) {
      const data = await dataIn(job, part, file)
      if (data !== undefined) texts.push(JSON.stringify(data.value))
    } else {
      const text = await textIn(job, part, file)
      if (text !== undefined) texts.push(text.trim())
    }
  }
  return texts
}

async function combination(job: Job, test: ReadTest, raw: Data, [at, of]: [number, number]): Promise<Combination> {
  const used = new Set<string>()
  const vars: Data = {}
  for (const [name, value] of Object.entries(raw)) {
    const part = test.vars.get(name) ?? test.part
    vars[name] = typeof value === 'string' ? ((await render(job, part, value, raw, used, 0)) ?? value) : value
  }
  const fill: Fill = (part, text) => render(job, part, text, vars, used, 0)
  const { assert, threshold } = await readAssertions({ job, fill, threshold: test.threshold }, test.assert)
  const from = test.threshold ?? threshold
  return { test, at, of, vars, used, assert, ...(from === undefined ? {} : { threshold: from }) }
}

/** A text with its variables; they may hold others. Undefined, with a note, where Liquid cannot say it. */
async function render(
  job: Job,
  part: Part,
  text: string,
  vars: Data,
  used: Set<string>,
  depth: number,
): Promise<string | undefined> {
  if (!/\{\{|\{%/.test(text)) return text
  const liquid = fromNunjucks(text)
  if ('problem' in liquid) {
    left(job, part, `the template uses what Liquid cannot say: ${liquid.problem}`)
    return undefined
  }
  for (const name of Object.keys(vars)) if (liquid.text.includes(name)) used.add(name)
  try {
    const done = await renderText(liquid.text, vars)
    return done !== text && depth < DEEPEST && /\{\{\s*[\w.]+\s*\}\}/.test(done)
      ? render(job, part, done, vars, used, depth + 1)
      : done
  } catch (error) {
    left(
      job,
      part,
      `the template cannot be filled in: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''}`,
    )
    return undefined
  }
}

/**
 * The cases of one prompt: exactly the variables that it uses. What a test has besides is noted, unless an assertion or
 * another variable uses it; `elsewhere`: what other prompts use.
 */
export function casesFor(
  job: Job,
  all: readonly Combination[],
  input: readonly string[],
  elsewhere: ReadonlySet<string>,
): MadeCase[] {
  const once = onceOnly()
  return all.map(({ test, at, of, vars, used, assert, threshold }, index) => {
    const given: Data = Object.fromEntries(input.map((name) => [name, inputValue(test, name, vars)]))
    for (const name of input)
      if (!(name in vars) && name !== PREFIX && name !== SUFFIX)
        changed(
          job,
          test.part,
          `the prompt uses "${name}", which this test does not give: it is the empty text`,
          'a test',
        )
    for (const [name, part] of test.vars)
      if (!input.includes(name) && !used.has(name) && !elsewhere.has(name))
        left(job, part, 'neither a prompt nor an assertion uses this variable', `vars.${name}`)
    const judged = gradedBy(job, test.part, assert)
    const tags = tagsOf(job, test.metadata)
    return {
      id: once(`${idOf(test, vars, index)}${of > 1 ? `-${at + 1}` : ''}`),
      ...(test.description === undefined ? {} : { description: test.description }),
      ...(tags.length > 0 ? { tags } : {}),
      vars: given,
      assert: judged,
      ...(threshold === undefined || threshold < 0 || threshold > 1 ? {} : { threshold }),
    }
  })
}

const inputValue = (test: ReadTest, name: string, vars: Data): unknown =>
  name in vars ? vars[name] : name === PREFIX ? test.prefix : name === SUFFIX ? test.suffix : ''

/** A case that nothing grades could never fail. */
export function gradedBy(job: Job, part: Part, assert: readonly Data[]): Data[] {
  if (assert.some(({ weight }) => weight !== 0)) return [...assert]
  changed(
    job,
    part,
    'nothing that aigate can grade is said of its answer, so that only an empty one fails: write what a good answer has',
    'a test',
  )
  return [...assert, notEmpty]
}

function idOf(test: ReadTest, vars: Data, index: number): string {
  const first = Object.values(vars)
    .filter(isScalar)
    .map(String)
    .find((value) => value.trim() !== '')
  return slug(test.description ?? (first === undefined ? '' : basename(first)), `test-${index + 1}`)
}

/** Short facts of the metadata, as tags that `--tag` takes; anything else is named. */
export function tagsOf(job: Job, metadata: Part | undefined): string[] {
  return entries(metadata).flatMap(([name, part]) => {
    const values = Array.isArray(part.value) ? (part.value as unknown[]) : [part.value]
    if (values.every((value) => isScalar(value) && String(value).trim() !== '' && String(value).length <= 60))
      return values.map((value) => `${name}:${String(value)}`)
    if (part.value !== null && part.value !== '' && !(isMap(part.value) && Object.keys(part.value).length === 0))
      left(job, part, 'metadata that is no short text')
    return []
  })
}
