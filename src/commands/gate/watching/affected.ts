// What a saved file changes: suites by all that decides their verdict, and their cases by what is asked and how it is graded.
import { contentHash } from '../../../content-hash.ts'
import { expander } from '../../../run/expand.ts'
import { snapshotTarget } from '../../../run/snapshot.ts'
import type { LoadedSuite, Project } from '../../../ports.ts'
import { readQuarantineFile } from '../../../store/quarantine-file.ts'
import { storedBaseline } from '../judge-run.ts'
import { codeOf } from '../run-header.ts'

/** `rest`: everything of a suite that is not one of its cases. */
export type Seen = Map<string, { rest: string; cases: Map<string, string> }>
export type Affected = { suite: string; cases: number; of: number }

/** The state of suites, by content. Throws `bad_template` where a prompt cannot be rendered. */
export async function stateOf(project: Project, suites: readonly LoadedSuite[]): Promise<Seen> {
  const seen: Seen = new Map()
  const quarantine = (await readQuarantineFile(project)).entries
  for (const suite of suites) {
    const { suite: name, trials, anchors } = suite.suite
    const ask = await expander(suite.target)
    const code = await codeOf({ project }, suite)
    const { baseline } = await storedBaseline(project, name)
    const components = project.config.components ?? {}
    const rest = {
      target: snapshotTarget(suite.target, components),
      policy: suite.policy,
      trials,
      anchors,
      code,
      baseline,
      quarantine: quarantine.filter((entry) => entry.suite === name),
    }
    const cases = suite.cases.map((each): [string, string] => [
      each.info.id,
      contentHash({ asked: ask(each.case, 1).key, graded: each.info.hash, critical: each.info.critical, code }),
    ])
    seen.set(name, { rest: contentHash(rest), cases: new Map(cases) })
  }
  return seen
}

/** The suites that differ, with how many of their cases are asked or graded in another way. */
export function affectedBy(before: Seen, now: Seen): Affected[] {
  return [...now].flatMap(([suite, { rest, cases }]) => {
    const old = before.get(suite)
    const changed = [...cases].filter(([id, hash]) => old?.cases.get(id) !== hash).length
    const same = old?.rest === rest && changed === 0 && old.cases.size === cases.size
    return same ? [] : [{ suite, cases: changed, of: cases.size }]
  })
}
