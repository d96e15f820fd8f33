// Which release a rollback goes back to, and which components go.
import { AigateError } from '../../errors.ts'
import type { PlaneConfig, Planes } from '../../schema/planes.ts'
import type { LedgerRecord, ReleaseManifest } from '../../schema/release.ts'
import { lastKnownGood } from './rollback-needs.ts'
import { findRelease, releasesOf } from '../release/releases.ts'
import { heldPart, holdsOf } from './parts.ts'

export type Aim = {
  /** What runs, by the ledger. */
  current: ReleaseManifest
  /** null: there is nothing to go back to. */
  target: ReleaseManifest | null
  planes: [string, PlaneConfig][]
  /** All planes, because none was named. */
  all: boolean
  /** In words: why this target. */
  because: string
}
type Asked = { env: string; components: readonly string[]; to?: string | undefined; planes: Planes }

/**
 * The newest release whose evidence passed and that nobody went back from; where the current release is a rollback
 * already, its own target, so that a second call finishes the first and never goes further back. `to`: an id of a release of `env`,
 * or, for one component, a version that was released. Throws AigateError `usage`.
 */
export function aimOf(records: readonly LedgerRecord[], asked: Asked): Aim {
  const planes = chosenPlanes(asked)
  const current = findRelease(records, 'current', asked.env)
  const found = asked.to === undefined ? byLedger(records, current) : named(records, asked.to, asked.env, planes)
  return { current, planes, all: asked.components.length === 0, ...found }
}

type Found = Pick<Aim, 'target' | 'because'>

function byLedger(records: readonly LedgerRecord[], current: ReleaseManifest): Found {
  const begun = current.rollback
  if (begun) {
    const target = releasesOf(records, current.env).find(({ id }) => id === begun.to) ?? null
    return { target, because: `${current.id} is a rollback to it: this finishes that one` }
  }
  return { target: lastKnownGood(records, current.env), because: 'the newest before the current one that passed' }
}

function named(
  records: readonly LedgerRecord[],
  to: string,
  env: string,
  planes: readonly [string, PlaneConfig][],
): Found {
  const releases = releasesOf(records, env)
  if (releases.some(({ id }) => id.startsWith(to)) || !planes[0] || planes.length > 1) {
    const target = findRelease(records, to, env)
    if (target.env === env) return { target, because: 'named' }
    const problem = `Release ${target.id} went to ${target.env}, not to ${env}.`
    throw new AigateError('usage', { problem, mend: 'Name a release of this environment.' })
  }
  const [key, config] = planes[0]
  const parts = releases.map((release) => ({ release, part: heldPart(release, key, config) }))
  const target = parts.findLast(({ part }) => part?.names.includes(to))?.release
  if (target) return { target, because: `the newest release with ${key} ${to}` }
  const known = [...new Set(parts.flatMap(({ part }) => (part ? [part.version] : [])))].slice(-5).reverse()
  throw new AigateError('usage', {
    problem: `No release of ${env} has the ${key} ${to}, and there is no release of that name.`,
    mend: `Released were: ${known.join(', ') || 'none'}.`,
  })
}

/** The planes of the named components; a kind such as `prompt` names all planes that hold one. Throws AigateError `usage` where there is none. */
export function chosenPlanes({ components, planes, env }: Omit<Asked, 'to'>): [string, PlaneConfig][] {
  const all = Object.entries(planes)
  const key = env === 'production' ? 'production' : `environments.${env}`
  if (all.length === 0)
    throw new AigateError('usage', {
      problem: `aigate.yaml does not say where the versions of ${env} are set.`,
      mend: `Add them: ${key}: {prompt: {type: flagd, path: deploy/flags.json, flag: prompt}} (see docs/rollback.md).`,
    })
  const names = components.includes('all') ? [] : components
  const unknown = names.find((name) => all.every(([plane, config]) => !isNamed(name, plane, config)))
  if (unknown !== undefined)
    throw new AigateError('usage', {
      problem: `There is no plane for ${unknown} under ${key} in aigate.yaml.`,
      mend: `Name one of: ${all.map(([name]) => name).join(', ')}.`,
    })
  return names.length === 0 ? all : all.filter(([plane, config]) => names.some((name) => isNamed(name, plane, config)))
}

function isNamed(name: string, plane: string, config: PlaneConfig): boolean {
  const { kind, name: part } = holdsOf(plane, config)
  return name === plane || name === kind || name === `${kind}:${part ?? ''}`
}
