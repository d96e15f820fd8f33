// Where a prompt version or a model stands by the releases: draft, canary, production, rollback_ready or archived.
import type { Component, ComponentStatus, LedgerRecord } from '../../schema/release.ts'
import { componentStatuses, partsOf } from '../release/release-status.ts'
import { releasesOf } from '../release/releases.ts'

/** The environment whose current release is on trial beside the one that was asked for. */
export const CANARY = 'canary'

/** `release`: id of the newest release that holds it; null: none does. `keep_until`: YYYY-MM-DD (UTC), the last day. */
export type Standing = {
  status: ComponentStatus | 'draft' | 'canary'
  release: string | null
  keep_until: string | null
}

/**
 * Looks up where a part stands in `env` on the day of `now`. What the current release of `env` holds is in production;
 * else what the current release of the environment `canary` holds is canary; what `env` never had is a draft.
 * @returns a look-up, whose answer is null for everything where nothing was ever released
 */
export function standings(
  records: readonly LedgerRecord[],
  { env, now }: { env: string; now: Date },
): (part: Component) => Standing | null {
  if (releasesOf(records).length === 0) return () => null
  const rows = componentStatuses(records, env, now)
  const trial = env === CANARY ? undefined : releasesOf(records, CANARY).at(-1)
  const onTrial = trial ? partsOf(trial) : []
  return ({ kind, name }) => {
    const is = (part: Component) => part.kind === kind && part.name === name
    const row = rows.find(is)
    if (row?.status === 'production') return standingOf(row)
    if (trial && onTrial.some(is)) return { status: 'canary', release: trial.id, keep_until: row?.keep_until ?? null }
    return row ? standingOf(row) : { status: 'draft', release: null, keep_until: null }
  }
}

const standingOf = ({ status, release, keep_until }: Standing): Standing => ({ status, release, keep_until })
