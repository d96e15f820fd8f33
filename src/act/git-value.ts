// One value in a YAML or JSON file in git: a commit of that file alone sets it, HEAD or the remote says what it is.
import { basename, dirname, resolve } from 'node:path'
import { controlFailed } from './failure.ts'
import { pointerParts } from './http.ts'
import { replaceFile, textOf } from './replace-file.ts'
import { outputOf, runToEnd } from './run-program.ts'

/** `kind`: what the value is, as a number or as a text. */
export type GitPlace = { path: string; pointer: string; push: boolean; kind: 'number' | 'text' }
export type GitWorld = { root: string; env: Readonly<Record<string, string | undefined>>; timeoutMs: number }
/** `id` goes into the trailer `Aigate-Intent`; `subject` is the first line of the message. */
export type GitIntent = { id: string; subject: string }
export type GitValue = {
  read(signal: AbortSignal): Promise<string | number>
  set(value: string | number, intent: GitIntent, signal: AbortSignal): Promise<void>
}

/**
 * Comments and all else of the file are kept. Where HEAD has the value already (after a crash in between), there is no
 * second commit, only the push that may be missing. Changes of others in the file are never committed along.
 * `read` says what HEAD has; with `push`, what the branch on the remote has after a fetch. All throw `control_failed`.
 */
export function gitValue(place: GitPlace, { root, env, timeoutMs }: GitWorld): GitValue {
  const file = resolve(root, place.path)
  const parts = pointerParts(place.pointer)
  // No prompt may wait for somebody who is not there.
  const quiet = { ...env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' }
  const at = { cwd: dirname(file), env: quiet, timeoutMs }
  const git = (args: readonly string[], signal: AbortSignal) => outputOf({ argv: ['git', ...args], ...at, signal })
  const committed = async (ref: string, signal: AbortSignal) =>
    await git(['show', `${ref}:./${basename(file)}`], signal).then((text) => `${text}\n`)
  const valueIn = async (ref: string, signal: AbortSignal) =>
    (await scalarIn(await committed(ref, signal), parts, place)).value
  return {
    async set(value, { id, subject }, signal) {
      if ((await valueIn('HEAD', signal)) !== value) {
        const argv = ['git', 'log', '-1', '-F', `--grep=Aigate-Intent: ${id}`, '--format=%H']
        const known = await runToEnd({ argv, ...at, signal })
        await edit(file, place, { parts, value, head: await committed('HEAD', signal) })
        const again = known.stdout.trim() === '' ? '' : `\nIt was set before and changed since.\n`
        const stdin = `${subject}\n${again}\nAigate-Intent: ${id}\n`
        const commit = ['git', 'commit', '--quiet', '--no-verify', '--only', '-F', '-', '--', basename(file)]
        const own = { ...quiet, ...(await identity(at, signal)) }
        await outputOf({ argv: commit, ...at, env: own, stdin, signal })
      }
      if (place.push) await git(['push', '--quiet'], signal)
    },
    async read(signal) {
      if (place.push) await git(['fetch', '--quiet'], signal)
      return valueIn(place.push ? '@{upstream}' : 'HEAD', signal)
    },
  }
}

/** A machine on which nobody ever committed has no name for it: it must be able to go back all the same. */
async function identity(
  at: Pick<Parameters<typeof runToEnd>[0], 'cwd' | 'env' | 'timeoutMs'>,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const known = await runToEnd({ argv: ['git', 'config', 'user.email'], ...at, signal })
  if (known.stdout.trim() !== '' || at.env['GIT_COMMITTER_EMAIL']) return {}
  const [name, email] = ['aigate', 'aigate@localhost']
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  }
}

type Edit = { parts: readonly string[]; value: string | number; head: string }

async function edit(file: string, place: GitPlace, { parts, value, head }: Edit): Promise<void> {
  const there = await textOf(file)
  if (there === null) throw controlFailed(`there is no ${place.path}`, 'Restore it from git.')
  const changed = async (text: string) => {
    const { from, to, write } = await scalarIn(text, parts, place)
    return text.slice(0, from) + write(value) + text.slice(to)
  }
  const wanted = await changed(head)
  const same = (a: string, b: string) => a.replaceAll('\r\n', '\n').trimEnd() === b.replaceAll('\r\n', '\n').trimEnd()
  // Our own edit of a run that was killed before its commit may be there already; anything else is somebody's work.
  if (same(there, wanted)) return
  if (!same(there, head))
    throw controlFailed(`${place.path} has changes that are not committed`, 'Commit or discard them.')
  const next = await changed(there)
  await replaceFile(file, (text) => {
    if (text === there) return next
    throw controlFailed(`${place.path} was changed by others just now`, 'aigate tries again at its next call.')
  })
}

type Scalar = { value: string | number; from: number; to: number; write: (value: string | number) => string }

/** Where the value stands in a YAML or JSON text. The first document that has it counts. */
async function scalarIn(text: string, parts: readonly string[], { path, pointer, kind }: GitPlace): Promise<Scalar> {
  const { parseAllDocuments, isScalar, stringify } = await import('yaml')
  const wanted = kind === 'number' ? 'number' : 'string'
  for (const document of parseAllDocuments(text)) {
    if ('errors' in document && document.errors.length > 0) break
    const node: unknown = 'getIn' in document ? document.getIn(parts, true) : undefined
    if (!isScalar(node) || !node.range) continue
    const { value, type } = node
    if ((typeof value !== 'number' && typeof value !== 'string') || (kind === 'number' && typeof value !== wanted))
      continue
    const write = (next: string | number) => {
      if (typeof next === 'number') return String(next)
      // In quotes as it was: YAML would take 1.10 or 2026-11-21 for something else.
      return type === 'PLAIN' ? stringify(next, { lineWidth: 0 }).trimEnd() : JSON.stringify(next)
    }
    const said = kind === 'text' && typeof value === 'number' ? text.slice(node.range[0], node.range[1]) : value
    return { value: said, from: node.range[0], to: node.range[1], write }
  }
  throw controlFailed(`${path} has no ${kind} at ${pointer}`, 'Correct the file or the pointer to it.')
}
