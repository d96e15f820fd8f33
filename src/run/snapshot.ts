// What was asked, as a run remembers it: a label for people and a hash of all that decides the answers.
import type { ResolvedTarget } from '../ports.ts'
import type { Config } from '../schema/config.ts'
import type { TargetSnapshot } from '../schema/run.ts'
import { contentHash } from '../content-hash.ts'
import { providerIdentity } from './address.ts'
import { appSpec } from './expand.ts'

/**
 * The snapshot of a target. Two targets with the same hash ask the same: key order, time limits and concurrency do not count.
 * @param components of aigate.yaml: what answers depend on besides; remembered beside the hash. undefined: not told
 */
export function snapshotTarget(target: ResolvedTarget, components?: Config['components']): TargetSnapshot {
  if (!components) return targetAlone(target)
  const versions = Object.entries(components).map(([name, { version }]) => [name, version] as const)
  return { ...targetAlone(target), components: Object.fromEntries(versions) }
}

function targetAlone(target: ResolvedTarget): TargetSnapshot {
  if (target.kind !== 'prompt') {
    return { kind: target.kind, label: labels[target.kind](target as never), hash: contentHash(appSpec(target)) }
  }
  const { prompt, model, params, tools, response_format, provider } = target
  const { name, version, hash } = prompt
  const { id } = model.pin
  return {
    kind: 'prompt',
    label: `${name}@${version} with ${model.name} (${id})`,
    hash: contentHash({ prompt: hash, provider: provider.name, model: id, params, tools, response_format }),
    prompt: { name, version, hash },
    model: { name: model.name, provider: provider.name, id, params },
    provider: providerIdentity(provider.config),
    tools_hash: contentHash({ tools, response_format }),
  }
}

type App = Exclude<ResolvedTarget, { kind: 'prompt' }>
const labels: { [K in App['kind']]: (app: Extract<App, { kind: K }>) => string } = {
  command: ({ target }) => `command ${target.command.join(' ')}`,
  http: ({ target }) => `${target.http.method} ${target.http.url}`,
  module: ({ target }) => `module ${target.module}${target.export === 'default' ? '' : `#${target.export}`}`,
}
