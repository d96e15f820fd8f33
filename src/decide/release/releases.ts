// A release as it is recorded: found by its name, and planned as a manifest that its evidence allows or not.
import { AigateError } from '../../errors.ts'
import type { LoadedSuite } from '../../ports.ts'
import { type LedgerRecord, type Part, LONGEST_LINE, PlainLine, type ReleaseManifest } from '../../schema/release.ts'
import type { Git, TargetSnapshot } from '../../schema/run.ts'
import type { Outcome } from '../../schema/verdict.ts'
import { releaseSentence } from './release-diff.ts'
import { evidenceFor, evidenceOutcome, type Witness } from './release-evidence.ts'

/** The manifests of the releases, oldest first; of one environment when it is named. */
export function releasesOf(records: readonly LedgerRecord[], env?: string): ReleaseManifest[] {
  return records.flatMap((record) =>
    record.kind === 'release' && (env === undefined || record.manifest.env === env) ? [record.manifest] : [],
  )
}

/**
 * The release that `ref` names: an id, the unique beginning of one, or `current` (the newest of `env`).
 * @throws AigateError usage
 */
export function findRelease(records: readonly LedgerRecord[], ref: string, env: string): ReleaseManifest {
  const all = releasesOf(records)
  const refuse = (problem: string) => {
    const latest = all
      .slice(-5)
      .reverse()
      .map(({ id }) => id)
    const mend =
      latest.length > 0 ? `The latest releases are: ${latest.join(', ')}.` : 'Record one: `aigate release record`.'
    return new AigateError('usage', { problem, mend })
  }
  if (ref === 'current') {
    const current = releasesOf(records, env).at(-1)
    if (!current) throw refuse(`There is no release for ${env} yet.`)
    return current
  }
  const exact = all.find(({ id }) => id === ref)
  const found = exact ? [exact] : all.filter(({ id }) => ref !== '' && id.startsWith(ref))
  const [only] = found
  if (!only) throw refuse(`There is no release ${ref}.`)
  if (found.length > 1) throw refuse(`${found.length} releases begin with ${ref}.`)
  return only
}

/** The releases of the environment of `good` from `good` to `bad`, both included. @throws AigateError usage */
export function releasesBetween(
  records: readonly LedgerRecord[],
  { good, bad, env }: { good: string; bad: string; env: string },
): ReleaseManifest[] {
  const [first, last] = [findRelease(records, good, env), findRelease(records, bad, env)]
  const refuse = (problem: string, mend: string) => new AigateError('usage', { problem, mend })
  if (first.env !== last.env)
    throw refuse(
      `${first.id} went to ${first.env}, ${last.id} to ${last.env}.`,
      'Name two releases of one environment.',
    )
  const list = releasesOf(records, first.env)
  const [from, to] = [list.indexOf(first), list.indexOf(last)]
  if (from < to) return list.slice(from, to + 1)
  throw refuse(`${first.id} is not older than ${last.id}.`, 'Write the good release first, then the bad one.')
}

export type Wanted = {
  records: readonly LedgerRecord[]
  env: string
  at: Date
  by: string
  git: Git | null
  suites: readonly {
    loaded: Pick<LoadedSuite, 'suite' | 'cases' | 'target' | 'policy'>
    target: TargetSnapshot
    description?: string | undefined
  }[]
  witnesses: readonly Witness[]
  /** By name; null takes one out that the release before it had. Those that are not named are taken over. */
  components: Readonly<Record<string, Part | null>>
  container?: string | undefined
  note?: string | undefined
  override?: string | undefined
  /** What going back behind this release does not undo. */
  irreversible?: readonly string[] | undefined
}

/** @throws AigateError usage where the text of an option could not stand in a manifest */
export function requirePlainLine(flag: string, text: string): void {
  if (PlainLine.safeParse(text).success) return
  const length = text.trim().length
  const problem =
    length === 0
      ? `--${flag} is empty.`
      : length > LONGEST_LINE
        ? `--${flag} has ${length} characters, and at most ${LONGEST_LINE} are kept.`
        : `--${flag} is no line of plain text: it holds a line break or a control character.`
  throw new AigateError('usage', { problem, mend: `Write 1 to ${LONGEST_LINE} characters on one line.` })
}

