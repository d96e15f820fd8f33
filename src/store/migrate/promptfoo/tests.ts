// promptfoo's tests from everywhere they may stand: inline, in files, in rows of CSV, in scenarios, with defaultTest added.
import { extname } from 'node:path'
import { dataIn, filesNamed, isFile, readLines, readRows, textIn } from '../files.ts'
import {
  type Data,
  child,
  entries,
  isMap,
  items,
  type Job,
  leaveOthers,
  left,
  numberOf,
  type Part,
  textOf,
} from '../parts.ts'
import { AigateError } from '../../../errors.ts'
import { rowTest } from './rows.ts'

/** One test before its variables are multiplied out. */
export type ReadTest = {
  part: Part
  description: string | undefined
  vars: ReadonlyMap<string, Part>
  assert: readonly Part[]
  threshold: number | undefined
  prefix: string
  suffix: string
  /** Variables with lists are kept as lists. */
  whole: boolean
  metadata: Part | undefined
  prompts: readonly string[]
}

const known = ['description', 'vars', 'assert', 'threshold', 'options', 'metadata', 'prompts']
const code = /\.(js|cjs|mjs|ts|cts|mts|py)(:\w+)?$/i

/** All tests of a config, in its order; a config without tests has one without variables, as in promptfoo. */
export async function readTests(job: Job, root: Part): Promise<ReadTest[]> {
  const defaults = await defaultTest(job, child(root, 'defaultTest'))
  const templates = child(root, 'assertionTemplates')
  const read = async (part: Part) => readTest(job, part, defaults, templates)
  const tests = await collect(job, child(root, 'tests') ?? child(root, 'testCases'), read)
  for (const scenario of await openedList(job, child(root, 'scenarios')))
    tests.push(...(await scenarioTests(job, scenario, read)))
  if (tests.length > 0 || child(root, 'tests') !== undefined || child(root, 'scenarios') !== undefined) return tests
  return defaults === undefined ? [] : [await read({ ...root, value: {}, path: ['defaultTest'] })]
}

async function defaultTest(job: Job, part: Part | undefined): Promise<Part | undefined> {
  if (part === undefined || !isFile(part.value)) return part
  const [file] = await filesNamed(job, part, part.value)
  return file === undefined ? undefined : dataIn(job, part, file)
}

type Read = (part: Part) => Promise<ReadTest>

async function collect(job: Job, part: Part | undefined, read: Read): Promise<ReadTest[]> {
  const tests: ReadTest[] = []
  for (const one of items(part)) {
    if (typeof one.value === 'string') tests.push(...(await fileTests(job, one, one.value, read)))
    else if (isMap(one.value) && typeof one.value.path === 'string' && code.test(one.value.path))
      left(job, one, 'tests that code makes: code is never run', one.value.path)
    else if (isMap(one.value)) tests.push(await read(one))
    else left(job, one, 'it is no test')
  }
  return tests
}

async function fileTests(job: Job, part: Part, reference: string, read: Read): Promise<ReadTest[]> {
  if (/^(https?|huggingface):/.test(reference)) {
    left(job, part, 'tests from the network: save them as a file', reference)
    return []
  }
  if (code.test(reference)) {
    left(job, part, 'tests that code makes: code is never run', reference)
    return []
  }
  const tests: ReadTest[] = []
  for (const file of await filesNamed(job, part, reference)) {
    const ending = extname(file.path).toLowerCase()
    if (/^\.(ya?ml|json)$/.test(ending)) {
      const data = await dataIn(job, part, file)
      if (data !== undefined) tests.push(...(await collect(job, data, read)))
    } else if (ending === '.jsonl' || ending === '.csv') {
      const text = await textIn(job, part, file)
      if (text === undefined) continue
      try {
        const rows =
          ending === '.csv'
            ? (await readRows(text, file)).rows.map((row) => rowTest(job, row))
            : readLines(job, text, file)
        for (const row of rows) tests.push(await read(row))
      } catch (error) {
        if (!(error instanceof AigateError)) throw error
        left(job, part, error.message, file.shown)
      }
    } else left(job, part, `aigate reads no tests from ${ending === '' ? 'such a file' : ending}`, file.shown)
  }
  return tests
}

