// Whether a run can go on where its record ends: everything that decided its answers and its verdict must be as it was.
import type { RunHeader } from '../../schema/run.ts'

type Key = Exclude<keyof RunHeader, (typeof free)[number]>

/** What may differ: names and moments, what only explains, and what is taken from the record as it was judged then. */
const free = [
  'aigate', 'version', 'id', 'node', 'started_at', 'invocation', 'guard', 'change_notes', 'quarantine_notes',
  'kept',
] as const // biome-ignore format: one list

/** What each part of the record is called, and what of it can be named one by one. */
const words: { [K in Key]: string } = {
  tool_version: 'the version of aigate',
  git: 'the commit that is checked out',
  suite: 'the name of the suite',
  suite_version: 'the version of the suite',
  suites: 'the suites of the run',
  target: 'what is asked (prompt, model, parameters, provider, components)',
  code: 'files that answer or grade',
  cases: 'the cases or their assertions',
  partial: 'the choice of cases',
  selection: 'the choice of cases',
  trials: 'the number of trials',
  seed: 'the seed',
  policy: 'the policy of the gate',
  what_if: 'the options that set rules aside',
  compared_with: 'the baseline that is compared with',
  quarantined: 'the quarantine list',
  against: 'the commit that is compared with',
  shard: 'which cases this shard asks',
  anchors: 'the anchors',
  judging: 'the judges, their prompts or their calibration',
}

/**
 * What differs between a record and the header that the same run would get now, in words; empty when it can go on.
 */
export function resumeDifferences(before: RunHeader, now: RunHeader): string[] {
  const parts = Object.keys(words) as Key[]
  return parts.flatMap((part) => {
    const [old, current] = [comparable(before, part), comparable(now, part)]
    if (old === current) return []
    return [`${words[part]}${detail(before, now, part)}`]
  })
}

function comparable(header: RunHeader, part: Key): string {
  if (part === 'git') return sorted(header.git?.commit ?? null)
  if (part !== 'judging' || !header.judging) return sorted(header[part] ?? null)
  // What judges said of gold answers is measured again in every run.
  const { judges, embeddings, uses } = header.judging
  return sorted({ judges, embeddings, uses })
}

/** JSON whose keys are sorted, so that their order does not count. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner !== 'object' || inner === null || Array.isArray(inner)
      ? inner
      : Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))),
  )
}

const shown = 5
const listed = (names: readonly string[]): string =>
  names.length === 0
    ? ''
    : `: ${names.slice(0, shown).join(', ')}${names.length > shown ? ` and ${names.length - shown} more` : ''}`

function detail(before: RunHeader, now: RunHeader, part: Key): string {
  if (part === 'cases') {
    const hashes = (header: RunHeader) => Object.fromEntries(header.cases.map(({ id, hash }) => [id, hash]))
    return listed(changedKeys(hashes(before), hashes(now)))
  }
  if (part === 'code') return listed(changedKeys(before.code ?? {}, now.code ?? {}))
  if (part === 'git') return listed([`${before.git?.commit.slice(0, 12) ?? 'none'}, now ${now.git?.commit.slice(0, 12) ?? 'none'}`]) // biome-ignore format: one line
  if (part === 'tool_version') return ` (${before.tool_version}, now ${now.tool_version})`
  if (part === 'target' && before.target.label !== now.target.label)
    return listed([`${before.target.label}, now ${now.target.label}`])
  return ''
}

function changedKeys(old: Readonly<Record<string, string>>, current: Readonly<Record<string, string>>): string[] {
  const keys = new Set([...Object.keys(old), ...Object.keys(current)])
  return [...keys].filter((key) => old[key] !== current[key]).sort()
}
