// Which configuration a working folder had at the base of a change, and where the base branch is by now.
import { basename } from 'node:path'
import { AigateError } from '../errors.ts'
import type { Project } from '../ports.ts'
import { type Base } from './base-commit.ts'
import { commitOf, git } from './git-objects.ts'

const CONFIG = 'aigate.yaml'

/**
 * Why a change cannot be judged by the configuration of its base at the same path: the base reads another one from the
 * same working folder. Otherwise `aigate.yaml` could be moved, or a laxer one be put nearer, and the base's never be read.
 * @param options.named the file was named on the command line: then only a file that the base does not have counts
 * @returns a sentence; null where the base has this very file, or none at all on the way up from the folder
 * @throws AigateError `cannot_read` when git fails
 */
export async function otherConfigAtBase(
  project: Project,
  commit: string,
  { cwd, named }: { cwd: string; named: boolean },
): Promise<string | null> {
  const [home, start] = await Promise.all([placeOf(project.root), placeOf(cwd)])
  if (home === null) return null
  const own = home.prefix + basename(project.file)
  // A folder of another repository: the way up from the configuration itself is all there is.
  const prefix = start !== null && start.top === home.top ? start.prefix : home.prefix
  const wanted = upward(prefix)
  const there = await present(project.root, commit, [own, ...wanted])
  const nearest = wanted.find((path) => there.has(path))
  if (nearest === undefined || nearest === own || (named && there.has(own))) return null
  return `At the base ${nearest} is the configuration for this folder, and this change is run with ${own}: the rules of the base are not held against it. Move the configuration in a pull request of its own that people look at.`
}

/** `a/b/` -> a/b/aigate.yaml, a/aigate.yaml, aigate.yaml. */
function upward(prefix: string): string[] {
  const parts = prefix.split('/').filter((part) => part !== '')
  return Array.from({ length: parts.length + 1 }, (_, up) => [...parts.slice(0, parts.length - up), CONFIG].join('/'))
}

/** The repository that a folder belongs to, and its path in it with a slash at the end; null outside of git. */
async function placeOf(folder: string): Promise<{ top: string; prefix: string } | null> {
  const { failed, bytes } = await git(folder, ['rev-parse', '--show-toplevel', '--show-prefix'])
  if (failed) return null
  const [top = '', prefix = ''] = bytes.toString('utf8').split('\n')
  return { top, prefix }
}

async function present(root: string, commit: string, paths: readonly string[]): Promise<Set<string>> {
  const args = ['ls-tree', '-z', '--full-tree', '--name-only', commit, '--', ...new Set(paths)]
  const { failed, bytes, said } = await git(root, args)
  if (failed)
    throw new AigateError('cannot_read', { file: `the base ${commit.slice(0, 12)}`, reason: said || 'git failed' })
  return new Set(
    bytes
      .toString('utf8')
      .split('\0')
      .filter((path) => path !== ''),
  )
}

/**
 * The commit that the base branch is at now; null where that is the base itself, or where no branch is known.
 * @param options.asked what --base named
 */
export async function tipOfBase(
  root: string,
  base: Base,
  { env, asked }: { env: Readonly<Record<string, string | undefined>>; asked?: string | undefined },
): Promise<Base | null> {
  const target = env['CI_MERGE_REQUEST_TARGET_BRANCH_NAME']
  const branches = [base.ref, ...(target ? [`origin/${target}`] : [])]
  const refs =
    asked === undefined
      ? branches.flatMap((name) => ['remotes', 'heads'].map((kind) => ({ name, full: `refs/${kind}/${name}` })))
      : [{ name: asked, full: asked }]
  for (const { name, full } of refs) {
    const commit = await commitOf(root, full)
    if (commit !== null) return commit === base.commit ? null : { commit, ref: name }
  }
  return null
}
