// What one gate saw, and the smallest change of cases, trials or limit with which it would have said something else.
import type { GateExplanation, Needed } from '../../schema/explanation.ts'
import type { GateResult, Outcome } from '../../schema/verdict.ts'
import {
  type Changes,
  fewerLost,
  moreLost,
  onlyRates,
  outcomeAt,
  smallest,
  trialsMoved,
  withLimit,
} from './explain-changes.ts'
import { measuredTrials } from '../gate/coverage.ts'
import type { TalliesInput } from '../gate/judge.ts'
import { counted, milliseconds } from '../words.ts'

/** What a gate would have said, in the middle of a sentence. */
const would: Record<Outcome, string> = {
  pass: 'it would have passed',
  fail: 'it would have failed',
  inconclusive: 'it would have been undecided',
  invalid: 'it would not have been measured',
}

/** Explains one gate of the verdict on `input` by judging changed counts with the same decision. */
export function explainGate(input: TalliesInput, gate: GateResult): GateExplanation {
  const { id, outcome, decides, sentence } = gate
  return { id, outcome, decides, saw: sentence, needed: neededBy(input, gate) }
}

function neededBy(input: TalliesInput, gate: GateResult): Needed[] {
  const { kind, outcome } = gate
  const rates = onlyRates(input)
  const evidence = evidenceOf(gate)
  if (kind === 'coverage') return coverageNeeds(input, gate)
  if (kind === 'critical') return criticalNeeds(gate)
  if (kind === 'regression' && outcome === 'pass') return headroom(rates, gate)
  if (kind === 'regression') return [...regressionNeeds(rates, gate), ...evidence, ...limitNeeds(rates, gate, 'pass')]
  if (kind === 'floor' && outcome === 'pass') return floorRoom(rates, gate)
  if (kind === 'floor') return [...floorNeeds(rates, gate), ...evidence, ...limitNeeds(rates, gate, 'not fail')]
  return outcome === 'fail' ? [...limitNeeds(input, gate, 'not fail'), ...evidence] : evidence
}

type Search = { input: TalliesInput; changes: Changes; gate: GateResult; wanted: (outcome: Outcome) => boolean }

/** The fewest changes after which the gate ends as wanted, and how it then ends. */
function fewest({ changes, gate, wanted }: Search): { k: number; to: Outcome } | null {
  const outcome = (k: number) => outcomeAt(changes.at(k), gate.id)
  const k = smallest(changes.most, (step) => {
    const found = outcome(step)
    return found !== null && wanted(found)
  })
  const to = k === null ? null : outcome(k)
  return k === null || to === null ? null : { k, to }
}

/** "With 9 fewer lost cases (of 14) it would have passed." */
function regressionNeeds(input: TalliesInput, gate: GateResult): Needed[] {
  const changes = fewerLost(input, gate)
  const lost = changes.most
  const search = { input, changes, gate }
  const pass = fewest({ ...search, wanted: (outcome) => outcome === 'pass' })
  const off = gate.outcome === 'fail' ? fewest({ ...search, wanted: (outcome) => outcome !== 'fail' }) : null
  const whose = (k: number) => (k === lost ? `all ${counted(lost, 'lost case')}` : `${k} of the ${lost} lost cases`)
  // An undecided category holds nobody up.
  const enough = (to: Outcome) => (to === 'inconclusive' && gate.category !== undefined ? ', which stops nobody' : '')
  const say = ({ k, to }: { k: number; to: Outcome }): Needed => ({
    change: 'fewer_lost',
    to,
    amount: k,
    sentence: `With ${whose(k)} passing as often as before ${would[to]}${enough(to)}.`,
  })
  const needs = off && (pass === null || off.k < pass.k) ? [say(off)] : []
  if (pass) needs.push(say(pass))
  else if (lost > 0 && gate.category === undefined) {
    const sentence = `Even with ${whose(lost)} passing as often as before it would not have passed: so few cases and trials cannot prove the margin.`
    needs.push({ change: 'evidence', to: gate.outcome, amount: null, sentence })
  }
  return needs
}

/** How far a gate that passed was from not passing, and from failing. */
function headroom(input: TalliesInput, gate: GateResult): Needed[] {
  const search = { input, changes: moreLost(input, gate), gate }
  const open = fewest({ ...search, wanted: (outcome) => outcome !== 'pass' })
  const fail = open?.to === 'fail' ? null : fewest({ ...search, wanted: (outcome) => outcome === 'fail' })
  return [open, fail].flatMap((found) =>
    found === null
      ? []
      : [
          {
            change: 'more_lost' as const,
            to: found.to,
            amount: found.k,
            sentence: `With ${counted(found.k, 'more case')} lost in every trial ${would[found.to]}.`,
          },
        ],
  )
}

function floorNeeds(input: TalliesInput, gate: GateResult): Needed[] {
  const changes = trialsMoved(input, gate, 1)
  const wanted = (outcome: Outcome) => (gate.outcome === 'fail' ? outcome !== 'fail' : outcome === 'pass')
  const found = fewest({ input, changes, gate, wanted })
  if (found === null) return []
  const sentence = `The floor needs ${counted(found.k, 'more passed trial')}: then ${would[found.to]}.`
  return [{ change: 'more_passes', to: found.to, amount: found.k, sentence }]
}

