// Which gates can never fail and which can never pass: the worst and the best run that there can be, judged as it would be.
import type { CaseTally } from '../../schema/baseline.ts'
import type { GateAbility } from '../../schema/doctor.ts'
import type { GateResult } from '../../schema/verdict.ts'
import { judgeTallies } from '../gate/judge.ts'
import { SMALLEST_CATEGORY } from '../gate/regression-units.ts'
import { counted, percent, points } from '../words.ts'
import { emptyEvidence, enter, enterEvidence, emptyTally, type Plan, type Trial } from './walk.ts'

/** So slow and so dear that every limit on a mean, a quantile or a ratio is broken if data can break it. */
const WORST: Trial = { passed: false, score: 0, latency_ms: 1e9, cost_usd: 1e6, proof: true }
const BEST: Trial = { passed: true, score: 1, latency_ms: 0, cost_usd: 1e-9, proof: true }

/** The gates of the last look (all passes of the ladder) when every trial is alike. */
export function gatesWhenAll(plan: Plan, trial: Trial): GateResult[] {
  const { baseline, policy, trials } = plan
  const cases = [...plan.cases]
  const tallies: CaseTally[] = cases.map((info) => {
    const tally = emptyTally(info)
    for (let t = 0; t < trials.max; t++) enter(tally, trial)
    return tally
  })
  const evidence = cases
    .filter(({ critical }) => critical)
    .map(({ id }) => {
      const one = emptyEvidence(id)
      for (let t = 0; t < trials.max; t++) enterEvidence(one, trial)
      return one
    })
  const passes = trials.max
  return judgeTallies({ cases, tallies, baseline, policy, trials, passes, evidence, partial: false }).verdict.gates
}

/**
 * Judges the two extreme runs. A regression, a floor and a limit are monotone in the data (one more failure, one slower or
 * dearer answer never speaks for a change), and Holm's correction is mildest for a gate when all others fail as well: what the
 * worst run does not fail, no run fails; a gate that the best run does not pass holds every run that it does not fail.
 */
export function abilities(plan: Plan): GateAbility[] {
  const best = new Map(gatesWhenAll(plan, BEST).map((gate) => [gate.id, gate]))
  return gatesWhenAll(plan, WORST)
    .filter(({ kind }) => kind !== 'coverage')
    .map((worst) => {
      const good = best.get(worst.id)
      const { id, kind, decides, n } = worst
      const able = { can_fire: decides && worst.outcome === 'fail', can_pass: proves(good) }
      const head = { id, kind, category: worst.category ?? null, decides, n, ...able }
      return { ...head, problem: problemOf(head, worst) }
    })
}

/** Passed, and not merely for want of proof: then nothing would be needed. */
const proves = (gate: GateResult | undefined): boolean =>
  gate?.outcome === 'pass' && (gate.needed === null || !gate.decides)

function problemOf(gate: Omit<GateAbility, 'problem'>, { limit, unit }: GateResult): string | null {
  const { id, kind, category, decides, n, can_fire: fires, can_pass: passes } = gate
  if (kind === 'critical') {
    const cause = 'its baseline does not always pass, so it does not decide'
    return decides ? null : `Critical case ${id.replace(/^critical\//, '')} can never block: ${cause}.`
  }
  if (category !== null && kind === 'regression' && !decides && n < SMALLEST_CATEGORY) {
    return `Category ${category} has ${counted(n, 'case')}: its gate can never fire (it takes ${SMALLEST_CATEGORY}, ${SMALLEST_CATEGORY - n} more).`
  }
  // A family of a harm gate is shown only.
  if (kind === 'harmful' && category !== null) return null
  if (!decides && (kind === 'pass_at_k' || kind === 'pass_hat_k')) return null
  const name = nameOf(kind, category)
  if (!fires) return `${name} can never fire: not even a run in which every answer fails breaks it.`
  if (passes) return null
  const shown = limit === null ? '' : unit === 'share' && kind === 'regression' ? ` of ${points(limit)} points` : ` of ${percent(limit)}` // biome-ignore format: one line reads better
  if (kind === 'regression') {
    return `${name} can never pass: ${counted(n, 'case')} cannot prove a margin${shown}, not even when every answer passes.`
  }
  if (kind === 'floor')
    return `${name}${shown} can never be proven reached by ${counted(n, 'case')}, not even when every answer passes.`
  return `${name} can never be proven kept by ${counted(n, 'case')}.`
}

const words: Record<string, string> = {
  regression: 'regression gate',
  floor: 'floor',
  latency: 'latency gate',
  cost: 'cost gate',
  score: 'score gate',
  harmful: 'harm gate',
  over_refusal: 'over-refusal gate',
  pass_at_k: 'gate on pass@k',
  pass_hat_k: 'gate on pass^k',
}

function nameOf(kind: string, category: string | null): string {
  const word = words[kind] ?? kind
  return category === null ? `The ${word}` : `The ${word} of category ${category}`
}
