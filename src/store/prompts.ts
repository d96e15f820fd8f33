// Prompt files: prompts/<name>/<version>.md with front matter, roles and Liquid templates.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { glob } from 'tinyglobby'
import { AigateError, type Place } from '../errors.ts'
import type { LoadedPrompt, Project } from '../ports.ts'
import { PromptHeader } from '../schema/prompt.ts'
import { SemVer } from '../schema/values.ts'
import { sha256 } from '../content-hash.ts'
import { choose, didYouMean, type Fault, faultError, listed, placeIn } from './faults.ts'
import { type ShippedPrompt, shippedPrompts } from './shipped-prompts.ts'
import { readText, type SourceFile, sourceFile } from './source-text.ts'
import { templateFaults } from './templates.ts'
import { parseYaml } from './yaml.ts'

/** A version of a prompt that lies in the folder of the prompts; `file` is relative to the root. */
export type PromptEntry = { name: string; version: string; file: string; shipped?: string }

type Messages = LoadedPrompt['messages']

/** All versions of all prompts, by name and then by version. Files whose name is no semantic version are left out. */
export async function listPrompts(project: Project): Promise<PromptEntry[]> {
  const folder = project.config.prompts
  const cwd = resolve(project.root, folder)
  if (!existsSync(cwd)) return []
  const found = await glob('**/*.md', { cwd, onlyFiles: true })
  return promptEntries(found, (path) => sourceFile(project.root, join(cwd, path)).shown)
}

/** The prompt versions among paths that are relative to the folder of the prompts, by name and then by version. */
export function promptEntries(paths: readonly string[], shown: (path: string) => string): PromptEntry[] {
  return paths
    .flatMap((path): PromptEntry[] => {
      const [, name = '', version = ''] = /^(.+)\/([^/]+)\.md$/.exec(path) ?? []
      return SemVer.safeParse(version).success ? [{ name, version, file: shown(path) }] : []
    })
    .sort((a, b) => (a.name === b.name ? compareVersions(a.version, b.version) : a.name < b.name ? -1 : 1))
}

/** The file that `name@version` or `name@latest` means, or why there is none. */
export function findPrompt(entries: readonly PromptEntry[], ref: string): PromptEntry | Omit<Fault, 'place'> {
  const [, name = '', version = ''] = /^([^@\s]+)@([^@\s]+)$/.exec(ref) ?? []
  if (name === '')
    return {
      problem: `"${ref}" names no prompt version`,
      mend: 'Write name@version, for example support/answer@1.2.0.',
    }
  const versions = entries.filter((entry) => entry.name === name)
  if (versions.length === 0) {
    const known = [...new Set(entries.map((entry) => entry.name))]
    const none = `Make prompts/${name}/${version}.md in the folder of the prompts.`
    return { problem: `unknown prompt "${name}"${didYouMean(name, known)}`, mend: choose(name, known, 'prompts', none) }
  }
  const entry = version === 'latest' ? versions.at(-1) : versions.find((one) => one.version === version)
  if (entry !== undefined) return entry
  const list = versions.map((one) => one.version)
  return {
    problem: `prompt "${name}" has no version ${version}; there ${list.length === 1 ? 'is' : 'are'} ${list.join(', ')}`,
    mend: listed(list, 'versions'),
  }
}

/**
 * Reads one version of a prompt; `latest` is the highest by semver.org precedence. `hash` is the SHA-256 of the file
 * with LF line ends and without byte order mark. Throws AigateError: no such prompt or version, front matter that
 * contradicts the path, text outside a role, Liquid faults, variables that are not declared or not used.
 */
export async function loadPrompt(project: Project, ref: string): Promise<LoadedPrompt> {
  const entry = findPrompt(withShipped(await listPrompts(project)), ref)
  if ('problem' in entry) throw new AigateError('usage', entry)
  return readEntry(project, entry)
}

/** With the prompts that aigate ships, each version that the project does not have itself. `shipped`: its text. */
export function withShipped(own: readonly PromptEntry[]): PromptEntry[] {
  const has = ({ name, version }: ShippedPrompt) => own.some((one) => one.name === name && one.version === version)
  const shipped = shippedPrompts.filter((one) => !has(one))
  return [
    ...own,
    ...shipped.map(({ name, version, text }) => ({
      name,
      version,
      file: `aigate:${name}/${version}.md`,
      shipped: text,
    })),
  ]
}

/** Reads a prompt that is known to be there, in the project or shipped. */
export async function readEntry(project: Project, entry: PromptEntry): Promise<LoadedPrompt> {
  if (entry.shipped !== undefined) return parsePrompt(entry.shipped, entry.file, entry)
  return readPrompt(sourceFile(project.root, entry.file), entry)
}

/** Reads a prompt file that is known to be there. */
export async function readPrompt(file: SourceFile, entry: PromptEntry): Promise<LoadedPrompt> {
  return parsePrompt(await readText(file), file.shown, entry)
}

