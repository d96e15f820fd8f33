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
    const trials = tests.flatMap((test) => trialOf(test) ?? [])
    const skipped = tests.length - trials.length
    const environment = data(results.environment)
    const commit = text(environment.commit)
    return {
      label: [name, text(environment.appName)].filter((part) => part !== undefined).join(' | '),
      target: [name, environment.appName ?? null],
      tool: version === undefined ? name : `${name} ${version}`,
      started_at: amount(data(results.summary).start) ? isoDate(data(results.summary).start) : undefined,
      git: commit === undefined ? null : { commit, branch: text(environment.branchName) ?? null, dirty: false },
      trials,
      notes: skipped > 0 ? [`${skipped} skipped or pending tests are no trials and were left out.`] : [],
    }
  },
}

/** undefined for a test that was not run. `other` is neither: it was not measured. */
function trialOf(test: Data): ForeignTrial | undefined {
  const { status, duration, message } = firstAttempt(test)
  if (status === 'skipped' || status === 'pending') return undefined
  const suite = (Array.isArray(test.suite) ? test.suite : [test.suite]).flatMap((part) => text(part) ?? [])
  const id = [...suite, text(test.name) ?? 'unnamed'].join(' > ')
  const base = {
    id,
    content: { test: id },
    ...(suite[0] !== undefined && { category: suite[0] }),
    latency_ms: amount(duration),
  }
  const tags = list(test.tags).flatMap((tag) => text(tag) ?? [])
  const said = text(message) ?? text(test.message) ?? text(test.trace)
  if (status !== 'passed' && status !== 'failed') {
    const error = { kind: 'command_failed' as const, message: said ?? `the test ended as "${String(status)}"` }
    return { ...base, tags, passed: null, score: null, error }
  }
  const passed = status === 'passed'
  const score = passed ? 1 : 0
  const reason = passed ? 'passed' : (said ?? 'failed')
  return {
    ...base,
    tags,
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
