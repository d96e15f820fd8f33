// All sources of live metrics by their type.
import type { Source } from '../ports.ts'
import type { SourceConfig } from '../schema/rollout.ts'
import type { World } from './world.ts'

type Openers = {
  [T in SourceConfig['type']]: (config: Extract<SourceConfig, { type: T }>, world: World) => Promise<Source>
}

const openers: Openers = {
  jsonl: async (config, world) => (await import('./jsonl.ts')).jsonlSource(config, world),
  otlp: async (config, world) => (await import('./otlp.ts')).otlpSource(config, world),
  prometheus: async (config, world) => (await import('./prometheus/prometheus.ts')).prometheusSource(config, world),
  sql: async (config, world) => (await import('./sql/sql.ts')).sqlSource(config, world),
  command: async (config, world) => (await import('./command.ts')).commandSource(config, world),
}

/**
 * The source of a plan; its code is loaded at the first look. Reading throws AigateError `source_failed` where the source
 * cannot be read, `usage` for a condition of the plan that cannot be understood.
 */
export function openSource(config: SourceConfig, world: World): Source {
  let opened: Promise<Source> | undefined
  return {
    read: async (request) => {
      opened ??= open(config, world)
      return (await opened).read(request)
    },
  }
}

function open<T extends SourceConfig['type']>(
  config: Extract<SourceConfig, { type: T }>,
  world: World,
): Promise<Source> {
  const opener: Openers[T] = openers[config.type]
  return opener(config, world)
}