/** A prompt from its text (LF line ends, no byte order mark), as `readPrompt`; `shown` names the file in errors. */
export async function parsePrompt(
  text: string,
  shown: string,
  entry: Pick<PromptEntry, 'name' | 'version'>,
): Promise<LoadedPrompt> {
  const at = (line: number, column: number) => placeIn(text, shown, line, column)
  const { head, bodyLine } = splitFrontMatter(text, shown)
  const { value, locate } = parseYaml(head, shown, PromptHeader, 'front matter of a prompt', text)
  const faults: Fault[] = (['name', 'version'] as const)
    .filter((key) => value[key] !== entry[key])
    .map((key) => ({
      problem: `${key} is "${value[key]}", but the path says "${entry[key]}"`,
      mend: `Write ${key}: ${entry[key]}, or move the file.`,
      place: locate([key]),
    }))
  const { messages, faults: roleFaults } = splitRoles(text, bodyLine, at)
  faults.push(...roleFaults, ...(await templateFaults(messages, value.input, at, (index) => locate(['input', index]))))
  if (faults.length > 0) throw faultError(faults)
  const { name, version, input, description, output } = value
  return { name, version, input, description, output, file: shown, hash: sha256(text), messages }
}

/** Where a part of the front matter of a prompt stands, in a text that `parsePrompt` accepts. Throws AigateError for any other. */
export function headPlace(text: string, shown: string, path: readonly PropertyKey[]): Place {
  const { head } = splitFrontMatter(text, shown)
  return parseYaml(head, shown, PromptHeader, 'front matter of a prompt', text).locate(path)
}

/** The front matter with its opening line, so that the lines of the YAML are the lines of the file. */
function splitFrontMatter(text: string, file: string): { head: string; bodyLine: number } {
  const refuse = (problem: string, mend: string) =>
    new AigateError(
      'bad_file',
      { problem, mend },
      text === '' ? { file, line: 1, column: 1 } : placeIn(text, file, 1, 1),
    )
  if (text.trim() === '')
    throw refuse('the file is empty; a prompt was expected', 'Write the prompt, or remove the file.')
  const lines = text.split('\n')
  if (lines[0]?.trimEnd() !== '---')
    throw refuse('a prompt begins with front matter', 'Begin the file with "---", name, version, input and "---".')
  const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === '---')
  if (end === -1)
    throw refuse('the front matter has no end', 'Write "---" on a line of its own below the front matter.')
  return { head: `${lines.slice(0, end).join('\n')}\n`, bodyLine: end + 2 }
}

/** Splits the text below the front matter at the lines that hold a role and nothing else. */
function splitRoles(
  text: string,
  bodyLine: number,
  at: (line: number, column: number) => Fault['place'],
): { messages: Messages; faults: Fault[] } {
  const faults: Fault[] = []
  const parts: { role: Messages[number]['role']; head: number; lines: string[] }[] = []
  for (const [index, line] of text
    .split('\n')
    .slice(bodyLine - 1)
    .entries()) {
    const [, role] = /^(system|developer|user|assistant):\s*$/.exec(line) ?? []
    if (role !== undefined) parts.push({ role: role as Messages[number]['role'], head: bodyLine + index, lines: [] })
    else if (parts.length > 0) parts.at(-1)?.lines.push(line)
    else if (line.trim() !== '' && faults.length === 0)
      faults.push({
        problem: 'text before the first role',
        mend: 'Begin each message with a line "system:", "developer:", "user:" or "assistant:".',
        place: at(bodyLine + index, 1),
      })
  }
  if (parts.length === 0 && faults.length === 0)
    faults.push({
      problem: 'the prompt has no message',
      mend: 'Write a line "user:" below the front matter, and the text below that.',
      place: at(1, 1),
    })
  const messages = parts.map(({ role, head, lines }) => {
    const skipped = lines.findIndex((line) => line.trim() !== '')
    if (skipped === -1)
      faults.push({
        problem: `the ${role} message has no text`,
        mend: 'Write its text, or remove the role.',
        place: at(head, 1),
      })
    const template = lines.slice(Math.max(0, skipped)).join('\n').trimEnd()
    return { role, template, line: head + 1 + Math.max(0, skipped) }
  })
  return { messages, faults }
}

/** Order of two versions by semver.org 2.0.0 §11; build metadata only breaks ties, so that the order is total. */
export function compareVersions(a: string, b: string): number {
  const read = (version: string) => {
    const [, numbers = '', pre, build = ''] = /^([\d.]+)(?:-([^+]+))?(?:\+(.+))?$/.exec(version) ?? []
    return { numbers: numbers.split('.'), pre: pre?.split('.'), build }
  }
  const [left, right] = [read(a), read(b)]
  const release = compareParts(left.numbers, right.numbers)
  if (release !== 0) return release
  if (left.pre === undefined || right.pre === undefined)
    if (left.pre !== right.pre) return left.pre === undefined ? 1 : -1
  return (
    compareParts(left.pre ?? [], right.pre ?? []) || (left.build < right.build ? -1 : left.build > right.build ? 1 : 0)
  )
}

function compareParts(a: readonly string[], b: readonly string[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index]
    if (right === undefined) return 1
    const numeric = [left, right].map((part) => /^\d+$/.test(part))
    if (numeric[0] && numeric[1]) {
      const [x, y] = [BigInt(left), BigInt(right)]
      if (x !== y) return x < y ? -1 : 1
    } else if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1
    else if (left !== right) return left < right ? -1 : 1
  }
  return a.length < b.length ? -1 : 0
}
