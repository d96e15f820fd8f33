// promptfoo's prompts: texts, files and chats, as messages with Liquid templates.
import { existsSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { dataIn, filesNamed, isFile, readLines, textIn, withoutScheme } from '../files.ts'
import type { MadeMessage, Role } from '../made.ts'
import { changed, child, entries, isMap, items, type Job, leaveOthers, left, type Part, textOf } from '../parts.ts'
import { fromNunjucks } from '../templates/nunjucks.ts'

/** `names`: by what providers and tests may name it. */
export type ReadPrompt = { part: Part; names: readonly string[]; title: string; messages: readonly MadeMessage[] }

const CODE = /\.(js|cjs|mjs|ts|cts|mts|py|rb|go|sh|exe)(:\w+)?$/i
const TEXT = /\.(txt|md|j2|jinja|jinja2|prompt)$/i
const roles: Readonly<Record<string, Role>> = {
  system: 'system', user: 'user', assistant: 'assistant', developer: 'developer', model: 'assistant', ai: 'assistant',
} // biome-ignore format: one table

export async function readPrompts(job: Job, part: Part | undefined): Promise<ReadPrompt[]> {
  const all: ReadPrompt[] = []
  const byFile = isMap(part?.value) && child(part, 'raw') === undefined
  const list = byFile ? entries(part).map(([file, label]) => labelled(file, label)) : items(part)
  for (const one of list) all.push(...(await readPrompt(job, one)))
  return all
}

/** The old form: a map from files to labels. */
const labelled = (file: string, label: Part): Part => ({
  ...label,
  value: { raw: file.startsWith('file://') ? file : `file://${file}`, label: label.value },
})

async function readPrompt(job: Job, part: Part): Promise<ReadPrompt[]> {
  if (Array.isArray(part.value)) return made(job, part, part.value, [], 'chat')
  if (isMap(part.value) && typeof part.value.role === 'string') return made(job, part, [part.value], [], 'chat')
  if (isMap(part.value)) return objectPrompt(job, part)
  const text = textOf(part)
  if (text === undefined) {
    left(job, part, 'it is no prompt')
    return []
  }
  return text.startsWith('file://') || looksLikeFile(part, text)
    ? filePrompt(job, part, text, [])
    : textPrompt(job, part, text, [])
}

async function objectPrompt(job: Job, part: Part): Promise<ReadPrompt[]> {
  leaveOthers(job, part, ['id', 'label', 'raw', 'content', 'display', 'prompts'])
  const names = [textOf(child(part, 'label')), textOf(child(part, 'id'))].flatMap((one) => one ?? [])
  const raw = child(part, 'raw') ?? child(part, 'content') ?? child(part, 'id')
  if (Array.isArray(raw?.value)) return made(job, part, raw.value, names, 'chat')
  const text = textOf(raw)
  if (text === undefined) {
    const [only, ...more] = entries(part)
    if (only !== undefined && more.length === 0 && looksLikeFile(part, only[0]))
      return filePrompt(job, part, only[0], [textOf(only[1]) ?? ''])
    left(job, part, 'it has no text')
    return []
  }
  return isFile(text) || looksLikeFile(part, text)
    ? filePrompt(job, part, text, names)
    : textPrompt(job, part, text, names)
}

/** A path without `file://` is one where it has an ending of a file, no line ends, and leads to a file. */
function looksLikeFile(part: Part, text: string): boolean {
  if (/\n|\{\{/.test(text) || text.length > 300) return false
  if (!/\.\w{1,6}(:\w+)?$|[*]/.test(text)) return false
  return CODE.test(text) || text.includes('*') || existsSync(resolve(part.source.dir, text))
}

async function filePrompt(job: Job, part: Part, reference: string, names: readonly string[]): Promise<ReadPrompt[]> {
  if (CODE.test(reference)) {
    left(job, part, 'a prompt that code makes: code is never run', withoutScheme(reference))
    return []
  }
  const all: ReadPrompt[] = []
  for (const file of await filesNamed(job, part, reference)) {
    const own = [...names, file.shown, basename(file.path), withoutScheme(reference), reference]
    const source = { ...part.source, shown: file.shown, locate: () => ({ file: file.shown, line: 1 }) }
    const at: Part = { ...part, source, path: [] }
    const ending = extname(file.path).toLowerCase()
    if (CODE.test(file.path)) left(job, part, 'a prompt that code makes: code is never run', file.shown)
    else if (ending === '.jsonl') {
      const text = await textIn(job, part, file)
      for (const line of readLines(job, text ?? '', file))
        all.push(
          ...made(
            job,
            line,
            items(line).map((one) => one.value),
            own,
            file.path,
          ),
        )
    } else if (/^\.ya?ml$/.test(ending)) {
      const data = await dataIn(job, part, file)
      if (data !== undefined) all.push(...made(job, data, data.value, own, file.path))
    } else if (ending === '.json' || TEXT.test(ending) || ending === '') {
      const text = (await textIn(job, part, file)) ?? ''
      const texts = ending === '.txt' ? text.split(/^---$/m) : [text]
      const filled = texts.filter((one) => one.trim() !== '')
      for (const one of filled) all.push(...textPrompt(job, at, one, filled.length > 1 ? [] : own, file.path))
      if (filled.length === 0) left(job, part, 'the file is empty', file.shown)
    } else left(job, part, `aigate reads no prompts from ${ending}`, file.shown)
  }
  return all
}

/** A text is a chat where it is JSON (with templates in it) or a YAML list of messages; else it is what a user says. */
function textPrompt(job: Job, part: Part, text: string, names: readonly string[], title = ''): ReadPrompt[] {
  if (/^\s*[[{]/.test(text)) {
    const chat = chatIn(text)
    if (chat !== undefined) return made(job, part, chat, names, title)
    if (/"role"\s*:/.test(text)) {
      left(job, part, 'a chat whose JSON is made by its template')
      return []
    }
  }
  return finish(job, part, [{ role: 'user', content: text }], names, title)
}

/** A chat as JSON; `{{ x | dump }}` outside of a string is a string with {{ x }}. */
function chatIn(text: string): unknown {
  const once = text.replaceAll(/(?<!["\w])\{\{\s*([\w.]+)\s*\|\s*dump\s*\}\}(?!")/g, '"{{ $1 }}"')
  for (const one of [text, once]) {
    try {
      const value: unknown = JSON.parse(one)
      return isMap(value) && Array.isArray(value.messages) ? value.messages : value
    } catch {
      // The next way of reading it.
    }
  }
  return undefined
}

type Said = { role: Role; content: string }

function made(job: Job, part: Part, value: unknown, names: readonly string[], title: string): ReadPrompt[] {
  const list = isMap(value) && Array.isArray(value.messages) ? (value.messages as unknown[]) : value
  if (!Array.isArray(list)) {
    left(job, part, 'it is no list of messages')
    return []
  }
  const said: Said[] = []
  for (const one of list as unknown[]) {
    const role = isMap(one) && typeof one.role === 'string' ? roles[one.role.toLowerCase()] : undefined
    const content = isMap(one) ? contentOf(one.content ?? one.text) : undefined
    if (role === undefined || content === undefined) {
      left(
        job,
        part,
        'a message that is no text of system, user or assistant (a picture, a tool, a whole list from a variable)',
      )
      return []
    }
    said.push({ role, content })
  }
  return finish(job, part, said, names, title)
}

/** Text, or a list of parts that are all text. */
export function contentOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  const texts = value.map((one: unknown) => (isMap(one) && typeof one.text === 'string' ? one.text : undefined))
  return texts.includes(undefined) ? undefined : texts.join('\n')
}

function finish(job: Job, part: Part, said: readonly Said[], names: readonly string[], title: string): ReadPrompt[] {
  const messages: MadeMessage[] = []
  for (const { role, content } of said) {
    if (content.trim() === '') continue
    const liquid = fromNunjucks(content)
    if ('problem' in liquid) {
      left(
        job,
        part,
        `the template uses what Liquid cannot say: ${liquid.problem}`,
        `the prompt${nameOf(names, title)}`,
      )
      return []
    }
    for (const doubt of liquid.doubts) changed(job, part, doubt, `the prompt${nameOf(names, title)}`)
    messages.push({ role, template: liquid.text })
  }
  if (messages.length === 0) {
    left(job, part, 'the prompt is empty')
    return []
  }
  const own = [...names, ...said.map(({ content }) => content)]
  return [{ part, names: own, title: names[0] ?? basename(title).replace(/\.\w+$/, ''), messages }]
}

const nameOf = (names: readonly string[], title: string) => {
  const name = names[0] ?? title
  return name === '' ? '' : ` ${name}`
}
