// The environment variables without which a suite cannot be asked or graded.
import type { LoadedSuite, ResolvedModel } from '../ports.ts'
import type { ProviderConfig } from '../schema/config.ts'
import { keyNameOf } from './providers/openai.ts'
import { namesIn } from './redact.ts'

type Options = {
  /** Recordings are made, so that the provider behind `replay` is asked. */
  record?: boolean
}

/** @returns names, each once: of the target, of models that play users, and of whatever grades the answers */
export function neededKeys(suite: LoadedSuite, options: Options = {}): string[] {
  const { target } = suite
  const address = target.kind === 'http' ? namesIn(JSON.stringify(target.target)) : []
  return [...new Set([...address, ...providersOf(suite).flatMap(({ config }) => keysOf(config, options))])]
}

/** Those of judges and embedding models alone: they are asked anew also where every answer is known. */
export function graderKeys(suite: LoadedSuite, options: Options = {}): string[] {
  return [...new Set(gradersOf(suite).flatMap(({ provider }) => keysOf(provider.config, options)))]
}

/** Everybody that is sent something about a suite, the target first. */
export function providersOf(suite: LoadedSuite): ResolvedModel['provider'][] {
  const { target } = suite
  return [...(target.kind === 'prompt' ? [target.provider] : []), ...othersOf(suite)]
}

/** Who is asked besides the target: players of users, judges and embedding models. */
export const othersOf = (suite: LoadedSuite): ResolvedModel['provider'][] =>
  [...Object.values(suite.users ?? {}), ...gradersOf(suite)].map(({ provider }) => provider)

const gradersOf = ({ graders }: LoadedSuite): ResolvedModel[] => [
  ...Object.values(graders?.judges ?? {}).map(({ model }) => model),
  ...Object.values(graders?.embeddings ?? {}),
]

function keysOf(config: ProviderConfig, { record = false }: Options): string[] {
  const asked = config.type === 'openai' ? config : record ? config.of : undefined
  if (asked === undefined) return []
  const key = keyNameOf(asked)
  return [...(key === undefined ? [] : [key]), ...Object.values(asked.headers).flatMap(namesIn)]
}
