// Anchors: cases that are asked as the baseline asked them, to tell a change of ours from one of the provider.
import type { Baseline } from '../../schema/baseline.ts'
import type { CaseInfo, Observation, Run, RunHeader, TargetSnapshot } from '../../schema/run.ts'
import type { GateResult, Verdict } from '../../schema/verdict.ts'
import { meanRate, type Stratum } from '../../statistics/counts.ts'
import { exactStratified } from '../../statistics/exact-stratified.ts'
import { componentChanges, together } from './causes.ts'
import { reversible } from './cells.ts'
import { chosen, randomOf } from '../doctor/random.ts'
import { tally } from '../gate/tally.ts'
import { byText, counted, percent, pText } from '../words.ts'

/** Two-sided. A provider is not accused lightly, and every run asks the question anew. */
const ALPHA = 0.01
/** With less than this share of the anchors measured nothing is said about the provider. */
const ENOUGH = 0.5

type Anchors = NonNullable<RunHeader['anchors']>

/**
 * Which cases serve as anchors. They are drawn by the seed among the cases that are the same as in the baseline, were
 * measured there and count; never by how they ended: cases that always passed would do worse the next time all by
 * themselves, since some of them were lucky (regression to the mean; Galton, J. Anthropol. Inst. 15 (1886) 246-263).
 * Where nothing that is asked changed, the run itself asks as the baseline did, and every such case serves.
 * @param input.usable ids of the cases whose assertions always grade the same answer alike, quarantined ones left out
 * @returns the anchors, or the sentence why there are none
 */
export function anchorPlan(input: {
  suite: string
  baseline: Baseline
  after: TargetSnapshot
  cases: readonly CaseInfo[]
  usable: ReadonlySet<string>
  count: number
  seed: number
}): Anchors | { problem: string } {
  const { baseline, after, cases, usable, count, seed } = input
  const before = new Map(baseline.cases.map((one) => [one.id, one]))
  const eligible = cases
    .filter(({ id, hash }) => {
      const old = before.get(id)
      return old !== undefined && old.hash === hash && old.trials > 0 && usable.has(id)
    })
    .map(({ id }) => id)
    .sort(byText)
  if (eligible.length === 0)
    return none('no case that is graded alike every time is as the baseline knows it and was measured there')
  const changes = componentChanges(baseline.target, after)
  const fixed = changes.filter(({ name }) => !reversible.includes(name))
  if (fixed.length > 0) return none(`${together(fixed)} cannot be put back to how the baseline had it`)
  if (baseline.target.hash === after.hash) return { cases: eligible, asked: false }
  if (changes.length === 0) return none('the baseline does not tell what it asked')
  const drawn = chosen(eligible, count, randomOf(`anchors ${input.suite} ${seed}`))
  return { cases: drawn.sort(byText), asked: true }
}

const none = (why: string) => ({ problem: noAnchors(why) })

/** The sentence for anchors that could not be asked. */
export const noAnchors = (why: string): string =>
  `The anchors were not asked: ${why}. Whether the provider moved since the baseline is not known.`

type Evidence = {
  anchors: Anchors
  baseline: Baseline
  cases: readonly CaseInfo[]
  /** Hash of what the run asks. */
  target: string
  observations: readonly Observation[]
  asked?: Run | undefined
}

/**
 * The verdict with what the anchors say. The passes of each anchor are compared with the baseline's record by the exact
 * stratified test, two-sided. When the provider moved and something else was asked than before, a comparison with that
 * record measures both at once: it is invalid, whether it passed or failed. What failed by itself (a floor, a critical
 * case) stays failed. When nothing else was asked, the comparison is of the provider with itself: it stands, and this is said.
 */
export function withAnchors(verdict: Verdict, evidence: Evidence): Verdict {
  const { anchors, baseline, target, asked } = evidence
  if (verdict.passes === 0 || verdict.outcome === 'invalid') return verdict
  const warned = (text: string): Verdict => ({ ...verdict, warnings: [text, ...verdict.warnings] })
  if (anchors.asked && !asked) return warned(noAnchors('the run ended before'))
  // Another baseline than that of the run says nothing about what was asked again.
  if ((asked?.header.target.hash ?? target) !== baseline.target.hash) return verdict
  const strata = strataOf(evidence)
  if (strata.length < ENOUGH * anchors.cases.length) {
    const why = asked?.stopped === undefined ? '' : ` (${asked.stopped.replace(/\.$/, '')})`
    const of = `${strata.length} of ${counted(anchors.cases.length, 'anchor')} could be measured${why}`
    return warned(`Only ${of}. Whether the provider moved since the baseline is not known.`)
  }
  const { pRegress, pImprove } = exactStratified(strata)
  const p = Math.min(1, 2 * Math.min(pRegress, pImprove))
  if (p > ALPHA) return verdict
  const said = movedSentence(evidence, strata, p)
  const compares = verdict.gates.some((gate) => gate.decides && isComparison(gate))
  const alone = verdict.gates.some((gate) => gate.decides && gate.outcome === 'fail' && !isComparison(gate))
  if (!anchors.asked || !compares || alone) return warned(said)
  const mend =
    'So the comparison does not measure this change. `aigate eval --against <ref>` asks both sides now; or record the baseline anew.'
  return { ...verdict, outcome: 'invalid', measured: 'invalid', reasons: [`${said} ${mend}`, ...verdict.reasons] }
}

/** A gate that measures the change against the baseline; the others say something about the candidate alone. */
const isComparison = ({ kind, baseline }: GateResult): boolean =>
  baseline !== null && kind !== 'critical' && kind !== 'coverage'

function strataOf({ anchors, baseline, cases, observations, asked }: Evidence): Stratum[] {
  const ids = new Set(anchors.cases)
  const infos = cases.filter(({ id }) => ids.has(id))
  const before = new Map(baseline.cases.map((one) => [one.id, one]))
  return tally([...(asked?.observations ?? observations)], infos).flatMap(({ id, hash, passes, trials }) => {
    const old = before.get(id)
    if (!old || old.hash !== hash || old.trials === 0 || trials === 0) return []
    return [{ passes, trials, basePasses: old.passes, baseTrials: old.trials }]
  })
}

function movedSentence({ anchors, baseline }: Evidence, strata: readonly Stratum[], p: number): string {
  const now = percent(meanRate(strata))
  const then = percent(
    meanRate(strata.map(({ basePasses, baseTrials }) => ({ passes: basePasses, trials: baseTrials }))),
  )
  const day = baseline.runs.at(-1)?.at.slice(0, 10) ?? baseline.accepted.at.slice(0, 10)
  const what = anchors.asked
    ? `${baseline.target.label}, as the baseline asked it,`
    : 'What is asked did not change, and it'
  const of = counted(strata.length, anchors.asked ? 'anchor' : 'case')
  return `The provider moved: ${what} passes ${now} of ${of} now and ${then} on ${day} (${pText(p)}).`
}
