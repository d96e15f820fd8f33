// Lays a suite of the project over a foreign run: its name, its policy, and what it says of cases with the same id.
import type { LoadedSuite } from '../../ports.ts'
import type { RunHeader } from '../../schema/run.ts'

/** The header as a run of the suite has it. What a case is (its content) stays as the file tells. */
export function headerAsSuite(header: RunHeader, { suite, policy, cases }: LoadedSuite): RunHeader {
  const known = new Map(cases.map(({ info }) => [info.id, info]))
  return {
    ...header,
    suite: suite.suite,
    suite_version: suite.version,
    policy,
    cases: header.cases.map((info) => {
      const own = known.get(info.id)
      return own ? { ...own, hash: info.hash } : info
    }),
  }
}
