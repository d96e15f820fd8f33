// No way around the gate: what a change loosens in the gate itself, and what it is judged by instead: the rules of its base.
import type { LoadedSuite } from '../../ports.ts'
import type { Budget } from '../../schema/config.ts'
import type { QuarantineEntry } from '../../schema/quarantine.ts'
import type { CaseInfo, GuardRecord } from '../../schema/run.ts'
import { addressChange, graderChange, type GuardAddress } from './guard-address.ts'
import { type GuardTip, type Moved, permitted, withTip } from './guard-tip.ts'
import { strictestPolicy } from './strictest-policy.ts'
import { byText, counted, names, percent } from '../words.ts'

/** One side of a change: everything that decides what the gate asks and how it judges. */
export type GuardSide = {
  suites: readonly LoadedSuite[]
  quarantine: readonly QuarantineEntry[]
  budget?: Budget | undefined
  /** By suite: content hash of the baseline file; null or absent: there is none. */
  baselines: ReadonlyMap<string, string | null>
  /** By suite: content hash of what is asked; only where it covers everything that decides the answers. */
  targets: ReadonlyMap<string, string>
  /** By suite: where it is asked. */
  addresses: ReadonlyMap<string, GuardAddress>
  /** By suite: where those are asked who grade, or play users. */
  graderAddresses?: ReadonlyMap<string, readonly Omit<GuardAddress, 'kind'>[]>
  /** Keys of all providers of aigate.yaml. */
  providers: ReadonlySet<string>
  /** By suite and case: content hash of the programs that grade it, where there are any. */
  graders: ReadonlyMap<string, string>
}

export type Guarded = {
  /** The suites of the head, under the rules that count. */
  suites: LoadedSuite[]
  quarantine: QuarantineEntry[]
  /** By suite. */
  records: ReadonlyMap<string, GuardParts>
  /** Everything that the change loosens, suites named, one sentence each. */
  loosened: string[]
}

type GuardParts = Pick<GuardRecord, 'warnings' | 'holds' | 'hidden' | 'added'>

/** A change that takes away or rewrites more of the base's cases than this share is not judged by the rest. */
export const CASE_CHANGES = 0.2

/** The name under which `graders` holds a case. */
export const graderKey = (suite: string, id: string): string => `${suite} ${id}`

/**
 * Compares the gate of a change with that of its base. Looser rules of the head do not count, stricter ones do; marks of
 * a case (category, tags, `critical`) that the base has stay. `whole`: all suites of the head are there, so that a suite
 * of the base that is missing is gone. `tip`: where the base branch became stricter meanwhile, that judges as well.
 */
export function guard({
  base,
  head,
  whole,
  tip,
}: {
  base: GuardSide
  head: GuardSide
  whole: boolean
  tip?: GuardTip | undefined
}): Guarded {
  const before = new Map(base.suites.map((suite) => [suite.suite.suite, suite]))
  const present = new Set(head.suites.map((suite) => suite.suite.suite))
  const gone = whole ? [...before.keys()].filter((name) => !present.has(name)).sort(byText) : []
  const everywhere = [...goneSuites(gone), ...quarantineChanges(base, head), ...budgetChanges(base, head)]
  const holds = gone.map((name) => `The suite ${name} of the base is gone from this change: nothing guards its cases.`)
  const loosened = [...everywhere]
  const records = new Map<string, GuardParts>()
  const suites = head.suites.map((suite) => {
    const name = suite.suite.suite
    const old = before.get(name)
    const newest = tip?.suites.find((one) => one.suite.suite === name)
    const moved = tip && newest && { ref: tip.ref, suite: newest }
    const own = old ? guardSuite({ old, suite, base, head, moved }) : newSuite(suite, moved)
    loosened.push(...own.loosened.map((text) => `${name}: ${text}`))
    records.set(name, {
      warnings: [
        ...[...everywhere, ...own.loosened].map((text) => `This change loosens the gate: ${text}`),
        ...own.notes,
      ],
      holds: [...holds, ...own.holds],
      hidden: own.hidden,
      ...(own.added.length > 0 && { added: own.added }),
    })
    return own.suite
  })
  return { suites, quarantine: commonQuarantine(base, head), records, loosened }
}

const goneSuites = (gone: readonly string[]) => gone.map((name) => `the suite ${name} is gone.`)

const sameCase = (a: QuarantineEntry, b: QuarantineEntry) => a.suite === b.suite && a.case === b.case

