// Results that another tool made, read as a run of ours.
import { readFile, stat } from 'node:fs/promises'
import { basename, isAbsolute, join, relative, sep } from 'node:path'
import { fileError } from '../write-text.ts'
import { assemble, type ForeignRun } from './assemble.ts'
import { contentOf, formatOf } from './detect.ts'
import { badResults, MOST_BYTES, slug } from './foreign.ts'
import { formats } from './registry.ts'

export type ResultsOptions = {
  /** One of `formatNames`; without it the content decides. */
  format?: string | undefined
  /** The name of the run's suite; without it the name of the file. */
  suite?: string | undefined
  /** Which provider or prompt of a file that holds several. */
  pick?: string | undefined
  /** The score (0 to 1) from which on a trial passes, for graders that give no pass or fail. */
  passScore?: number | undefined
  /** Messages and cases name the file relative to this folder. */
  from?: string | undefined
}

/**
 * Reads results of promptfoo, Inspect, JUnit, CTRF, OpenAI evals, or plain rows (JSONL, CSV).
 * Cases are told apart by their content, repeats become trials, and what was not measured is an error, not a failure.
 * Throws AigateError `bad_file` (a shape that is not known, a torn file, several targets in one file), `cannot_read`.
 */
export async function readResults(file: string, options: ResultsOptions = {}): Promise<ForeignRun> {
  const shown = shownFrom(options.from, file)
  const bytes = await bytesOf(file, shown)
  const content = contentOf(bytes, shown)
  const format = formatOf(content, shown, options.format)
  if (options.pick !== undefined && format !== 'promptfoo') {
    throw badResults(
      shown,
      `#${options.pick} chooses a provider or prompt of a promptfoo file, and this is ${format}.`,
      'Name the file alone.',
    )
  }
  const results = await formats[format].read(content, { file: shown, pick: options.pick, passScore: options.passScore })
  const suite = options.suite ?? slug(basename(file).replace(/\.[^.]+$/, ''))
  return assemble(results, { file: shown, suite, format })
}

function shownFrom(from: string | undefined, file: string): string {
  const path = from === undefined ? file : relative(from, isAbsolute(file) ? file : join(from, file))
  return path === '' || isAbsolute(path) ? file : path.split(sep).join('/')
}

async function bytesOf(file: string, shown: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(file)
    if (size > MOST_BYTES)
      throw badResults(shown, 'The file is larger than 256 MiB.', 'Split it, or leave the transcripts out.')
    return await readFile(file)
  } catch (error) {
    throw fileError(file, error, 'read')
  }
}
