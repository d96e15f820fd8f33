// Every sentence that aigate says when it stops: one table, code -> what is wrong and how to mend it.

/** Where in a file, with the lines around it. `line` and `column` count from 1. */
export type Place = {
  file: string
  line?: number | undefined
  column?: number | undefined
  frame?: string | undefined
}

type Facts = Record<string, string | number>
type Entry = {
  /** usage: exit 2; invalid: exit 4 (could not measure); inconclusive: exit 3 (somebody else is at it). */
  outcome: 'usage' | 'invalid' | 'inconclusive'
  sentence: (facts: Facts) => string
  mend: (facts: Facts) => string
}

const messages = {
  config_missing: {
    outcome: 'usage',
    sentence: (f) => `There is no configuration file ${f.file}.`,
    mend: () => 'Run `aigate init` to make a working project here, or name the file with --config.',
  },
  bad_file: {
    outcome: 'usage',
    sentence: (f) => `${f.problem}`,
    mend: (f) => `${f.mend}`,
  },
  usage: {
    outcome: 'usage',
    sentence: (f) => `${f.problem}`,
    mend: (f) => `${f.mend}`,
  },
  keys_missing: {
    outcome: 'invalid',
    sentence: (f) => `${f.names} not set, and ${f.suites} cannot be asked without; nothing was asked.`,
    mend: () => 'Set it in the environment (in a pipeline: from its secrets), or use `--offline` for recorded answers.',
  },
  cannot_read: {
    outcome: 'usage',
    sentence: (f) => `${f.file} cannot be read: ${f.reason}.`,
    mend: () => 'Check the path and its permissions.',
  },
  cannot_write: {
    outcome: 'usage',
    sentence: (f) => `${f.file} cannot be written: ${f.reason}.`,
    mend: () => 'Check the path and its permissions, or name another place.',
  },
  disk_trouble: {
    outcome: 'invalid',
    sentence: (f) => `${f.file} could not be read or written: ${f.reason}.`,
    mend: () => 'Make room or raise the limit, then run it again.',
  },
  foreign_file: {
    outcome: 'usage',
    sentence: (f) => `This is ${f.found}, not ${f.wanted}.`,
    mend: (f) => `${f.mend}`,
  },
  not_answered: {
    outcome: 'invalid',
    sentence: (f) => `${f.problem}.`,
    mend: (f) => `${f.mend}`,
  },
  source_failed: {
    outcome: 'invalid',
    sentence: (f) => `The source of live metrics could not be read: ${f.problem}.`,
    mend: (f) => `${f.mend}`,
  },
  control_failed: {
    outcome: 'invalid',
    sentence: (f) => `The control plane did not do what was wanted: ${f.problem}.`,
    mend: (f) => `${f.mend}`,
  },
  runner_busy: {
    outcome: 'inconclusive',
    sentence: (f) =>
      `Another runner is at ${f.what ?? 'this rollout'} (process ${f.owner}): nothing was read or done here.`,
    mend: (f) => `Wait for it. One that was killed is taken over by itself; its lock is ${f.file}.`,
  },
  newer_file: {
    outcome: 'usage',
    sentence: (f) =>
      `This is ${f.kind} in format ${f.version}, written by a newer aigate; this one reads format ${f.known}.`,
    mend: () => 'Use the aigate that wrote it, or a newer one.',
  },
  run_unknown: {
    outcome: 'usage',
    sentence: (f) => `${f.problem}`,
    mend: (f) => (f.recent === '' ? 'Run `aigate eval` first.' : `The latest runs are: ${f.recent}.`),
  },
  init_exists: {
    outcome: 'usage',
    sentence: (f) => `Nothing was written, because there is already: ${f.files}.`,
    mend: () => 'Move these files away, or run `aigate init` in an empty folder.',
  },
  baseline_refused: {
    outcome: 'usage',
    sentence: (f) => `${f.problem}`,
    mend: (f) => `${f.mend}`,
  },
  baseline_not_measured: {
    outcome: 'invalid',
    sentence: (f) => `${f.problem}`,
    mend: () => 'A baseline needs a finished run that measured at least 95 % of the cases: run the suite again.',
  },
  shards_incomplete: {
    outcome: 'invalid',
    sentence: (f) => `${f.problem}`,
    mend: (f) => `${f.mend}`,
  },
  baseline_expired: {
    outcome: 'invalid',
    sentence: (f) =>
      `The baseline of ${f.suite} is ${f.age} old (accepted ${f.at}): the policy compares with none older than ${f.stop}.`,
    mend: (f) => `Record it anew with \`aigate baseline record ${f.suite}\`, review and commit it.`,
  },
  bad_template: {
    outcome: 'usage',
    sentence: (f) => `The prompt ${f.prompt} cannot be rendered${f.where}: ${f.problem}.`,
    mend: () => 'Correct the Liquid template, or give the case the variables that it needs.',
  },
} as const satisfies Record<string, Entry>

export type ErrorCode = keyof typeof messages

/** The one error class: a code of the table, its facts, and where the fault is. Several faults of one file come together in `more`. */
export class AigateError extends Error {
  readonly code: ErrorCode
  readonly outcome: 'usage' | 'invalid' | 'inconclusive'
  readonly mend: string
  readonly places: readonly Place[]
  readonly more: readonly AigateError[]

  constructor(code: ErrorCode, facts: Facts, place?: Place, more: readonly AigateError[] = []) {
    const entry: Entry = messages[code]
    super(entry.sentence(facts))
    this.name = 'AigateError'
    this.code = code
    this.outcome = entry.outcome
    this.mend = entry.mend(facts)
    this.places = place ? [place] : []
    this.more = more
  }
}

/**
 * Exceptions that were caught and told. Node 20 reports one of a CommonJS file that a module imports a second time, as a
 * rejection that nobody handled.
 */
export const toldErrors = new WeakSet<object>()

/** Colours for the parts of an error; the default leaves the text as it is. */
export type ErrorPaint = { bad(text: string): string; good(text: string): string }

/** The error as people read it: where, what, the lines around it, how to mend it. */
export function explain(error: AigateError, paint: ErrorPaint = { bad: String, good: String }): string {
  const parts = [error, ...error.more].map((one) => {
    const where = one.places.map(({ file, line, column }) =>
      [file, line, column].filter((part) => part !== undefined).join(':'),
    )
    const frames = one.places.flatMap(({ frame }) => (frame ? [frame] : []))
    const head = `${where.length > 0 ? `${where.join(', ')} ` : ''}${paint.bad('error:')} ${one.message}`
    return [head, ...frames, `  ${paint.good('fix:')} ${one.mend}`].join('\n')
  })
  return `${parts.join('\n\n')}\n`
}
