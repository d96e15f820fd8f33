// The release that a rollback makes: what runs after it, so that the ledger tells the truth about now.
import type { LedgerRecord, ReleaseManifest } from '../../schema/release.ts'
import { nextId, releasesOf } from '../release/releases.ts'
import { releaseSentence } from '../release/release-diff.ts'
import { holdsOf, type Parts, withPartOf } from './parts.ts'
import type { Aim } from './target.ts'

/** `back`: components that were read back at the version of the target; `left`: those that were not. */
export type Gone = { back: readonly string[]; left: readonly string[]; reason?: string | undefined }
type Stamp = { at: Date; by: string }

/**
 * The manifest, or null where the ledger says already what runs. Evidence is that of the target where all that differed
 * went back; a mixture of two releases was never measured, and says so.
 */
export function rollbackManifest(
  records: readonly LedgerRecord[],
  aim: Aim & { target: ReleaseManifest },
  gone: Gone,
  { at, by }: Stamp,
): ReleaseManifest | null {
  const { target, planes } = aim
  const current = releasesOf(records, target.env).at(-1) ?? aim.current
  const parts = planes
    .filter(([key]) => gone.back.includes(key))
    .reduce((now: Parts, [key, config]) => withPartOf(now, target, holdsOf(key, config)), partsOf(current))
  if (sameParts(parts, partsOf(current))) return null
  // A second call goes on with what the first left, also where it names only a part of that.
  const begun = current.rollback?.to === target.id ? current.rollback : undefined
  const whole = sameParts(withoutCode(parts), withoutCode(partsOf(target)))
  const { reason } = gone
  return {
    aigate: 'release',
    version: 1,
    id: nextId(records, at),
    env: target.env,
    at: at.toISOString(),
    by,
    sentence: `rollback to ${target.id}: ${releaseSentence({ ...current }, { ...current, ...parts })}`,
    rollback: {
      from: begun?.from ?? current.id,
      to: target.id,
      components: [...new Set([...(begun?.components ?? []), ...gone.back])],
      left: [...new Set([...(begun?.left.filter((name) => !gone.back.includes(name)) ?? []), ...gone.left])],
      ...(reason !== undefined && { reason }),
    },
    ...parts,
    suites: whole ? target.suites : current.suites,
    verdicts: whole
      ? target.verdicts
      : target.verdicts.map(({ suite }) => ({
          suite,
          run: null,
          outcome: 'invalid' as const,
          reason: `a mixture of ${current.id} and ${target.id} that nobody measured`,
        })),
  }
}

function partsOf({ prompts, models, components, container, git }: ReleaseManifest): Parts {
  const bare = Object.entries(components).map(([name, { version }]) => [name, { version }] as const)
  return { prompts, models, components: Object.fromEntries(bare), git, ...(container !== undefined && { container }) }
}

const withoutCode = ({ container: _container, ...parts }: Parts): Parts => ({ ...parts, git: null })

function sameParts(a: Parts, b: Parts): boolean {
  return text(a) === text(b)
}

/** In an order that does not depend on who wrote it. */
function text({ prompts, models, components, container, git }: Parts): string {
  const sorted = (list: readonly object[]) => list.map((one) => JSON.stringify(one)).sort()
  const parts = Object.entries(components).map(([name, { version }]) => `${name}=${version}`)
  return JSON.stringify([sorted(prompts), sorted(models), parts.sort(), container ?? null, git?.commit ?? null])
}
