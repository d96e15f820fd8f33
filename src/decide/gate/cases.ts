// What each case did, against the baseline where there is one: the list that people read, worst first.
import type { Baseline, CaseTally } from '../../schema/baseline.ts'
import type { CaseInfo, Observation } from '../../schema/run.ts'
import type { CaseReport, CaseStatus } from '../../schema/verdict.ts'
import { byText } from '../words.ts'
import { bookOf, type CaseBook } from './case-book.ts'
import type { Ranked } from './case-report.ts'

const order: readonly CaseStatus[] = [
  'regressed', 'failing', 'not_measured', 'improved', 'changed', 'added', 'removed', 'unchanged', 'passing',
] // biome-ignore format: a list reads better short

/**
 * One report a case of the run, and one a case that only the baseline has (unless the run is partial).
 * @returns worst first: regressed (the least likely by chance first), failing, not measured, improved, the rest; then by id
 */
export function caseReports(input: {
  cases: CaseInfo[]
  observations: Observation[]
  baseline: Baseline | null
  partial?: boolean
  /** Ids of cases that do not count: marked, and otherwise shown like the others. */
  quarantined?: readonly string[] | undefined
  book?: CaseBook | undefined
}): CaseReport[] {
  const { baseline, partial } = input
  const ranked = bookOf(input, baseline).reports()
  if (baseline && !partial) {
    const present = new Set(input.cases.map(({ id }) => id))
    for (const old of baseline.cases) if (!present.has(old.id)) ranked.push({ report: removed(old), p: 1, drop: 0 })
  }
  const reports = ranked.sort(worstFirst).map(({ report }) => report)
  if (!input.quarantined?.length) return reports
  const quarantined = new Set(input.quarantined)
  return reports.map((report) => (quarantined.has(report.id) ? { ...report, quarantined: true } : report))
}

const places = Object.fromEntries(order.map((status, place) => [status, place])) as Record<CaseStatus, number>

function worstFirst(a: Ranked, b: Ranked): number {
  return (
    places[a.report.status] - places[b.report.status] ||
    a.p - b.p ||
    b.drop - a.drop ||
    Number(b.report.failures.length > 0) - Number(a.report.failures.length > 0) ||
    byText(a.report.id, b.report.id)
  )
}

function removed(old: CaseTally): CaseReport {
  return {
    id: old.id,
    ...(old.category !== undefined && { category: old.category }),
    critical: false,
    file: null,
    line: null,
    status: 'removed',
    passes: 0,
    trials: 0,
    errors: 0,
    baseline: { passes: old.passes, trials: old.trials },
    score: null,
    failures: [],
    error: null,
    before: old.answer ?? null,
    after: null,
    latency_ms: null,
    cost_usd: null,
  }
}
