// The report of one suite, and of all suites of one invocation: the data that every reporter renders.
import type { Baseline } from '../../schema/baseline.ts'
import type { Run } from '../../schema/run.ts'
import { type Report, type SuiteReport, type Verdict, worst } from '../../schema/verdict.ts'
import { bookOf, type CaseBook } from '../gate/case-book.ts'
import { caseReports } from '../gate/cases.ts'
import { jointWarning, providerWarning } from '../change/causes.ts'
import { swapWarnings } from '../change/silent-swap.ts'

/** Joins the run, the baseline and the verdict on them. Nothing is decided here. */
export function suiteReport(input: {
  run: Run
  runFile: string
  baseline: Baseline | null
  baselineFile: string | null
  verdict: Verdict
  /** What was kept of the run's cases while it went on. */
  book?: CaseBook | undefined
}): SuiteReport {
  const { run, baseline, baselineFile, verdict } = input
  const { header, observations } = run
  const { suite, suite_version, target, id, started_at, tool_version, seed, git, trials, partial, cases, quarantined } =
    header
  const book = bookOf({ cases, observations, book: input.book }, baseline)
  const sums = book.totals()
  return {
    suite,
    suite_version,
    run: {
      id,
      file: input.runFile,
      started_at,
      tool_version,
      seed,
      git,
      trials,
      partial,
      response_models: sums.models(),
    },
    target,
    baseline: baseline && baselineOf(baseline, baselineFile ?? ''),
    verdict: warned(verdict, [
      ...(baseline ? [...jointWarning(baseline.target, target), ...providerWarning(baseline.target, target)] : []),
      ...swapWarnings(observations, baseline, target),
      ...(header.change_notes ?? []),
    ]),
    // Cases that a stopped run never came to belong to the suite as well.
    totals: sums.of(cases.length, header.judging?.cost),
    cases: caseReports({ cases, observations, baseline, partial, quarantined, book }),
  }
}

const warned = (verdict: Verdict, more: readonly string[]): Verdict =>
  more.length > 0 ? { ...verdict, warnings: [...more, ...verdict.warnings] } : verdict

function baselineOf(baseline: Baseline, file: string): SuiteReport['baseline'] {
  const trials = baseline.cases.map((tally) => tally.trials)
  return {
    file,
    target: baseline.target,
    accepted: baseline.accepted,
    trials: trials.reduce((least, each) => Math.min(least, each), trials[0] ?? 0),
    commit: baseline.runs.at(-1)?.git?.commit ?? null,
    response_models: baseline.response_models,
    ...(baseline.history && {
      history: baseline.history.map(({ at, pass_rate, cases }) => ({ at, pass_rate, cases })),
    }),
  }
}

/** All suites together; the outcome is the worst of theirs. */
export function reportOf(suites: SuiteReport[], toolVersion: string): Report {
  const outcome = worst(suites.map(({ verdict }) => verdict.outcome))
  return { aigate: 'report', version: 1, tool_version: toolVersion, outcome, suites }
}
