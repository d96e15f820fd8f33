// The CTRF reporter (Common Test Report Format, ctrf.io, specification 0.0.0): one test a case and one a gate that decides.
import type { Report, SuiteReport } from '../schema/verdict.ts'
import { jsonList } from './json-list.ts'
import { oneLine, plain, safeJson } from './safe-text.ts'
import { caseTests, gateTests, type TestCase } from './test-cases.ts'

type Status = 'passed' | 'failed' | 'skipped' | 'other'

/** The format has no word for "could not be measured": it is `other`, never failed. */
const statuses = { failure: 'failed', error: 'other', skipped: 'skipped' } as const

/** A text that must not be empty. */
const named = (text: string, max: number) => oneLine(text, max) || '(empty)'

function outcomeOf({ found, trouble, seconds }: TestCase) {
  const status: Status = trouble === null ? 'passed' : statuses[trouble.element]
  const flaky = found !== null && status === 'passed' && found.passes > 0 && found.passes < found.trials
  return { status, flaky, duration: Math.round(seconds * 1000) }
}

function testOf(test: TestCase, suite: SuiteReport) {
  const { found, trouble } = test
  const { status, flaky, duration } = outcomeOf(test)
  return {
    name: named(test.name, 300),
    status,
    duration,
    suite: [named(suite.suite, 120), found === null ? 'gates' : named(found.category ?? 'cases', 120)],
    ...(trouble && {
      message: oneLine(trouble.message, 300),
      trace: plain(trouble.body(), 12_000),
      rawStatus: oneLine(trouble.type, 60),
    }),
    ...(found?.line && { line: found.line }),
    ...(test.file !== null && { filePath: oneLine(test.file, 300) }),
    type: found === null ? 'gate' : 'evaluation',
    ...(flaky && { flaky }),
    ...(found && { extra: extraOf(found) }),
  }
}

function extraOf({
  status,
  critical,
  passes,
  trials,
  errors,
  score,
  baseline,
  cost_usd,
}: NonNullable<TestCase['found']>) {
  return { outcome: status, critical, passes, trials, not_measured: errors, score, baseline, cost_usd }
}

/** Milliseconds since 1970, or null for a text that is no time. */
function epoch(at: string): number | null {
  const ms = Date.parse(at)
  return Number.isFinite(ms) ? ms : null
}

/** A report knows when each run began, and no end: the latencies are added up, as if one answer came after the other. */
function timesOf({ suites }: Report, duration: number) {
  const starts = suites.flatMap(({ run }) => epoch(run.started_at) ?? [])
  const start = starts.reduce((first, each) => Math.min(first, each), starts[0] ?? 0)
  return { start, stop: start + duration, duration }
}

function environmentOf({ suites }: Report) {
  const git = suites[0]?.run.git
  if (!git) return {}
  const branch = git.branch === null ? {} : { branchName: oneLine(git.branch, 200) }
  return { environment: { commit: oneLine(git.commit, 80), ...branch } }
}

function* testsIn({ suites }: Report): Generator<[TestCase, SuiteReport]> {
  for (const suite of suites)
    for (const tests of [caseTests(suite), gateTests(suite)]) for (const test of tests) yield [test, suite]
}

function* writtenTests(report: Report) {
  for (const [test, suite] of testsIn(report)) yield testOf(test, suite)
}

function summaryOf(report: Report) {
  const counts = { tests: 0, passed: 0, failed: 0, skipped: 0, pending: 0, other: 0, flaky: 0 }
  let total = 0
  for (const [test] of testsIn(report)) {
    const { status, flaky, duration } = outcomeOf(test)
    counts.tests += 1
    counts[status] += 1
    counts.flaky += Number(flaky)
    total += duration
  }
  return { ...counts, suites: report.suites.length, ...timesOf(report, total) }
}

/** The list of tests, as it stands in the text of a report without any. */
const NO_TESTS = /^( {4}"tests": )\[\]/m

/** The report as CTRF JSON, a test a piece. Trials are no retries: they are counted in `extra`. */
export function* ctrf(report: Report): Generator<string> {
  const verdicts = report.suites.map(({ suite, suite_version, verdict }) => ({
    suite: oneLine(suite, 120),
    version: oneLine(suite_version, 40),
    outcome: verdict.outcome,
    reasons: verdict.reasons.slice(0, 8).map((reason) => oneLine(reason, 600)),
  }))
  const written = {
    reportFormat: 'CTRF',
    specVersion: '0.0.0',
    generatedBy: `aigate ${oneLine(report.tool_version, 40)}`,
    results: {
      tool: { name: 'aigate', version: oneLine(report.tool_version, 40) },
      summary: summaryOf(report),
      tests: [],
      ...environmentOf(report),
      extra: { outcome: report.outcome, verdicts },
    },
  }
  const [head = '', key = '', tail = ''] = JSON.stringify(written, null, 2).split(NO_TESTS)
  yield safeJson(head + key)
  yield* jsonList(writtenTests(report), '    ')
  yield `${safeJson(tail)}\n`
}
