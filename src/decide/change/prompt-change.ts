// What a change of a prompt asks of its version number, and whether published versions stayed as they were.
import type { LoadedPrompt } from '../../ports.ts'

/** How far a version number moves, or a change reaches; `none`: not at all. */
export type Bump = 'none' | 'patch' | 'minor' | 'major'
const order: readonly Bump[] = ['none', 'patch', 'minor', 'major']
const reaches = (bump: Bump) => order.indexOf(bump)

/** What decides the number: what callers see (variables, output), what the model sees (messages), and the rest. */
export type PromptContent = Pick<LoadedPrompt, 'input' | 'output' | 'description' | 'messages'>
/** `reasons`: short phrases, the weightiest first; empty for `none`. */
export type PromptChange = { bump: Bump; reasons: string[] }

/**
 * The smallest bump that a change needs: other variables or another output format break callers (major); other
 * instructions change behaviour (minor); white space, comments and the description change neither (patch).
 */
export function promptChange(before: PromptContent, after: PromptContent): PromptChange {
  const added = after.input.filter((name) => !before.input.includes(name))
  const gone = before.input.filter((name) => !after.input.includes(name))
  const major = [
    ...(added.length > 0 ? [`new ${variables(added)}`] : []),
    ...(gone.length > 0 ? [`removed ${variables(gone)}`] : []),
    ...(outputOf(before) === outputOf(after) ? [] : ['another output format']),
  ]
  const meaning = (content: PromptContent) => content.messages.map(({ role, template }) => [role, essence(template)])
  const minor = same(meaning(before), meaning(after)) ? [] : ['other instructions']
  const letters = (content: PromptContent) => content.messages.map(({ template }) => template)
  const patch = [
    ...(minor.length > 0 || same(letters(before), letters(after)) ? [] : ['white space or comments']),
    ...(before.description === after.description ? [] : ['another description']),
  ]
  const bump = major.length > 0 ? 'major' : minor.length > 0 ? 'minor' : patch.length > 0 ? 'patch' : 'none'
  return { bump, reasons: [...major, ...minor, ...patch] }
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
const variables = (names: readonly string[]) =>
  `variable${names.length === 1 ? '' : 's'} ${names.map((name) => `"${name}"`).join(', ')}`

/** The output format as text; a file that says none answers in text. */
function outputOf({ output }: PromptContent): string {
  return JSON.stringify(output ?? { format: 'text' }, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}

const tokens =
  /(\{%-?\s*raw\s*-?%\}[\s\S]*?\{%-?\s*endraw\s*-?%\})|\{%-?\s*comment\s*-?%\}[\s\S]*?\{%-?\s*endcomment\s*-?%\}|\{%-?\s*#[\s\S]*?%\}|(\{[{%])-?\s*([\s\S]*?)\s*-?([}%]\})/g

/** A template without Liquid comments, with one space for each run of white space. What stands in `raw` is no comment. */
function essence(template: string): string {
  return template
    .replace(tokens, (_, raw?: string, open?: string, inner?: string, close?: string) =>
      raw !== undefined ? raw : open === undefined ? '' : `${open} ${inner} ${close}`,
    )
    .replace(/\s+/g, ' ')
    .trim()
}

type Numbers = { major: number; minor: number; patch: number; pre: boolean }

function numbersOf(version: string): Numbers {
  const [, major, minor, patch, pre] = /^(\d+)\.(\d+)\.(\d+)(-[^+]+)?/.exec(version) ?? []
  return { major: Number(major), minor: Number(minor), patch: Number(patch), pre: pre !== undefined }
}

/** The bump between two versions of which the second is the higher one: the first number that differs. */
export function bumpBetween(before: string, after: string): Bump {
  const [a, b] = [numbersOf(before), numbersOf(after)]
  return a.major !== b.major ? 'major' : a.minor !== b.minor ? 'minor' : a.patch !== b.patch ? 'patch' : 'none'
}

/** The version after `version`: 1.2.3 -> 2.0.0, 1.3.0 or 1.2.4. A pre-release goes to its release where that is far enough. */
export function nextVersion(version: string, bump: Exclude<Bump, 'none'>): string {
  const { major, minor, patch, pre } = numbersOf(version)
  if (bump === 'major') return `${pre && minor === 0 && patch === 0 ? major : major + 1}.0.0`
  if (bump === 'minor') return `${major}.${pre && patch === 0 ? minor : minor + 1}.0`
  return `${major}.${minor}.${pre ? patch : patch + 1}`
}

/** A version as it is in the work tree; `content` is null when it cannot be read (somebody else says why). */
export type PromptVersion = {
  name: string
  version: string
  file: string
  hash: string
  content: PromptContent | null
}
export type PublishedVersion = { name: string; version: string; file: string; hash: string }

/** Something that must not be merged. `file` is where it is to be mended. */
export type PromptFault = { file: string; problem: string; mend: string }

/**
 * What a change does to the prompts that it must not do. `published`: the versions at the base commit; `prompts`: those
 * of the work tree; both by name and then by rising version. `changelogs`: the text of CHANGELOG.md for each name, where
 * an entry is required; otherwise null. `base` names the commit in messages.
 */
export function promptFaults(state: {
  base: string
  published: readonly PublishedVersion[]
  prompts: readonly PromptVersion[]
  changelogs: ReadonlyMap<string, string> | null
}): PromptFault[] {
  const known = new Set(state.published.map(refOf))
  const fresh = state.prompts.filter((prompt) => !known.has(refOf(prompt)))
  return [
    ...state.published.flatMap((one) => publishedFault(one, state.prompts, state.base)),
    ...fresh.flatMap((one) => bumpFault(one, state.prompts)),
    ...(state.changelogs === null ? [] : fresh.flatMap((one) => changelogFault(one, state.changelogs?.get(one.name)))),
  ]
}

const refOf = ({ name, version }: { name: string; version: string }) => `${name}@${version}`

/** A prompt may be retired as a whole; one version of a prompt that lives on may not go, or it could come back changed. */
function publishedFault(one: PublishedVersion, prompts: readonly PromptVersion[], base: string): PromptFault[] {
  const versions = prompts.filter(({ name }) => name === one.name)
  const now = versions.find(({ version }) => version === one.version)
  if (now?.hash === one.hash || versions.length === 0) return []
  if (now === undefined) {
    if (prompts.some(({ hash }) => hash === one.hash)) return []
    return [
      {
        file: one.file,
        problem: `${refOf(one)} is published (${base}) and was removed; a rollback may need it`,
        mend: `Restore it: git checkout ${base} -- ${one.file}`,
      },
    ]
  }
  const newest = versions.at(-1) === now
  return [
    {
      file: now.file,
      problem: `${refOf(one)} is published (${base}) and was changed; a published version never changes`,
      mend: `Run \`aigate prompt bump ${newest ? one.name : refOf(one)}\`: your text becomes a new version, and ${one.version} is restored.`,
    },
  ]
}

/** The stable version that a new one follows: a pre-release is measured like the release that it becomes. */
function predecessor(one: PromptVersion, prompts: readonly PromptVersion[]): PromptVersion | undefined {
  const versions = prompts.filter(({ name }) => name === one.name)
  return versions.slice(0, versions.indexOf(one)).findLast(({ version }) => !numbersOf(version).pre)
}

function bumpFault(one: PromptVersion, prompts: readonly PromptVersion[]): PromptFault[] {
  const before = predecessor(one, prompts)
  if (!before?.content || !one.content) return []
  const change = promptChange(before.content, one.content)
  // Before 1.0.0 a break moves the second number (semver.org 2.0.0 §4 promises nothing there).
  const young = numbersOf(before.version).major === 0 && change.bump === 'major'
  const needed = young ? 'minor' : change.bump
  if (needed === 'none' || reaches(bumpBetween(before.version, one.version)) >= reaches(needed)) return []
  return [
    {
      file: one.file,
      problem: `${refOf(one)} is too small a step from ${before.version}: ${needed.toUpperCase()} is needed (${change.reasons.join(', ')})`,
      mend: `Name it ${nextVersion(before.version, needed)}: the file, and \`version\` in it.`,
    },
  ]
}

function changelogFault({ name, version, file }: PromptVersion, text: string | undefined): PromptFault[] {
  if (text !== undefined && hasEntry(text, version)) return []
  const changelog = file.replace(/[^/]+$/, 'CHANGELOG.md')
  return [
    {
      file: changelog,
      problem: `${text === undefined ? 'there is no changelog, so' : 'it has'} no entry for ${name}@${version}; prompt_changelog asks for one`,
      mend: `Write a heading "## ${version}" in ${changelog}, and below it what changed and why.`,
    },
  ]
}

/** Whether a Markdown changelog has a heading that holds the version: `## 1.2.0`, `## [v1.2.0] - 2026-10-01`. */
export function hasEntry(changelog: string, version: string): boolean {
  const prose = changelog.replace(/^(`{3,}|~{3,})[\s\S]*?^\1/gm, '').replace(/<!--[\s\S]*?-->/g, '')
  return prose
    .split('\n')
    .filter((line) => /^ {0,3}#{1,6}\s/.test(line))
    .some((line) => line.split(/[\s#()[\],:]+/).some((word) => word === version || word === `v${version}`))
}
