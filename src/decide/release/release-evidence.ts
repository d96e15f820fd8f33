// The evidence for a release: what the stored runs say about each of its suites.
import type { GatePolicy } from '../../schema/gate.ts'
import type { Evidence, Part, ReleasedSuite } from '../../schema/release.ts'
import type { RunHeader, TargetSnapshot } from '../../schema/run.ts'
import { type Outcome, type Verdict, worst } from '../../schema/verdict.ts'
import { counted, names } from '../words.ts'

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
