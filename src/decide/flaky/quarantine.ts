// Quarantine: cases that were run and are shown, but enter no gate, and what must be said about them.
import type { Baseline } from '../../schema/baseline.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import { LONGEST_QUARANTINE_DAYS, type QuarantineEntry } from '../../schema/quarantine.ts'
import type { CaseInfo, RunHeader } from '../../schema/run.ts'
import { judge, type JudgeInput, type Judgement } from '../gate/judge.ts'
import { byText, counted, names } from '../words.ts'

/** What a run keeps about its quarantine, so that it can be judged again as it was. */
export type Quarantine = Pick<RunHeader, 'quarantined' | 'quarantine_notes'>

const DAY_MS = 86_400_000

/** The UTC day of a moment, `2026-12-31`. */
export const dayOf = (moment: Date): string => moment.toISOString().slice(0, 10)

/** The day so many days later. */
export const daysAfter = (moment: Date, days: number): string => dayOf(new Date(moment.getTime() + days * DAY_MS))

/** true when the entry no longer holds: its last day, in UTC, is over. */
export const isExpired = ({ until }: QuarantineEntry, now: Date): boolean => dayOf(now) > until

/** The last day that an entry written today may name. */
export const latestDay = (now: Date): string => daysAfter(now, LONGEST_QUARANTINE_DAYS)

/**
 * Which cases of one suite are in quarantine on the day of `now`, and what must be said about the list: entries that
 * have expired and so count again, and critical cases that may not block. Entries of other suites and of cases that are
 * not among `cases` say nothing. Empty (no keys) when there is nothing to say.
 */
export function quarantineOf(
  entries: readonly QuarantineEntry[],
  { suite, cases, now }: { suite: string; cases: readonly CaseInfo[]; now: Date },
): Quarantine {
  const infos = new Map(cases.map((info) => [info.id, info]))
  const own = entries
    .filter((entry) => entry.suite === suite && infos.has(entry.case))
    .sort((a, b) => byText(a.case, b.case))
  const active = own.filter((entry) => !isExpired(entry, now))
  const notes = own.flatMap((entry) => {
    const { case: id, until, owner } = entry
    if (isExpired(entry, now)) return [`The quarantine of ${id} expired on ${until} (owner ${owner}): it counts again.`]
    if (!infos.get(id)?.critical) return []
    return [`Critical case ${id} is quarantined until ${until} (owner ${owner}): a break of it would not block.`]
  })
  return {
    ...(active.length > 0 && { quarantined: active.map((entry) => entry.case) }),
    ...(notes.length > 0 && { quarantine_notes: notes }),
  }
}

/** The header of a run with another quarantine: that of today instead of that of the run. */
export function withQuarantine(header: RunHeader, quarantine: Quarantine): RunHeader {
  const { quarantined: _, quarantine_notes: __, ...rest } = header
  return { ...rest, ...quarantine }
}

/**
 * As `judge`, as if the quarantined cases were neither in the suite nor in the baseline: they enter no rate, no critical
 * gate, no coverage and no pairing. The verdict says which they are, after its other warnings.
 */
export function judgeCounted({ quarantine, ...input }: JudgeInput & { quarantine: Quarantine }): Judgement {
  const { quarantined = [], quarantine_notes: notes = [] } = quarantine
  if (quarantined.length === 0 && notes.length === 0) return judge(input)
  const seen = countedInput(input, quarantine)
  const left = input.cases.filter(({ id }) => quarantined.includes(id))
  const emptied = emptiedCategories(left, seen.cases)
  const judgement = judge(seen)
  const said = [...judgement.verdict.warnings, ...sayings(left, emptied), ...notes]
  const { reasons } = judgement.verdict
  const why = seen.cases.length === 0 && left.length > 0 ? ['Every case is quarantined, so nothing counts.'] : []
  return { ...judgement, verdict: { ...judgement.verdict, reasons: [...why, ...reasons], warnings: said } }
}

/** What `judge` sees of a run with a quarantine: the quarantined cases are gone from both sides. */
export function countedInput(input: JudgeInput, { quarantined = [] }: Quarantine): JudgeInput {
  if (quarantined.length === 0) return input
  const out = new Set(quarantined)
  const cases = input.cases.filter(({ id }) => !out.has(id))
  const left = input.cases.filter(({ id }) => out.has(id))
  return {
    ...input,
    cases,
    observations: input.observations.filter((one) => !out.has(one.case)),
    baseline: input.baseline && withoutCases(input.baseline, out),
    policy: withoutCategories(input.policy, emptiedCategories(left, cases)),
  }
}

function sayings(left: readonly CaseInfo[], emptied: readonly string[]): string[] {
  if (left.length === 0) return []
  const ids = left.map(({ id }) => id).sort(byText)
  const one = ids.length === 1
  return [
    `${counted(ids.length, 'case')} ${one ? 'is' : 'are'} quarantined and ${one ? 'does' : 'do'} not count: ${names(ids)}.`,
    ...emptied.map((name) => `Every case of the category ${name} is quarantined: nothing guards it.`),
  ]
}

/** Without the cases, so that they are no removed ones either. */
const withoutCases = (baseline: Baseline, out: ReadonlySet<string>): Baseline => ({
  ...baseline,
  cases: baseline.cases.filter(({ id }) => !out.has(id)),
})

/** Categories all of whose cases are in quarantine. */
function emptiedCategories(left: readonly CaseInfo[], counting: readonly CaseInfo[]): string[] {
  const guarded = new Set(counting.map(({ category }) => category))
  const mine = left.flatMap(({ category }) => (category === undefined || guarded.has(category) ? [] : [category]))
  return [...new Set(mine)].sort(byText)
}

/** Without the limits of such categories: the gate would say that no case belongs to them. */
function withoutCategories(policy: GatePolicy, emptied: readonly string[]): GatePolicy {
  const { categories, ...rest } = policy
  if (categories === undefined || emptied.length === 0) return policy
  const kept = Object.entries(categories).filter(([name]) => !emptied.includes(name))
  return kept.length > 0 ? { ...rest, categories: Object.fromEntries(kept) } : rest
}
