// A promptfoo config as a project: prompts with versions, models, and a suite for each prompt.
import { literally, variablesOf } from '../liquid-text.ts'
import { type Made, type MadeMessage, nothingMade } from '../made.ts'
import { onceOnly, slug } from '../names.ts'
import { changed, child, type Data, items, type Job, leaveOthers, left, numberOf, type Part, textOf } from '../parts.ts'
import { casesFor, type Combination, combinationsOf, PREFIX, SUFFIX } from './cases.ts'
import { httpTarget } from './http.ts'
import { type ReadPrompt, readPrompts } from './prompts.ts'
import { type Asked, type Providers, readProviders } from './providers.ts'
import { readTests } from './tests.ts'
import { nobody } from '../addresses.ts'

const known = [
  'description', 'prompts', 'providers', 'targets', 'tests', 'testCases', 'scenarios', 'defaultTest', 'assertionTemplates',
  'evaluateOptions', 'outputPath', '$schema',
] // biome-ignore format: one list

/** Prompts that use the same variables are versions of one prompt. */
type Family = {
  name: string
  input: readonly string[]
  versions: { prompt: ReadPrompt; messages: readonly MadeMessage[] }[]
}

/** @param base what the made files are called after, where the config does not say */
export async function readPromptfoo(job: Job, root: Part, base: string): Promise<Made> {
  leaveOthers(job, root, known)
  const output = child(root, 'outputPath')
  if (output) changed(job, output, 'results are written by `aigate eval --reporter json:results.json`')
  const tests = await readTests(job, root)
  const combinations = await combinationsOf(job, tests)
  const prompts = await readPrompts(job, child(root, 'prompts') ?? defaultPrompt(job, root))
  const asked = await readProviders(job, items(child(root, 'providers') ?? child(root, 'targets')))
  if (combinations.length === 0)
    left(job, child(root, 'tests') ?? root, 'no test could be read, so that there is no suite', 'tests')
  const families = await familiesOf(job, prompts, combinations, base)
  const made = nothingMade()
  const setting: Setting = { job, root, combinations, asked: withSomebody(job, root, asked), made, once: onceOnly() }
  for (const family of families) await familySuites(setting, family, families)
  const { models } = setting.asked
  // Only what a suite or a choice on the command line can name is written.
  made.models = models
  made.providers = Object.fromEntries(
    Object.entries(setting.asked.providers).filter(([name]) =>
      Object.values(models).some(({ provider }) => provider === name),
    ),
  )
  return made
}

const defaultPrompt = (job: Job, root: Part): Part => {
  changed(job, root, 'it has no prompts: {{ prompt }} was written, as promptfoo does', 'prompts')
  return { ...root, value: ['{{ prompt }}'], path: ['prompts'] }
}

/** Without any provider a suite would have no model. */
function withSomebody(job: Job, root: Part, asked: Providers): Providers {
  if (asked.asked.length > 0) return asked
  left(
    job,
    root,
    'it names no provider that could be read: a model "unnamed" that answers from recordings stands in its place',
    'providers',
  )
  return {
    asked: [{ part: root, ids: [], prompts: [], model: 'unnamed', target: {} }],
    providers: { [nobody.name]: nobody.config },
    models: { unnamed: { provider: nobody.name, id: 'unnamed' } },
  }
}

type Setting = {
  job: Job
  root: Part
  combinations: readonly Combination[]
  asked: Providers
  made: Made
  once: (name: string) => string
}

/** The variables of a request: of its address and of every text in its body. */
async function inputOf({ http }: Data): Promise<string[]> {
  const { url, body } = http as Data
  const texts: string[] = []
  JSON.stringify([url, body], (_, value: unknown) => {
    if (typeof value === 'string') texts.push(value)
    return value
  })
  return [...new Set((await Promise.all(texts.map(variablesOf))).flat())]
}

async function familiesOf(
  job: Job,
  prompts: readonly ReadPrompt[],
  all: readonly Combination[],
  base: string,
): Promise<Family[]> {
  const families: Family[] = []
  for (const prompt of prompts) {
    const messages = wrapped(job, prompt, all)
    try {
      const input = new Set<string>()
      for (const { template } of messages) for (const name of await variablesOf(template)) input.add(name)
      const list = [...input]
      const same = families.find(
        (one) => one.input.length === list.length && one.input.every((name) => input.has(name)),
      )
      if (same) same.versions.push({ prompt, messages })
      else families.push({ name: '', input: list, versions: [{ prompt, messages }] })
    } catch (error) {
      const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''
      left(job, prompt.part, `it is no template that Liquid can read: ${why}`, `the prompt ${prompt.title}`)
    }
  }
  const once = onceOnly()
  return families.map((family) => {
    const title = family.versions[0]?.prompt.title ?? ''
    const name = families.length === 1 ? base : title === '' ? base : slug(`${base}-${slug(title, 'prompt')}`, base)
    return { ...family, name: once(name) }
  })
}

