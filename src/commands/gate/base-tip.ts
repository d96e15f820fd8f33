// The base branch as it is by now, laid out beside the merge base: its gate may have become stricter since the change left it.
import type { GuardTip } from '../../decide/change/guard-tip.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Project } from '../../ports.ts'
import { tipOfBase } from '../../store/base-config.ts'
import { openBaseProject } from '../../store/base-project.ts'
import type { Base } from '../../store/base-commit.ts'
import { collectSuites, type SuiteOptions } from '../../store/suites.ts'

/** What of it cannot be read holds the change; undefined where the change leaves from there, or it has no configuration. */
export async function readTip(
  context: Context,
  project: Project,
  base: Base,
  { asked, overrides }: { asked: string | undefined; overrides: NonNullable<SuiteOptions['overrides']> },
): Promise<GuardTip | undefined> {
  const tip = await tipOfBase(project.root, base, { env: context.env, asked })
  if (!tip) return undefined
  const { ref } = tip
  const unread = ({ message }: AigateError) =>
    `${ref} cannot be read as it is by now (${message}), so its gate is unknown.`
  try {
    const opened = await openBaseProject(project, tip.commit, { everything: false })
    if (!opened) return undefined
    try {
      const read = await collectSuites(opened.project, { suites: [], overrides, configurationOnly: true })
      return { ref, suites: read.suites, holds: read.problems.map(unread) }
    } finally {
      await opened.close()
    }
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { ref, suites: [], holds: [unread(error)] }
  }
}
