// The environment variables without which a suite cannot be asked.
import type { LoadedSuite } from '../ports.ts'
import type { ProviderConfig } from '../schema/config.ts'
import { keyNameOf } from './providers/openai.ts'
import { namesIn } from './redact.ts'

/**
 * Of everybody who is asked: the target, models that play users, judges and embedding models.
 * @param options `record`: recordings are made, so that the provider behind `replay` is asked. @returns names, each once
 */
export function neededKeys(
  { target, users = {}, graders }: Pick<LoadedSuite, 'target' | 'users' | 'graders'>,
  { record = false }: { record?: boolean } = {},
): string[] {
  const own = target.kind === 'http' ? namesIn(JSON.stringify(target.target)) : []
  const others = [
    ...Object.values(users),
    ...Object.values(graders?.judges ?? {}).map(({ model }) => model),
    ...Object.values(graders?.embeddings ?? {}),
  ].map(({ provider }) => provider.config)
  const asked = [...(target.kind === 'prompt' ? [target.provider.config] : []), ...others]
  return [...new Set([...own, ...asked.flatMap((config) => keysOf(config, record))])]
}

function keysOf(config: ProviderConfig, record: boolean): string[] {
  const asked = config.type === 'openai' ? config : record ? config.of : undefined
  if (asked === undefined) return []
  const key = keyNameOf(asked)
  return [...(key === undefined ? [] : [key]), ...Object.values(asked.headers).flatMap(namesIn)]
}
