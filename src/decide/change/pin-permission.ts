// A permission to run on a model that is no pin counts from the merge on: a change cannot give it to itself.
import type { LoadedSuite } from '../../ports.ts'
import type { Config } from '../../schema/config.ts'
import { stateOf } from './frozen.ts'

/**
 * What a suite runs on by a permission (`allow_unpinned`) that its base does not give for this model id at this provider.
 * @param base the model registry of the base
 * @returns sentences without the name of the suite; empty for pins, applications and permissions of the base
 */
export function newPermissions(
  { target }: Pick<LoadedSuite, 'target'>,
  base: Config['models'],
): { loosened: string[]; holds: string[] } {
  if (target.kind !== 'prompt' || target.model.pin.allow_unpinned === undefined) return { loosened: [], holds: [] }
  const { name, pin } = target.model
  const permitted = Object.values(base).some(
    ({ provider, id, allow_unpinned }) => provider === pin.provider && id === pin.id && allow_unpinned !== undefined,
  )
  if (permitted || stateOf(pin, target.provider.config).state === 'pinned') return { loosened: [], holds: [] }
  const what = `models.${name}.allow_unpinned is new for ${pin.id}`
  return {
    loosened: [`${what}; it counts from the merge on.`],
    holds: [
      `${what}: whether a model that may change without notice is good enough is agreed on in a pull request of its own.`,
    ],
  }
}
