// Everything in a repository that may be code, as one hash: what live tools import and read, no word of a suite tells.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { LoadedSuite, Project } from '../ports.ts'
import { contentDigest } from './content-digest.ts'
import { sha256 } from '../content-hash.ts'
import { ownFiles, ownTest } from './grader-files.ts'
import { workingTree } from './repository-tree.ts'

/** More files than this are not read before a run. */
const MOST_FILES = 5000

/** The words of tools that run code of the user. */
function liveWords({ cases }: LoadedSuite): string[] {
  const tools = cases.flatMap((each) => Object.values(each.case.tools ?? {}))
  return tools.flatMap((tool) => ('module' in tool ? [tool.module] : 'command' in tool ? tool.command : []))
}

export const hasLiveTools = (suite: LoadedSuite): boolean => liveWords(suite).length > 0

/**
 * A hash (hex) of all files of the repository that are tracked or could be, without what aigate itself reads (suites, cases,
 * prompts, baselines, …), and of those that the tools name wherever they lie; `untold` where there are too many.
 */
export async function toolCode(project: Project, suite: LoadedSuite): Promise<{ hash: string } | { untold: string }> {
  const tree = await workingTree(project.root)
  const isOwn = ownTest(tree, project, ownFiles(tree, project, [suite]))
  const paths = [...tree.paths].filter((path) => !isOwn(path)).sort()
  if (paths.length > MOST_FILES)
    return { untold: `its tools run code, and the repository has more than ${MOST_FILES} files that it may use` }
  const bytes = await tree.read(paths)
  const named = await Promise.all(
    [...new Set(liveWords(suite))].sort().map(async (word) => {
      const content = await readFile(resolve(suite.dir, word)).catch(() => null)
      return content ? [`${word} ${contentDigest(content)}`] : []
    }),
  )
  const lines = paths.map((path) => `${path} ${contentDigest(bytes.get(path) ?? Buffer.alloc(0))}`)
  return { hash: sha256([...named.flat(), ...lines].join('\n')) }
}
