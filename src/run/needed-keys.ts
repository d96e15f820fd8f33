// The environment variables without which a suite cannot be asked.
import type { LoadedSuite } from '../ports.ts'
import { namesIn } from './redact.ts'

/** @param options `record`: recordings are made, so that the provider behind `replay` is asked. @returns names, each once */
export function neededKeys({ target }: LoadedSuite, { record = false }: { record?: boolean } = {}): string[] {
  if (target.kind === 'http') return namesIn(JSON.stringify(target.target))
  if (target.kind !== 'prompt') return []
  const { config } = target.provider
  const asked = config.type === 'openai' ? config : record ? config.of : undefined
  if (asked === undefined) return []
  const { api_key_env: key, headers } = asked
  return [...new Set([...(key === undefined ? [] : [key]), ...Object.values(headers).flatMap(namesIn)])]
}