/** Entries that both sides have, each with the earlier end: taking an entry out makes the gate stricter, adding one waits. */
function commonQuarantine(base: GuardSide, head: GuardSide): QuarantineEntry[] {
  return head.quarantine.flatMap((entry) => {
    const old = base.quarantine.find((other) => sameCase(other, entry))
    return old ? [{ ...entry, until: old.until < entry.until ? old.until : entry.until }] : []
  })
}

function quarantineChanges(base: GuardSide, head: GuardSide): string[] {
  return head.quarantine.flatMap((entry) => {
    const old = base.quarantine.find((other) => sameCase(other, entry))
    const name = `${entry.suite}/${entry.case}`
    if (!old) return [`${name} is put into quarantine; it counts until the list is merged.`]
    return entry.until > old.until
      ? [`the quarantine of ${name} is prolonged from ${old.until} to ${entry.until}.`]
      : []
  })
}

/** A budget that is too small makes a run invalid, never a pass: it is said, and not overruled. */
function budgetChanges(base: GuardSide, head: GuardSide): string[] {
  const keys = ['max_calls', 'max_cost_usd', 'max_tokens', 'max_duration'] as const
  return keys.flatMap((key) => {
    const [was = Infinity, is = Infinity] = [base.budget?.[key], head.budget?.[key]]
    return is < was ? [`budget.${key} is lowered from ${was === Infinity ? 'no limit' : was} to ${is}.`] : []
  })
}

type Own = {
  suite: LoadedSuite
  loosened: string[]
  notes: string[]
  holds: string[]
  hidden: CaseInfo[]
  added: string[]
}
function newSuite(suite: LoadedSuite, moved: Moved): Own {
  const { policy, notes } = withTip(suite.policy, moved)
  const own = moved ? { ...suite, policy: withCategoriesOf(policy, suite.cases) } : suite
  return { suite: own, loosened: [], notes, holds: [], hidden: [], added: [] }
}

type Change = { old: LoadedSuite; suite: LoadedSuite; base: GuardSide; head: GuardSide; moved: Moved }

function guardSuite(change: Change): Own {
  const { old, suite, base, head, moved } = change
  const name = suite.suite.suite
  const rules = strictestPolicy(old.policy, suite.policy)
  const tip = withTip(rules.policy, moved)
  const trials = {
    min: Math.max(old.suite.trials.min, suite.suite.trials.min),
    max: Math.max(old.suite.trials.max, suite.suite.trials.max),
  }
  const loosened = rules.loosened.map((text) => `${text}; the base's value judges.`)
  if (suite.suite.trials.min < trials.min || suite.suite.trials.max < trials.max)
    loosened.push(`trials are lowered; ${trials.min} to ${trials.max} are asked as at the base.`)
  const anchors = Math.max(old.suite.anchors ?? 0, suite.suite.anchors ?? 0)
  if ((suite.suite.anchors ?? 0) < anchors) loosened.push(`anchors are lowered; ${anchors} are asked as at the base.`)
  if (base.baselines.get(name) !== head.baselines.get(name) && (base.baselines.get(name) ?? null) !== null)
    loosened.push('the baseline file is touched; that of the base is compared with.')
  else if ((base.baselines.get(name) ?? null) !== (head.baselines.get(name) ?? null))
    loosened.push('a baseline is added; it counts from the merge on.')
  const marks = restoreMarks(old, suite)
  loosened.push(...marks.loosened)
  const cases = caseChanges(change)
  const restored: LoadedSuite = {
    ...suite,
    suite: { ...suite.suite, trials, ...(anchors > 0 && { anchors }) },
    cases: marks.cases,
    policy: withCategoriesOf(tip.policy, marks.cases),
  }
  const empty = Object.keys(rules.policy.categories ?? {}).filter(
    (each) => !(each in (restored.policy.categories ?? {})),
  )
  const allowed = permitted(old.policy, moved, 'allow_target_changes')
  const target = addressChange({ base, head, suite: name, allowed })
  const [was, is] = [base, head].map((side) => side.graderAddresses?.get(name) ?? [])
  const judges = graderChange(
    { base: was ?? [], head: is ?? [] },
    { providers: base.providers, allowed: allowed || asksTheSame(name, base, head) },
  )
  const holds = [...target.holds, ...judges.holds, ...cases.holds].concat(
    empty.map((each) => `Every case of the category ${each} is gone, and the base sets limits for it.`),
  )
  return {
    suite: restored,
    loosened: [...target.loosened, ...judges.loosened, ...loosened, ...cases.loosened],
    notes: [...tip.notes, ...cases.notes],
    holds,
    hidden: cases.hidden,
    added: cases.added,
  }
}

