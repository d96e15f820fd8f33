// What a rollback to the last known good release needs, and whether all of it is still there.
import type { Config, ModelPin } from '../../schema/config.ts'
import type { LedgerRecord, ReleasedModel, ReleasedPrompt, ReleaseManifest } from '../../schema/release.ts'
import type { Listing } from '../health/model-health.ts'
import { componentStatuses, partsOf, type StatusRow } from '../release/release-status.ts'
import { releasesOf } from '../release/releases.ts'

/**
 * The newest release of `env` before the current one whose evidence passed, that no override let through, and that nobody
 * went back from; null: there is none. `current` counted: where another release is known to run, which the ledger lacks.
 */
export function lastKnownGood(
  records: readonly LedgerRecord[],
  env: string,
  current: 'left out' | 'counted' = 'left out',
): ReleaseManifest | null {
  const all = releasesOf(records, env)
  const earlier = current === 'counted' ? all : all.slice(0, -1)
  const ids = all.map(({ id }) => id)
  // What was left by a rollback passed its evidence and was bad all the same, and so was all between it and the target.
  const left = new Set(
    all.flatMap(({ rollback }) =>
      rollback ? ids.slice(ids.indexOf(rollback.to) + 1, ids.indexOf(rollback.from) + 1) : [],
    ),
  )
  const good = ({ id, override, verdicts }: ReleaseManifest) =>
    !left.has(id) &&
    override === undefined &&
    verdicts.length > 0 &&
    verdicts.every(({ outcome }) => outcome === 'pass')
  return earlier.findLast(good) ?? null
}

/** `missing`: a rollback would fail. `unknown`: nobody can tell; it does not fail the check, but it is said. */
export type Need = { what: string; state: 'there' | 'missing' | 'unknown'; detail: string }

/** What was found outside, handed in. `found` of a prompt: where a file with the hash of the release is, or null. */
export type Found = {
  prompts: readonly { prompt: ReleasedPrompt; found: 'work tree' | 'git' | null }[]
  /** Result of the check command of a component; null: none is configured. */
  components: Readonly<Record<string, { ok: boolean; said: string } | null>>
  /** For each model of the release: what its provider says, and the address that aigate.yaml has for it. */
  models: readonly { model: ReleasedModel; listing: Listing; base_url?: string | undefined }[]
}

/** One row a part of the release to go back to, those that are missing first. */
export function rollbackNeeds(
  release: ReleaseManifest,
  context: { records: readonly LedgerRecord[]; config: Config; found: Found; now: Date },
): Need[] {
  const { records, config, found, now } = context
  const rows = componentStatuses(records, release.env, now)
  const needs = [
    ...found.prompts.map(({ prompt, found: where }) => promptNeed(prompt, where)),
    ...found.models.map((model) => modelNeed(model, config, now)),
    ...Object.entries(release.components).map(([name, { version }]) =>
      componentNeed(`${name} ${version}`, found.components[name] ?? null),
    ),
    ...archived(release, rows),
  ]
  const order = { missing: 0, unknown: 1, there: 2 }
  return needs.sort((a, b) => order[a.state] - order[b.state])
}

function promptNeed({ name, version, file }: ReleasedPrompt, where: 'work tree' | 'git' | null): Need {
  const what = `prompt ${name}@${version}`
  if (where)
    return {
      what,
      state: 'there',
      detail: `${file}, the same content, in ${where === 'git' ? 'git' : 'the work tree'}`,
    }
  return {
    what,
    state: 'missing',
    detail: `neither the work tree nor git has ${file} with the content that was released`,
  }
}

function modelNeed(
  { model: { name, provider, id, params, base_url }, listing, base_url: now }: Found['models'][number],
  { models, providers }: Config,
  at: Date,
): Need {
  const what = `model ${provider}/${id}`
  if (!Object.hasOwn(providers, provider))
    return { what, state: 'missing', detail: `aigate.yaml has no provider ${provider}` }
  if (base_url !== undefined && base_url !== now) {
    const asks = `aigate.yaml asks ${provider} at ${now ?? 'no address'}`
    return { what, state: 'missing', detail: `${asks}, the release asked ${base_url}` }
  }
  const pins = Object.entries(models).filter(([, pin]) => pin.provider === provider && pin.id === id)
  const [known] = pins.filter(([other]) => other === name).concat(pins)
  if (!known) return { what, state: 'missing', detail: 'the model registry of aigate.yaml has no such pin any more' }
  const [shown, pin] = known
  const over = withdrawn(shown, pin, at) ?? unlisted(listing, at)
  if (over !== undefined) return { what, state: 'missing', detail: over }
  const params_differ = Object.entries(pin.params).filter(
    ([key, value]) => JSON.stringify(params[key]) !== JSON.stringify(value),
  )
  const differ = params_differ.map(([key]) => key).join(', ')
  if (differ !== '')
    return {
      what,
      state: 'unknown',
      detail: `models.${shown} has it, with other parameters than were released: ${differ}`,
    }
  if (listing.kind !== 'listed')
    return {
      what,
      state: 'unknown',
      detail: `models.${shown} has it; whether its provider still does is not known` + reasonOf(listing),
    }
  return { what, state: 'there', detail: `models.${shown}, and its provider lists it${untilOf(listing)}` }
}

/** By the registry: what is archived, or was kept only until a day that is over. */
function withdrawn(shown: string, { status, keep_until }: ModelPin, now: Date): string | undefined {
  if (status === 'archived') return `models.${shown} of aigate.yaml is archived`
  if (keep_until === undefined || keep_until >= now.toISOString().slice(0, 10)) return undefined
  return `models.${shown} of aigate.yaml was kept until ${keep_until} only`
}

function unlisted(listing: Listing, now: Date): string | undefined {
  if (listing.kind === 'gone') return 'its provider no longer lists it'
  if (listing.kind !== 'listed' || !listing.shutdown || listing.shutdown > now) return undefined
  return `its provider shut it down on ${listing.shutdown.toISOString().slice(0, 10)}`
}

const reasonOf = (listing: Listing) => (listing.kind === 'not_asked' ? `: ${listing.reason.replace(/\.$/, '')}` : '')
const untilOf = (listing: Listing) =>
  listing.kind === 'listed' && listing.shutdown ? ` until ${listing.shutdown.toISOString().slice(0, 10)}` : ''

function componentNeed(what: string, result: { ok: boolean; said: string } | null): Need {
  if (!result) return { what, state: 'unknown', detail: 'no command in releases.checks of aigate.yaml looks for it' }
  return { what, state: result.ok ? 'there' : 'missing', detail: result.said }
}

/** What somebody archived, or what is kept no longer, may be deleted at any time: a rollback must not count on it. */
function archived(release: ReleaseManifest, rows: readonly StatusRow[]): Need[] {
  return partsOf(release).flatMap(({ kind, name }): Need[] => {
    const row = rows.find((one) => one.kind === kind && one.name === name)
    if (row?.status !== 'archived') return []
    const until = row.keep_until === null ? '' : `, kept until ${row.keep_until}`
    return [{ what: `${kind} ${name}`, state: 'missing', detail: `it is archived${until}` }]
  })
}
