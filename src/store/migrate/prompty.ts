// Prompty: `.prompty` files, of both versions of its front matter, with Jinja or Mustache templates.
import { filesNamed, dataIn } from './files.ts'
import type { FrontMatter } from './front-matter.ts'
import { type Made, type MadeMessage, nothingMade, type Role } from './made.ts'
import { addModel, plainText, unnamedModel } from './model.ts'
import {
  changed,
  child,
  type Data,
  entries,
  isMap,
  items,
  type Job,
  leaveOthers,
  left,
  type Part,
  textOf,
} from './parts.ts'
import { addPrompt } from './one-prompt.ts'
import { fromHandlebars } from './templates/handlebars.ts'
import { fromNunjucks } from './templates/nunjucks.ts'

const known = [
  'name', 'description', 'authors', 'version', 'tags', 'metadata', 'model', 'sample', 'inputs', 'inputSchema', 'template',
  'outputs', '$schema', 'kind',
] // biome-ignore format: one list

export async function readPrompty(job: Job, { head, body, line }: FrontMatter, name: string): Promise<Made> {
  const made = nothingMade()
  leaveOthers(job, head, known)
  for (const key of ['outputs', 'metadata', 'authors', 'tags']) {
    const one = child(head, key)
    if (one !== undefined && key === 'outputs') left(job, one, 'the form of the answer: write an assertion json_schema')
  }
  const messages = await messagesOf(job, head, body, line)
  if (messages.length === 0) return made
  const model = modelOf(job, made, head)
  await addPrompt(job, made, head, { name, messages, model, samples: await samplesOf(job, head) })
  return made
}

/** Text is cut at the lines that hold a role and nothing else; what stands before the first is for the system. */
async function messagesOf(job: Job, head: Part, body: string, line: number): Promise<MadeMessage[]> {
  const parts: { role: Role; lines: string[]; line: number }[] = []
  for (const [i, one] of body.split('\n').entries()) {
    const [, role = ''] = /^\s*#?\s*(system|user|assistant|developer)(?:\[[^\]]*\])?\s*:\s*$/i.exec(one) ?? []
    if (role !== '') parts.push({ role: role.toLowerCase() as Role, lines: [], line: line + i })
    else if (parts.length === 0) {
      if (one.trim() !== '') parts.push({ role: 'system', lines: [one], line: line + i })
    } else parts.at(-1)?.lines.push(one)
  }
  const mustache = /mustache|handlebars/.test(JSON.stringify(child(head, 'template')?.value ?? ''))
  const all: MadeMessage[] = []
  for (const { role, lines, line: at } of parts) {
    const text = lines.join('\n').trim()
    const place = placeAt(head, at)
    if (text === '') continue
    if (/!\[[^\]]*\]\([^)]*\)/.test(text))
      left(job, place, 'a picture: aigate asks with text, so that it stands as text', 'the prompt')
    const done = mustache ? await mustacheText(job, place, text) : jinjaText(job, place, text)
    if (done === undefined) return []
    all.push({ role, template: done })
  }
  return all
}

const placeAt = (head: Part, line: number): Part => ({
  ...head,
  path: [],
  source: { ...head.source, locate: () => ({ file: head.source.shown, line }) },
})

function jinjaText(job: Job, place: Part, text: string): string | undefined {
  const liquid = fromNunjucks(text)
  if ('problem' in liquid) {
    left(job, place, `the template uses what Liquid cannot say: ${liquid.problem}`, 'the prompt')
    return undefined
  }
  for (const doubt of liquid.doubts) changed(job, place, doubt, 'the prompt')
  return liquid.text
}

async function mustacheText(job: Job, place: Part, text: string): Promise<string | undefined> {
  try {
    const { pieces, troubles } = await fromHandlebars(text)
    for (const { what, why } of troubles) left(job, place, why, what)
    return pieces.map(({ template }) => template).join('')
  } catch (error) {
    left(
      job,
      place,
      `the template cannot be read: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''}`,
      'the prompt',
    )
    return undefined
  }
}

function modelOf(job: Job, made: Made, head: Part): string {
  const model = child(head, 'model')
  const old = child(model, 'configuration')
  const connection = child(model, 'connection')
  leaveOthers(job, model, [
    'api',
    'apiType',
    'configuration',
    'connection',
    'parameters',
    'options',
    'id',
    'name',
    'provider',
    'response',
  ])
  leaveOthers(job, old, [
    'type',
    'name',
    'azure_deployment',
    'azure_endpoint',
    'api_version',
    'api_key',
    'organization',
    'base_url',
  ])
  leaveOthers(job, connection, ['kind', 'endpoint', 'apiKey', 'key', 'name', 'authenticationMode', 'usageDescription'])
  const id =
    textOf(model) ??
    plainText(child(model, 'id')) ??
    plainText(child(old, 'azure_deployment')) ??
    plainText(child(old, 'name'))
  if (model === undefined || id === undefined) return unnamedModel(job, made, model ?? head)
  const type = textOf(child(old, 'type')) ?? textOf(child(model, 'provider')) ?? textOf(child(old, 'kind'))
  const vendor = type === undefined ? undefined : /azure|foundry/i.test(type) ? 'azure' : type
  const endpoint = child(old, 'azure_endpoint') ?? child(old, 'base_url') ?? child(connection, 'endpoint')
  const url = plainText(endpoint)
  if (vendor === 'azure' && url === undefined)
    changed(job, endpoint ?? model, 'its address is in the environment: write base_url of the provider azure by hand')
  for (const key of [child(old, 'api_key'), child(connection, 'apiKey'), child(connection, 'key')])
    if (key !== undefined && plainText(key) !== undefined)
      left(job, key, 'a key is never copied: put it into the environment and name it in api_key_env')
  const parameters = child(model, 'parameters') ?? child(model, 'options')
  const base_url = url !== undefined && URL.canParse(url) ? url : undefined
  return addModel(
    job,
    made,
    { vendor, id, at: model, base_url, api_version: plainText(child(old, 'api_version')) },
    parameters,
  )
}

/** `sample:` (a map or a file), else the samples, examples and defaults of the inputs. */
async function samplesOf(job: Job, head: Part): Promise<Data> {
  const sample = child(head, 'sample')
  if (typeof sample?.value === 'string') {
    const reference = sample.value.replace(/^\$\{file:(.*)\}$/, '$1')
    const [file] = await filesNamed(job, sample, reference)
    const data = file === undefined ? undefined : await dataIn(job, sample, file)
    return isMap(data?.value) ? data.value : {}
  }
  if (isMap(sample?.value)) return sample.value
  const inputs = child(head, 'inputs') ?? child(head, 'inputSchema')
  const listed = child(inputs, 'properties') ?? inputs
  const named = Array.isArray(listed?.value)
    ? items(listed).map((one): [string, Part] => [textOf(child(one, 'name')) ?? '', one])
    : entries(listed)
  return Object.fromEntries(
    named.flatMap(([name, one]) => {
      const given = isMap(one.value)
        ? (child(one, 'sample') ?? child(one, 'example') ?? child(one, 'default'))?.value
        : one.value
      return name === '' || given === undefined ? [] : [[name, given]]
    }),
  )
}