/** A list, or `file://` with a list in it. */
async function openedList(job: Job, part: Part | undefined): Promise<Part[]> {
  const all: Part[] = []
  for (const one of items(part)) {
    if (typeof one.value !== 'string') all.push(one)
    else for (const file of await filesNamed(job, one, one.value)) all.push(...items(await dataIn(job, one, file)))
  }
  return all
}

/** Every entry of `config` with every one of `tests`. */
async function scenarioTests(job: Job, part: Part, read: Read): Promise<ReadTest[]> {
  leaveOthers(job, part, ['config', 'tests', 'description'])
  const tests = await collect(job, child(part, 'tests'), read)
  const configs: ReadTest[] = []
  for (const one of await openedList(job, child(part, 'config')))
    configs.push(await readTest(job, one, undefined, undefined))
  return (configs.length === 0 ? [undefined] : configs).flatMap((config) =>
    (tests.length === 0 && config !== undefined ? [config] : tests).map((test) =>
      config === undefined || config === test ? test : over(config, test),
    ),
  )
}

/** A test of a scenario: its own words win over those of the configuration that it is multiplied with. */
const over = (config: ReadTest, test: ReadTest): ReadTest => ({
  ...test,
  description: test.description ?? config.description,
  vars: new Map([...config.vars, ...test.vars]),
  assert: [...config.assert, ...test.assert],
  threshold: test.threshold ?? config.threshold,
  prefix: test.prefix || config.prefix,
  suffix: test.suffix || config.suffix,
})

async function readTest(
  job: Job,
  part: Part,
  defaults: Part | undefined,
  templates: Part | undefined,
): Promise<ReadTest> {
  leaveOthers(job, part, known)
  leaveOthers(job, defaults, known)
  const both = [defaults, part]
  const options = both.map((one) => child(one, 'options'))
  for (const one of options)
    leaveOthers(
      job,
      one,
      ['prefix', 'suffix', 'disableVarExpansion', 'provider', 'rubricPrompt', 'storeOutputAs'],
      'an option that aigate does not have (code is never run)',
    )
  const said = (key: string) => [...options].reverse().flatMap((one) => textOf(child(one, key)) ?? [])[0]
  const vars = new Map<string, Part>()
  for (const one of both) for (const [name, value] of await variables(job, child(one, 'vars'))) vars.set(name, value)
  return {
    part,
    description: textOf(child(part, 'description')),
    vars,
    assert: both.flatMap((one) => items(child(one, 'assert')).map((each) => dereferenced(each, templates))),
    threshold: numberOf(child(part, 'threshold')) ?? numberOf(child(defaults, 'threshold')),
    prefix: said('prefix') ?? '',
    suffix: said('suffix') ?? '',
    whole: said('disableVarExpansion') === 'true',
    metadata: child(part, 'metadata'),
    prompts: items(child(part, 'prompts')).flatMap((one) => textOf(one) ?? []),
  }
}

/** The variables of a test; a file with variables may stand in their place. */
async function variables(job: Job, part: Part | undefined): Promise<[string, Part][]> {
  if (part === undefined || isMap(part.value)) return entries(part)
  const all: [string, Part][] = []
  for (const one of items(part)) {
    if (typeof one.value !== 'string') {
      left(job, one, 'these are no variables')
      continue
    }
    for (const file of await filesNamed(job, one, one.value)) all.push(...entries(await dataIn(job, one, file)))
  }
  return all
}

/** An assertion that refers to one of `assertionTemplates`. */
function dereferenced(part: Part, templates: Part | undefined): Part {
  const name = /^#\/assertionTemplates\/(.+)$/.exec(textOf(child(part, '$ref')) ?? '')?.[1]
  const found = name === undefined ? undefined : child(templates, name)
  return found === undefined ? part : { ...part, value: { ...(found.value as Data), ...(part.value as Data) } }
}
