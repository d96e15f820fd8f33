// The one way in which this room fails: a control plane that did not do what was wanted, in a sentence.
import { AigateError } from '../errors.ts'

/** An AigateError `control_failed`: `problem` without a full stop, `mend` as a sentence. */
export function controlFailed(problem: string, mend: string): AigateError {
  return new AigateError('control_failed', { problem, mend })
}

/** What a thrown value says, on one line and bounded. */
export function saying(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error)
  return (said.split('\n')[0] ?? '').slice(0, 300)
}

/** What went wrong, as a part of a sentence: without the words that all errors of this room begin with. */
export function causeOf(error: unknown): string {
  return saying(error)
    .replace(/^The control plane did not do what was wanted: /, '')
    .replace(/\.$/, '')
}
