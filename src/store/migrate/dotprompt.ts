// Dotprompt: `.prompt` files with front matter, Picoschema or JSON Schema, and Handlebars.
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { LARGEST_FILE } from '../source-text.ts'
import type { FrontMatter } from './front-matter.ts'
import { type Made, type MadeMessage, nothingMade } from './made.ts'
import { addModel, unnamedModel } from './model.ts'
import { child, type Data, isMap, type Job, leaveOthers, left, type Part, textOf } from './parts.ts'
import { addPrompt } from './one-prompt.ts'
import { fromHandlebars } from './templates/handlebars.ts'

const known = ['name', 'description', 'model', 'config', 'input', 'output', 'metadata', 'variant', 'version']

export async function readDotprompt(job: Job, { head, body, line }: FrontMatter, name: string): Promise<Made> {
  const made = nothingMade()
  leaveOthers(job, head, known)
  const messages = await messagesOf(job, head, body, line)
  if (messages.length === 0) return made
  const input = child(head, 'input')
  leaveOthers(job, input, ['schema', 'default'])
  const defaults = child(input, 'default')?.value
  const output = child(head, 'output')
  leaveOthers(job, output, ['format', 'schema'])
  const schema = schemaOf(job, child(output, 'schema'))
  const model = child(head, 'model')
  const id = textOf(model)
  await addPrompt(job, made, head, {
    name,
    messages,
    model:
      model === undefined || id === undefined
        ? unnamedModel(job, made, head)
        : addModel(job, made, { id, at: model }, child(head, 'config')),
    samples: isMap(defaults) ? defaults : {},
    schema,
    json: textOf(child(output, 'format')) === 'json',
  })
  return made
}

async function messagesOf(job: Job, head: Part, body: string, line: number): Promise<MadeMessage[]> {
  const at = (offset: number): Part => ({
    ...head,
    path: [],
    source: { ...head.source, locate: () => ({ file: head.source.shown, line: line + offset - 1 }) },
  })
  try {
    const { pieces, troubles } = await fromHandlebars(body, (partial) => partialText(job, head, partial))
    for (const trouble of troubles) left(job, at(trouble.line), trouble.why, trouble.what)
    return pieces.map(({ role = 'user', template }) => ({ role, template }))
  } catch (error) {
    const said = error instanceof Error ? error.message : ''
    const where = Number(/line (\d+)/.exec(said)?.[1] ?? 1)
    left(job, at(where), `the template cannot be read: ${said.split('\n')[0] ?? ''}`, 'the prompt')
    return []
  }
}

/** A partial lies beside the prompt as `_name.prompt`, or under partials/. */
function partialText(job: Job, { source }: Part, name: string): string | undefined {
  if (!/^[\w.-]+$/.test(name)) return undefined
  const path = [`_${name}.prompt`, `partials/_${name}.prompt`, `partials/${name}.prompt`]
    .map((one) => resolve(source.dir, one))
    .find((one) => existsSync(one))
  if (path === undefined || statSync(path).size > LARGEST_FILE) return undefined
  const inside = job.roots.some((root) => !relative(realpathSync(root), realpathSync(path)).startsWith('..'))
  return inside
    ? readFileSync(path, 'utf8')
        .replaceAll('\r\n', '\n')
        .replace(/^---\n[\s\S]*?\n---\n/, '')
    : undefined
}

const scalars = new Set(['string', 'number', 'integer', 'boolean', 'null', 'any'])

/** JSON Schema of Picoschema (https://google.github.io/dotprompt/reference/picoschema); undefined where there is none. */
function schemaOf(job: Job, part: Part | undefined): Data | undefined {
  if (part === undefined) return undefined
  if (
    isMap(part.value) &&
    (typeof part.value.type === 'string' || part.value.$schema !== undefined) &&
    isMap(part.value.properties ?? {})
  )
    return part.value
  const schema = pico(part.value)
  if (schema === undefined) left(job, part, 'a schema with a name that only a program knows')
  return schema
}

function pico(value: unknown): Data | undefined {
  if (typeof value === 'string') {
    const [type = '', ...words] = value.split(',')
    const about = words.join(',').trim()
    if (!scalars.has(type.trim())) return undefined
    return { ...(type.trim() === 'any' ? {} : { type: type.trim() }), ...(about === '' ? {} : { description: about }) }
  }
  if (!isMap(value)) return undefined
  const properties: Data = {}
  const required: string[] = []
  let extra: Data | false = false
  for (const [key, inner] of Object.entries(value)) {
    const [, name = '', optional = '', kind = '', about = ''] =
      /^([^?(]+)(\??)(?:\(([^,)]*)(?:,\s*([^)]*))?\))?$/.exec(key) ?? []
    const one = field(kind.trim(), inner)
    if (one === undefined) return undefined
    if (name === '' || key.startsWith('(*)')) {
      extra = one
      continue
    }
    const described = about === '' ? one : { ...one, description: about }
    properties[name] = optional === '' ? described : nullable(described)
    if (optional === '') required.push(name)
  }
  return { type: 'object', properties, required, additionalProperties: extra }
}

function field(kind: string, inner: unknown): Data | undefined {
  if (kind === 'enum') return Array.isArray(inner) ? { enum: inner } : undefined
  const made = pico(inner)
  return kind === 'array' && made !== undefined ? { type: 'array', items: made } : made
}

const nullable = (one: Data): Data =>
  typeof one.type === 'string'
    ? { ...one, type: [one.type, 'null'] }
    : Array.isArray(one.enum)
      ? { ...one, enum: [...(one.enum as unknown[]), null] }
      : one
