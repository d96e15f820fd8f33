// The answer as text assertions see it: line ends, Unicode form and surrounding white space never decide.
import type { Completion } from '../schema/run.ts'

/** LF line ends and Unicode NFC, so that texts that look alike are alike. */
export const canonical = (text: string): string => text.replace(/\r\n?/g, '\n').normalize('NFC')

/** The answer without surrounding white space, in canonical form. */
export const answerOf = (completion: Completion): string => canonical(completion.text).trim()

/** Upper and lower case alike, `ß` and `ss` too: not the fold of any one language. */
export const fold = (text: string): string =>
  /^[ -~\n]*$/.test(text)
    ? text.toLowerCase()
    : canonical(text).toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFC')
