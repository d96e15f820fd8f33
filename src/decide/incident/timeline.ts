// The timeline of an incident: what was deployed, what was measured, who did what, from ledger and journals by their times.
import type { ActionRecord } from '../../schema/action-journal.ts'
import type { GuardRecord } from '../../schema/guard-journal.ts'
import type { LedgerRecord } from '../../schema/release.ts'
import type { RolloutRecord } from '../../schema/rollout-journal.ts'
import type { Episode } from '../guard/state.ts'
import { releasesOf } from '../release/releases.ts'
import { byText } from '../words.ts'

/** `at`: RFC 3339; `source`: where it is written down. */
export type IncidentEntry = {
  at: string
  kind: 'deployed' | 'measured' | 'fired' | 'done' | 'failed' | 'said'
  by: string
  text: string
  source: string
}
export type IncidentSources = {
  ledger: readonly LedgerRecord[]
  rollouts: readonly { name: string; records: readonly RolloutRecord[] }[]
  guards: readonly { name: string; records: readonly GuardRecord[]; episodes: readonly Episode[] }[]
  actions: readonly ActionRecord[]
}
/** Milliseconds since 1970, both included. */
export type Span = { since: number; until: number }
export type Incident = {
  id: string
  since: string
  until: string
  /** What was running when it began, by environment. */
  running: { env: string; release: string; sentence: string }[]
  entries: IncidentEntry[]
}

const HOUR = 3_600_000
const time = ({ at }: { at: string }) => Date.parse(at)

/**
 * The span that an id names: a rollout (from its start to its last record), a firing (from an hour before it until it
 * was over and an hour more), a release (from it to the next one of its environment). null: nothing is called so.
 */
export function spanOf(id: string, { ledger, rollouts, guards }: IncidentSources, now: number): Span | null {
  const rollout = rollouts.find(({ name }) => name === id)?.records
  if (rollout && rollout.length > 0)
    return { since: Math.min(...rollout.map(time)), until: Math.max(...rollout.map(time)) }
  const episode = guards.flatMap(({ episodes }) => episodes).find((one) => one.id === id)
  if (episode)
    return { since: episode.at - HOUR, until: Math.min(now, episode.ended === null ? now : episode.ended + HOUR) }
  const release = releasesOf(ledger).find((one) => one.id === id)
  if (!release) return null
  const next = releasesOf(ledger, release.env).find((one) => time(one) > time(release))
  return { since: time(release), until: next ? time(next) : now }
}

/** Everything that is written down of a span, oldest first. Looks that came to the same as the one before are left out. */
export function incident(id: string, span: Span, sources: IncidentSources): Incident {
  const { ledger, rollouts, guards, actions } = sources
  const all = [
    ...ledger.flatMap(deployed),
    ...rollouts.flatMap(({ name, records }) => rolledOut(name, records)),
    ...guards.flatMap(({ name, records, episodes }) => [...guarded(name, records), ...episodes.flatMap(fired(name))]),
    ...actions.flatMap(acted),
  ]
  const inside = all.filter((one) => time(one) >= span.since && time(one) <= span.until)
  const releases = releasesOf(ledger)
  const envs = [...new Set(releases.map(({ env }) => env))].sort(byText)
  return {
    id,
    since: new Date(span.since).toISOString(),
    until: new Date(span.until).toISOString(),
    running: envs.flatMap((env) => {
      const before = releases.findLast((one) => one.env === env && time(one) <= span.since)
      return before ? [{ env, release: before.id, sentence: before.sentence }] : []
    }),
    entries: inside
      .map((one, index) => ({ one, index }))
      .sort((a, b) => time(a.one) - time(b.one) || a.index - b.index)
      .map(({ one }) => one),
  }
}

function deployed(record: LedgerRecord): IncidentEntry[] {
  const { at, by } = record
  const source = `ledger, record ${record.seq}`
  if (record.kind === 'release') {
    const { id, env, sentence, override } = record.manifest
    const against = override ? ` (against its evidence: ${override.reason})` : ''
    return [{ at, by, source, kind: 'deployed', text: `release ${id} to ${env}: ${sentence}${against}` }]
  }
  const { component, status, note } = record
  const text = `${component.kind} ${component.name} is now ${status}${note === undefined ? '' : `: ${note}`}`
  return [{ at, by, source, kind: 'said', text }]
}

