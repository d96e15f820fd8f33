// Commits one file upon the head of the branch on the remote and pushes that: work tree, index and local commits of others stay.
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { controlFailed } from './failure.ts'
import { type Git, type GitIntent, identity, knownIntent, messageOf } from './git-run.ts'
import { tellingLines } from './run-program.ts'

/** How often a commit of somebody else in the middle is answered by building ours anew upon it. */
const RACES = 5

/** What the branch that is checked out follows. `branch`: its name here; `ref`: `refs/heads/…` on the remote. */
type Followed = { branch: string; remote: string; ref: string }
type Wanted = {
  file: string
  intent: GitIntent
  value: string | number
  valueOf(text: string): Promise<string | number>
  edited(text: string, value: string | number): Promise<string>
}

/** Throws `control_failed` where no branch is checked out, or it follows none. */
export async function followed(git: Git): Promise<Followed> {
  const branch = (await git.ended(['symbolic-ref', '--quiet', '--short', 'HEAD'])).stdout.trim()
  if (branch === '') {
    // A folder that is no repository says so itself.
    await git.run(['rev-parse', '--git-dir'])
    throw controlFailed(
      'HEAD is detached: no branch is checked out that says where to push',
      'Check out the branch that is deployed: git switch <branch>.',
    )
  }
  const value = async (key: string) => (await git.ended(['config', `branch.${branch}.${key}`])).stdout.trim()
  const [remote, ref] = [await value('remote'), await value('merge')]
  if (remote !== '' && ref !== '') return { branch, remote, ref }
  throw controlFailed(
    `the branch ${branch} follows no branch of a remote`,
    `Say which: git branch --set-upstream-to=origin/${branch}.`,
  )
}

/** The commit at the head of the followed branch, after a fetch. Throws `control_failed`. */
export async function upstreamHead(git: Git): Promise<string> {
  const { remote } = await followed(git)
  await git.run(['fetch', '--quiet', remote])
  return git.run(['rev-parse', '--verify', '@{upstream}^{commit}'])
}

/**
 * Sets the value on the remote: a commit upon its head, pushed with a lease on that head; where others were faster, anew upon
 * theirs. Throws `control_failed` where the remote refuses it. @returns what the local branch now lacks or has too much
 */
export async function commitUpstream(git: Git, wanted: Wanted): Promise<readonly string[]> {
  const to = await followed(git)
  let head = await upstreamHead(git)
  for (let race = 0; race < RACES; race += 1) {
    const before = await git.text(head, basename(wanted.file))
    if ((await wanted.valueOf(before)) === wanted.value)
      return race === 0 ? [] : localBranch(git, to, { head, commit: head })
    const commit = await commitOf(git, head, await wanted.edited(before, wanted.value), wanted)
    const lease = `--force-with-lease=${to.ref}:${head}`
    const pushed = await git.ended(['push', '--quiet', lease, to.remote, `${commit}:${to.ref}`])
    git.place.signal.throwIfAborted()
    if (pushed.exitCode === 0) return localBranch(git, to, { head, commit })
    const now = await upstreamHead(git)
    if (now === head)
      throw controlFailed(
        `git push ${pushed.problem} (${tellingLines(pushed.stderr, git.place.env)})`,
        'See what the remote wants: who may push to this branch, and with which key.',
      )
    head = now
  }
  throw controlFailed(`${to.ref} on ${named(to.remote)} moved ${RACES} times meanwhile`, 'Run the command again.')
}

/** An index of its own, so that what others have staged is neither touched nor committed along. */
async function commitOf(git: Git, head: string, text: string, { file, intent }: Wanted): Promise<string> {
  const path = `${await git.run(['rev-parse', '--show-prefix'])}${basename(file)}`
  const [mode = ''] = (await git.run(['ls-tree', '--full-tree', head, '--', path])).split(' ')
  const blob = await git.run(['hash-object', '-w', '--stdin'], { stdin: text })
  const index = join(tmpdir(), `aigate-index-${process.pid}-${randomBytes(6).toString('hex')}`)
  const own = { GIT_INDEX_FILE: index }
  try {
    await git.run(['read-tree', head], { env: own })
    await git.run(['update-index', '--index-info'], { env: own, stdin: `${mode} ${blob}\t${path}\n` })
    // A partial clone need not fetch what the commit does not change.
    const tree = await git.run(['write-tree', '--missing-ok'], { env: own })
    const signing = (await git.ended(['config', '--type=bool', 'commit.gpgsign'])).stdout.trim() === 'true'
    const message = messageOf(intent, await knownIntent(git, intent, head))
    const argv = ['commit-tree', tree, '-p', head, ...(signing ? ['-S'] : []), '-F', '-']
    return await git.run(argv, { stdin: message, env: await identity(git) })
  } finally {
    for (const one of [index, `${index}.lock`]) await rm(one, { force: true }).catch(() => undefined)
  }
}

/** Takes the local branch along where it stood at the head of the remote; else says how it stands to it. */
async function localBranch(
  git: Git,
  { branch, remote }: Followed,
  { head, commit }: { head: string; commit: string },
): Promise<readonly string[]> {
  const here = await git.run(['rev-parse', 'HEAD'])
  const counts = await git.run(['rev-list', '--left-right', '--count', `${here}...${commit}`])
  const [ahead = 0, behind = 0] = counts.split(/\s+/).map(Number)
  if (here === head && behind > 0) {
    const moved = await git.ended(['-c', 'core.hooksPath=/dev/null', 'merge', '--quiet', '--ff-only', commit])
    if (moved.exitCode === 0) return []
    const why = tellingLines(moved.stderr, git.place.env)
    return [`it is pushed, but the branch ${branch} here stays behind (${why}): git pull`]
  }
  const lacks = behind > 0 ? [`lacks ${behind} ${commits(behind)} of ${named(remote)}`] : []
  const has = ahead > 0 ? [`has ${ahead} ${commits(ahead)} that ${ahead === 1 ? 'was' : 'were'} never pushed`] : []
  if (lacks.length + has.length === 0) return []
  return [`the branch ${branch} here ${[...lacks, ...has].join(' and ')}: git pull --rebase`]
}
/** A remote may be an address, with a token in it. */
const named = (remote: string) => (/^[\w.-]+$/.test(remote) ? remote : 'its remote')
const commits = (count: number) => (count === 1 ? 'commit' : 'commits')
