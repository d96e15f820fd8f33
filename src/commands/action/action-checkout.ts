// Whether the commit that was checked out is the change that the event is about: a verdict on the base would be said of it.
import type { Context } from '../../ports.ts'
import { commitOf, git } from '../../store/git-objects.ts'
import type { ActionEvent } from './action-event.ts'

/** Events that are about a pull request, whatever they check out by themselves. */
const ABOUT_PULLS = /^pull_request(?:_target)?$/

/**
 * Why the checkout is surely not the pull request, as a sentence and its mend; null where it is, and where that cannot be
 * told (another repository, no git). `pull_request_target` checks the base branch out unless the workflow says otherwise.
 */
export async function strayCheckout(
  { env, cwd }: Pick<Context, 'env' | 'cwd'>,
  { name, headSha, baseSha }: ActionEvent,
): Promise<{ sentence: string; mend: string } | null> {
  if (!ABOUT_PULLS.test(name) || headSha === undefined) return null
  const head = await commitOf(cwd, 'HEAD')
  if (head === null || head === headSha) return null
  const branch = env['GITHUB_BASE_REF']
  const tip = branch ? await commitOf(cwd, `refs/remotes/origin/${branch}`) : null
  // For pull_request it is the merge of the change; for pull_request_target the tip of the base.
  const own = name === 'pull_request_target' ? env['GITHUB_SHA'] : undefined
  if (![baseSha, tip, own].includes(head) || (await holds(cwd, headSha))) return null
  const asked = 'the ref of github.event.pull_request.head.sha'
  return {
    sentence: `Not evaluated: ${head.slice(0, 12)} is checked out, which is the base branch and not the change of this pull request (${headSha.slice(0, 12)}).`,
    mend:
      name === 'pull_request_target'
        ? `Use the event pull_request, which checks the change out and has no secrets; or give actions/checkout ${asked} after reading what forks may do.`
        : `Leave the input ref out of actions/checkout, or write ${asked}.`,
  }
}

/** true where the commit is part of what HEAD is; a merge names its parents in a shallow clone too. */
async function holds(cwd: string, commit: string): Promise<boolean> {
  const { failed, bytes } = await git(cwd, ['cat-file', 'commit', 'HEAD'])
  if (!failed && bytes.toString('utf8').split('\n\n')[0]?.includes(`\nparent ${commit}`)) return true
  return !(await git(cwd, ['merge-base', '--is-ancestor', commit, 'HEAD'])).failed
}