function rolledOut(name: string, records: readonly RolloutRecord[]): IncidentEntry[] {
  let last = ''
  return records.flatMap((record): IncidentEntry[] => {
    const frame = { at: record.at, by: record.by, source: `rollout ${name}, record ${record.seq}` }
    switch (record.kind) {
      case 'start':
        return [{ ...frame, kind: 'deployed', text: `rollout ${name} began${record.note ? `: ${record.note}` : ''}` }]
      case 'look': {
        const { outcome, reasons, next, stage } = record.decision
        const came = `${outcome} ${next} ${stage}`
        if (came === last) return []
        last = came
        const why = record.failure ?? reasons.join(' ')
        return [{ ...frame, kind: 'measured', text: `stage ${stage + 1}: ${outcome}, ${next}. ${why}`.trim() }]
      }
      case 'intent':
        return record.action.do === 'renew'
          ? []
          : [{ ...frame, kind: 'done', text: `wanted${because(record.why) || `: ${record.action.do}`}` }]
      case 'failed':
        return [{ ...frame, kind: 'failed', text: `attempt ${record.attempt} failed: ${record.error}` }]
      case 'said':
        return [{ ...frame, kind: 'said', text: `${record.verb}: ${record.reason}` }]
      case 'checked':
        return [{ ...frame, kind: 'measured', text: `${record.check}: ${record.outcome}. ${record.said}` }]
      case 'applied':
        return []
      default:
        return record satisfies never
    }
  })
}

function guarded(name: string, records: readonly GuardRecord[]): IncidentEntry[] {
  let last = ''
  return records.flatMap((record): IncidentEntry[] => {
    const frame = { at: record.at, by: record.by, source: `guard ${name}, record ${record.seq}` }
    if (record.kind === 'said')
      return [{ ...frame, kind: 'said', text: `${record.verb} ${record.breaker}: ${record.reason}` }]
    if (record.kind !== 'look' || record.outcome === last) return []
    last = record.outcome
    const why = record.failure ?? record.reasons.join(' ')
    return [{ ...frame, kind: 'measured', text: `${name}: ${record.outcome}. ${why}`.trim() }]
  })
}

const fired =
  (name: string) =>
  (one: Episode): IncidentEntry[] => {
    const frame = { by: `guard ${name}`, source: `firing ${one.id}`, kind: 'fired' as const }
    const over = one.ended === null ? [] : [{ ...frame, at: new Date(one.ended).toISOString(), text: `${one.cause} is over` }] // biome-ignore format: one choice
    return [{ ...frame, at: new Date(one.at).toISOString(), text: `${one.cause}: ${one.text}` }, ...over]
  }

/** Nobody has to give a reason. */
const because = (why: string) => (why.trim() === '' ? '' : `: ${why}`)
const toVersion = (wanted: unknown) => (typeof wanted === 'string' ? ` ${wanted}` : '')

function acted(record: ActionRecord): IncidentEntry[] {
  const frame = { at: record.at, by: record.by, source: `actions, record ${record.seq}` }
  const drill = 'drill' in record && record.drill ? 'drill of ' : ''
  switch (record.kind) {
    case 'begun':
      return [{ ...frame, kind: 'done', text: `${drill}${record.verb} ${record.subject} began${because(record.why)}` }]
    case 'intent':
      return [
        {
          ...frame,
          kind: 'done',
          text: `${record.action} ${record.subject}${toVersion(record.wanted)} wanted${because(record.why)}`,
        },
      ]
    case 'applied':
      return [{ ...frame, kind: 'done', text: `${record.id} done and read back` }]
    case 'failed':
      return [{ ...frame, kind: 'failed', text: `${record.id}, attempt ${record.attempt}: ${record.error}` }]
    case 'ended': {
      const seconds = (record.took_ms / 1000).toFixed(1)
      return [{ ...frame, kind: 'done', text: `${drill}${record.verb} ${record.subject}: ${record.outcome} after ${seconds} s` }] // biome-ignore format: one entry
    }
    default:
      return record satisfies never
  }
}
