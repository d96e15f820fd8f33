// What is known about a model of the registry: its pin, what its provider says about it, and whether one can go back to it.
import type { Config, ModelPin } from '../schema/config.ts'
import { type Outcome, worst } from '../schema/verdict.ts'
import { stateOf } from './frozen.ts'
import type { PinState } from './pins.ts'
import { counted } from './words.ts'

/** What a provider says about one model; a failure says why nobody knows. */
export type Listing =
  | { kind: 'listed'; shutdown: Date | null }
  | { kind: 'gone' }
  | { kind: 'not_asked'; reason: string }

export type ModelEntry = { name: string; pin: ModelPin; state: PinState }
/** One thing that was found; `sentence` is for people. */
export type Finding = { outcome: Outcome; sentence: string }
export type ModelHealth = { name: string; id: string; outcome: Outcome; findings: Finding[] }

/** A pin that is shut down within so many days must be replaced now. */
export const SHUTDOWN_DAYS = 30
const DAY_MS = 86_400_000

/** The models of the registry in the order of the file. A provider that is missing leaves the state unknown. */
export function modelEntries({ models, providers }: Config): ModelEntry[] {
  return Object.entries(models).map(([name, pin]) => {
    const provider = providers[pin.provider]
    const nobody: PinState = { state: 'unknown', why: 'its provider is missing' }
    return { name, pin, state: provider ? stateOf(pin, provider) : nobody }
  })
}

/**
 * The health of one model.
 * @param back the model that `rollback_to` names; null when there is none
 * @param now decides how many days are left
 */
export function healthOf(entry: ModelEntry, back: ModelEntry | null, listing: Listing, now: Date): ModelHealth {
  const findings = [listingFinding(entry.pin, listing, now), pinFinding(entry), ...rollbackFindings(back, now)]
  const { name, pin } = entry
  return { name, id: pin.id, outcome: worst(findings.map(({ outcome }) => outcome)), findings }
}

function listingFinding({ id, status }: ModelPin, listing: Listing, now: Date): Finding {
  if (listing.kind === 'not_asked') return { outcome: 'invalid', sentence: `Not known: ${listing.reason}` }
  if (listing.kind === 'gone') {
    // An archived model is a memory: that it is gone is no news.
    const outcome = status === 'archived' ? 'pass' : 'fail'
    return { outcome, sentence: `The provider no longer lists ${id}.` }
  }
  if (!listing.shutdown) return { outcome: 'pass', sentence: 'The provider lists it, without a day of shutdown.' }
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

/** Whether one can still go back: an archived model, or one whose days are over, is no way back. */
function rollbackFindings(back: ModelEntry | null, now: Date): Finding[] {
  if (!back) return []
  const { status, keep_until } = back.pin
  const said = (outcome: Outcome, rest: string) => [{ outcome, sentence: `Rollback to ${back.name}: ${rest}` }]
  if (status === 'archived') return said('fail', 'it is archived, so there is nothing to go back to.')
  if (keep_until === undefined) return said('pass', status ?? 'no status is written.')
  if (keep_until < now.toISOString().slice(0, 10)) return said('fail', `it was kept until ${keep_until} only.`)
  return said('pass', `${status ?? 'available'}, kept until ${keep_until}.`)
}
