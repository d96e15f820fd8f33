// What is known about a model of the registry: its pin, what its provider says about it, and whether one can go back to it.
import type { Config, ModelPin } from '../../schema/config.ts'
import { type Outcome, worst } from '../../schema/verdict.ts'
import type { Component } from '../../schema/release.ts'
import { stateOf } from '../change/frozen.ts'
import type { PinState } from '../change/pins.ts'
import type { Standing } from '../gate/standing.ts'
import { counted } from '../words.ts'

/** What a provider says about one model; a failure says why nobody knows. */
export type Listing =
  | { kind: 'listed'; shutdown: Date | null; unread?: boolean; deprecated?: boolean }
  | { kind: 'gone' }
  | { kind: 'not_asked'; reason: string }

/** Its status and last day (YYYY-MM-DD) by the releases, else by aigate.yaml; `declared`: what the latter says, where they differ. */
export type ModelStanding = { status: string | null; keep_until: string | null; declared?: string }
export type ModelEntry = { name: string; pin: ModelPin; state: PinState; stands: ModelStanding }
/** One thing that was found; `sentence` is for people. */
export type Finding = { outcome: Outcome; sentence: string }
export type ModelHealth = ModelStanding & { name: string; id: string; outcome: Outcome; findings: Finding[] }

/** A pin that is shut down within so many days must be replaced now. */
export const SHUTDOWN_DAYS = 30
const DAY_MS = 86_400_000

/**
 * The models of the registry in the order of the file. A provider that is missing leaves the state unknown.
 * @param standingOf where a part stands by the releases; null: nothing was ever released
 */
export function modelEntries(
  { models, providers }: Config,
  standingOf: (part: Component) => Standing | null,
): ModelEntry[] {
  return Object.entries(models).map(([name, pin]) => {
    const provider = providers[pin.provider]
    const nobody: PinState = { state: 'unknown', why: 'its provider is missing' }
    const stands = modelStanding(pin, standingOf({ kind: 'model', name: `${pin.provider}/${pin.id}` }))
    return { name, pin, state: provider ? stateOf(pin, provider) : nobody, stands }
  })
}

function modelStanding(pin: ModelPin, standing: Standing | null): ModelStanding {
  const { status, keep_until } = standing ?? { status: pin.status ?? null, keep_until: pin.keep_until ?? null }
  return { status, keep_until, ...(pin.status !== undefined && pin.status !== status && { declared: pin.status }) }
}

/**
 * The health of one model.
 * @param back the model that `rollback_to` names; null when there is none
 * @param now decides how many days are left
 */
export function healthOf(entry: ModelEntry, back: ModelEntry | null, listing: Listing, now: Date): ModelHealth {
  const findings = [listingFinding(entry, listing, now), pinFinding(entry), ...rollbackFindings(back, now)]
  const { name, pin, stands } = entry
  return { name, id: pin.id, ...stands, outcome: worst(findings.map(({ outcome }) => outcome)), findings }
}

function listingFinding({ pin: { id }, stands: { status } }: ModelEntry, listing: Listing, now: Date): Finding {
  if (listing.kind === 'not_asked') return { outcome: 'invalid', sentence: `Not known: ${listing.reason}` }
  if (listing.kind === 'gone') {
    // An archived model is a memory: that it is gone is no news.
    const outcome = status === 'archived' ? 'pass' : 'fail'
    return { outcome, sentence: `The provider no longer lists ${id}.` }
  }
  if (!listing.shutdown) {
    if (listing.unread)
      return {
        outcome: 'invalid',
        sentence: 'Not known: the provider lists it, with an end that cannot be read as a day.',
      }
    if (listing.deprecated)
      return { outcome: 'inconclusive', sentence: 'The provider calls it deprecated, without a day of shutdown.' }
    return { outcome: 'pass', sentence: 'The provider lists it, without a day of shutdown.' }
  }
  const day = listing.shutdown.toISOString().slice(0, 10)
  const days = Math.ceil((listing.shutdown.getTime() - now.getTime()) / DAY_MS)
  if (days <= 0) return { outcome: 'fail', sentence: `The provider shut it down on ${day}.` }
  const outcome = days <= SHUTDOWN_DAYS ? 'fail' : 'pass'
  return { outcome, sentence: `The provider shuts it down on ${day}, in ${counted(days, 'day')}.` }
}

function pinFinding({ pin, state }: ModelEntry): Finding {
  const reason = pin.allow_unpinned === undefined ? '' : ` Allowed, because: ${pin.allow_unpinned}.`
  const known = state.known ? ` Pinned names that are known: ${state.known.join(', ')}.` : ''
  const what = { pinned: 'Pinned', alias: 'An alias', unknown: 'Not known to be a pin' }[state.state]
  return { outcome: 'pass', sentence: `${what}: ${state.why}.${known}${reason}` }
}

/**
 * Whether one can still go back: an archived model, or one whose days are over, is no way back. Either of the releases and
 * aigate.yaml can say so.
 */
function rollbackFindings(back: ModelEntry | null, now: Date): Finding[] {
  if (!back) return []
  const { pin, stands } = back
  const said = (outcome: Outcome, rest: string) => [{ outcome, sentence: `Rollback to ${back.name}: ${rest}` }]
  if (stands.status === 'archived' || pin.status === 'archived')
    return said('fail', 'it is archived, so there is nothing to go back to.')
  const [until] = [stands.keep_until, pin.keep_until].flatMap((day) => day ?? []).sort()
  if (until === undefined) return said('pass', stands.status ?? 'no status is written.')
  if (until < now.toISOString().slice(0, 10)) return said('fail', `it was kept until ${until} only.`)
  return said('pass', `${stands.status ?? 'available'}, kept until ${until}.`)
}
