// What grades the cases of both sides of a change, and of the suites as they are: hashes of programs and modules.
import { graderKey } from '../../decide/change/policy-guard.ts'
import type { LoadedSuite, Project } from '../../ports.ts'
import type { BaseProject } from '../../store/base-project.ts'
import { type GraderFiles, graderFiles, ownFiles, usesGraders } from '../../store/grader-files.ts'
import { commitTree, workingTree } from '../../store/repository-tree.ts'
import { collectSuites } from '../../store/suites.ts'

/** Also those that nobody asked for: their files are no graders either. */
const everySuite = async (project: Project) => (await collectSuites(project, { suites: [] })).suites

type Side<P> = { project: P; suites: readonly LoadedSuite[] }

/**
 * By `graderKey`: hash of all that grades a case at the head and at the base. What one side knows as a suite, cases or
 * an application is no grader on the other either.
 */
export async function gradersOfBoth(
  head: Side<Project>,
  base: Side<BaseProject>,
): Promise<{ head: ReadonlyMap<string, string>; base: ReadonlyMap<string, string> }> {
  if (!usesGraders([...head.suites, ...base.suites])) return { head: new Map(), base: new Map() }
  const now = await workingTree(head.project.root)
  const then = await commitTree(head.project.root, base.project.commit)
  const own = new Set([
    ...ownFiles(now, head.project, await everySuite(head.project)),
    ...ownFiles(then, base.project.project, base.suites),
  ])
  return {
    head: byKey(await graderFiles(now, head.project, head.suites, own)),
    base: byKey(await graderFiles(then, base.project.project, base.suites, own)),
  }
}

function byKey({ cases }: GraderFiles): Map<string, string> {
  const pairs = [...cases].flatMap(([suite, found]) =>
    [...found].map(([id, hash]) => [graderKey(suite, id), hash] as const),
  )
  return new Map(pairs)
}

/** By suite: hashes of the files that grade its cases, by path; suites without any are left out. */
export async function gradersForLock(
  project: Project,
  suites: readonly LoadedSuite[],
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  if (!usesGraders(suites)) return new Map()
  const tree = await workingTree(project.root)
  const own = ownFiles(tree, project, await everySuite(project))
  const { files } = await graderFiles(tree, project, suites, own)
  return new Map([...files].filter(([, named]) => Object.keys(named).length > 0))
}
