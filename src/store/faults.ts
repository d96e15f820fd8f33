// Faults in files: a sentence, its mend and its place with a code frame, joined to one AigateError.
import { distance } from 'fastest-levenshtein'
import { AigateError, type Place } from '../errors.ts'

/** One thing that is wrong in a file. */
export type Fault = { problem: string; mend: string; place: Place }

const LONGEST_LINE = 120
const MOST_FAULTS = 50

/** The lines around a place, with a caret: one before, the line itself, one after. `line` and `column` count from 1. */
export function codeFrame(text: string, line: number, column: number): string {
  const lines = linesOf(text)
  const width = Math.max(4, String(line + 1).length)
  // One window for all three lines, so that the caret stands under the right character of a very long line.
  const from = Math.max(0, column - 1 - Math.floor((LONGEST_LINE * 2) / 3))
  const show = (number: number): string[] => {
    const content = lines[number - 1]
    if (content === undefined || (number !== line && content.trim() === '')) return []
    const shown = printable(maskSecrets(content)).slice(from, from + LONGEST_LINE)
    return [`${number === line ? '>' : ' '}${String(number).padStart(width)} | ${shown}`.trimEnd()]
  }
  const caret = ` ${' '.repeat(width)} | ${' '.repeat(Math.max(0, column - 1 - from))}^`
  return [...show(line - 1), ...show(line), caret, ...show(line + 1)].join('\n')
}

/** One file with thousands of faults is split once. */
let lastSplit = { text: '', lines: [''] }
function linesOf(text: string): string[] {
  if (lastSplit.text !== text) lastSplit = { text, lines: text.split('\n') }
  return lastSplit.lines
}

/** A place in a text that was read, with its frame. */
export function placeIn(text: string, file: string, line: number, column: number): Place {
  return { file, line, column, frame: codeFrame(text, line, column) }
}

/** Tabs are shown, and control characters cannot move the cursor of a terminal. One character stays one character. */
function printable(line: string): string {
  return line.replaceAll('\t', '→').replace(/[\p{Cc}\p{Cf}]/gu, '·')
}

/** Hides what looks like a key: configuration files are quoted in CI logs that everybody reads. Lengths stay. */
export function maskSecrets(line: string): string {
  const stars = (text: string) => '*'.repeat(text.length)
  return line
    .replace(/\b(?:sk|pk|rk|ghp|gho|ghs|github_pat|glpat|gsk|hf|xox[a-z]|AKIA|AIza)[-_]?[A-Za-z0-9_-]{12,}/g, stars)
    .replace(/(\bBearer\s+)(\S+)/gi, (_, head: string, secret: string) => head + stars(secret))
    .replace(
      /((?:api[_-]?key|token|secret|password|authorization)["']?\s*[:=]\s*)([^\s,}]+)/gi,
      (whole, head: string, secret: string) => (secret.startsWith('${') ? whole : head + stars(secret)),
    )
}

/** One error for all faults, in the order of the lines. The list must not be empty. */
export function faultError(faults: readonly Fault[]): AigateError {
  const inOrder = [...faults].sort(
    ({ place: a }, { place: b }) =>
      a.file.localeCompare(b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  )
  return asOne(inOrder.map(({ problem, mend, place }) => new AigateError('bad_file', { problem, mend }, place)))
}

/** Several errors as one: the first 50, without repeats, and how many more there are. The list must not be empty. */
export function joinErrors(errors: readonly AigateError[]): AigateError {
  const flat = flatten(errors)
  const left = flat.length - MOST_FAULTS
  if (left <= 0) return asOne(flat)
  const problem = `… and ${left} more ${left === 1 ? 'problem' : 'problems'}`
  return asOne([
    ...flat.slice(0, MOST_FAULTS),
    new AigateError('bad_file', { problem, mend: 'Mend the ones above first.' }),
  ])
}

function asOne([first, ...rest]: readonly AigateError[]): AigateError {
  if (first === undefined) throw new RangeError('there is no error to throw')
  return rest.length === 0 ? first : withMore(first, rest)
}

/** Errors with their `more` laid out in one list, each once. */
export function flatten(errors: readonly AigateError[]): AigateError[] {
  const laid = errors.flatMap((one) => (one.more.length > 0 ? [withMore(one, []), ...one.more] : [one]))
  return [...new Map(laid.map((one) => [JSON.stringify([one.message, one.places]), one])).values()]
}

/** The same error with other companions. */
function withMore(error: AigateError, more: readonly AigateError[]): AigateError {
  const code = error.code === 'usage' ? 'usage' : 'bad_file'
  return new AigateError(code, { problem: error.message, mend: error.mend }, error.places[0], more)
}

/** The known word nearest to what was written; undefined when none is near enough to be meant. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  const low = written.toLowerCase()
  const [best] = known.map((word) => ({ word, far: distance(low, word.toLowerCase()) })).sort((a, b) => a.far - b.far)
  if (best && best.far <= Math.max(written.length < 4 ? 1 : 2, Math.floor(written.length * 0.4))) return best.word
  return written.length < 3 ? undefined : known.find((word) => word.toLowerCase().startsWith(low))
}

/** `; did you mean "x"?` or nothing. */
export function didYouMean(written: string, known: readonly string[]): string {
  const meant = nearest(written, known)
  return meant === undefined ? '' : `; did you mean "${meant}"?`
}

/** A mend that names what there is to choose from; `none` is the mend when there is nothing. */
export function choose(written: string, known: readonly string[], what: string, none: string): string {
  if (known.length === 0) return none
  const meant = nearest(written, known)
  return meant === undefined ? listed(known, what) : `Write "${meant}".`
}

export function listed(known: readonly string[], what: string): string {
  return `Choose from the ${what}: ${known.slice(0, 12).join(', ')}${known.length > 12 ? ', …' : ''}.`
}
