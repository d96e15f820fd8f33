// Which repository git looks at: the one that a folder lies in, also inside of a hook, where git names it by variables.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * What a hook is told of its repository. In a linked worktree that is GIT_DIR without the top of the tree: git would take
 * any folder that it is run in for the top, and no path below the top would be right.
 */
const LOCATION = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_COMMON_DIR', 'GIT_INDEX_FILE', 'GIT_PREFIX'] as const

/** Variables to take away, so that git finds the repository of a folder by itself; none where the folder lies in none. */
export function ownRepository(cwd: string): Partial<Record<(typeof LOCATION)[number], undefined>> {
  return isRepository(cwd) ? Object.fromEntries(LOCATION.map((name) => [name, undefined])) : {}
}

/** Whether a folder lies in a repository, also where git is not installed or refuses to look at it. */
export function isRepository(root: string): boolean {
  for (let folder = root; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return true
    if (dirname(folder) === folder) return false
  }
}
