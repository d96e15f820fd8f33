// aigate watch: looks at live events again and again by guard.yaml, and does what its triggers and breakers ask for.
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AigateError, explain } from '../../errors.ts'
import type { Context, Ending, Project } from '../../ports.ts'
import { guardText } from '../../report/guard.ts'
import { plain } from '../../report/safe-text.ts'
import { type LoadedGuard, readGuard } from '../../store/guard-file.ts'
import { gitUser } from '../../store/git.ts'
import { loadProjectOrDefaults } from '../../store/project.ts'
import { actForGuard } from './guard-act.ts'
import { asGuard, recordGuard } from './guard-session.ts'
import { type GuardTick, guardTick } from './guard-tick.ts'
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

/** The file names the guard of a project, relative to where one stands. */
type Opened = { project: Project; loaded: LoadedGuard }

async function openFile(context: Context, file: string, options: GuardOptions): Promise<Opened> {
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
  const opened = await openFile(context, file, options)
  if (options.once) return (await lookOnce(context, opened, options))?.ending ?? 'interrupted'
  const gone = letGo(context.signal)
  const watched = { opened, told: '' }
  while (!context.signal.aborted) {
    await Promise.race([keepLooking(context, watched, file, options), gone])
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

/** `opened`: the last guard that could be read; `told`: what was said of one that cannot. */
type Watched = { opened: Opened; told: string }

/** A guard that was edited counts from the next look on; a faulty one is said once, and the last good one goes on. */
async function reread(context: Context, watched: Watched, file: string, options: GuardOptions): Promise<void> {
  try {
    watched.opened = await openFile(context, file, options)
    if (watched.told !== '') context.stderr.write(`${file} can be read again.\n`)
    watched.told = ''
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    const text = explain(error)
    if (text === watched.told) return
    watched.told = text
    context.stderr.write(`${text}  Until it is mended, the guard looks by what it read before.\n`)
  }
}

/** What an interrupted look throws is no fault; null: it was interrupted. */
async function unlessInterrupted<T>({ signal }: Context, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (signal.aborted) return null
    throw error
  }
}

async function keepLooking(context: Context, watched: Watched, file: string, options: GuardOptions): Promise<void> {
  try {
    await reread(context, watched, file, options)
    await lookOnce(context, watched.opened, options)
  } catch (error) {
    if (context.signal.aborted) return
    // A journal of a newer format or a damaged one does not mend itself.
    if (!(error instanceof AigateError) || error.code === 'newer_file') throw error
    context.stderr.write(explain(error))
  }
}

async function lookOnce(
  context: Context,
  { project, loaded }: Opened,
  options: GuardOptions,
): Promise<GuardTick | null> {
  return unlessInterrupted(context, () =>
    asGuard(context, project, loaded, async (session) => {
      const { openSource } = await import('../../observe/registry.ts')
      const source = openSource(loaded.plan.source, { root: project.root, env: context.env })
      const tick = await guardTick(session, source)
      if (tick.ending === 'interrupted') return tick
      const view = guardView(session.state, context.now().getTime())
      const kills = await killLines(context, project)
      const value = { aigate: 'guard', ...view, ending: tick.ending, ...tick.acted, ...(kills.length > 0 && { kills }) }
      say(context, options.json, value, guardText(view, { ...tick, kills }))
      for (const problem of tick.acted.failed) context.stderr.write(`error: ${plain(problem, 1000)}\n`)
      return tick
    }),
  )
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
