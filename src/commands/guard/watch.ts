// aigate watch: looks at live events again and again by guard.yaml, and does what its triggers and breakers ask for.
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { limitsFor, asPlan } from '../../decide/guard/as-plan.ts'
import { decideGuard } from '../../decide/guard/look.ts'
import { guardPlanOf } from '../../decide/guard/state.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, Project, Source } from '../../ports.ts'
import { guardText } from '../../report/guard.ts'
import { plain } from '../../report/safe-text.ts'
import type { Block, Reading } from '../../schema/rollout-journal.ts'
import { readGuard } from '../../store/guard-file.ts'
import { gitUser } from '../../store/git.ts'
import { loadProjectOrDefaults } from '../../store/project.ts'
import { sourceFolder } from '../rollout/canary-session.ts'
import { actForGuard, type GuardActed } from './guard-act.ts'
import { asGuard, type GuardSession, recordGuard } from './guard-session.ts'
import { guardView } from './guard-view.ts'
import { killLines } from './kill-files.ts'
import { say } from '../versions/release.ts'

/** After Ctrl-C, a source or an endpoint that does not let go is left behind after so long. */
const LET_GO_MS = 1500

export type GuardOptions = {
  config?: string
  json?: boolean
  once?: boolean
  every: number
  close?: string
  reason?: string
}
export type GuardTick = { ending: Ending; reasons: string[]; acted: GuardActed }

/** The file names the guard of a project, relative to where one stands. */
async function openFile(context: Context, file: string, options: GuardOptions) {
  const project = await loadProjectOrDefaults({ cwd: context.cwd, config: options.config })
  const loaded = await readGuard(project, resolve(context.cwd, file))
  return { project, loaded }
}

/**
 * Looks once (`--once`) or every so often until Ctrl-C. A look that fails is said and followed by the next: watching does
 * not end because a source was away. @returns once: fail where something fires, invalid where nothing could be measured,
 * action_failed as long as a wanted action is not done; else interrupted
 */
export async function watchGuardCommand(context: Context, file: string, options: GuardOptions): Promise<Ending> {
  if (options.close !== undefined) return closeBreaker(context, file, options.close, options)
  const first = await openFile(context, file, options)
  if (options.once) return (await lookOnce(context, first.project, file, options)).ending
  const gone = letGo(context.signal)
  while (!context.signal.aborted) {
    await Promise.race([keepLooking(context, first.project, file, options), gone])
    await sleep(options.every, undefined, { signal: context.signal }).catch(() => undefined)
  }
  return 'interrupted'
}

async function letGo(signal: AbortSignal): Promise<void> {
  await new Promise<void>((go) => {
    if (signal.aborted) go()
    else signal.addEventListener('abort', () => go(), { once: true })
  })
  await sleep(LET_GO_MS, undefined, { ref: false })
}

async function keepLooking(context: Context, project: Project, file: string, options: GuardOptions): Promise<void> {
  try {
    await lookOnce(context, project, file, options)
  } catch (error) {
    if (context.signal.aborted) return
    // A journal of a newer format or a damaged one does not mend itself.
    if (!(error instanceof AigateError) || error.code === 'newer_file') throw error
    context.stderr.write(`error: ${error.message}\n  fix: ${error.mend}\n`)
  }
}

async function lookOnce(context: Context, project: Project, file: string, options: GuardOptions): Promise<GuardTick> {
  // Read anew at every look: a guard that was edited counts from the next look on.
  const { loaded } = await openFile(context, file, options)
  return asGuard(context, project, loaded, async (session) => {
    const { openSource } = await import('../../observe/registry.ts')
    const source = openSource(loaded.plan.source, { root: project.root, env: context.env })
    const tick = await guardTick(session, source)
    const view = guardView(session.state, context.now().getTime())
    const kills = await killLines(context, project)
    const value = { aigate: 'guard', ...view, ending: tick.ending, ...tick.acted, ...(kills.length > 0 && { kills }) }
    say(context, options.json, value, guardText(view, { ...tick, kills }))
    for (const problem of tick.acted.failed) context.stderr.write(`error: ${plain(problem, 1000)}\n`)
    return tick
  })
}

/**
 * One look of a guard; the caller holds its lock. What was begun and not finished is finished first, so that a source that
 * hangs holds no rollback up.
 */
export async function guardTick(session: GuardSession, source: Source): Promise<GuardTick> {
  const { context } = session
  const late = await actForGuard(session)
  const read = await readSource(session, source)
  if (context.signal.aborted) return { ending: 'interrupted', reasons: [], acted: late }
  const { outcome, reasons } = decideGuard(session.state, { now: context.now().getTime(), ...read })
  recordGuard(session, { kind: 'look', ...read, outcome, reasons })
  const acted = await actForGuard(session)
  const together = { done: [...late.done, ...acted.done], failed: acted.failed }
  return { ending: together.failed.length > 0 ? 'action_failed' : outcome, reasons, acted: together }
}

type Read = { reading: Reading | null; failure: string | null }

/** Reads the source from where the last look ended. A source that fails is no data, never a zero. */
async function readSource({ context, state, folder }: GuardSession, source: Source): Promise<Read> {
  const guard = guardPlanOf(state)
  try {
    const reading = await source.read({
      plan: asPlan(guard),
      cursor: state.cursor,
      since: state.since,
      until: context.now().getTime(),
      closed: state.closed,
      folder: sourceFolder(folder),
      changes: [],
      limits: limitsFor(guard),
      whole: true,
      signal: context.signal,
    })
    return { reading: { ...reading, blocks: reading.blocks.map(slim) }, failure: null }
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { reading: null, failure: error.message }
  }
}

/** Without histograms, which no condition asks for: a guard writes a look a minute, for years. */
function slim(block: Block): Block {
  const arm = ({ metrics, ...rest }: Block['arms']['baseline']) => ({
    ...rest,
    metrics: Object.fromEntries(
      Object.entries(metrics).map(([name, counts]) => [name, { ...counts, histogram: undefined }]),
    ),
  })
  return { ...block, arms: { baseline: arm(block.arms.baseline), candidate: arm(block.arms.candidate) } }
}

/** A person closes a breaker that is open: the primary serves again, at once. */
async function closeBreaker(context: Context, file: string, breaker: string, options: GuardOptions): Promise<Ending> {
  const { project, loaded } = await openFile(context, file, options)
  const names = loaded.plan.breakers.map(({ id }) => id)
  if (!names.includes(breaker))
    throw new AigateError('usage', {
      problem: `The guard ${loaded.plan.guard} has no breaker "${breaker}".`,
      mend: names.length === 0 ? 'It has none.' : `It has: ${names.join(', ')}.`,
    })
  const by = await gitUser(project.root)
  return asGuard(context, project, loaded, async (opened) => {
    const session = { ...opened, by }
    recordGuard(session, { kind: 'said', verb: 'close', breaker, reason: options.reason ?? 'no reason was given' })
    const acted = await actForGuard(session)
    const view = guardView(session.state, context.now().getTime())
    const ending: Ending = acted.failed.length > 0 ? 'action_failed' : 'pass'
    const kills = await killLines(context, project)
    const value = { aigate: 'guard', ...view, ending, ...acted, ...(kills.length > 0 && { kills }) }
    say(context, options.json, value, guardText(view, { reasons: [], acted, kills }))
    return ending
  })
}
