// The control plane that is a number in a file in git: a commit sets it, an operator of the cluster does the rest.
import { basename, dirname, resolve } from 'node:path'
import type { Actuator } from '../ports.ts'
import type { RolloutPlan } from '../schema/rollout.ts'
import type { ActuatorOptions, ControlOf } from './actuators.ts'
import { controlFailed } from './failure.ts'
import { pointerParts } from './http.ts'
import { servedPpm, units, wishId } from './put-in.ts'
import { replaceFile, textOf } from './replace-file.ts'
import { outputOf, runToEnd } from './run-program.ts'
import { wholeRelease } from './whole-release.ts'

type Git = (args: readonly string[], signal: AbortSignal, stdin?: string) => Promise<string>
const TIMEOUT_MS = 60_000

/**
 * Writes the percentage at `pointer` of `path`, comments and all else kept, and commits that file alone with the trailer
 * `Aigate-Intent: <rollout>-<generation>-<millionths>`. Where HEAD has the number already (after a crash in between),
 * there is no second commit, only the push that may be missing. Changes of others in the file are never committed along.
 * `read` says what HEAD has; with `push`, what the branch on the remote has after a fetch.
 */
export function gitActuator(
  control: ControlOf<'git'>,
  plan: RolloutPlan,
  { root, env, timeoutMs = TIMEOUT_MS }: ActuatorOptions,
): Actuator {
  const file = resolve(root, control.path)
  const parts = pointerParts(control.pointer)
  // No prompt may wait for somebody who is not there.
  const quiet = { ...env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' }
  const at = { cwd: dirname(file), env: quiet, timeoutMs }
  const git: Git = (args, signal, stdin) =>
    outputOf({ argv: ['git', ...args], ...at, signal, ...(stdin === undefined ? {} : { stdin }) })
  const committed = async (ref: string, signal: AbortSignal) =>
    await git(['show', `${ref}:./${basename(file)}`], signal).then((text) => `${text}\n`)
  const percentAt = async (ref: string, signal: AbortSignal) =>
    (await numberIn(await committed(ref, signal), parts, control)).value
  return wholeRelease(plan, {
    async set(desired, signal) {
      const percent = servedPpm(desired) / units.percent
      const id = wishId(plan, desired)
      const known = await runToEnd({
        argv: ['git', 'log', '-1', '-F', `--grep=Aigate-Intent: ${id}`, '--format=%H'],
        ...at,
        signal,
      })
      if ((await percentAt('HEAD', signal)) !== percent) {
        await edit(file, control, { parts, percent, head: await committed('HEAD', signal) })
        const again = known.stdout.trim() === '' ? '' : `\nIt was set before and changed since.\n`
        const message = `${plan.rollout}: candidate at ${percent} %\n${again}\nAigate-Intent: ${id}\n`
        await git(['commit', '--quiet', '--no-verify', '--only', '-F', '-', '--', basename(file)], signal, message)
      }
      if (control.push) await git(['push', '--quiet'], signal)
    },
    async ppm(signal) {
      if (control.push) await git(['fetch', '--quiet'], signal)
      return Math.round((await percentAt(control.push ? '@{upstream}' : 'HEAD', signal)) * units.percent)
    },
  })
}

type Edit = { parts: readonly string[]; percent: number; head: string }

async function edit(file: string, control: ControlOf<'git'>, { parts, percent, head }: Edit): Promise<void> {
  const there = await textOf(file)
  if (there === null) throw controlFailed(`there is no ${control.path}`, 'Restore it from git.')
  const { from, to } = await numberIn(head, parts, control)
  const wanted = head.slice(0, from) + String(percent) + head.slice(to)
  const same = (a: string, b: string) => a.replaceAll('\r\n', '\n').trimEnd() === b.replaceAll('\r\n', '\n').trimEnd()
  // Our own edit of a run that was killed before its commit may be there already; anything else is somebody's work.
  if (same(there, wanted)) return
  if (!same(there, head))
    throw controlFailed(`${control.path} has changes that are not committed`, 'Commit or discard them.')
  const own = await numberIn(there, parts, control)
  const next = there.slice(0, own.from) + String(percent) + there.slice(own.to)
  await replaceFile(file, (text) => {
    if (text === there) return next
    throw controlFailed(`${control.path} was changed by others just now`, 'aigate tries again at its next tick.')
  })
}

/** Where the number stands in a YAML or JSON text, and its value. The first document that has it counts. */
async function numberIn(text: string, parts: readonly string[], { path, pointer }: ControlOf<'git'>) {
  const { parseAllDocuments, isScalar } = await import('yaml')
  for (const document of parseAllDocuments(text)) {
    if ('errors' in document && document.errors.length > 0) break
    const node: unknown = 'getIn' in document ? document.getIn(parts, true) : undefined
    if (isScalar(node) && typeof node.value === 'number' && node.range)
      return { value: node.value, from: node.range[0], to: node.range[1] }
  }
  throw controlFailed(`${path} has no number at ${pointer}`, 'Correct the file or `control.pointer`.')
}
