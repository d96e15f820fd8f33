// What the action hands to later steps and to people: outputs, annotations, the job summary and the comment.
import { createHash } from 'node:crypto'
import { appendFile, readFile, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { type CommentResult, writeComment } from '../../act/github-comments.ts'
import { annotationsOf } from '../../report/github/github-annotations.ts'
import {
  type GithubFrame,
  githubMarkdown,
  notEvaluated,
  nothingToEvaluate,
} from '../../report/github/github-markdown.ts'
import { passRate } from '../../report/phrases.ts'
import { oneLine } from '../../report/safe-text.ts'
import { type Annotation, outputFile } from '../../report/workflow-commands.ts'
import type { Context } from '../../ports.ts'
import { Report } from '../../schema/verdict.ts'
import type { ActionEvent } from './action-event.ts'
import type { ActionInputs } from './action-inputs.ts'

/** GitHub refuses a comment of 65,536 characters, and drops a whole summary beyond 1 MiB. The marker needs its own room. */
const LIMITS = { comment: 64_500, summary: 1_000_000 }
/** The reports that the action always writes, by their reporter. */
export const REPORT_FILES = {
  json: 'report.json',
  junit: 'junit.xml',
  markdown: 'summary.md',
  html: 'report.html',
} as const

const encoder = new TextEncoder()

/** What is shown: a report, or why there is none. */
export type Shown =
  | { report: Report; notes: readonly string[] }
  /** The change touches nothing that is evaluated: why it passes. */
  | { nothing: string }
  /** `file` is relative to the working directory. */
  | { sentence: string; mend: string; file?: string; line?: number }

/** Both texts of one result. Characters count for the comment, bytes for the summary. */
export function texts(shown: Shown, inputs: ActionInputs, event: ActionEvent): { comment: string; summary: string } {
  const frame = (limit: number, size: GithubFrame['size']): GithubFrame => ({
    limit,
    size,
    links: { run: event.runUrl, artifact: inputs.artifactUrl },
    commit: event.commit,
    notes: 'report' in shown ? shown.notes : [],
  })
  const render = (at: GithubFrame) =>
    'report' in shown
      ? githubMarkdown(shown.report, at)
      : 'nothing' in shown
        ? nothingToEvaluate(shown.nothing, at)
        : notEvaluated(shown.sentence, shown.mend, at)
  return {
    comment: render(frame(LIMITS.comment, (text) => text.length)),
    summary: render(frame(LIMITS.summary, (text) => encoder.encode(text).length)),
  }
}

/** The report that the gate wrote; null where it wrote none, for example because a file is wrong. */
export async function readReport(folder: string): Promise<Report | null> {
  try {
    return Report.parse(JSON.parse(await readFile(join(folder, REPORT_FILES.json), 'utf8')))
  } catch {
    return null
  }
}

/**
 * Annotations of the report, or of the error with which the gate ended before there was one.
 * @param at absolute folders: `root` of the configuration, `cwd` of the gate
 */
export function annotationsFor(
  shown: Shown,
  at: { workspace: string; cwd: string; root: string | undefined },
): Annotation[] {
  const fromWorkspace = (path: string) => relative(at.workspace, path).replaceAll('\\', '/')
  if ('sentence' in shown) {
    const message = `${oneLine(shown.sentence)}\n${oneLine(shown.mend)}`
    const file = shown.file === undefined ? {} : { file: fromWorkspace(resolve(at.cwd, shown.file)), line: shown.line }
    return [{ level: 'error', title: 'aigate: not evaluated', message, ...file }]
  }
  if ('nothing' in shown) return []
  const notes = shown.notes.map((message): Annotation => ({ level: 'warning', title: 'aigate', message }))
  return [...notes, ...annotationsOf(shown.report, at.root === undefined ? '' : fromWorkspace(at.root))]
}

/**
 * The error that the gate printed first, with its place: `evals/a.yaml:5:3 error: … / fix: …`.
 * @param lines what it wrote to standard error
 */
export function errorIn(lines: readonly string[]): Extract<Shown, { sentence: string }> {
  const at = lines.findIndex((line) => /(?:^|\s)error: /.test(line))
  const found = /^(?:(?<file>.+?):(?<line>\d+)(?::\d+)? )?(?:.*\s)?error: (?<sentence>.*)$/.exec(lines[at] ?? '')
  const mend = lines.slice(at + 1).find((line) => line.startsWith('  fix: '))
  const { file, line, sentence } = found?.groups ?? {}
  return {
    sentence: sentence ?? 'The gate ended without a report.',
    mend: mend?.slice('  fix: '.length) ?? 'See the log of this step.',
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line: Number(line) }),
  }
}

