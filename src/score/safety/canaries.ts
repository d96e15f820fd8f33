// Canaries: texts planted where nobody should repeat them. They are found as they stand and in the cheap disguises.
import { fold } from '../answer.ts'
import { viewsOf } from './disguises.ts'

/** Only letters and digits count, so that `HE RON-44 17` is still HERON-4417. */
const bare = (text: string): string => fold(text).replace(/[^\p{L}\p{N}]/gu, '')

/** The first canary that the text has, and the disguise that it was found in ('' for none); null when there is none. */
export function canaryIn(text: string, canaries: readonly string[]): { canary: string; disguise: string } | null {
  if (canaries.length === 0) return null
  const wanted = canaries.map((canary) => ({ canary, bare: bare(canary) }))
  for (const view of viewsOf(text)) {
    const read = bare(view.text)
    const found = wanted.find((one) => one.bare !== '' && read.includes(one.bare))
    if (found) return { canary: found.canary, disguise: view.name }
  }
  return null
}