function floorRoom(input: TalliesInput, gate: GateResult): Needed[] {
  const changes = trialsMoved(input, gate, -1)
  const found = fewest({ input, changes, gate, wanted: (outcome) => outcome !== 'pass' })
  if (found === null) return []
  const sentence = `With ${counted(found.k, 'more failed trial')} ${would[found.to]}.`
  return [{ change: 'fewer_passes', to: found.to, amount: found.k, sentence }]
}

/** The nearest limit, in steps that people write (points, percent, milliseconds), with which the gate ends as wanted. */
function limitNeeds(input: TalliesInput, gate: GateResult, wanted: 'pass' | 'not fail'): Needed[] {
  const scale = scaleOf(gate)
  if (scale === null || gate.outcome === 'invalid') return []
  const at = (k: number) => scale.step * (scale.from + scale.way * k)
  const input1 = (k: number) => withLimit(input, gate, Number(at(k).toFixed(4)))
  const to = (k: number): Outcome | null => {
    const changed = input1(k)
    return changed && outcomeAt(changed, gate.id)
  }
  const k = smallest(scale.most, (step) => {
    const outcome = to(step)
    return outcome !== null && (wanted === 'pass' ? outcome === 'pass' : outcome !== 'fail')
  })
  const outcome = k === null ? null : to(k)
  if (k === null || outcome === null) return []
  const amount = Number(at(k).toFixed(4))
  return [{ change: 'limit', to: outcome, amount, sentence: scale.say(amount, would[outcome]) }]
}

type Scale = {
  step: number
  from: number
  way: 1 | -1
  most: number
  say: (limit: number, would: string) => string
}

/** In which steps the limit of a gate is moved: `from` steps are the limit as it is, or the next on the harmless side of it. */
function scaleOf({ id, kind, limit }: GateResult): Scale | null {
  if (limit === null) return null
  const hundredths = (value: number) => Number((100 * value).toFixed(6))
  const whole = (share: number) => Number((100 * share).toFixed(2))
  if (kind === 'regression') {
    const from = Math.floor(hundredths(limit))
    const say = (found: number, then: string) =>
      `The margin is ${whole(limit)} points: with ${whole(found)} points ${then}.`
    return { step: 0.01, from, way: 1, most: 100 - from, say }
  }
  if (kind === 'floor') {
    const from = Math.ceil(hundredths(limit))
    const say = (found: number, then: string) =>
      `The floor is ${whole(limit)} %: with a floor of ${whole(found)} % ${then}.`
    return { step: 0.01, from, way: -1, most: from, say }
  }
  if (id === 'latency/increase' || id === 'first_token/increase' || id === 'cost/increase') {
    const from = Math.floor(hundredths(limit - 1))
    const say = (found: number, then: string) =>
      `The limit is ${whole(limit - 1)} % more: with ${whole(found)} % ${then}.`
    return { step: 0.01, from, way: 1, most: Math.max(0, 100 - from), say }
  }
  if (id === 'latency' || id === 'first_token') {
    const from = Math.floor(limit)
    const say = (found: number, then: string) =>
      `The limit is ${milliseconds(limit)}: with ${milliseconds(found)} ${then}.`
    return { step: 1, from, way: 1, most: 3_600_000, say }
  }
  return null
}

/** What more trials or cases would do, as the gate itself says it. */
function evidenceOf({ needed, outcome }: GateResult): Needed[] {
  if (needed === null || outcome === 'fail') return []
  return [{ change: 'evidence', to: 'pass', amount: null, sentence: `It could be settled: ${needed}` }]
}

function criticalNeeds({ id, outcome, needed }: GateResult): Needed[] {
  if (outcome === 'pass') return []
  const name = id.replace(/^critical\//, '')
  const sentence = needed ?? `The case ${name} must pass every trial: no other case makes up for it.`
  return [{ change: 'evidence', to: 'pass', amount: null, sentence }]
}

/** The cases that would have had to be measured besides. */
function coverageNeeds(input: TalliesInput, { outcome }: GateResult): Needed[] {
  const { tallies, policy, stopped } = input
  if (outcome !== 'invalid' || stopped !== undefined) return []
  const measured = tallies.filter(({ trials }) => trials > 0).length
  if (measured / tallies.length >= policy.min_coverage) return trialNeeds(input)
  const missing = smallest(tallies.length - measured, (k) => (measured + k) / tallies.length >= policy.min_coverage)
  if (missing === null) return []
  const sentence = `With ${counted(missing, 'more case')} measured it would have counted (${measured} of ${tallies.length} were).`
  return [{ change: 'more_measured', to: 'pass', amount: missing, sentence }]
}

/** The trials that would have had to be measured besides. */
function trialNeeds({ tallies, passes, policy }: TalliesInput): Needed[] {
  const { asked, measured } = measuredTrials({ tallies, passes })
  if (measured / asked >= policy.min_coverage) return []
  const missing = smallest(asked - measured, (k) => (measured + k) / asked >= policy.min_coverage)
  if (missing === null) return []
  const sentence = `With ${counted(missing, 'more trial')} measured it would have counted (${measured} of ${asked} were).`
  return [{ change: 'more_measured', to: 'pass', amount: missing, sentence }]
}