/** Whether the same thing is asked as before, so that no change of cases or graders can hide anything. */
const asksTheSame = (name: string, base: GuardSide, head: GuardSide): boolean =>
  base.targets.has(name) && base.targets.get(name) === head.targets.get(name)

/** Category, tags and `critical` are no part of a case's content hash: those of the base stay on the case. */
function restoreMarks(old: LoadedSuite, suite: LoadedSuite): { cases: LoadedSuite['cases']; loosened: string[] } {
  const before = new Map(old.cases.map(({ info }) => [info.id, info]))
  const loosened: string[] = []
  const cases = suite.cases.map((each) => {
    const was = before.get(each.info.id)
    if (!was) return each
    const critical = was.critical || each.info.critical
    const category = was.category ?? each.info.category
    const tags = [...new Set([...each.info.tags, ...was.tags])]
    const lost = was.tags.filter((tag) => !each.info.tags.includes(tag))
    if (lost.length > 0) loosened.push(`${was.id} loses the tag ${names(lost)}; it is still chosen by it.`)
    if (critical && !each.info.critical) loosened.push(`${was.id} is no longer critical; it still counts as critical.`)
    if (category !== each.info.category)
      loosened.push(`${was.id} leaves the category ${category}; it still counts there.`)
    const marks = { tags, critical, ...(category !== undefined && { category }) }
    return { case: { ...each.case, ...marks }, info: { ...each.info, ...marks } }
  })
  return { cases, loosened }
}

function withCategoriesOf(policy: LoadedSuite['policy'], cases: LoadedSuite['cases']): LoadedSuite['policy'] {
  if (policy.categories === undefined) return policy
  const known = new Set(cases.map(({ info }) => info.category))
  const { categories, ...rest } = policy
  const kept = Object.entries(categories).filter(([name]) => known.has(name))
  return kept.length > 0 ? { ...rest, categories: Object.fromEntries(kept) } : rest
}

/**
 * Cases of the base that are gone or rewritten, also by way of the program that grades them. They hide what they would
 * have shown: `hidden` lists them as the base has them. Nothing can hide behind them when the same thing is asked as before.
 */
function caseChanges(change: Change): Pick<Own, 'loosened' | 'notes' | 'holds' | 'hidden' | 'added'> {
  const { old, suite, base, head, moved } = change
  const name = suite.suite.suite
  const now = new Map(suite.cases.map(({ info }) => [info.id, info]))
  const regraded = ({ id }: CaseInfo) => {
    const key = graderKey(name, id)
    return base.graders.get(key) !== head.graders.get(key)
  }
  const infos = old.cases.map(({ info }) => info)
  const removed = infos.filter(({ id }) => !now.has(id))
  const changed = infos.filter((info) => {
    const is = now.get(info.id)
    return is !== undefined && (is.hash !== info.hash || regraded(info))
  })
  const hidden = [...removed, ...changed]
  const known = new Set(infos.map(({ id }) => id))
  const fresh = suite.cases.map(({ info }) => info).filter(({ id }) => !known.has(id))
  const notes = said(fresh, 'added: the limits are held against the cases of the base alone as well')
  const added = fresh.map(({ id }) => id).sort(byText)
  const loosened = [
    ...said(removed, 'of the base removed'),
    ...said(changed, 'of the base rewritten (question, assertions or grader)'),
  ]
  if (asksTheSame(name, base, head) || permitted(old.policy, moved, 'allow_case_changes'))
    return { loosened, notes: said(fresh, 'added'), holds: [], hidden: [], added: [] }
  if (hidden.length === 0) return { loosened, notes, holds: [], hidden, added }
  const holds: string[] = []
  const critical = hidden.filter((info) => info.critical)
  const mend = 'Change cases in a pull request of their own, before what they judge.'
  if (critical.length > 0)
    holds.push(
      `Critical ${critical.length === 1 ? 'case' : 'cases'} removed or rewritten: ${listed(critical)}. ${mend}`,
    )
  const share = hidden.length / infos.length
  if (share > CASE_CHANGES)
    holds.push(
      `${hidden.length} of the base's ${counted(infos.length, 'case')} are removed or rewritten (${percent(share)}): ${listed(hidden)}. The rest cannot judge this change. ${mend}`,
    )
  return { loosened, notes, holds, hidden, added }
}

const listed = (infos: readonly CaseInfo[]) => names(infos.map(({ id }) => id).sort(byText))

const said = (infos: readonly CaseInfo[], what: string) =>
  infos.length === 0 ? [] : [`${counted(infos.length, 'case')} ${what}: ${listed(infos)}.`]
