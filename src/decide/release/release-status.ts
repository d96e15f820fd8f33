// The status of everything that was ever released: production, rollback_ready or archived, and how long it is kept.
import { AigateError } from '../../errors.ts'
import {
  type Component,
  type ComponentStatus,
  type LedgerEntry,
  type LedgerRecord,
  type ReleaseManifest,
} from '../../schema/release.ts'
import { releasesOf, requirePlainLine } from './releases.ts'

/** `release`: id of the newest release that holds it. `keep_until`: YYYY-MM-DD (UTC), the last day. */
export type StatusRow = Component & {
  status: ComponentStatus
  release: string
  keep_until: string | null
  note: string | null
}

/** The parts of a release by the names that statuses use. */
export function partsOf({ prompts, models, components, container }: ReleaseManifest): Component[] {
  return [
    ...prompts.map(({ name, version }) => ({ kind: 'prompt', name: `${name}@${version}` })),
    ...models.map(({ provider, id }) => ({ kind: 'model', name: `${provider}/${id}` })),
    ...Object.entries(components).map(([kind, { version }]) => ({ kind, name: version })),
    ...(container === undefined ? [] : [{ kind: 'container', name: container }]),
  ]
}

const keyOf = ({ kind, name }: Component) => `${kind}:${name}`

/**
 * What the current release of `env` holds is in production, whatever was said before. Everything that older releases
 * held is ready for a rollback until somebody archives it or its `keep_until` is over on the day (UTC) of `now`.
 */
export function componentStatuses(records: readonly LedgerRecord[], env: string, now: Date): StatusRow[] {
  const releases = releasesOf(records, env)
  const current = releases.at(-1)
  const live = new Set(current ? partsOf(current).map(keyOf) : [])
  const rows = new Map<string, StatusRow>()
  for (const release of releases)
    for (const part of partsOf(release)) {
      const key = keyOf(part)
      rows.delete(key)
      rows.set(key, {
        ...part,
        status: live.has(key) ? 'production' : 'rollback_ready',
        release: release.id,
        keep_until: null,
        note: null,
      })
    }
  const today = now.toISOString().slice(0, 10)
  for (const record of records) {
    const row = record.kind === 'status' ? rows.get(keyOf(record.component)) : undefined
    if (record.kind !== 'status' || !row) continue
    row.keep_until = record.keep_until ?? null
    row.note = record.note ?? null
    if (row.status !== 'production') row.status = record.status
  }
  for (const row of rows.values())
    if (row.status === 'rollback_ready' && row.keep_until !== null && row.keep_until < today) row.status = 'archived'
  return [...rows.values()].reverse()
}

type Asked = { status: string; keepUntil?: string | undefined; note?: string | undefined; env: string; now: Date }

/**
 * The entry that sets a status. `ref`: `index:kb-2026-10`, `prompt:answer@1.2.0`, or the name alone when it is unique.
 * @throws AigateError usage: never released, in production (archiving it would be a lie), no status, no day
 */
export function planStatus(
  records: readonly LedgerRecord[],
  ref: string,
  asked: Asked,
): Extract<LedgerEntry, { kind: 'status' }> {
  const row = findComponent(componentStatuses(records, asked.env, asked.now), ref)
  const { status, keepUntil, note } = asked
  const refuse = (problem: string, mend: string) => new AigateError('usage', { problem, mend })
  if (status !== 'rollback_ready' && status !== 'archived')
    throw refuse(
      `"${status}" is no status that can be set.`,
      'Write rollback_ready or archived; production follows from the releases.',
    )
  if (row.status === 'production' && status === 'archived')
    throw refuse(`${keyOf(row)} is in production (release ${row.release}).`, 'Release something else first.')
  const day = keepUntil === undefined ? undefined : dayFrom(keepUntil, asked.now)
  if (keepUntil !== undefined && day === undefined)
    throw refuse(`--keep-until: "${keepUntil}" is no day to come.`, 'Write 2026-12-31 or 90d.')
  if (note !== undefined) requirePlainLine('note', note)
  return {
    kind: 'status',
    component: { kind: row.kind, name: row.name },
    status,
    ...(day !== undefined && { keep_until: day }),
    ...(note !== undefined && { note }),
  }
}

/** @throws AigateError usage when nothing, or more than one thing, has this name */
export function findComponent(rows: readonly StatusRow[], ref: string): StatusRow {
  const found = rows.filter((row) => keyOf(row) === ref || row.name === ref)
  const [only] = found
  if (only && found.length === 1) return only
  const known = (found.length > 0 ? found : rows).slice(0, 8).map(keyOf)
  throw new AigateError('usage', {
    problem: only ? `"${ref}" is the name of ${found.length} things.` : `"${ref}" was never released here.`,
    mend: known.length > 0 ? `Write one of: ${known.join(', ')}.` : 'Record a release first.',
  })
}

function dayFrom(text: string, now: Date): string | undefined {
  const days = /^(\d{1,4})d$/.exec(text)?.[1]
  const day = days === undefined ? text : new Date(now.getTime() + Number(days) * 86_400_000).toISOString().slice(0, 10)
  const read = new Date(`${day}T00:00:00Z`)
  const real = /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(read.getTime()) && read.toISOString().startsWith(day)
  return real && day >= now.toISOString().slice(0, 10) ? day : undefined
}
