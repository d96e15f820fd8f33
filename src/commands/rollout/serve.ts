// aigate serve: answers what the rollouts say, for Argo Rollouts, Flagger and Prometheus; it reads journals and acts on nothing.
import { statSync } from 'node:fs'
import { isLoopback, listen } from '../../act/web-server.ts'
import { gatingVerdict, servedVerdict } from '../../decide/rollout/served-verdict.ts'
import type { RolloutState } from '../../decide/rollout/state.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, Project } from '../../ports.ts'
import { answerTo, type Served } from '../../report/served-answers.ts'
import type { ServedRollout } from '../../report/served-metrics.ts'
import { loadProject } from '../../store/project.ts'
import { journaledRollouts, journalFile, rolloutFolder } from '../../store/rollout-journal.ts'
import { openSession } from './canary-session.ts'

export type ServeOptions = { config?: string; host: string; port: number; tokenEnv: string }

/** Serves until Ctrl-C, which is how it is meant to end: `pass`. Throws AigateError `usage` where it must not or cannot listen. */
export async function serveCommand(context: Context, options: ServeOptions): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const token = context.env[options.tokenEnv]?.trim() || undefined
  if (token === undefined && !isLoopback(options.host))
    throw new AigateError('usage', {
      problem: `Others can reach ${options.host}, so a token is needed, and ${options.tokenEnv} is not set.`,
      mend: `Set ${options.tokenEnv} to a long random text, or listen on 127.0.0.1.`,
    })
  const read = rolloutReader(context, project)
  const { url, closed } = await listen({
    host: options.host,
    port: options.port,
    token,
    open: ['/healthz'],
    signal: context.signal,
    onError: (sentence) => void context.stderr.write(`error: ${sentence}\n`),
    answer: async (request) => answerTo(request, await servedNow(context, project, read)),
  }).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
    const problem = `It cannot listen on ${options.host}:${options.port} (${code}).`
    throw new AigateError('usage', { problem, mend: 'Name another --port or --host.' })
  })
  context.stdout.write(`Serving ${url}\n`)
  await closed
  return 'pass'
}

type Reader = (name: string) => RolloutState

/** Reads a journal only when it has changed since the last question: many may ask while one writes a line a minute. */
function rolloutReader(context: Context, project: Project): Reader {
  const known = new Map<string, { mark: string; state: RolloutState }>()
  return (name) => {
    const { size, mtimeMs, ino } = statSync(journalFile(rolloutFolder(project, name)))
    const mark = `${ino} ${size} ${mtimeMs}`
    const before = known.get(name)
    if (before?.mark === mark) return before.state
    const { state } = openSession(context, project, name)
    known.set(name, { mark, state })
    return state
  }
}

async function servedNow(context: Context, project: Project, read: Reader): Promise<Served> {
  const names = await journaledRollouts(project)
  const now = context.now().getTime()
  return {
    version: context.toolVersion,
    find(name, stage) {
      if (!names.includes(name)) return undefined
      const state = read(name)
      return { ...gatingVerdict(state, now, stage), metrics: state.last?.decision.metrics ?? {} }
    },
    // One journal that cannot be read hides no other; what is not known has no sample.
    all: () => {
      const known: ServedRollout[] = []
      const unreadable: string[] = []
      for (const name of names) {
        try {
          known.push(servedRollout(name, read(name), now))
        } catch (error) {
          if (!(error instanceof AigateError)) throw error
          context.stderr.write(`error: ${name}: ${error.message.trimEnd()}\n`)
          unreadable.push(name)
        }
      }
      return { known, unreadable }
    },
  }
}

function servedRollout(rollout: string, state: RolloutState, now: number): ServedRollout {
  const { units, requests } = state.evidence
  return {
    ...servedVerdict(state, now),
    rollout,
    generation: state.applied?.generation ?? 0,
    lease_until: state.applied?.lease_until ?? null,
    looks: state.looks,
    failing: state.failing.length,
    units,
    requests,
    metrics: state.last?.decision.metrics ?? {},
  }
}
