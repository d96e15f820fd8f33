// Several targets asked as one pass: in one seeded order, so that what drifts at the provider hits all of them alike.
import type { AskRequest, Provider } from '../ports.ts'

/** What one target is asked, and who answers. */
export type Part = { requests: readonly AskRequest[]; provider: Provider }

/**
 * One provider that hands every request to the one it belongs to; the engine paces each of them by its own limits.
 * Throws RangeError when there is no part.
 */
export function interleave(parts: readonly Part[]): { requests: AskRequest[]; provider: Provider } {
  const [first] = parts
  if (!first) throw new RangeError('there is nothing to ask')
  // Nobody else could be meant.
  if (parts.length === 1) return { requests: [...first.requests], provider: first.provider }
  const owner = new Map(parts.flatMap(({ requests, provider }) => requests.map((one) => [one, provider] as const)))
  const providers = parts.map(({ provider }) => provider)
  const rates = providers.flatMap(({ rpm }) => rpm ?? [])
  const ownerOf = (request: AskRequest) => owner.get(request) ?? first.provider
  const provider: Provider = {
    name: [...new Set(providers.map(({ name }) => name))].join(' and '),
    concurrency: Math.min(...providers.map(({ concurrency }) => concurrency)),
    ...(rates.length > 0 && { rpm: Math.min(...rates) }),
    timeout_ms: Math.max(...providers.map(({ timeout_ms }) => timeout_ms)),
    retries: Math.min(...providers.map(({ retries }) => retries)),
    ask: (request, signal) => ownerOf(request).ask(request, signal),
    ownerOf,
  }
  return { requests: parts.flatMap(({ requests }) => requests), provider }
}
