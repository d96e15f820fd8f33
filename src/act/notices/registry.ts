// Every action of a guard by its type: a new one is a variant of the schema, a file here and a line below.
import { resolve } from 'node:path'
import type { GuardAction } from '../../schema/guard.ts'
import { controlFailed } from '../failure.ts'
import { parseFlagFile, record } from '../flag-file.ts'
import { reachOf, switchOn } from '../kill-file.ts'
import { scopeName } from '../kill-list.ts'
import { versionOf } from '../plane-flagd.ts'
import { openPlane } from '../planes.ts'
import { textOf } from '../replace-file.ts'
import { tellIssue } from './github.ts'
import { type Notice, type NoticeWorld, plain, type ReadBack } from './notice.ts'
import { tellPagerDuty } from './pagerduty.ts'
import { runAction } from './program.ts'
import { openRevert } from './revert.ts'
import { tellWebhook } from './webhook.ts'

/** A rollback is a verb of its own, with a plan and a ledger: commands/ joins it. */
export type PlainAction = Exclude<GuardAction, { type: 'rollback' }>
type Of<T extends PlainAction['type']> = Extract<PlainAction, { type: T }>
type Perform<T extends PlainAction['type']> = (action: Of<T>, notice: Notice, world: NoticeWorld) => Promise<ReadBack>

const performers: { [T in PlainAction['type']]: Perform<T> } = {
  webhook: tellWebhook,
  pagerduty: tellPagerDuty,
  'github-issue': tellIssue,
  'revert-pull-request': openRevert,
  command: runAction,
  kill: killOff,
  'disable-flag': disableFlag,
}

/**
 * Does an action, or finds that it was done before, and says what the other side said. A repetition under the same key
 * does no harm. Throws AigateError `control_failed`.
 */
export function performAction<T extends PlainAction['type']>(
  action: Of<T>,
  notice: Notice,
  world: NoticeWorld,
): Promise<ReadBack> {
  const of: Perform<T> = performers[action.type]
  return of(action, notice, world)
}

async function killOff(action: Of<'kill'>, notice: Notice, world: NoticeWorld): Promise<ReadBack> {
  const files = action.path === undefined ? (world.flagFiles ?? []) : [resolve(world.root, action.path)]
  if (files.length === 0)
    throw controlFailed(
      'no flag file is named for the kill',
      'Write `path` into the action, or `kill.path` into aigate.yaml.',
    )
  const { model, feature, segment, expires } = action
  const scope = {
    ...(model === undefined ? {} : { model }),
    ...(feature === undefined ? {} : { feature }),
    ...(segment === undefined ? {} : { segment }),
  }
  const at = Date.parse(notice.at)
  const until = expires === undefined ? null : new Date(at + expires).toISOString()
  const reason = plain(notice.text, 300) || plain(notice.title, 300)
  const kill = { scope, reason, by: `aigate watch ${notice.guard}`, at: notice.at, until, flags: [] }
  const options = { flags: world.killed ?? {} }
  const problems: string[] = []
  let reached = 0
  for (const file of files) {
    const { flags, switches } = await reachOf(file, kill, options)
    reached += flags.length + switches.length
    problems.push(...(await switchOn(file, kill, options, world.now())).problems)
  }
  if (problems.length > 0) throw controlFailed(problems.join('; '), 'See `aigate kill status`.')
  const done = { killed: scopeName(scope), files: files.length }
  return reached > 0 ? done : { ...done, note: `the kill of ${done.killed} is written, but no flag asks for it` }
}

/** Everybody is served the variant that is off. */
async function disableFlag({ path, flag, variant }: Of<'disable-flag'>, notice: Notice, world: NoticeWorld) {
  const text = await textOf(resolve(world.root, path))
  const found = text === null ? {} : record(parseFlagFile(text, path).flags[flag])
  const version = versionOf(found, variant)
  if (version === null)
    throw controlFailed(`${path} has no flag ${flag} with a variant ${variant}`, 'Correct the action `disable-flag`.')
  const plane = openPlane({ type: 'flagd', path, flag }, { root: world.root, component: flag, env: world.env })
  await plane.apply({ version, key: notice.key, reason: plain(notice.text, 300) }, world.signal)
  const { version: there } = await plane.read(world.signal)
  return { flag, serves: there }
}
