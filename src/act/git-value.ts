// One value in a YAML or JSON file in git: a commit of that file alone sets it, HEAD or the remote says what it is.
import { basename, dirname, resolve } from 'node:path'
import { controlFailed } from './failure.ts'
import { type GitPlace, scalarIn, withScalar } from './git-scalar.ts'
import { type Git, type GitIntent, gitIn, identity, knownIntent, messageOf } from './git-run.ts'
import { commitUpstream, upstreamHead } from './git-upstream.ts'
import { pointerParts } from './http.ts'
import { replaceFile, textOf } from './replace-file.ts'

export type GitWorld = { root: string; env: Readonly<Record<string, string | undefined>>; timeoutMs: number }
export type GitValue = {
  read(signal: AbortSignal): Promise<string | number>
  /** @returns what people should know of it, as sentences without a full stop */
  set(value: string | number, intent: GitIntent, signal: AbortSignal): Promise<readonly string[]>
}

/**
 * Comments and all else of the file are kept; changes of others in it are never committed along. Without `push` the commit
 * is made in the working tree, and `read` says what HEAD has. With `push` it is made on the head of the branch that this one
 * follows on its remote, whatever the working tree and the local branch are at, and `read` says what that branch has after a
 * fetch. Where the value is there already (after a crash in between), there is no second commit. All throw `control_failed`.
 */
export function gitValue(place: GitPlace, { root, env, timeoutMs }: GitWorld): GitValue {
  const file = resolve(root, place.path)
  const parts = pointerParts(place.pointer)
  const valueOf = async (text: string) => (await scalarIn(text, parts, place)).value
  const opened = (signal: AbortSignal) => gitIn({ cwd: dirname(file), env, timeoutMs, signal })
  const edited = (text: string, value: string | number) => withScalar(text, parts, place, value)
  return {
    async set(value, intent, signal) {
      const git = opened(signal)
      if (place.push) return commitUpstream(git, { file, intent, value, valueOf, edited })
      const head = await git.text('HEAD', basename(file))
      if ((await valueOf(head)) === value) return []
      const message = messageOf(intent, await knownIntent(git, intent, 'HEAD'))
      await edit(file, place, { head, wanted: await edited(head, value) })
      await git.run(['commit', '--quiet', '--no-verify', '--only', '-F', '-', '--', basename(file)], {
        stdin: message,
        env: await identity(git),
      })
      return []
    },
    async read(signal) {
      const git: Git = opened(signal)
      return valueOf(await git.text(place.push ? await upstreamHead(git) : 'HEAD', basename(file)))
    },
  }
}

/** Writes the file in the working tree, unless somebody is at work in it. */
async function edit(file: string, place: GitPlace, { head, wanted }: { head: string; wanted: string }): Promise<void> {
  const there = await textOf(file)
  if (there === null) throw controlFailed(`there is no ${place.path}`, 'Restore it from git.')
  const plain = (text: string) => text.replaceAll('\r\n', '\n').trimEnd()
  // Our own edit of a run that was killed before its commit may be there already; anything else is somebody's work.
  if (plain(there) === plain(wanted)) return
  if (plain(there) !== plain(head))
    throw controlFailed(`${place.path} has changes that are not committed`, 'Commit or discard them.')
  const next = there.includes('\r\n') ? wanted.replace(/\r?\n/g, '\r\n') : wanted
  await replaceFile(file, (text) => {
    if (text === there) return next
    throw controlFailed(`${place.path} was changed by others just now`, 'aigate tries again at its next call.')
  })
}
