// What a rollback to the last known good release needs, and whether all of it is still there.
import type { Config } from '../schema/config.ts'
import type { LedgerRecord, ReleasedModel, ReleasedPrompt, ReleaseManifest } from '../schema/release.ts'
import { componentStatuses, partsOf, type StatusRow } from './release-status.ts'
import { releasesOf } from './releases.ts'

/**
 * The newest release of `env` before the current one whose evidence passed, that no override let through, and that nobody
 * went back from; null: there is none.
 */
export function lastKnownGood(records: readonly LedgerRecord[], env: string): ReleaseManifest | null {
  const all = releasesOf(records, env)
  const earlier = all.slice(0, -1)
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
    ...release.models.map((model) => modelNeed(model, config)),
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

function modelNeed({ name, provider, id, params }: ReleasedModel, { models, providers }: Config): Need {
  const what = `model ${provider}/${id}`
  if (!Object.hasOwn(providers, provider))
    return { what, state: 'missing', detail: `aigate.yaml has no provider ${provider}` }
  const pins = Object.entries(models).filter(([, pin]) => pin.provider === provider && pin.id === id)
  const [known] = pins.filter(([other]) => other === name).concat(pins)
  if (!known) return { what, state: 'missing', detail: 'the model registry of aigate.yaml has no such pin any more' }
  const [shown, pin] = known
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
  return { what, state: 'there', detail: `models.${shown}` }
}

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
