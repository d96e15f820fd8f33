// The answer of an experiment in one sentence, its outcome, why, and what to do next.
import type { ExperimentPlan } from '../../schema/experiment.ts'
import type { Compared, ExperimentReport, GuardrailResult } from '../../schema/experiment-report.ts'
import { counted, pText } from '../words.ts'
import { comparedText } from './say-compared.ts'
import { wantedValue } from './wanted-effect.ts'
import { valueText } from './say-compared.ts'

/** ships: better, and every guardrail held; unproven: better, but a guardrail is open; too small: the wanted effect is excluded. */
export type Fate = 'ships' | 'unproven' | 'vetoed' | 'worse' | 'too small' | 'open' | 'not measured'
type Fated = { primary: Compared; fate: Fate }
type Answer = Pick<ExperimentReport, 'outcome' | 'answer' | 'winner' | 'next' | 'reasons'>

export function answerInvalid(plan: ExperimentPlan, problem: string): Answer {
  return {
    outcome: 'invalid',
    answer: `This experiment cannot answer its question: ${problem}.`,
    winner: null,
    reasons: [`${problem}: arms that were not made alike cannot be compared, and no correction makes up for it.`],
    next: [
      `Find the cause (is the flag read once a ${plan.assignment.unit}, with the same key everywhere? does every variant log its events? do some crash before they do?).`,
      'Mend it, give the experiment a new name and salt, and start anew.',
    ],
  }
}

/** Before the horizon: go on, unless a guardrail is proven to be broken by evidence that holds at every look. */
export function answerBefore(
  plan: ExperimentPlan,
  { at, days, days_left, min_days, units_per_variant: units }: ExperimentReport['horizon'],
  guardrails: readonly GuardrailResult[],
): Answer {
  const broken = guardrails.filter(({ state }) => state === 'broken')
  if (broken.length > 0)
    return {
      outcome: 'fail',
      answer: `Stop: ${broken.map(({ variant, metric }) => `"${variant}" breaks the guardrail ${metric}`).join(', ')}.`,
      winner: null,
      reasons: broken.map((one) => `${one.variant}: ${comparedText(one.compared)}; allowed is ${one.margin}.`),
      next: [
        `Serve the control to everybody, and mend ${[...new Set(broken.map(({ variant }) => variant))].join(', ')}.`,
      ],
    }
  const planned = [
    ...(units === null ? [] : [`${units} units a variant and at least ${counted(min_days, 'day')}`]),
    ...(plan.horizon.end === undefined ? [] : [`its end ${plan.horizon.end}`]),
  ].join(', or ')
  const when =
    days_left === null
      ? 'when, the traffic does not tell yet'
      : `about ${counted(Math.ceil(days_left), 'day')} from now`
  return {
    outcome: 'inconclusive',
    answer: `Too early to tell: the horizon (${planned}) is not reached; ${at ? `at the latest on ${at}, ` : ''}${when}.`,
    winner: null,
    reasons: [`${counted(Math.floor(days), 'day')} of the experiment are over.`],
    next: [
      'Leave it running and change nothing.',
      'Harm shows earlier: `--peek` prints intervals that may be read every day.',
    ],
  }
}

const sentences: Record<Fate, (one: Compared, why: string) => string> = {
  ships: (one) => `"${one.variant}" is better: ${comparedText(one)}.`,
  unproven: (one, why) => `"${one.variant}" is better (${comparedText(one)}), but ${why} is not proven to hold.`,
  vetoed: (one, why) => `"${one.variant}" must not be shipped: it breaks ${why}.`,
  worse: (one) => `"${one.variant}" is worse: ${comparedText(one)}.`,
  'too small': (one) => `"${one.variant}" does not do what was hoped for: ${comparedText(one)}.`,
  open: (one) => `"${one.variant}" shows no difference that is beyond chance: ${comparedText(one)}.`,
  'not measured': (one, why) => `"${one.variant}" was not measured: ${why} has too few values.`,
}

function reasonOf(plan: ExperimentPlan, { primary, fate }: Fated, guardrails: readonly GuardrailResult[]): string {
  const states = { vetoed: ['broken'], unproven: ['open'], 'not measured': ['not measured'] } as const
  const wanted: readonly string[] = fate in states ? states[fate as keyof typeof states] : []
  const named = guardrails
    .filter(({ variant, state }) => variant === primary.variant && wanted.includes(state))
    .map(({ metric, margin, compared }) => `the guardrail ${metric} (${comparedText(compared)}; allowed is ${margin})`)
  const why = named.length > 0 ? named.join(', ') : primary.metric
  const p = primary.adjusted === null ? '' : ` ${pText(primary.adjusted)} by ${primary.method}.`
  const { control } = primary.value
  const excluded =
    fate === 'too small' && control !== null
      ? ` An effect to ${valueText(primary, wantedValue(plan, control))} or beyond is excluded.`
      : ''
  return `${sentences[fate](primary, why)}${p}${excluded}`
}

const nexts: Record<Fate, (variant: string) => string> = {
  ships: (variant) => `Roll "${variant}" out (\`aigate canary\` watches over it), then remove the flag.`,
  unproven: (variant) =>
    `Decide who answers for the open guardrail of "${variant}", or plan a longer experiment with that guardrail as its primary.`,
  vetoed: (variant) => `Mend what "${variant}" breaks; then a new experiment, with a new name.`,
  worse: (variant) => `Drop "${variant}".`,
  'too small': (variant) =>
    `Drop "${variant}", unless it is wanted for another reason: its effect is not what was hoped for.`,
  open: (variant) =>
    `Keep the control. If a smaller effect of "${variant}" would be worth it, plan a longer experiment for that effect; do not extend this one.`,
  'not measured': (variant) => `See to it that the events of "${variant}" have every metric, and start anew.`,
}

/** Better is shipped; the greatest effect wins where several are. Otherwise: undecided if one of them is, else no. */
export function answerOf(
  plan: ExperimentPlan,
  fates: readonly Fated[],
  guardrails: readonly GuardrailResult[],
): Answer {
  const all = fates.map((one) => ({ ...one, reason: reasonOf(plan, one, guardrails) }))
  const size = ({ ratio, difference }: Compared) =>
    Math.abs(ratio ? Math.log(ratio.estimate) : (difference?.estimate ?? 0))
  const shipping = all.filter(({ fate }) => fate === 'ships').sort((a, b) => size(b.primary) - size(a.primary))
  const [best] = shipping
  const has = (...wanted: Fate[]) => all.find(({ fate }) => wanted.includes(fate))
  const leading =
    best ?? has('not measured') ?? has('unproven') ?? has('open') ?? has('vetoed') ?? has('worse', 'too small')
  const outcome = best ? 'pass' : has('not measured') ? 'invalid' : has('unproven', 'open') ? 'inconclusive' : 'fail'
  const rest = shipping.length - 1
  return {
    outcome,
    answer: leading?.reason ?? 'There is no variant besides the control.',
    winner: best?.primary.variant ?? null,
    reasons: all.map(({ reason }) => reason),
    next: [
      ...(best ? [nexts.ships(best.primary.variant)] : []),
      ...(rest > 0 ? ['The other variants that are better were compared with the control, not with this one.'] : []),
      ...all.filter(({ fate }) => fate !== 'ships').map(({ fate, primary }) => nexts[fate](primary.variant)),
    ],
  }
}
