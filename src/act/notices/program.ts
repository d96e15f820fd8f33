// Runs a program of the user as an action: not again where its `check` says that it is done.
import type { GuardAction } from '../../schema/guard.ts'
import { controlFailed } from '../failure.ts'
import { fillText } from '../put-in.ts'
import { outputOf, runToEnd } from '../run-program.ts'
import { type Notice, type NoticeWorld, plain, type ReadBack } from './notice.ts'

type Command = Extract<GuardAction, { type: 'command' }>

/** Throws `control_failed` where it does not end with 0, or where its check does not agree afterwards. */
export async function runAction(action: Command, notice: Notice, world: NoticeWorld): Promise<ReadBack> {
  const { root: cwd, env, signal } = world
  const words = {
    trigger: plain(notice.cause),
    metric: plain(notice.metric),
    value: notice.value ?? '',
    key: notice.key,
    text: plain(notice.text),
  }
  const fill = (argv: readonly string[]) => argv.map((part) => fillText(part, words))
  const rest = { cwd, env, signal, timeoutMs: action.timeout }
  const argv = fill(action.argv)
  const check = action.check && fill(action.check)
  const isDone = async () => check !== undefined && (await runToEnd({ argv: check, ...rest })).exitCode === 0
  if (await isDone()) return { done: 'before' }
  await outputOf({ argv, ...rest })
  if (check !== undefined && !(await isDone()))
    throw controlFailed(`${check[0] ?? ''} says that it is not done`, 'Run the action and its check by hand.')
  return { done: 'now' }
}
