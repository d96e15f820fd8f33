// One imagined change, taken through the shipped decision: passes are drawn, judged, and drawn again while `next` asks for them.
import type { Baseline, CaseTally } from '../../schema/baseline.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import type { CaseInfo } from '../../schema/run.ts'
import type { Outcome } from '../../schema/verdict.ts'
import type { Evidence } from '../gate/critical.ts'
import { judgeTallies } from '../gate/judge.ts'

/** What decides about every change: the suite, its baseline, its policy and its ladder. */
export type Plan = {
  cases: readonly CaseInfo[]
  baseline: Baseline | null
  policy: GatePolicy
  trials: { min: number; max: number }
}

/** One imagined trial. `passed: null` was not measured. `proof`: a failure that the same answer would always bring. */
export type Trial = {
  passed: boolean | null
  score?: number | undefined
  latency_ms?: number | undefined
  cost_usd?: number | undefined
  proof?: boolean
}

/** Answers for the case at place `i` of the plan, in the next trial of it. */
export type Asked = (i: number) => Trial

export type Walked = {
  outcome: Outcome
  passes: number
  /** Trials that were asked, confirmations included. */
  calls: number
  /** Deciding gates that failed, by id. */
  fired: string[]
}

/** Takes one change to its verdict, by `judgeTallies` and the ladder of the plan; nothing of either is copied here. */
export function walk(plan: Plan, ask: Asked): Walked {
  const cases = [...plan.cases]
  const before = new Map(plan.baseline?.cases.map((one) => [one.id, one.advised]))
  // Graded by the judges that graded the baseline.
  const tallies = cases.map((info) => {
    const advised = before.get(info.id)
    return { ...emptyTally(info), ...(advised && { advised }) }
  })
  const evidence = new Map(cases.flatMap((info) => (info.critical ? [[info.id, emptyEvidence(info.id)] as const] : [])))
  const places = new Map(cases.map(({ id }, i) => [id, i]))
  let passes = 0
  let calls = 0
  for (;;) {
    for (const [i, tally] of tallies.entries()) {
      const trial = ask(i)
      enter(tally, trial)
      const seen = evidence.get(tally.id)
      if (seen && trial.passed !== null) enterEvidence(seen, trial)
    }
    passes += 1
    calls += cases.length
    let { verdict, next } = judged(plan, cases, tallies, passes, evidence)
    while (next?.kind === 'confirm') {
      for (const id of next.cases) {
        const seen = evidence.get(id)
        const place = places.get(id)
        if (!seen || place === undefined) continue
        for (let t = 0; t < next.trials; t++) confirm(seen.confirmed, ask(place))
        calls += next.trials
      }
      ;({ verdict, next } = judged(plan, cases, tallies, passes, evidence))
    }
    if (!next) {
      const fired = verdict.gates.flatMap(({ id, decides, outcome }) => (decides && outcome === 'fail' ? [id] : []))
      return { outcome: verdict.outcome, passes, calls, fired }
    }
  }
}

function judged(
  { baseline, policy, trials }: Plan,
  cases: CaseInfo[],
  tallies: CaseTally[],
  passes: number,
  evidence: ReadonlyMap<string, Evidence>,
) {
  return judgeTallies({
    cases,
    tallies,
    baseline,
    policy,
    trials,
    passes,
    evidence: [...evidence.values()],
    partial: false,
  })
}

/** The tally of a case that was not tried yet. */
export function emptyTally({ id, hash, category }: CaseInfo): CaseTally {
  return {
    id,
    hash,
    ...(category !== undefined && { category }),
    passes: 0,
    trials: 0,
    errors: 0,
    scores: [],
    latencies_ms: [],
    costs_usd: [],
  }
}

export const emptyEvidence = (id: string): Evidence => ({
  id,
  measured: 0,
  failed: 0,
  deterministic: false,
  confirmed: { asked: 0, failed: 0, errors: 0 },
  reason: null,
})

/** Counts one trial into the tally of its case. */
export function enter(tally: CaseTally, { passed, score, latency_ms, cost_usd }: Trial): void {
  if (passed === null) {
    tally.errors += 1
    return
  }
  tally.trials += 1
  if (passed) tally.passes += 1
  tally.scores.push(score ?? (passed ? 1 : 0))
  if (latency_ms !== undefined) tally.latencies_ms.push(latency_ms)
  if (cost_usd !== undefined) tally.costs_usd.push(cost_usd)
}

/** Counts one measured trial of a pass into the evidence of its critical case. */
export function enterEvidence(evidence: Evidence, { passed, proof }: Trial): void {
  evidence.measured += 1
  if (passed) return
  evidence.failed += 1
  if (proof) evidence.deterministic = true
}

function confirm(confirmed: Evidence['confirmed'], { passed }: Trial): void {
  confirmed.asked += 1
  if (passed === null) confirmed.errors += 1
  else if (!passed) confirmed.failed += 1
}