/** The manifest of a release, before anything is written. @throws AigateError usage for text that is no plain line */
export function planRelease(wanted: Wanted): { manifest: ReleaseManifest; outcome: Outcome } {
  const { records, env, at, by, git, note } = wanted
  const { irreversible = [] } = wanted
  const texts = Object.entries({ env, note, override: wanted.override, container: wanted.container })
  for (const [flag, text] of [...texts, ...irreversible.map((one) => ['irreversible', one] as const)])
    if (text !== undefined) requirePlainLine(flag, text)
  const before = releasesOf(records, env).at(-1) ?? null
  const suites = wanted.suites.map(({ loaded, target }) => ({
    suite: loaded.suite.suite,
    version: loaded.suite.version,
    cases: loaded.cases.length,
    target,
  }))
  const components = componentsOf(before?.components ?? {}, wanted.components)
  const { witnesses } = wanted
  const verdicts = suites.map((suite, i) => {
    const loaded = wanted.suites[i]?.loaded
    if (!loaded) throw new RangeError(`${suite.suite} is no suite of the release`)
    const cases = loaded.cases.map(({ info }) => info.hash)
    const released = { cases, trials: loaded.suite.trials, policy: loaded.policy }
    return evidenceFor(suite, { loaded: released, components, witnesses })
  })
  const outcome = evidenceOutcome(verdicts)
  const container = wanted.container ?? before?.container
  const parts = {
    ...partsOf(wanted),
    components,
    ...(container !== undefined && { container }),
    git,
    suites,
  }
  const manifest: ReleaseManifest = {
    aigate: 'release',
    version: 1,
    id: nextId(records, at),
    env,
    at: at.toISOString(),
    by,
    sentence: releaseSentence(before, parts),
    ...(note !== undefined && { note }),
    ...(wanted.override !== undefined && outcome !== 'pass' && { override: { reason: wanted.override, outcome } }),
    ...(irreversible.length > 0 && { irreversible: [...irreversible] }),
    ...parts,
    verdicts,
  }
  return { manifest, outcome }
}

/** Prompts and models of the suites, each once; the same name with other content stands twice. */
function partsOf({ suites }: Wanted): Pick<ReleaseManifest, 'prompts' | 'models'> {
  const prompts = suites.flatMap(({ loaded }) => {
    if (loaded.target.kind !== 'prompt') return []
    const { name, version, hash, file, description } = loaded.target.prompt
    return [{ name, version, hash, file, ...(description !== undefined && { description }) }]
  })
  const models = suites.flatMap(({ target: { model, provider } }) => {
    const base_url = provider?.base_url
    return model ? [{ ...model, ...(base_url !== undefined && { base_url }) }] : []
  })
  return { prompts: once(prompts), models: once(models) }
}

const once = <T>(list: readonly T[]): T[] => [...new Map(list.map((one) => [JSON.stringify(one), one])).values()]

function componentsOf(before: Record<string, Part>, wanted: Wanted['components']): Record<string, Part> {
  const named = Object.entries({ ...before, ...wanted }).flatMap(([name, part]) =>
    part ? [[name, part] as const] : [],
  )
  // The note says what is new in a version: it is not new any more in the next release of the same version.
  return Object.fromEntries(
    named.map(([name, part]) => [name, part === before[name] ? { version: part.version } : part]),
  )
}

/** The next free id of the day (UTC) of `at`. */
export function nextId(records: readonly LedgerRecord[], at: Date): string {
  const day = at.toISOString().slice(0, 10)
  const used = releasesOf(records).flatMap(({ id }) =>
    id.startsWith(`${day}.`) ? [Number(id.slice(day.length + 1))] : [],
  )
  return `${day}.${Math.max(0, ...used) + 1}`
}
