// A copy of a plane for a drill: what is done to it is real, and production does not notice.
import { copyFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { makeFolder } from '../make-folder.ts'
import type { PlaneConfig } from '../schema/planes.ts'
import { controlFailed, saying } from './failure.ts'
import { gitIn } from './git-run.ts'
import { followed } from './git-upstream.ts'
import type { PlaneWorld } from './bare-plane.ts'
import { outputOf } from './run-program.ts'

const GIT_MS = 30_000

/**
 * The same plane on a copy below `folder` (absolute, temporary): of the flag file; of the repository as it is committed, with
 * a copy of its remote; programs and calls only where `drill` names others. null: there is nothing to drill it on.
 * Throws AigateError `control_failed` where the copy cannot be made.
 */
export async function copyForDrill(
  config: PlaneConfig,
  world: PlaneWorld & { folder: string },
  signal: AbortSignal,
): Promise<PlaneConfig | null> {
  if (config.type === 'command' || config.type === 'http') return withDrill(config)
  const folder = join(world.folder, world.component.replaceAll('/', '-'))
  const from = resolve(world.root, config.path)
  if (config.type === 'git') {
    // The copy has a branch to push to; what the rollback would stop at here is no less in the way.
    if (config.push) await followed(gitIn({ cwd: dirname(from), env: world.env, timeoutMs: GIT_MS, signal }))
    return { ...config, path: await clone(from, { folder, env: world.env, signal }) }
  }
  try {
    await makeFolder(folder)
    await copyFile(from, join(folder, basename(from)))
  } catch (error) {
    throw controlFailed(`${config.path} cannot be copied (${saying(error)})`, 'Check the path and its permissions.')
  }
  return { ...config, path: join(folder, basename(from)) }
}

function withDrill(config: Extract<PlaneConfig, { type: 'command' | 'http' }>): PlaneConfig | null {
  if (config.type === 'command') return config.drill ? { ...config, ...config.drill } : null
  return config.drill ? { ...config, ...config.drill } : null
}

type Place = { folder: string; env: PlaneWorld['env']; signal: AbortSignal }

/** @returns the absolute path of the file in the clone; its branch follows a branch of its own in the copy of the remote */
async function clone(file: string, { folder, env, signal }: Place): Promise<string> {
  const quiet = { ...env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' }
  const git = (cwd: string, ...args: string[]) =>
    outputOf({ argv: ['git', ...args], cwd, env: quiet, timeoutMs: GIT_MS, signal })
  const here = dirname(file)
  const [prefix, commit] = [await git(here, 'rev-parse', '--show-prefix'), await git(here, 'rev-parse', 'HEAD')]
  const top = (await git(here, 'rev-parse', '--show-toplevel')).trim()
  const [remote, tree] = [join(folder, 'remote.git'), join(folder, 'tree')]
  // Objects are borrowed, not copied: the drill of a large repository takes no longer.
  await makeFolder(folder)
  await git(folder, 'clone', '--quiet', '--bare', '--shared', top, remote)
  await git(folder, 'clone', '--quiet', '--shared', '--no-checkout', remote, tree)
  await git(tree, 'checkout', '--quiet', '-B', 'aigate-drill', commit.trim())
  await git(tree, 'push', '--quiet', '--set-upstream', 'origin', 'aigate-drill')
  return join(tree, prefix.trim(), basename(file))
}
