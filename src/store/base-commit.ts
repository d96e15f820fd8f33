// Which commit a change is compared with: what the pipeline says, else the main branch that the clone knows.
import { commitOf, git, isShallow, line } from './git-objects.ts'

/** The commit that a change is compared with, and the name by which it was found. */
export type Base = { commit: string; ref: string }
/** Why there is no base: a sentence and its mend. `kind` lets a caller be strict in CI and lenient elsewhere. */
export type NoBase = { kind: 'no_git' | 'no_commit' | 'no_ref' | 'no_history'; problem: string; mend: string }
/** `ref`: any revision; without it what GitHub or GitLab say in `env`, then what the clone knows as its main branch. */
export type BaseOptions = { env: Readonly<Record<string, string | undefined>>; ref?: string | undefined }

/** The base of the change: the merge base of HEAD and the base branch; null where it cannot be told (`findBase` says why). */
export async function baseCommit(root: string, options: BaseOptions): Promise<Base | null> {
  const found = await findBase(root, options)
  return 'problem' in found ? null : found
}

/**
 * As `baseCommit`, but says why there is none: no git, no commit, no such branch, or a shallow clone that lacks the
 * common history. On the base branch itself the base is HEAD, so that only what is not yet committed is a change.
 */
export async function findBase(root: string, options: BaseOptions): Promise<Base | NoBase> {
  const inside = await git(root, ['rev-parse', '--is-inside-work-tree'])
  if (inside.failed)
    return {
      kind: 'no_git',
      problem: `git knows no repository here (${inside.said})`,
      mend: 'Run it in a clone of the repository.',
    }
  const head = await commitOf(root, 'HEAD')
  if (head === null) return { kind: 'no_commit', problem: 'the repository has no commit yet', mend: 'Commit first.' }
  const wanted = wantedRefs(options)
  let without: NoBase | undefined
  for (const { name, full, exact } of wanted.refs) {
    const tip = await commitOf(root, full)
    if (tip === null) continue
    if (exact) return { commit: tip, ref: name }
    const base = await line(root, ['merge-base', head, tip])
    if (base) return { commit: base, ref: name }
    without ??= await noHistory(root, name)
    if (!wanted.others) break
  }
  return without ?? { kind: 'no_ref', problem: wanted.problem, mend: `${wanted.mend}${await shallowHint(root)}` }
}

/** Variables in which a pipeline names the branch that a change goes to, and by which it is known to be one. */
export const PULL_REQUEST_VARIABLES = [
  'GITHUB_BASE_REF',
  'CI_MERGE_REQUEST_TARGET_BRANCH_NAME',
  'CI_MERGE_REQUEST_DIFF_BASE_SHA',
] as const

type Wanted = {
  /** `exact`: a commit that is the base already. */
  refs: { name: string; full: string; exact?: boolean }[]
  problem: string
  mend: string
  /** The next ref is as good where this one shares no history. */
  others?: boolean
}

/** Full names, because a tag called `origin/main` would win over the branch of that name. */
function wantedRefs({ env, ref }: BaseOptions): Wanted {
  if (ref !== undefined)
    return {
      refs: [{ name: ref, full: ref }],
      problem: `git knows no revision "${ref}"`,
      mend: 'Write a branch, tag or commit that `git log` knows.',
    }
  const asked = env['GITHUB_BASE_REF']
  if (asked)
    return {
      refs: [{ name: `origin/${asked}`, full: `refs/remotes/origin/${asked}` }],
      problem: `GITHUB_BASE_REF is "${asked}", but this clone has no origin/${asked}`,
      mend: `Fetch it: give actions/checkout \`fetch-depth: 0\`, or run \`git fetch origin ${asked}:refs/remotes/origin/${asked}\`.`,
    }
  const merge = mergeRequest(env)
  if (merge) return merge
  const named = env['CI_DEFAULT_BRANCH']
  const remote = ['HEAD', ...(named ? [named] : []), 'main', 'master'].map((name) => `origin/${name}`)
  return {
    refs: [
      ...remote.map((name) => ({ name, full: `refs/remotes/${name}` })),
      ...['main', 'master'].map((name) => ({ name, full: `refs/heads/${name}` })),
    ],
    problem: 'there is no base branch: no GITHUB_BASE_REF, origin/HEAD, main or master',
    mend: 'Fetch the base branch, run `git remote set-head origin --auto`, or name it with --base.',
  }
}

/**
 * A merge request of GitLab (CI/CD predefined variables): the branch that it goes to, and the commit that it started
 * from, which serves where the runner fetched no branch.
 */
function mergeRequest(env: BaseOptions['env']): Wanted | null {
  const branch = env['CI_MERGE_REQUEST_TARGET_BRANCH_NAME']
  const start = env['CI_MERGE_REQUEST_DIFF_BASE_SHA']
  if (!branch && !start) return null
  const refs: Wanted['refs'] = []
  if (branch) refs.push({ name: `origin/${branch}`, full: `refs/remotes/origin/${branch}` })
  if (start && /^[0-9a-f]{40,64}$/.test(start)) refs.push({ name: start.slice(0, 12), full: start, exact: true })
  const what = branch
    ? `to "${branch}", but this clone has no origin/${branch}`
    : `from ${start}, which this clone lacks`
  return {
    refs,
    problem: `this is a merge request ${what}`,
    mend: `Set \`GIT_DEPTH: 0\` in the job${branch ? `, or run \`git fetch origin ${branch}:refs/remotes/origin/${branch}\`` : ''}.`,
    others: true,
  }
}

async function shallowHint(root: string): Promise<string> {
  return (await isShallow(root)) ? ' This clone is shallow: `git fetch --unshallow` brings the history.' : ''
}

async function noHistory(root: string, ref: string): Promise<NoBase> {
  return {
    kind: 'no_history',
    problem: (await isShallow(root))
      ? `the clone is shallow and lacks the history that HEAD and ${ref} share`
      : `HEAD and ${ref} share no history`,
    mend: 'Give actions/checkout `fetch-depth: 0` (GitLab: `GIT_DEPTH: 0`), or run `git fetch --unshallow`; or name another base branch.',
  }
}
