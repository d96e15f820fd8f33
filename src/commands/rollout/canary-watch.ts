// aigate canary watch: ticks again and again, with a live picture, until the rollout has ended or Ctrl-C.
import { setTimeout as sleep } from 'node:timers/promises'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, Project } from '../../ports.ts'
import { planOf } from '../../decide/rollout/state.ts'
import { rolloutPicture } from '../../report/rollout.ts'
import { safeLine } from '../../report/safe-text.ts'
import { sayTick, tickLine, viewOptions } from './canary.ts'
import { asRunner, type CanaryOptions, openRollout, openSession, type Session } from './canary-session.ts'
import { openEdges, type Tick, tick } from './canary-tick.ts'
import { rolloutView } from './canary-view.ts'
import { killLines } from '../guard/kill-files.ts'

/** After Ctrl-C, a source or control plane that does not let go is left behind after so long; the lease then runs out. */
const LET_GO_MS = 1500
const CLEAR = `${String.fromCharCode(27)}[H${String.fromCharCode(27)}[2J`

export type WatchOptions = CanaryOptions & { every: number }

/**
 * Repeats ticks every `every` milliseconds. A tick that fails is said and followed by the next: monitoring does not end
 * because a source was away. @returns how the rollout ended; `interrupted` after Ctrl-C
 */
export async function watchCommand(context: Context, name: string | undefined, options: WatchOptions): Promise<Ending> {
  const { project, name: rollout } = await openRollout(context, name, options)
  warnOfLease(openSession(context, project, rollout), options.every)
  while (!context.signal.aborted) {
    const ending = await Promise.race([watchOnce(context, project, rollout, options), letGo(context.signal)])
    if (ending !== null) return ending
    await sleep(options.every, undefined, { signal: context.signal }).catch(() => undefined)
  }
  return 'interrupted'
}

/** A lease is renewed by looks alone: one that runs out between two of them takes the candidate away again and again. */
function warnOfLease({ context, name, state }: Session, every: number): void {
  const { control } = planOf(state)
  if (control.type !== 'flagd' || every < (control.lease * 2) / 3) return
  const problem = `${name}: the lease lasts ${control.lease / 1000} s and is renewed every ${every / 1000} s at most`
  context.stderr.write(
    `warning: ${problem}: it may run out in between. Look more often (--every), or make control.lease longer.\n`,
  )
}

async function letGo(signal: AbortSignal): Promise<Ending> {
  await new Promise<void>((go) => {
    if (signal.aborted) go()
    else signal.addEventListener('abort', () => go(), { once: true })
  })
  await sleep(LET_GO_MS, undefined, { ref: false })
  return 'interrupted'
}

/** @returns how the rollout ended; null: it goes on */
async function watchOnce(
  context: Context,
  project: Project,
  name: string,
  options: WatchOptions,
): Promise<Ending | null> {
  try {
    return await asRunner(context, project, name, { who: 'runner', survives: true }, async (session) => {
      const done = await tick(session, await openEdges(session))
      const lines = await killLines(context, project)
      const kills = lines.map((line) => `${line}\n`).join('')
      if (options.json) context.stdout.write(`${JSON.stringify({ ...tickData(name, context, done), kills: lines })}\n`)
      else if (context.stdout.isTTY) {
        const now = context.now().getTime()
        const view = rolloutView(session.state, now)
        const next = view.next_look === null ? null : new Date(now + options.every).toISOString()
        const picture = rolloutPicture({ ...view, next_look: next }, viewOptions(context))
        context.stdout.write(`${CLEAR}${picture}${safeLine(kills)}`)
      } else context.stdout.write(`${tickLine(session, done)}${safeLine(kills)}`)
      sayTick(session, done)
      const { mode } = session.state
      // What the journal does not know is looked at again.
      if (session.unwritten !== null) return null
      return mode === 'succeeded' || mode === 'aborted' || mode === 'rolled-back' ? done.ending : null
    })
  } catch (error) {
    if (!(error instanceof AigateError) || error.code === 'newer_file' || error.code === 'bad_file') throw error
    context.stderr.write(`error: ${error.message}\n  fix: ${error.mend}\n`)
    return null
  }
}

const tickData = (rollout: string, context: Context, { ending, decision, acted, notes }: Tick) => ({
  aigate: 'rollout-tick',
  version: 1,
  at: context.now().toISOString(),
  rollout,
  ending,
  decision,
  ...acted,
  notes,
})
