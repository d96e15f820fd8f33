// A calibration for people: the table, the agreement, the biases, and what it means for the gate.
import type { TypeCalibration } from '../schema/calibration.ts'
import type { Outcome } from '../schema/verdict.ts'
import { roganGladen } from '../statistics/rogan-gladen.ts'

type Result = {
  judge: string
  type: string
  outcome: Outcome
  min_kappa: number
  file: string | null
} & TypeCalibration
type Estimate = TypeCalibration['kappa']

/** So many labels, and so many of them failures, make intervals that a gate can work with. */
const WANTED = { labels: 100, fails: 50 }
/** A bias is named when chance explains it this seldom. */
const BIASED = 0.01

const number = ({ estimate, low, high }: Estimate) => `${estimate.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`
const share = (value: number) => `${(100 * value).toFixed(1)} %`
const shares = ({ estimate, low, high }: Estimate) => `${share(estimate)} (${share(low)} to ${share(high)})`
const pad = (text: string | number, width: number) => String(text).padStart(width)

/** All lines of one judge and type of assertion; intervals are those of 95 %. */
export function calibrationText(result: Result): string {
  const { table, kappa, sensitivity, specificity, labels, judge, type } = result
  const fails = table.falsePass + table.trueFail
  const lines = [
    `${judge} (${type}) on ${labels.n} labels of ${labels.file}, passing from ${result.threshold} on`,
    '',
    '                     people pass   people fail',
    `  judge passes       ${pad(table.truePass, 11)}   ${pad(table.falsePass, 11)}`,
    `  judge fails        ${pad(table.falseFail, 11)}   ${pad(table.trueFail, 11)}`,
    ...(labels.not_judged > 0 ? [`  not judged         ${pad(labels.not_judged, 11)}`] : []),
    '',
    `  agreement (kappa)  ${number(kappa)}`,
    `  sensitivity        ${shares(sensitivity)} of what people pass`,
    `  specificity        ${shares(specificity)} of what people fail`,
    `  best threshold     ${thresholdText(result)}`,
    ...biases(result),
    '',
    ...meaning(result),
    ...(labels.n < WANTED.labels || fails < WANTED.fails
      ? [
          `  Few labels: at least ${WANTED.labels}, ${WANTED.fails} of them failures, make these intervals narrow enough for a gate.`,
        ]
      : []),
    ...(result.file === null ? [] : [`  ${result.file}: written. Commit it.`]),
  ]
  return `${lines.join('\n')}\n`
}

function thresholdText({ best_threshold: best, threshold, sensitivity, specificity }: Result): string {
  const now = sensitivity.estimate + specificity.estimate - 1
  if (Math.abs(best.threshold - threshold) < 1e-9) return `${threshold}, the one in use`
  return `${best.threshold} (sensitivity + specificity - 1: ${best.youden.toFixed(2)} instead of ${now.toFixed(2)}, on these same labels)`
}

function biases({ position, length }: Result): string[] {
  const lines: string[] = []
  if (position) {
    const { pairs, first, second, p } = position
    const said =
      p <= BIASED ? `: the ${first > second ? 'first' : 'second'} place is favoured (p ${p.toPrecision(2)})` : ''
    lines.push(
      `  position           the first won in both orders in ${first}, the second in ${second} of ${pairs} pairs${said}`,
    )
  }
  for (const { group, longer, p } of length) {
    const said = p <= BIASED ? ` (p ${p.toPrecision(2)})` : ', no more than chance'
    const which = longer >= 0.5 ? 'longer' : 'shorter'
    lines.push(
      `  length             of what ${group}, the judge passes the ${which} answer ${share(Math.max(longer, 1 - longer))} of the time${said}`,
    )
  }
  return lines
}

/** What the numbers do in the gate: whether it may block, what a judged rate stands for, what is left of a difference. */
function meaning({ outcome, labels, table, kappa, min_kappa, sensitivity, specificity }: Result): string[] {
  if (outcome === 'invalid')
    return [
      `  ${labels.not_judged} of ${labels.n} labels could not be judged, too many to count on the rest: nothing is written. Run it again.`,
    ]
  const youden = sensitivity.estimate + specificity.estimate - 1
  const may =
    kappa.estimate >= min_kappa
      ? `It may block: kappa is at least ${min_kappa}.`
      : `It may warn, not block: kappa is below ${min_kappa}.`
  const unsure = outcome === 'inconclusive' ? ' The interval reaches that: more labels would tell.' : ''
  const example = roganGladen(160, 200, table, 0.9)
  const corrected = example
    ? `A judged pass rate of 80.0 % of 200 cases stands for ${share(example.estimate)} (90 % interval ${share(example.low)} to ${share(example.high)}).`
    : 'It says no more than a coin: no pass rate can be corrected by it.'
  const left =
    youden > 0
      ? `A true drop of 5 points shows as ${(5 * youden).toFixed(1)}; the same certainty needs ${(1 / youden ** 2).toFixed(1)} times the trials.`
      : ''
  return [`  ${may}${unsure}`, `  ${corrected}`, ...(left === '' ? [] : [`  ${left}`])]
}
