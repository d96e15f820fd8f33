// The gate on the form of answers: do enough of them parse and fit the schema that was asked for?
import type { CaseTally } from '../../schema/baseline.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import { populationRate, suiteRate } from '../../statistics/suite-rate.ts'
import { counted, intervalText, percent } from '../words.ts'
import { type Gates, interval, result } from './gate.ts'
import { absoluteProof, settled } from './increase.ts'
import type { Look } from './look.ts'

/** The gate `valid_output`; none when the policy asks for none. Cases count alike, however often each was asked. */
export function validOutputGates(input: { tallies: readonly CaseTally[]; policy: GatePolicy; look: Look }): Gates {
  const { tallies, policy, look } = input
  const min = policy.valid_output?.min
  if (min === undefined) return { gates: [], warnings: [] }
  const counts = tallies.flatMap(({ forms }) => (forms ? [{ passes: forms.valid, trials: forms.of }] : []))
  const base = {
    id: 'valid_output',
    kind: 'valid_output' as const,
    limit: min,
    unit: 'share' as const,
    n: counts.length,
    test: min >= 1 ? 'every answer' : 'Wilson at effective size',
  }
  if (counts.length === 0) {
    const sentence =
      'Whether the output is valid is unknown: no answer was checked. Write `output` into the prompt or `response_format` into the target.'
    return { gates: [{ result: result({ ...base, outcome: 'invalid', sentence }), open: false }], warnings: [] }
  }
  const of = counts.reduce((sum, { trials }) => sum + trials, 0)
  const valid = counts.reduce((sum, { passes }) => sum + passes, 0)
  const rateAt = (level: number) => (policy.scope === 'population' ? populationRate : suiteRate)(counts, level)
  const { estimate } = rateAt(look.passLevel)
  const { proof, bounds, level } = absoluteProof(look, rateAt, {
    // A floor of 1 is no rate but a rule: one broken answer breaks it, and without any it holds.
    broken: ({ high }) => (min >= 1 ? valid < of : high < min),
    kept: ({ low }) => min >= 1 || low >= min,
  })
  const range = interval(bounds, level, [0, 1])
  const { outcome, open, says } = settled(proof, estimate < min, policy.burden)
  const between = range && min < 1 ? ` (${intervalText(range, percent)})` : ''
  const seen = `Valid output in ${valid} of ${counted(of, 'answer')}, ${percent(estimate)}${between}, floor ${percent(min)}`
  const needed = proof === 'open' ? 'More trials or more cases.' : null
  return {
    gates: [
      { result: result({ ...base, outcome, estimate, interval: range, sentence: `${seen}. ${says}`, needed }), open },
    ],
    warnings: [],
  }
}
