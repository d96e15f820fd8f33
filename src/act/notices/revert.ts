// Opens a pull request that reverts the last commit of some paths: a branch that is pushed, and a request for it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GuardAction } from '../../schema/guard.ts'
import { controlFailed } from '../failure.ts'
import { record } from '../flag-file.ts'
import { outputOf } from '../run-program.ts'
import { callGitHub, findListed, findOrMake } from './github.ts'
import { type Notice, type NoticeWorld, plain, type ReadBack } from './notice.ts'

type Revert = Extract<GuardAction, { type: 'revert-pull-request' }>
const TIMEOUT_MS = 60_000

/** The branch of a notice: the same at every attempt, so that it is pushed once. */
const branchOf = ({ key }: Notice) => `aigate/revert-${key.replace(/[^\w.-]/g, '-')}`

/**
 * The working tree, the index and the branches of the checkout stay as they are: the revert is made in a worktree of its
 * own. What is reverted was committed before the trigger fired, so that every attempt reverts the same. A branch that was
 * pushed and a request that was opened before are found again. Throws `control_failed`.
 */
export async function openRevert(action: Revert, notice: Notice, world: NoticeWorld): Promise<ReadBack> {
  const branch = branchOf(notice)
  const pushed = await git(['ls-remote', '--heads', action.remote, `refs/heads/${branch}`], world)
  const commit = await toRevert(action, notice, world)
  if (pushed.trim() === '') await pushRevert(action, { branch, commit, notice }, world)
  const owner = action.repo.split('/')[0] ?? ''
  const head = encodeURIComponent(`${owner}:${branch}`)
  const { one: opened, found } = await findOrMake(
    () => findListed(action, `pulls?state=all&head=${head}`, world, (one) => record(one['head'])['ref'] === branch),
    () =>
      callGitHub(action, 'pulls', world, {
        title: plain(`Revert ${commit.slice(0, 10)}: ${notice.title}`, 200),
        body: `${plain(notice.text, 3000)}\n\nReverts ${commit}.\n\n<!-- aigate ${notice.key} -->`,
        head: branch,
        base: action.base,
      }),
    world,
  )
  if (typeof opened['number'] !== 'number')
    throw controlFailed('the answer names no pull request', 'Check `repo`, `base`, `api_url` and the token.')
  return { pull_request: opened['number'], branch, reverts: commit, found }
}

function git(args: readonly string[], { root, env, signal }: NoticeWorld, cwd = root): Promise<string> {
  const quiet = { ...env, GIT_TERMINAL_PROMPT: '0', GIT_EDITOR: 'true', LC_ALL: 'C' }
  return outputOf({ argv: ['git', ...args], cwd, env: quiet, timeoutMs: TIMEOUT_MS, signal })
}

async function toRevert(action: Revert, notice: Notice, world: NoticeWorld): Promise<string> {
  const tracking = `refs/remotes/${action.remote}/${action.base}`
  await git(['fetch', '--quiet', action.remote, `+refs/heads/${action.base}:${tracking}`], world)
  const args = ['log', '-1', '--first-parent', `--before=${notice.at}`, '--format=%H', tracking, '--', ...action.paths]
  const found = (await git(args, world)).trim()
  if (found !== '') return found
  const problem = `no commit on ${action.base} before ${notice.at} changed ${action.paths.join(', ')}`
  throw controlFailed(problem, 'Correct `paths` and `base` of the action.')
}

type Pushing = { branch: string; commit: string; notice: Notice }

async function pushRevert(action: Revert, { branch, commit, notice }: Pushing, world: NoticeWorld): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'aigate-revert-'))
  const tree = join(folder, 'tree')
  try {
    await git(['worktree', 'add', '--quiet', '--detach', tree, `refs/remotes/${action.remote}/${action.base}`], world)
    const parents = (await git(['rev-list', '--parents', '-n', '1', commit], world)).trim().split(' ')
    const mainline = parents.length > 2 ? ['-m', '1'] : []
    await git(['revert', '--no-commit', ...mainline, commit], world, tree)
    const message = `Revert ${commit.slice(0, 10)}\n\n${plain(notice.text, 500)}\n\nAigate-Action: ${notice.key}`
    await git(['commit', '--quiet', '--no-verify', '-m', message], world, tree)
    await git(['push', '--quiet', '--no-verify', action.remote, `HEAD:refs/heads/${branch}`], world, tree)
  } finally {
    await rm(folder, { recursive: true, force: true })
    await git(['worktree', 'prune'], world).catch(() => undefined)
  }
}
