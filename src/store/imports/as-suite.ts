// Lays a suite of the project over a foreign run: its name, its policy, what it says of its cases, and those that are missing.
import { AigateError } from '../../errors.ts'
import type { LoadedSuite } from '../../ports.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { CaseInfo, Observation, Run } from '../../schema/run.ts'

/**
 * The run as one of the suite. What a case is (its content) stays as the file tells; a case of the suite that the file
 * lacks was not measured, and is compared under the content that the baseline knows.
 * @param baseline what the run will be compared with, null for nothing
 * @throws AigateError usage when not one case of the file is a case of the suite: all that the suite guards would be gone
 */
export function asRunOf(run: Run, { suite, policy, cases }: LoadedSuite, baseline: Baseline | null): Run {
  const { header } = run
  const known = new Map(cases.map(({ info }) => [info.id, info]))
  const delivered = new Set(header.cases.map(({ id }) => id))
  const missing = cases.flatMap(({ info }) => (delivered.has(info.id) ? [] : [info]))
  if (cases.length > 0 && missing.length === cases.length) throw strangers(run, suite.suite, missing)
  const before = new Map(baseline?.cases.map(({ id, hash }) => [id, hash]))
  const laid = header.cases.map((info): CaseInfo => {
    const own = known.get(info.id)
    return own ? { ...own, hash: info.hash } : info
  })
  const added = missing.map((info): CaseInfo => ({ ...info, hash: before.get(info.id) ?? info.hash }))
  const sorted = [...laid, ...added].sort((a, b) => (a.id < b.id ? -1 : 1))
  return {
    ...run,
    header: { ...header, suite: suite.suite, suite_version: suite.version, policy, cases: sorted },
    observations: [...run.observations, ...missing.flatMap(({ id }) => notDelivered(id, header.trials.max))],
  }
}

/**
 * The run without the cases that were skipped in every trial and that the baseline did not measure either: nobody expects
 * them. A run in which everything was skipped stays as it is.
 */
export function withoutSkipped(run: Run, baseline: Baseline | null): Run {
  const expected = new Set(baseline?.cases.flatMap(({ id, trials }) => (trials > 0 ? [id] : [])))
  const asked = new Set(
    run.observations.flatMap(({ case: id, completion }) => (completion.error?.kind === 'not_recorded' ? [] : [id])),
  )
  if (asked.size === 0) return run
  const stays = (id: string) => asked.has(id) || expected.has(id)
  const cases = run.header.cases.filter(({ id }) => stays(id))
  return { ...run, header: { ...run.header, cases }, observations: run.observations.filter((one) => stays(one.case)) }
}

function notDelivered(id: string, passes: number): Observation[] {
  return Array.from({ length: passes }, (_, at) => ({
    case: id,
    trial: at + 1,
    purpose: 'pass',
    completion: {
      outcome: 'error',
      text: '',
      tool_calls: [],
      error: { kind: 'not_recorded', message: 'the results hold nothing of this case' },
      attempts: 0,
    },
    scores: [],
    passed: null,
    score: null,
  }))
}

function strangers({ header }: Run, suite: string, missing: readonly CaseInfo[]): AigateError {
  const few = (cases: readonly CaseInfo[]) => {
    const ids = cases.slice(0, 3).map(({ id }) => id)
    return cases.length > ids.length ? `${ids.join(', ')}, …` : ids.join(', ')
  }
  return new AigateError('usage', {
    problem: `No case of the results is a case of suite ${suite}: they have ${few(header.cases)}, the suite ${few(missing)}.`,
    mend: 'Give the cases of the suite the ids of the results, or leave the suite out: then the gate of aigate.yaml judges.',
  })
}
