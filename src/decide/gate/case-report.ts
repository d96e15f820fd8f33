// What one case did, against the baseline where there is one.
import type { Baseline, CaseTally } from '../../schema/baseline.ts'
import type { CaseInfo, Completion, Observation } from '../../schema/run.ts'
import type { CaseReport, CaseStatus } from '../../schema/verdict.ts'
import { lateProperty } from '../../schema/late-property.ts'
import { fisherExact } from '../../statistics/fisher.ts'
import { caseDetail } from '../explain/case-detail.ts'
import { mean } from './cost.ts'
import { median } from './latency.ts'
import { answerText, type CaseCount, isMeasured } from './tally.ts'

/**
 * A single case seldom proves anything; it is listed as moved when its pass rate moved by this much (one of three trials)
 * or Fisher's test is significant. This is for reading: no gate looks at it.
 */
const MOVED = 0.3
const SIGNIFICANT = 0.05

/** A report with what it is sorted by: probability of such a drop by chance, and the drop. */
export type Ranked = { report: CaseReport; p: number; drop: number }

type Seen = { all: Observation[]; old: CaseTally | undefined }
/** A report of a hundred thousand cases is written with few of their answers, or case by case. */
const withAfter = lateProperty('after', (shown: Completion | undefined) => (shown ? answerText(shown) : null))
const withDetail = lateProperty('detail', ({ all, old }: Seen) => caseDetail(all, old))

/**
 * @param all observations of whole passes, in the order of their trials
 * @param count what they come to
 * @param old the case in the baseline
 */
export function rankedReport(
  info: CaseInfo,
  all: Observation[],
  { tally: now, shown }: CaseCount,
  { baseline, old }: { baseline: Baseline | null; old: CaseTally | undefined },
): Ranked {
  const same = old !== undefined && old.hash === info.hash
  const { status, p, drop } = compare(now, baseline, old, same)
  const failed = all.filter((one) => isMeasured(one) && one.passed === false)
  const { latencies_ms, costs_usd, first_tokens_ms } = now
  // Key by key: a report has as many of these as the suite has cases, and spreading costs more than all else here.
  const report = { id: info.id } as CaseReport
  if (info.category !== undefined) report.category = info.category
  report.critical = info.critical
  report.file = info.file
  report.line = info.line
  report.status = status
  report.passes = now.passes
  report.trials = now.trials
  report.errors = now.errors
  report.baseline = same ? { passes: old.passes, trials: old.trials } : null
  report.score = now.scores.length > 0 ? mean(now.scores) : null
  report.failures = failuresOf(failed)
  report.error = errorOf(all)
  report.before = same ? (old.answer ?? null) : null
  withAfter(report, failed[0]?.completion ?? shown)
  report.latency_ms = latencies_ms.length > 0 ? median(latencies_ms) : null
  if (first_tokens_ms) report.first_token_ms = median(first_tokens_ms)
  if (same && old.first_tokens_ms) report.before_first_token_ms = median(old.first_tokens_ms)
  report.cost_usd = costs_usd.length > 0 ? mean(costs_usd) : null
  if (all.length > 0) withDetail(report, { all, old: same ? old : undefined })
  return { report, p, drop }
}

function compare(now: CaseTally, baseline: Baseline | null, old: CaseTally | undefined, same: boolean) {
  const as = (status: CaseStatus, p = 1, drop = 0) => ({ status, p, drop })
  const failing = now.passes < now.trials
  const missed = now.trials > 0 ? 1 - now.passes / now.trials : 0
  if (now.trials === 0) return as('not_measured')
  if (!baseline) return as(failing ? 'failing' : 'passing', 1, missed)
  if (!old) return as('added', 1, missed)
  if (!same) return as('changed', 1, missed)
  if (old.trials === 0) return as(failing ? 'failing' : 'passing', 1, missed)
  const drop = old.passes / old.trials - now.passes / now.trials
  const test = fisherExact(now.passes, now.trials - now.passes, old.passes, old.trials - old.passes)
  if (drop > 0 && (drop >= MOVED || test.less <= SIGNIFICANT)) return as('regressed', test.less, drop)
  if (drop < 0 && (-drop >= MOVED || test.greater <= SIGNIFICANT)) return as('improved', test.greater, -drop)
  return as('unchanged', 1, Math.max(0, drop))
}

/** Each assertion that failed, how often, and the first reason. Two of the same name stay two. */
function failuresOf(failed: readonly Observation[]): CaseReport['failures'] {
  if (failed.length === 0) return []
  const found = new Map<string, CaseReport['failures'][number]>()
  for (const { scores } of failed) {
    for (const [i, { passed, assertion, reason }] of scores.entries()) {
      if (passed) continue
      const known = found.get(`${i} ${assertion}`)
      if (known) known.trials += 1
      else found.set(`${i} ${assertion}`, { assertion, reason, trials: 1 })
    }
  }
  return [...found.values()]
}

function errorOf(all: readonly Observation[]): string | null {
  const first = all.find((one) => !isMeasured(one))
  if (!first) return null
  const { error, outcome } = first.completion
  if (error) return `${error.kind}: ${error.message}`
  if (first.grader_error !== undefined) return `grader: ${first.grader_error}`
  return outcome === 'timeout' ? 'timeout: no answer in time' : 'not graded'
}
