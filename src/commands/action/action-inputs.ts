// The inputs of the GitHub Action, as the runner hands them over: read, checked, and turned into a command line.
import { AigateError } from '../../errors.ts'
import type { Context } from '../../ports.ts'

type Env = Context['env']

/** Events about a change that others have to judge; any other is a wish to evaluate. */
export const CHANGES = ['pull_request', 'merge_group']

export type ActionInputs = {
  workingDirectory: string
  config: string | undefined
  suites: string[]
  prompt: string | undefined
  model: string | undefined
  comment: boolean
  commentKey: string | undefined
  annotations: boolean
  summary: boolean
  token: string
  onMissingSecrets: 'fail' | 'offline'
  offline: boolean
  base: string | undefined
  reportsFolder: string | undefined
  reporters: string[]
  cacheFolder: string | undefined
  artifactUrl: string | undefined
  /** A file of another tool; nothing is asked. */
  results: string | undefined
  /** Pathspecs of git; empty: every change counts. */
  relevantPaths: string[]
  /** What is evaluated, as far as it is not everything: the jobs of a matrix differ in nothing else. */
  subject: string[]
  /** Only suites that differ from the base, or from this ref; false: all of them. */
  changed: boolean | string
  /** Words of `aigate eval` that follow from all other inputs. */
  words: string[]
}

/** The runner sets INPUT_<NAME> with blanks turned into underscores, and nothing else replaced. */
function textOf(env: Env, name: string): string | undefined {
  const value = env[`INPUT_${name.toUpperCase()}`]?.trim()
  return value === undefined || value === '' ? undefined : value
}

function wrong(name: string, value: string, mend: string): AigateError {
  return new AigateError('usage', { problem: `The input ${name} of the action is "${value}".`, mend })
}

function flag(env: Env, name: string): boolean | undefined {
  const value = textOf(env, name)
  if (value === undefined) return undefined
  if (/^(true|True|TRUE)$/.test(value)) return true
  if (/^(false|False|FALSE)$/.test(value)) return false
  throw wrong(name, value, 'Write true or false.')
}

/** Words apart by blanks, commas or lines. A word that would be an option is refused: inputs are no command line. */
function list(env: Env, name: string): string[] {
  const words = (textOf(env, name) ?? '').split(/[\s,]+/).filter((word) => word !== '')
  const option = words.find((word) => word.startsWith('-'))
  if (option !== undefined) throw wrong(name, option, 'Write names only; every option has an input of its own.')
  return words
}

/** One glob a line, from the top of the repository, as git reads it. One that could never match is refused: it would let everything pass. */
function globs(env: Env, name: string): string[] {
  const lines = (textOf(env, name) ?? '').split('\n').map((line) => line.trim())
  const written = lines.filter((line) => line !== '' && !line.startsWith('#'))
  const odd = written.find((line) => /^!?[/:]|(^!?|\/)\.\.(\/|$)/.test(line))
  if (odd !== undefined) throw wrong(name, odd, 'Write globs from the top of the repository, such as src/**.')
  return written.map((line) => (line.startsWith('!') ? `:(top,glob,exclude)${line.slice(1)}` : `:(top,glob)${line}`))
}

const SUBJECT = ['working-directory', 'config', 'suites', 'prompt', 'model', 'tags', 'cases', 'results'] as const

/** `--name=value`, so that no value can be read as an option. */
const option = (name: string, value: string | undefined) => (value === undefined ? [] : [`--${name}=${value}`])
const without = (name: string, value: string | undefined) => (value === 'none' ? [`--no-${name}`] : option(name, value))
const yesNo = (name: string, value: boolean | undefined) =>
  value === undefined ? [] : [value ? `--${name}` : `--no-${name}`]

/** true or false, or a value. */
function choice(env: Env, name: string): boolean | string {
  const value = textOf(env, name)
  if (value === undefined || /^(false|False|FALSE)$/.test(value)) return false
  return /^(true|True|TRUE)$/.test(value) ? true : value
}

/** @throws AigateError `usage` for a value that cannot be meant; what the values of options may be, `aigate eval` says itself. */
export function readInputs(env: Env): ActionInputs {
  const policy = textOf(env, 'on-missing-secrets') ?? 'fail'
  if (policy !== 'fail' && policy !== 'offline') throw wrong('on-missing-secrets', policy, 'Write fail or offline.')
  const plain = ['against', 'threshold', 'trials', 'seed', 'results', 'format', 'pass-score'] as const
  return {
    workingDirectory: textOf(env, 'working-directory') ?? '.',
    config: textOf(env, 'config'),
    suites: list(env, 'suites'),
    prompt: textOf(env, 'prompt'),
    model: textOf(env, 'model'),
    comment: flag(env, 'comment') ?? true,
    commentKey: textOf(env, 'comment-key'),
    annotations: flag(env, 'annotations') ?? true,
    summary: flag(env, 'summary') ?? true,
    token: textOf(env, 'github-token') ?? '',
    onMissingSecrets: policy,
    offline: flag(env, 'offline') ?? false,
    base: textOf(env, 'base'),
    reportsFolder: textOf(env, 'reports-folder'),
    reporters: list(env, 'reporters'),
    cacheFolder: textOf(env, 'cache-folder'),
    artifactUrl: textOf(env, 'artifact-url'),
    results: textOf(env, 'results'),
    relevantPaths: globs(env, 'relevant-paths'),
    subject: SUBJECT.flatMap((name) => {
      const value = textOf(env, name)
      return value === undefined || value === '.' ? [] : [`${name}=${value.replaceAll(/\s+/g, ' ')}`]
    }),
    changed: choice(env, 'changed'),
    words: [
      ...option('config', textOf(env, 'config')),
      ...option('prompt', textOf(env, 'prompt')),
      ...option('model', textOf(env, 'model')),
      ...list(env, 'tags').flatMap((tag) => option('tag', tag)),
      ...list(env, 'cases').flatMap((id) => option('case', id)),
      ...without('baseline', textOf(env, 'baseline')),
      ...plain.flatMap((name) => option(name, textOf(env, name))),
      ...yesNo('frozen', flag(env, 'frozen')),
      ...(flag(env, 'attribute') === true ? ['--attribute'] : []),
    ],
  }
}

/**
 * On what is no change to the base (a push to the main branch, a schedule) nothing would differ from it, and everything
 * would pass unseen: there every suite runs, unless a ref is named. Results of another tool are judged whatever changed.
 */
export function changedWords({ changed, results }: Pick<ActionInputs, 'changed' | 'results'>, event: string): string[] {
  if (results !== undefined) return []
  if (typeof changed === 'string') return option('changed', changed)
  return changed && CHANGES.includes(event) ? ['--changed'] : []
}

/** What to compare with: the input, else the commit that a merge queue builds on, else what aigate finds by itself. */
export function baseWords(base: string | undefined, queued: string | undefined): string[] {
  return without('base', base ?? queued)
}