/** With variables before and behind the text, where a test puts something there. */
function wrapped(job: Job, { part, messages }: ReadPrompt, all: readonly Combination[]): readonly MadeMessage[] {
  const prefix = all.some(({ test }) => test.prefix !== '')
  const suffix = all.some(({ test }) => test.suffix !== '')
  const [only, ...more] = messages
  if (!prefix && !suffix) return messages
  if (only === undefined || more.length > 0) {
    left(job, part, 'a prefix or suffix of the tests around a chat')
    return messages
  }
  return [{ ...only, template: `${prefix ? `{{ ${PREFIX} }}` : ''}${only.template}${suffix ? `{{ ${SUFFIX} }}` : ''}` }]
}

const asks = ({ prompts }: { prompts: readonly string[] }, { names }: ReadPrompt) =>
  prompts.length === 0 ||
  prompts.some(
    (one) => names.includes(one) || (one.endsWith('*') && names.some((name) => name.startsWith(one.slice(0, -1)))),
  )

async function familySuites(setting: Setting, family: Family, families: readonly Family[]): Promise<void> {
  const { job, root, made, asked, combinations } = setting
  const [first] = family.versions
  if (first === undefined) return
  const mine = combinations.filter(({ test }) => family.versions.some(({ prompt }) => asks(test, prompt)))
  if (mine.length === 0) return
  const ofFirst = mine.filter(({ test }) => asks(test, first.prompt))
  const able = asked.asked.filter((one) => one.model !== undefined && asks(one, first.prompt))
  const model = able.find((one) => asked.models[one.model ?? '']?.provider !== nobody.name) ?? able[0]
  const elsewhere = new Set(families.flatMap((one) => one.input))
  const about = textOf(child(root, 'description'))
  const head = { ...(about === undefined ? {} : { description: about }), ...trialsOf(job, root) }
  const cases = (of: readonly Combination[], input = family.input) => casesFor(job, of, input, elsewhere)
  if (model?.model !== undefined) {
    const system = model.system === undefined ? [] : [{ role: 'system' as const, template: literally(model.system) }]
    family.versions.forEach(({ messages }, i) => {
      made.prompts.push({
        name: family.name,
        version: `1.${i}.0`,
        input: family.input,
        messages: [...system, ...messages],
      })
    })
    if (family.versions.length > 1) tellVersions(setting, family, mine)
    for (const one of able)
      if (one !== model && asked.models[one.model ?? '']?.provider !== nobody.name) tellModel(job, one)
    const target: Data = { prompt: `${family.name}@1.0.0`, model: model.model, ...model.target }
    if (ofFirst.length > 0)
      made.suites.push({ suite: setting.once(family.name), ...head, target, cases: cases(ofFirst) })
  }
  for (const one of asked.asked) {
    if (one.http === undefined) continue
    for (const { prompt, messages } of family.versions) {
      const asking = mine.filter(({ test }) => asks(test, prompt))
      if (!asks(one, prompt) || asking.length === 0) continue
      const [only, ...more] = messages
      const target = httpTarget(job, one.http, more.length === 0 ? only?.template : undefined)
      if (target === undefined) continue
      made.suites.push({
        suite: setting.once(suiteName(family, one)),
        ...head,
        target,
        cases: cases(asking, await inputOf(target)),
      })
    }
  }
}

const suiteName = ({ name }: Family, { ids }: Asked) => {
  const label = slug((ids[1] ?? '').slice(0, 24), '')
  return label === '' ? name : `${name}-${label}`
}

/** A suite has one model, where promptfoo asks every provider. */
const tellModel = (job: Job, { part, ids, model }: Asked) =>
  changed(
    job,
    part,
    `the suite asks the first model only; this one: \`aigate eval --model ${model}\``,
    ids.at(-1) ?? '',
  )

function tellVersions({ job }: Setting, { name, versions }: Family, all: readonly Combination[]): void {
  const [first] = versions
  for (const { test } of all) {
    if (first !== undefined && !asks(test, first.prompt))
      left(
        job,
        test.part,
        `it is meant for another prompt than version 1.0.0 of ${name}, which the suite asks`,
        'a test',
      )
    else if (!versions.every(({ prompt }) => asks(test, prompt)))
      changed(job, test.part, `it is not meant for every version of ${name}: --prompt asks it all the same`, 'a test')
  }
  versions.slice(1).forEach(({ prompt }, i) => {
    changed(
      job,
      prompt.part,
      `it is version 1.${i + 1}.0 of ${name}: \`aigate eval ${name} --prompt ${name}@1.${i + 1}.0\``,
      `the prompt ${prompt.title}`.trim(),
    )
  })
}

function trialsOf(job: Job, root: Part): { trials?: number } {
  const options = child(root, 'evaluateOptions')
  leaveOthers(job, options, ['repeat', 'maxConcurrency', 'showProgressBar', 'cache'])
  if (child(options, 'maxConcurrency'))
    changed(
      job,
      child(options, 'maxConcurrency') ?? root,
      '`concurrency` and `rpm` stand at the provider in aigate.yaml',
    )
  const repeat = numberOf(child(options, 'repeat'))
  return repeat !== undefined && Number.isInteger(repeat) && repeat > 0 && repeat <= 100 ? { trials: repeat } : {}
}
