// The plan of a rollback: what changes where, what is there already, and what stands in the way.
import type { Config } from '../../schema/config.ts'
import type { LedgerRecord, ReleaseManifest } from '../../schema/release.ts'
import { type Found, rollbackNeeds } from './rollback-needs.ts'
import { releasesOf } from '../release/releases.ts'
import { heldPart, holdsOf, onlyPart, withoutPlane } from './parts.ts'
import type { Aim } from './target.ts'

/** What a plane said: the version that is served, or why it cannot be told. */
export type Shown = { where: string; version: string | null; detail?: string | undefined }

/**
 * `there`: it says the wanted version already. `change`: it will be set. `blocked`: something is in the way, `note` says
 * what; `forced`: it was in the way and is set all the same.
 */
export type Step = {
  component: string
  where: string
  now: string | null
  /** What is served where that is not one version, or why it could not be read. */
  detail: string | null
  wanted: string | null
  state: 'there' | 'change' | 'blocked'
  forced: boolean
  notes: string[]
}

export type RollbackPlan = {
  env: string
  from: string
  to: string
  because: string
  all: boolean
  steps: Step[]
  /** What differs and should go back too, but has no plane. */
  left: string[]
  /** What is not touched, and why, in sentences. */
  untouched: string[]
  /** What happened on the way that going back does not undo. */
  irreversible: { release: string; note: string }[]
}

type World = {
  records: readonly LedgerRecord[]
  config: Config
  found: Found
  shown: Readonly<Record<string, Shown>>
  planes: Config['production']
  now: Date
  force: boolean
}

/** @returns the plan for an aim whose target is known */
export function planRollback(aim: Aim & { target: ReleaseManifest }, world: World): RollbackPlan {
  const { current, target, planes, all } = aim
  const irreversible = irreversibleBetween(world.records, target, current)
  const steps = planes.map(([key, config]) => stepOf(aim, key, config, { ...world, irreversible }))
  const differing = withoutPlane(current, target, Object.entries(world.planes ?? {}))
  const code = planes.some(([key, config]) => holdsOf(key, config).kind === 'code')
  const others = Object.keys(world.planes ?? {}).filter((key) => planes.every(([one]) => one !== key))
  const lacks = (name: string) =>
    code
      ? `${name}: it has no plane of its own and goes back only if it comes with the code`
      : `${name}: it has no plane`
  // The code is another one in nearly every release; where aigate does not deploy it, that is no failure.
  const left = all && !code ? differing.filter((name) => name !== 'container') : []
  return {
    env: current.env,
    from: current.id,
    to: target.id,
    because: aim.because,
    all,
    steps,
    left,
    untouched: [
      ...others.map((key) => `${key}: it was not named`),
      ...differing.filter((name) => !left.includes(name)).map(lacks),
      ...(code ? [] : ['code: it stays as it is deployed']),
      'data: nothing in databases, indexes or queues is deleted or restored',
    ],
    irreversible,
  }
}

/** Of the releases behind the target up to the current one, oldest first. */
function irreversibleBetween(records: readonly LedgerRecord[], target: ReleaseManifest, current: ReleaseManifest) {
  const list = releasesOf(records, current.env)
  const at = (id: string) => list.findIndex((one) => one.id === id)
  return list
    .slice(at(target.id) + 1, at(current.id) + 1)
    .flatMap(({ id, irreversible = [] }) => irreversible.map((note) => ({ release: id, note })))
}

type Inner = World & { irreversible: RollbackPlan['irreversible'] }

function stepOf(
  { current, target }: { current: ReleaseManifest; target: ReleaseManifest },
  key: string,
  config: Parameters<typeof heldPart>[2],
  world: Inner,
): Step {
  const shown = world.shown[key] ?? { where: key, version: null }
  const [was, wanted] = [heldPart(current, key, config), heldPart(target, key, config)]
  const base = { component: key, where: shown.where, now: shown.version, detail: shown.detail ?? null, forced: false }
  if (!wanted)
    return { ...base, wanted: null, state: 'blocked', notes: [`release ${target.id} does not say which ${key} it had`] }
  const said = shown.version !== null && was && ![was.version, wanted.version].includes(shown.version)
  const notes = said ? [`the ledger says ${was.version}: somebody changed it`] : []
  const step = { ...base, wanted: wanted.version }
  if (was?.version === wanted.version && was.content !== wanted.content)
    return {
      ...step,
      state: 'blocked',
      notes: [...notes, 'it differs in what this plane does not hold: set that by hand'],
    }
  if (shown.version === wanted.version) return { ...step, state: 'there', notes }
  const blocks = blocksOf(target, key, config, world)
  const forced = blocks.length > 0 && world.force
  return { ...step, state: blocks.length > 0 && !forced ? 'blocked' : 'change', forced, notes: [...notes, ...blocks] }
}

function blocksOf(
  target: ReleaseManifest,
  key: string,
  config: Parameters<typeof heldPart>[2],
  { records, config: project, found, now, irreversible }: Inner,
): string[] {
  const part = onlyPart(target, key, config)
  const own = {
    ...found,
    prompts: found.prompts.filter(({ prompt }) => part.prompts.some(({ hash }) => hash === prompt.hash)),
  }
  const needs = rollbackNeeds(part, { records, config: project, found: own, now })
  const missing = needs.filter(({ state }) => state === 'missing').map(({ what, detail }) => `${what}: ${detail}`)
  const steps = irreversible.map(({ release, note }) => `not undone since ${release}: ${note}`)
  return holdsOf(key, config).kind === 'code' ? [...missing, ...steps] : missing
}
