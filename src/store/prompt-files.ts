// Makes prompt files: a first version from a sketch, the next version from one that is there; reads their changelogs.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { AigateError } from '../errors.ts'
import type { Project } from '../ports.ts'
import { Name } from '../schema/values.ts'
import { listPrompts, parsePrompt, type PromptEntry } from './prompts.ts'
import { shippedPrompts } from './shipped-prompts.ts'
import { readText, sourceFile } from './source-text.ts'
import { writeText } from './write-text.ts'

const sketch = (name: string, version: string) => `---
name: ${name}
version: ${version}
description: what it is for, in one sentence
input: [question]
---
system:
You are a helpful assistant. Answer in one paragraph.

user:
{{ question }}
`

const fileOf = (project: Project, name: string, version: string) =>
  sourceFile(project.root, resolve(project.root, project.config.prompts, `${name}/${version}.md`))

/** Writes `1.0.0` of a new prompt; of a judge's prompt the text that aigate ships. @throws AigateError usage: no good name, or there is such a prompt. */
export async function newPrompt(project: Project, name: string): Promise<PromptEntry> {
  if (!Name.safeParse(name).success)
    throw new AigateError('usage', {
      problem: `"${name}" is no name for a prompt: letters, digits, ".", "_", "-", and "/" for groups`,
      mend: 'Write for example: aigate prompt new support/answer',
    })
  const versions = (await listPrompts(project)).filter((entry) => entry.name === name)
  if (versions.length > 0)
    throw new AigateError('usage', {
      problem: `there is a prompt "${name}" already: ${versions.map(({ version }) => version).join(', ')}`,
      mend: `Run \`aigate prompt bump ${name}\` for its next version.`,
    })
  const version = '1.0.0'
  const file = fileOf(project, name, version)
  const shipped = shippedPrompts.find((one) => one.name === name && one.version === version)
  await writeText(file.path, shipped?.text ?? sketch(name, version))
  return { name, version, file: file.shown }
}

/**
 * Writes the text of a prompt as another version of it: only the version in the front matter differs.
 * @throws AigateError usage when that version is there already, and the errors of a prompt that cannot be read.
 */
export async function writeVersion(
  project: Project,
  from: PromptEntry,
  text: string,
  version: string,
): Promise<PromptEntry> {
  const file = fileOf(project, from.name, version)
  if (existsSync(file.path))
    throw new AigateError('usage', {
      problem: `${from.name}@${version} is there already: ${file.shown}`,
      mend: `Edit it, or go further: aigate prompt bump ${from.name}@${from.version} --major`,
    })
  const next = withVersion(text, version)
  await parsePrompt(next, file.shown, { name: from.name, version })
  await writeText(file.path, next)
  return { name: from.name, version, file: file.shown }
}

/** The first `version:` of the front matter, with the spelling around it left as it is. */
function withVersion(text: string, version: string): string {
  const line = /^(version[^\S\n]*:[^\S\n]*)(["']?)[^\s"'#]+\2/m
  return text.replace(line, (_, key: string, quote: string) => `${key}${quote}${version}${quote}`)
}

/** The text of prompts/<name>/CHANGELOG.md for each name that has one. */
export async function promptChangelogs(project: Project, names: Iterable<string>): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  for (const name of names) {
    const path = resolve(project.root, project.config.prompts, name, 'CHANGELOG.md')
    if (existsSync(path)) texts.set(name, await readText(sourceFile(project.root, path)))
  }
  return texts
}

/** The text of a prompt file, with LF line ends. */
export function promptText(project: Project, { file }: PromptEntry): Promise<string> {
  return readText(sourceFile(project.root, file))
}

/** Puts a published version back as it was. */
export async function restorePrompt(project: Project, { file, text }: { file: string; text: string }): Promise<void> {
  await writeText(resolve(project.root, file), text)
}
