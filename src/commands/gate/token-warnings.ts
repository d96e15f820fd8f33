// Says before anything is asked which cases will hardly keep their token limits.
import { limitsTokens, tokenWarnings } from '../../decide/gate/token-limits.ts'
import type { Context, LoadedSuite, Project } from '../../ports.ts'
import { contextWindow } from '../../run/context-window.ts'
import { recentRuns } from '../../store/run-journal.ts'

/** Invocations that are looked through for the newest run of each suite. */
const LOOKED_AT = 5

/** Writes one line to stderr for each limit that earlier answers broke, or nearly so. Reads nothing where no case has a limit. */
export async function warnOfTokens(context: Context, project: Project, suites: readonly LoadedSuite[]): Promise<void> {
  const limited = suites.filter(({ cases }) => limitsTokens(cases))
  if (limited.length === 0) return
  const { runs } = await recentRuns(project.root, LOOKED_AT)
  for (const { suite, cases, target } of limited) {
    const run = runs.findLast(({ header }) => header.suite === suite.suite)
    if (!run) continue
    const window = target.kind === 'prompt' ? await contextWindow(target.model.pin) : undefined
    for (const said of tokenWarnings(cases, run, window)) context.stderr.write(`${suite.suite}: ${said}\n`)
  }
}
