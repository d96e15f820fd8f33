// Joins what is stored of a suite: the baseline, and every measured trial of runs that asked the same target the same cases.
import { AigateError } from '../../errors.ts'
import type { Baseline, CaseTally } from '../../schema/baseline.ts'
import type { CaseInfo, Observation, Run } from '../../schema/run.ts'
import { judgeRates } from '../../statistics/rogan-gladen.ts'
import { baselineFrom } from '../baseline/accept-baseline.ts'
import { joinedExtras, tally } from '../gate/tally.ts'
import { emptyTally } from './walk.ts'
import type { CaseHistory } from './world.ts'

export type History = {
  histories: CaseHistory[]
  /** What changes would be compared with: the committed baseline, or the newest whole run as if it were accepted. */
  baseline: Baseline
  standsIn: boolean
  /** Ids of the runs whose trials were counted besides. */
  runs: string[]
  /** A judge whose errors verdicts are corrected for, and the share of a difference that it shows; as the newest run has it. */
  judge?: { name: string; shown: number } | undefined
  /** Runs that only replayed recorded answers: the same answers again are no new evidence. */
  replayed: number
}

/**
 * @param runs of any suite and target, newest first; those that do not belong here are left out
 * @param deterministic ids of the cases whose assertions all grade the same answer alike
 * @returns null when there is neither a baseline nor a whole run
 */
export function historyOf(input: {
  suite: string
  targetHash: string
  cases: readonly CaseInfo[]
  deterministic: ReadonlySet<string>
  baseline: Baseline | null
  runs: readonly Run[]
}): History | null {
  const { cases, deterministic, suite } = input
  const hash = input.baseline?.target.hash ?? input.targetHash
  const own = input.runs.filter(({ header }) => header.suite === suite && header.target.hash === hash)
  const baseline = input.baseline ?? firstAccepted(own)
  if (!baseline) return null
  const known = new Set(baseline.runs.map(({ id }) => id))
  const others = own.filter(({ header }) => !known.has(header.id))
  const fresh = others.filter(({ observations }) => observations.some(isFresh))
  const tallies = new Map(cases.map((info) => [info.id, startOf(info, baseline)]))
  for (const run of fresh) {
    for (const found of tally(run.observations.filter(isFresh), run.header.cases)) {
      const before = tallies.get(found.id)
      if (before && before.hash === found.hash) tallies.set(found.id, joined(before, found))
    }
  }
  const use = own[0]?.header.judging?.uses.find(({ corrects }) => corrects)
  const shown = use?.table ? judgeRates(use.table)?.youden : undefined
  return {
    ...(use && shown !== undefined && { judge: { name: use.judge, shown } }),
    histories: cases.map((info) => ({
      info,
      tally: tallies.get(info.id) ?? emptyTally(info),
      deterministic: deterministic.has(info.id),
    })),
    baseline,
    standsIn: input.baseline === null,
    runs: fresh.map(({ header }) => header.id),
    replayed: others.length - fresh.length,
  }
}

const isFresh = ({ completion }: Observation): boolean => completion.replayed !== true

/** The newest run that could be a baseline, as it would be accepted. */
function firstAccepted(runs: readonly Run[]): Baseline | null {
  for (const run of runs) {
    try {
      return baselineFrom({ run, accepted: { at: run.header.started_at, by: 'aigate doctor', reason: 'stands in' } })
    } catch (error) {
      // Partial and interrupted runs make no baseline; anything else is a fault.
      if (!(error instanceof AigateError)) throw error
    }
  }
  return null
}

function startOf(info: CaseInfo, baseline: Baseline): CaseTally {
  const old = baseline.cases.find(({ id }) => id === info.id)
  if (old?.hash !== info.hash) return emptyTally(info)
  const { category: _, ...rest } = old
  return { ...rest, ...(info.category !== undefined && { category: info.category }) }
}

function joined(a: CaseTally, b: CaseTally): CaseTally {
  return {
    ...a,
    passes: a.passes + b.passes,
    trials: a.trials + b.trials,
    errors: a.errors + b.errors,
    scores: [...a.scores, ...b.scores],
    latencies_ms: [...a.latencies_ms, ...b.latencies_ms],
    costs_usd: [...a.costs_usd, ...b.costs_usd],
    ...joinedExtras(a, b),
  }
}
