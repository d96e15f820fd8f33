// What a rollback would do now: opens the planes, looks at production and for all parts of the target, and plans.
import type { Aim } from '../../decide/rollback/target.ts'
import { planRollback, type RollbackPlan, type Shown } from '../../decide/rollback/plan.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Plane, Project } from '../../ports.ts'
import type { Planes } from '../../schema/planes.ts'
import type { LedgerRecord, ReleaseManifest } from '../../schema/release.ts'
import { lookForParts } from '../versions/release-check.ts'

export type RollbackOptions = {
  config?: string
  json?: boolean
  env: string
  to?: string
  plan?: boolean
  apply?: boolean
  drill?: boolean
  reason?: string
  force?: boolean
}

/** What looking at production before anything is done may take. */
const LOOK_MS = 8_000

/** A project with its ledger, and what there is to go back to. */
export type Opened = { project: Project; folder: string; records: readonly LedgerRecord[]; planes: Planes }
export type Aimed = Aim & { target: ReleaseManifest }
/** Planes by component; where one could not even be opened, why. */
export type OpenPlanes = Readonly<Record<string, Plane | AigateError>>
export type Planned = { plan: RollbackPlan; open: OpenPlanes; planes: Planes }

export const UNREAD = 'it could not be read'

/** The planes of an environment, as aigate.yaml has them. */
export function planesOf({ config }: Pick<Project, 'config'>, env: string): Planes {
  return (
    (env === 'production'
      ? config.production
      : Object.hasOwn(config.environments ?? {}, env)
        ? config.environments?.[env]
        : {}) ?? {}
  )
}

/** Opens the planes of an aim, looks at all of them and for all parts of the target at once, and plans. */
export async function planNow(
  context: Context,
  { project, records, planes }: Opened,
  aim: Aimed,
  { force = false }: Pick<RollbackOptions, 'force'>,
): Promise<Planned> {
  const { openPlane } = await import('../../act/planes.ts')
  const { root } = project
  const open: Record<string, Plane | AigateError> = {}
  for (const [component, config] of aim.planes) {
    try {
      open[component] = openPlane(config, { root, component, env: context.env })
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      open[component] = error
    }
  }
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(LOOK_MS)])
  const [found, ...shown] = await Promise.all([
    lookForParts(context, project, aim.target, { limit: LOOK_MS, late: 'unknown' }),
    ...aim.planes.map(async ([component]) => [component, await shownBy(component, open[component], signal)] as const),
  ])
  context.signal.throwIfAborted()
  const world = { records, config: project.config, found, shown: Object.fromEntries(shown), planes, force }
  return { plan: planRollback(aim, { ...world, now: context.now() }), open, planes }
}

async function shownBy(component: string, plane: Plane | AigateError | undefined, signal: AbortSignal): Promise<Shown> {
  if (!plane || plane instanceof Error)
    return { where: component, version: null, detail: `${UNREAD}: ${plane?.message ?? 'it is not there'}` }
  const { where } = plane
  try {
    const { version, detail } = await plane.read(signal)
    return { where, version, detail }
  } catch (error) {
    if (error instanceof AigateError) return { where, version: null, detail: `${UNREAD}: ${error.message}` }
    if (signal.aborted) return { where, version: null, detail: `${UNREAD} within ${LOOK_MS / 1000} s` }
    throw error
  }
}
