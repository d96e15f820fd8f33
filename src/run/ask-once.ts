// Asks one question outside of a run: with a time limit, one more attempt after a transient failure, and no recordings.
import { setTimeout as sleep } from 'node:timers/promises'
import type { AskRequest, Provider } from '../ports.ts'
import type { OpenAiProvider } from '../schema/config.ts'
import type { Completion } from '../schema/run.ts'
import { type Asked, buildProvider } from './build-provider.ts'
import { keyNameOf } from './providers/openai.ts'
import { namesIn } from './redact.ts'

type Env = Readonly<Record<string, string | undefined>>
type World = { env: Env; clock: { monotonic(): number } }

/** Longer is nobody waited for. */
const LONGEST_PAUSE = 5_000
const nobody = { find: () => undefined, add: () => undefined }

/** Who would answer live, behind a recording too; null where only recordings do. */
function liveOf({ target }: Asked): OpenAiProvider | 'application' | null {
  if (target.kind !== 'prompt') return 'application'
  const { config } = target.provider
  return config.type === 'openai' ? config : (config.of ?? null)
}

/** The environment variables that asking this target needs and that are not set, by name. */
export function missingVariables(suite: Asked, env: Env): string[] {
  const live = liveOf(suite)
  const { target } = suite
  const headers =
    live === null
      ? []
      : live !== 'application'
        ? Object.values(live.headers)
        : target.kind === 'http'
          ? [target.target.http.url, ...Object.values(target.target.http.headers)]
          : []
  const key = live === null || live === 'application' ? undefined : keyNameOf(live)
  const names = [...(key === undefined ? [] : [key]), ...headers.flatMap(namesIn)]
  return [...new Set(names)].filter((name) => (env[name] ?? '').trim() === '')
}

/** The provider that really asks, never a recording; null where there is nobody but recordings. */
export async function liveProvider(suite: Asked, world: World): Promise<Provider | null> {
  const live = liveOf(suite)
  if (live === null) return null
  return buildProvider(suite, { ...world, recordings: nobody, record: live !== 'application', offline: false })
}

/** The answer, within `timeout` milliseconds an attempt. Never throws for a failure of the other side. */
export async function askOnce(
  provider: Provider,
  request: AskRequest,
  timeout: number,
  signal: AbortSignal,
): Promise<Completion> {
  const attempt = () => provider.ask(request, AbortSignal.any([signal, AbortSignal.timeout(timeout)]))
  const first = await attempt()
  if (!first.retry || signal.aborted) return first.completion
  await sleep(Math.min(LONGEST_PAUSE, first.retry.after_ms ?? 500), undefined, { signal }).catch(() => undefined)
  if (signal.aborted) return first.completion
  const { completion } = await attempt()
  return { ...completion, attempts: 2 }
}

/** Runs `work` over all, at most `limit` at the same time; the results are in the order of `all`. */
export async function fewAtATime<T, R>(all: readonly T[], limit: number, work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async () => {
    while (next < all.length) {
      const index = next
      next += 1
      results[index] = await work(all[index] as T)
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, all.length) }, worker))
  return results
}
