// Whether a baseline grew acceptance by acceptance: every version names the one before it by its hash, or the chain is broken.
import type { Baseline } from '../../schema/baseline.ts'
import { type Acceptance, courseOf, firstLink, MOST_ACCEPTANCES, passRate } from '../change/ratchet.ts'
import { byText, counted } from '../words.ts'

/** A version of the file. `baseline`: null where the file was removed or cannot be read; `problem` says the latter. */
export type ChainVersion = {
  /** How people find it: a short commit, or "work tree". */
  at: string
  digest: string | null
  baseline: Baseline | null
  problem?: string | undefined
}

type Found = ChainVersion & { baseline: Baseline }

/** `links`: replacements whose hash was found; `problems`: where the chain is broken, oldest first; none: it holds. */
export type ChainReport = { links: number; problems: string[]; notes: string[]; course: string | null }

/**
 * Recomputes the chain of a baseline over its versions, oldest first. A version continues the one before when its history
 * goes on behind the acceptance of that one with an entry whose `previous` is the hash of that very file. Entries between
 * the two were accepted one after another without a commit; their files are gone and are not checked.
 * @param whole the first version is where the file began; false: the history is cut off before (a shallow clone)
 */
export function verifyChain(versions: readonly ChainVersion[], { whole }: { whole: boolean }): ChainReport {
  const problems: string[] = []
  let links = 0
  let skipped = 0
  let unchained = 0
  let before: Found | null = null
  const known = new Map<string, Acceptance>()
  for (const version of versions) {
    const { at, baseline, problem } = version
    if (!baseline) {
      problems.push(`${at}: ${problem ?? 'the baseline is removed.'}`)
      continue
    }
    for (const entry of baseline.history ?? [firstLink(baseline)]) known.set(entry.at, entry)
    problems.push(...contradictions(baseline).map((text) => `${at}: ${text}`))
    // A rename brings the same file once more.
    if (before && before.digest === version.digest) continue
    if (before && !before.baseline.history && !baseline.history) unchained += 1
    else if (before) {
      const between = stepsFrom(before, baseline)
      if (between === null) problems.push(`${at}: ${brokenSentence(before, baseline)}`)
      else {
        links += 1
        skipped += between
      }
    } else if (whole && !beginsHere(baseline))
      problems.push(`${at}: it names a baseline before it, and git knows none.`)
    before = { ...version, baseline }
  }
  const notes = [
    ...(whole ? [] : ['The clone is shallow: the chain before its first commit is not checked.']),
    ...(unchained > 0 ? [`${counted(unchained, 'version')} from before there was a chain: not checked.`] : []),
    ...(skipped > 0 ? [`${counted(skipped, 'acceptance')} in between never committed: not checked.`] : []),
  ]
  const all = [...known.values()].sort((a, b) => byText(a.at, b.at))
  return { links, problems, notes, course: all.length > 0 ? courseOf(all) : null }
}

/** Whether the history begins with the first baseline there was, as far as it is not cut off at its length. */
const beginsHere = ({ history = [], previous }: Baseline): boolean =>
  history.length === 0 ? previous === undefined : history.length === MOST_ACCEPTANCES || history[0]?.previous === null

/** How many acceptances lie between two versions; null when the later one does not continue the earlier. */
function stepsFrom({ digest, baseline: before }: Found, after: Baseline): number | null {
  const history = after.history ?? []
  const place = history.findIndex(({ at }) => at === before.accepted.at)
  const next = history.findIndex(({ previous }) => previous !== null && previous === digest)
  if (next === -1) return null
  // Older acceptances fall out of the history, but never the one that was just replaced.
  if (place === -1 ? next !== 0 : next !== place + 1) return null
  return history.length - 1 - next
}

function brokenSentence({ at }: Found, after: Baseline): string {
  const { by, at: day } = after.accepted
  return `it does not continue the baseline of ${at} (it says: accepted ${day.slice(0, 10)} by ${by}): it was changed without \`aigate baseline accept\`.`
}

/** Where what a baseline says of itself and its last entry in the history differ. */
function contradictions(baseline: Baseline): string[] {
  const last = baseline.history?.at(-1)
  if (!last) return baseline.previous === undefined ? [] : ['it names a baseline before it, but has no history.']
  const { accepted, cases, previous } = baseline
  const differing = [
    ...(last.at === accepted.at && last.by === accepted.by ? [] : ['who accepted it and when']),
    ...(Math.abs(last.pass_rate - passRate(baseline)) < 0.000_001 ? [] : ['its pass rate']),
    ...(last.cases === cases.length ? [] : ['the number of its cases']),
    ...(last.previous === (previous ?? null) ? [] : ['the baseline before it']),
  ]
  return differing.length === 0
    ? []
    : [`its content and its history differ in ${differing.join(', ')}: it was changed by hand.`]
}
