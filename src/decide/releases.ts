// A release as it is recorded: its manifest, the evidence for it, and whether the evidence allows it.
import { AigateError } from '../errors.ts'
import type { LoadedSuite } from '../ports.ts'
import type { GatePolicy } from '../schema/gate.ts'
import {
  type Evidence,
  type LedgerRecord,
  type Part,
  LONGEST_LINE,
  PlainLine,
  type ReleasedSuite,
  type ReleaseManifest,
} from '../schema/release.ts'
import type { Git, RunHeader, TargetSnapshot } from '../schema/run.ts'
import { type Outcome, type Verdict, worst } from '../schema/verdict.ts'
import { releaseSentence } from './release-diff.ts'
import { counted, names } from './words.ts'

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

/**
 * A run that may speak for a suite. `verdict` judges it by a policy: only asked for when it counts. `changed`: files that
 * differ between its commit and the work tree of today, records of aigate apart; null: nobody can tell. Only needed of
 * runs that asked an application.
 */
export type Witness = {
  header: RunHeader
  verdict(policy: GatePolicy): Verdict
  changed?: readonly string[] | null | undefined
}
/** The suite as it is released: `cases` are the hashes of its cases. */
type Released = { cases: readonly string[]; trials: { min: number }; policy: GatePolicy }

/**
 * What the runs say about a suite of the release: the newest run that asked the very target which is released. A run of
 * some of the cases, of another target, of another index or of other cases is no evidence: `invalid`, as if nobody had
 * measured; nor is one for which the command line set the rules of the suite aside, or of an application whose code is
 * not that of today. What remains is judged by the policy of today.
 */
export function evidenceFor(
  { suite, target }: ReleasedSuite,
  {
    loaded,
    components,
    witnesses,
  }: { loaded: Released; components: Record<string, Part>; witnesses: readonly Witness[] },
): Evidence {
  const none = (reason: string, run: string | null = null): Evidence => ({ suite, run, outcome: 'invalid', reason })
  const own = witnesses
    .filter(({ header }) => header.suite === suite)
    .toSorted((a, b) => (a.header.id < b.header.id ? -1 : 1))
  const last = own.at(-1)?.header
  if (!last) return none('no run of this suite is stored')
  const same = own.filter(({ header }) => header.target.hash === target.hash)
  const newest = same.at(-1)?.header
  if (!newest) return none(`the run asked ${last.target.label}, the release holds ${target.label}`, last.id)
  const whole = same.findLast(({ header }) => !header.partial)
  if (!whole) return none('the run asked only some of the cases', newest.id)
  const { header } = whole
  const asked = header.cases.map(({ hash }) => hash)
  if (asked.toSorted().join() !== loaded.cases.toSorted().join())
    return none('the cases of the suite have changed since the run', header.id)
  const not = setAside(header, loaded) ?? otherProvider(header.target, target) ?? otherCode(whole)
  if (not !== undefined) return none(not, header.id)
  const other = Object.entries(header.target.components ?? {}).find(
    ([name, version]) => components[name]?.version !== version,
  )
  if (other)
    return none(
      `the run was made with ${other.join(' ')}, the release holds ${components[other[0]]?.version ?? 'none'}`,
      header.id,
    )
  const { outcome, reasons } = whole.verdict(loaded.policy)
  return { suite, run: header.id, outcome, reason: reasons[0] ?? outcome }
}

function setAside({ what_if, trials }: RunHeader, loaded: Released): string | undefined {
  if (what_if && what_if.length > 0) return `the run was made with ${names(what_if)}, which is no rule of the suite`
  if (trials.min >= loaded.trials.min) return undefined
  return `the run asked ${counted(trials.min, 'trial')} of each case, the suite asks ${loaded.trials.min}`
}

/** The name of a provider is part of what was asked; who stands behind it is told by its address. */
function otherProvider(was: TargetSnapshot, is: TargetSnapshot): string | undefined {
  if (!is.provider) return undefined
  if (!was.provider) return 'the run does not say which address was asked: it was recorded by an older aigate'
  const text = ({ provider }: TargetSnapshot) => JSON.stringify(provider, Object.keys(provider ?? {}).sort())
  if (text(was) === text(is)) return undefined
  const at = ({ provider }: TargetSnapshot) => provider?.base_url ?? provider?.type ?? 'nobody'
  if (at(was) !== at(is)) return `the run asked ${at(was)}, the release holds ${at(is)}`
  return 'the type, the api_version or the headers of the provider have changed since the run'
}

/** The hash of an application knows its address, not its code: that is told by the commit. */
function otherCode({ header: { target, git }, changed }: Witness): string | undefined {
  if (target.kind === 'prompt') return undefined
  const which = 'so that nobody knows which code of the application answered'
  if (!git) return `the run was made outside of git, ${which}`
  const commit = git.commit.slice(0, 12)
  if (git.dirty) return `the run was made with changes to ${commit} that were not committed, ${which}`
  if (!changed) return `git no longer knows ${commit}, with which the run was made`
  if (changed.length === 0) return undefined
  return `the application of the run is that of ${commit}; since then ${counted(changed.length, 'file')} changed: ${names(changed)}`
}

/** The worst of the evidence; `invalid` when there is none at all. */
export const evidenceOutcome = (verdicts: readonly Evidence[]): Outcome =>
  verdicts.length === 0 ? 'invalid' : worst(verdicts.map(({ outcome }) => outcome))

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
