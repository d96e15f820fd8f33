// CTRF, the common test report format (https://ctrf.io): one JSON document, one test an entry.
import {
  amount,
  data,
  type Data,
  type ForeignTrial,
  type FormatReader,
  isData,
  isoDate,
  list,
  notRun,
  text,
} from './foreign.ts'

export const ctrf: FormatReader = {
  what: 'CTRF reports',
  matches(content) {
    const results = data(data(content.kind === 'json' ? content.value : undefined).results)
    return isData(results.tool) && Array.isArray(results.tests) && isData(results.summary)
  },
  read(content) {
    const results = data(data(content.kind === 'json' ? content.value : undefined).results)
    const tool = data(results.tool)
    const [name, version] = [text(tool.name) ?? 'ctrf', text(tool.version)]
    const tests = list(results.tests).filter(isData)
    const trials = tests.map(trialOf)
    const skipped = tests.filter(isSkipped).length
    const environment = data(results.environment)
    const commit = text(environment.commit)
    return {
      label: [name, text(environment.appName)].filter((part) => part !== undefined).join(' | '),
      target: [name, environment.appName ?? null],
      tool: version === undefined ? name : `${name} ${version}`,
      started_at: amount(data(results.summary).start) ? isoDate(data(results.summary).start) : undefined,
      git: commit === undefined ? null : { commit, branch: text(environment.branchName) ?? null, dirty: false },
      trials,
      notes:
        skipped > 0
          ? [
              `${skipped} skipped or pending tests were not measured; they count where the baseline or the suite has them.`,
            ]
          : [],
    }
  },
}

const isSkipped = ({ status }: Data): boolean => status === 'skipped' || status === 'pending'

/** What was skipped, is pending or ended as `other` was not measured. */
function trialOf(test: Data): ForeignTrial {
  const { status, duration, message } = firstAttempt(test)
  const suite = (Array.isArray(test.suite) ? test.suite : [test.suite]).flatMap((part) => text(part) ?? [])
  const id = [...suite, text(test.name) ?? 'unnamed'].join(' > ')
  const base = {
    id,
    content: { test: id },
    ...(suite[0] !== undefined && { category: suite[0] }),
  }
  const tags = list(test.tags).flatMap((tag) => text(tag) ?? [])
  if (isSkipped(test)) return { ...base, tags, ...notRun(`the test is ${String(status)}`) }
  const latency_ms = amount(duration)
  const said = text(message) ?? text(test.message) ?? text(test.trace)
  if (status !== 'passed' && status !== 'failed') {
    const error = { kind: 'command_failed' as const, message: said ?? `the test ended as "${String(status)}"` }
    return { ...base, tags, latency_ms, passed: null, score: null, error }
  }
  const passed = status === 'passed'
  const score = passed ? 1 : 0
  const reason = passed ? 'passed' : (said ?? 'failed')
  return {
    ...base,
    tags,
    latency_ms,
    passed,
    score,
    scores: [{ assertion: 'test', passed, score, weight: 1, reason, deterministic: false }],
  }
}

/** Later attempts are made only because the first one failed: counting them would make every flaky case look well. */
function firstAttempt(test: Data): Data {
  const attempts = list(test.retryAttempts)
    .filter(isData)
    .sort((a, b) => (amount(a.attempt) ?? 0) - (amount(b.attempt) ?? 0))
  if (attempts[0]) return attempts[0]
  const again = (amount(test.retries) ?? 0) > 0 && test.status === 'passed'
  return again
    ? { status: 'failed', duration: test.duration, message: 'failed at first, passed when it was run again' }
    : test
}
