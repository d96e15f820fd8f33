// Which cases of the run can be compared with which of the baseline: by id and content hash, nothing else.
import type { Baseline, CaseTally } from '../../schema/baseline.ts'
import type { CaseInfo } from '../../schema/run.ts'
import { byText, counted, names } from '../words.ts'

/** One case that was measured on both sides. */
export type Pair = { info: CaseInfo; candidate: CaseTally; baseline: CaseTally }

export type Pairing = {
  /** The same case on both sides, measured or not. */
  partners: { candidate: CaseTally; baseline: CaseTally }[]
  /** Measured on both sides, by id. */
  pairs: Pair[]
  added: string[]
  changed: string[]
  /** Always empty for partial runs: what was not asked is not gone. */
  removed: string[]
  /** Paired, but without a measured trial in the baseline. */
  unmeasured: string[]
  /** Graded on one side by a judge that may not block, and not so on the other: the rates are not those of one thing. */
  regraded: string[]
  /** Less than 80 % of the baseline's cases have a partner. */
  stale: boolean
}

const FRESH_SHARE = 0.8

/** Pairs the cases; `tallies` are those of `cases`, one a case. */
export function pairCases(input: {
  cases: readonly CaseInfo[]
  tallies: readonly CaseTally[]
  baseline: Baseline
  partial: boolean
}): Pairing {
  const before = new Map(input.baseline.cases.map((tally) => [tally.id, tally]))
  const after = new Map(input.tallies.map((tally) => [tally.id, tally]))
  const pairing: Pairing = {
    partners: [],
    pairs: [],
    added: [],
    changed: [],
    removed: [],
    unmeasured: [],
    regraded: [],
    stale: false,
  }
  for (const info of [...input.cases].sort((a, b) => byText(a.id, b.id))) {
    const old = before.get(info.id)
    const candidate = after.get(info.id)
    if (!old) pairing.added.push(info.id)
    else if (old.hash !== info.hash) pairing.changed.push(info.id)
    else if (candidate) {
      pairing.partners.push({ candidate, baseline: old })
      if (old.trials === 0) pairing.unmeasured.push(info.id)
      else if (candidate.trials > 0 && candidate.advised !== old.advised) pairing.regraded.push(info.id)
      else if (candidate.trials > 0) pairing.pairs.push({ info, candidate, baseline: old })
    }
  }
  if (input.partial) return pairing
  const present = new Set(input.cases.map(({ id }) => id))
  pairing.removed = input.baseline.cases.flatMap(({ id }) => (present.has(id) ? [] : [id])).sort(byText)
  pairing.stale = pairing.partners.length - pairing.regraded.length < FRESH_SHARE * input.baseline.cases.length
  return pairing
}

/** What people must know about cases that were left out of the comparison. */
export function pairingWarnings({ added, changed, removed, unmeasured, regraded }: Pairing): string[] {
  const said: [string[], string][] = [
    [changed, 'changed since the baseline was accepted and not compared'],
    [added, 'not in the baseline and not compared'],
    [removed, 'in the baseline, but no longer in the suite'],
    [unmeasured, 'never measured in the baseline and not compared'],
    [regraded, 'graded by a judge that may block on one side only and not compared (record the baseline again)'],
  ]
  return said.flatMap(([ids, what]) =>
    ids.length > 0 ? [`${counted(ids.length, 'case')} ${what}: ${names(ids)}.`] : [],
  )
}
