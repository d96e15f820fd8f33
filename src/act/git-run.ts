// Runs git for planes: in one folder, without prompts, bounded in time; and what every commit of a plane needs.
import { outputOf, runToEnd, type Ended } from './run-program.ts'

type Env = Readonly<Record<string, string | undefined>>
type Place = { cwd: string; env: Env; timeoutMs: number; signal: AbortSignal }
type More = { stdin?: string; env?: Env }

/** `id` goes into the trailer `Aigate-Intent`; `subject` is the first line of the message. */
export type GitIntent = { id: string; subject: string }

export type Git = {
  place: Place
  /** Its output without the last line end; throws `control_failed` where it fails. */
  run: (args: readonly string[], more?: More) => Promise<string>
  /** However it ends. */
  ended: (args: readonly string[], more?: More) => Promise<Ended>
  /** A file of a commit, byte for byte; `name`: relative to the folder. Throws `control_failed`. */
  text: (commit: string, name: string) => Promise<string>
}

export function gitIn(place: Place): Git {
  // No prompt may wait for somebody who is not there.
  const quiet = { ...place.env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' }
  const program = (args: readonly string[], { env = {}, ...more }: More) => ({
    ...place,
    ...more,
    argv: ['git', ...args],
    env: { ...quiet, ...env },
  })
  return {
    place,
    run: (args, more = {}) => outputOf(program(args, more)),
    ended: (args, more = {}) => runToEnd(program(args, more)),
    text: (commit, name) => outputOf({ ...program(['show', `${commit}:./${name}`], {}), whole: true }),
  }
}

/** A machine on which nobody ever committed has no name for it: it must be able to go back all the same. */
export async function identity({ ended, place }: Git): Promise<Env> {
  const known = await ended(['config', 'user.email'])
  if (known.stdout.trim() !== '' || place.env['GIT_COMMITTER_EMAIL']) return {}
  const [name, email] = ['aigate', 'aigate@localhost']
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  }
}

/** Whether a commit with this intent is in the history of `from`. */
export async function knownIntent({ ended }: Git, { id }: GitIntent, from: string): Promise<boolean> {
  const found = await ended(['log', '-1', '-F', `--grep=Aigate-Intent: ${id}`, '--format=%H', from])
  return found.stdout.trim() !== ''
}

/** `again`: a commit with this intent is there already, and its value was changed since. */
export function messageOf({ id, subject }: GitIntent, again: boolean): string {
  return `${subject}\n${again ? '\nIt was set before and changed since.\n' : ''}\nAigate-Intent: ${id}\n`
}