/** Puts the comment where one can be; a sentence for the log, or null where nothing is to be said. */
export async function comment(
  env: Context['env'],
  { inputs, event, body, onlyUpdate }: { inputs: ActionInputs; event: ActionEvent; body: string; onlyUpdate: boolean },
): Promise<{ said: string | null; url: string | null }> {
  const { number, repository, run } = event
  if (!inputs.comment || number === undefined || repository === undefined) return { said: null, url: null }
  if (inputs.token === '') return { said: 'No comment was written: there is no github-token.', url: null }
  const own = ['GITHUB_WORKFLOW', 'GITHUB_JOB', 'GITHUB_ACTION'].map((name) => env[name] ?? '')
  const key = bounded(inputs.commentKey ?? [...own, ...inputs.subject].join('/'))
  const api = (env['GITHUB_API_URL'] ?? 'https://api.github.com').replace(/\/+$/, '')
  const result = await writeComment(
    { api, repository, number, token: inputs.token },
    { key, run, body, onlyUpdate },
    (ms) =>
    new Promise((resolve) => setTimeout(resolve, ms)), // biome-ignore format: one call
  )
  return said(result)
}

/** Whatever a workflow writes, the marker leaves the text its room. */
const bounded = (key: string) =>
  key.length <= 120 ? key : `${key.slice(0, 80)} ${createHash('sha256').update(key).digest('hex').slice(0, 16)}`

function said(result: CommentResult): { said: string | null; url: string | null } {
  if (result.kind === 'refused')
    return {
      said: `The comment could not be written: ${result.reason}. The job summary says the same; a comment needs "pull-requests: write", which forks and Dependabot do not get.`,
      url: null,
    }
  return { said: result.kind === 'outdated' ? 'A newer run has written the comment already.' : null, url: result.url }
}

export async function appendSummary(env: Context['env'], text: string): Promise<void> {
  const file = env['GITHUB_STEP_SUMMARY']
  if (file) await appendFile(file, text)
}

/** `undefined` values are written as empty: an output is always there. */
export async function writeOutputs(
  env: Context['env'],
  values: Readonly<Record<string, string | undefined>>,
  delimiter: string,
): Promise<void> {
  const file = env['GITHUB_OUTPUT']
  const all = Object.entries(values).map(([name, value]) => [name, value ?? ''] as const)
  if (file) await appendFile(file, outputFile(Object.fromEntries(all), delimiter))
}

/** Numbers of the whole report: the rate and the difference of the suite where they are lowest, the cost of all together. */
export function numbersOf(report: Report | null): Record<'pass-rate' | 'delta' | 'cost' | 'calls' | 'run-id', string> {
  // Of what was measured in part, the lowest is not known.
  const whole = report?.suites.every(({ verdict }) => verdict.outcome !== 'invalid') ?? false
  const rates = whole ? (report?.suites.flatMap(({ verdict }) => passRate(verdict) ?? []) ?? []) : []
  const deltas = rates.flatMap(({ now, before }) => (before === null ? [] : [now - before]))
  const costs = report?.suites.flatMap(({ totals }) => totals.cost_usd ?? []) ?? []
  const lowest = (values: readonly number[]) => (values.length > 0 ? rounded(Math.min(...values)) : '')
  return {
    'pass-rate': lowest(rates.map(({ now }) => now)),
    delta: lowest(deltas),
    cost: costs.length > 0 ? rounded(costs.reduce((sum, cost) => sum + cost, 0)) : '',
    calls: report ? String(report.suites.reduce((sum, { totals }) => sum + totals.calls, 0)) : '',
    'run-id': report?.suites[0]?.run.id ?? '',
  }
}

const rounded = (value: number) => String(Number(value.toFixed(6)))

/** A key that changes with all that decides the answers, for actions/cache, whose entries can never be overwritten. */
export function cacheKey(report: Report | null, run: number): string {
  const parts = report?.suites.map(({ suite, target }) => `${suite} ${target.hash}`) ?? []
  const hash = createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16)
  return `aigate-${hash}-${run}`
}

/** Paths of the reports that are there. */
export async function reportPaths(folder: string): Promise<Record<`report-${keyof typeof REPORT_FILES}`, string>> {
  const path = async (name: string) => {
    const file = join(folder, name)
    return (await stat(file).catch(() => null)) ? file : ''
  }
  return {
    'report-json': await path(REPORT_FILES.json),
    'report-junit': await path(REPORT_FILES.junit),
    'report-markdown': await path(REPORT_FILES.markdown),
    'report-html': await path(REPORT_FILES.html),
  }
}
