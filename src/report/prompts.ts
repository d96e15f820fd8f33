// What `aigate prompt list` and `aigate prompt diff` print.
import type { Message } from '../schema/suite.ts'
import { paint, type Paint } from './paint.ts'
import { disarm, oneLine, safeJson } from './safe-text.ts'
import { sideBySide } from './side-by-side.ts'
import { statusCell } from './status-cell.ts'
import { unifiedDiff } from './unified-diff.ts'
import { displayWidth } from './wrap.ts'

/**
 * One version. `published`: whether the base commit has it; null where that is not known. `status`, its last day and the
 * newest release with it: from the releases, where there are any.
 */
export type ListedVersion = {
  name: string
  version: string
  file: string
  hash: string
  newest: boolean
  published: boolean | null
  suites: string[]
  status: string | null
  keep_until: string | null
  release: string | null
}

/** A table, one line a version; the newest of each prompt is marked. */
export function promptListText(versions: readonly ListedVersion[], options: { color: boolean }): string {
  if (versions.length === 0) return 'There are no prompts yet: aigate prompt new <name>\n'
  const style = paint(options.color)
  const known = versions.some(({ status }) => status !== null)
  const heads = ['prompt', 'version', 'hash', ...(known ? ['status'] : []), 'suites', '']
  const rows = versions.map((one) => [
    one.name,
    one.version,
    one.hash.slice(0, 12),
    ...(known ? [statusCell(one) ?? '-'] : []),
    one.suites.map((suite) => oneLine(suite)).join(', ') || '-',
    [...(one.newest ? ['newest'] : []), ...(one.published === false ? ['not published yet'] : [])].join(', '),
  ])
  const widths = heads.map((_, at) => Math.max(...[heads, ...rows].map((row) => displayWidth(row[at] ?? ''))))
  const lay = (row: string[]) =>
    row
      .map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - displayWidth(cell)))
      .join('  ')
      .trimEnd()
  return disarm(`${[style.dim(lay(heads)), ...rows.map(lay)].join('\n')}\n`)
}

/** What a version asks for one case, or why it cannot be rendered. */
export type Rendered = Message[] | { problem: string }
export type DiffedCase = { suite: string; case: string; before: Rendered; after: Rendered }
export type PromptDiff = {
  before: { name: string; version: string; file: string; text: string; hash: string }
  after: { name: string; version: string; file: string; text: string; hash: string }
  change: { bump: string; reasons: string[] }
  cases: DiffedCase[]
  /** Cases that were not rendered here. */
  more: number
}

/** The template as a unified diff, then for each case the two questions beside each other. */
export function promptDiffText(diff: PromptDiff, options: { color: boolean; columns: number }): string {
  const style = paint(options.color)
  const patch = unifiedDiff(named(diff.before), named(diff.after), options)
  const { bump, reasons } = diff.change
  const rule = bump === 'none' ? 'Nothing changes what is asked.' : `${bump.toUpperCase()}: ${reasons.join(', ')}.`
  const cases = diff.cases.flatMap((one) => caseLines(one, diff, style, options.columns))
  const rest = diff.more === 0 ? [] : ['', `${diff.more} more case${diff.more === 1 ? '' : 's'}: name one with --case.`]
  const none = diff.cases.length === 0 ? ['', 'No suite asks this prompt, so there is no case to show.'] : []
  return disarm(`${[patch === '' ? 'The files are equal.\n' : patch, rule, ...none, ...cases, ...rest].join('\n')}\n`)
}

const named = ({ file, text }: { file: string; text: string }) => ({ name: file, text })

function caseLines(one: DiffedCase, diff: PromptDiff, style: Paint, columns: number): string[] {
  const title = style.bold(`${oneLine(one.suite)}/${oneLine(one.case)}`)
  const [before, after] = [shownText(one.before), shownText(one.after)]
  if (before === after) return ['', `${title}: the same question`]
  const heads = [diff.before, diff.after].map(({ name, version }) => `${name}@${version}`)
  const half = Math.floor((Math.max(40, columns) - 3) / 2)
  const head = style.dim(`${(heads[0] ?? '').padEnd(half)}   ${heads[1] ?? ''}`)
  return ['', title, head, ...sideBySide(before, after, { columns, style })]
}

function shownText(rendered: Rendered): string {
  if ('problem' in rendered) return `cannot be rendered: ${rendered.problem}`
  return rendered.map(({ role, content }) => `${role}:\n${wordsOf(content)}`).join('\n\n')
}

const wordsOf = (content: Message['content']) => (typeof content === 'string' ? content : JSON.stringify(content))

/** The same for programs. */
export function promptDiffJson({ before, after, change, cases, more }: PromptDiff): string {
  const side = ({ name, version, file, hash }: PromptDiff['before']) => ({ name, version, file, hash })
  const patch = unifiedDiff(named(before), named(after), { color: false })
  const value = {
    aigate: 'prompt-diff',
    version: 1,
    before: side(before),
    after: side(after),
    ...change,
    patch,
    cases,
    more,
  }
  return safeJson(`${JSON.stringify(value, null, 2)}\n`)
}

/** The list for programs. */
export function promptListJson(prompts: readonly ListedVersion[]): string {
  return safeJson(`${JSON.stringify({ aigate: 'prompt-list', version: 1, prompts }, null, 2)}\n`)
}
