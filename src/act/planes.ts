// Every plane of production by its type: a new one is a variant of the schema, a file here and a line below.
import type { Plane } from '../ports.ts'
import type { PlaneConfig } from '../schema/planes.ts'
import type { BarePlane, PlaneOf, PlaneWorld } from './bare-plane.ts'
import { causeOf, controlFailed } from './failure.ts'
import { commandPlane } from './plane-command.ts'
import { flagdPlane } from './plane-flagd.ts'
import { gitPlane } from './plane-git.ts'
import { httpPlane } from './plane-http.ts'
import { pause } from './whole-release.ts'

type Open<T extends PlaneConfig['type']> = (config: PlaneOf<T>, world: PlaneWorld) => BarePlane

const planes: { [T in PlaneConfig['type']]: Open<T> } = {
  flagd: flagdPlane,
  git: gitPlane,
  command: commandPlane,
  http: httpPlane,
}

/** The plane of a component. Touches nothing yet. Throws `control_failed` for texts that cannot be filled. */
export function openPlane(config: PlaneConfig, world: PlaneWorld): Plane {
  const bare = open(config, world)
  return {
    where: bare.where,
    read: (signal) => bare.read(signal),
    async apply(wanted, signal) {
      signal.throwIfAborted()
      let notes: readonly string[]
      try {
        notes = (await bare.apply(wanted, signal)) ?? []
      } catch (error) {
        // Who did it and then failed has done it: what counts is what it says when it is read.
        if (signal.aborted || !(await isThere(bare, wanted.version, signal))) throw error
        return [`it is set, although ${causeOf(error)}`]
      }
      await verify(bare, wanted.version, signal)
      return notes
    },
  }
}

async function isThere(plane: BarePlane, wanted: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await plane.read(signal)).version === wanted
  } catch {
    // It failed, and cannot be read either: the first failure is what is said.
    return false
  }
}

function open<T extends PlaneConfig['type']>(config: PlaneOf<T>, world: PlaneWorld): BarePlane {
  const of: Open<T> = planes[config.type]
  return of(config, world)
}

async function verify(plane: BarePlane, wanted: string, signal: AbortSignal): Promise<void> {
  const { where, waits = [] } = plane
  for (let look = 0; ; look += 1) {
    const { version, detail } = await plane.read(signal)
    if (version === wanted) return
    const wait = waits[look]
    if (wait === undefined)
      throw controlFailed(
        `${where} says ${version ?? detail ?? 'nothing'} after ${wanted} was set`,
        'See whether somebody else sets it, and whether it is read where it is set.',
      )
    await pause(wait, signal)
  }
}
