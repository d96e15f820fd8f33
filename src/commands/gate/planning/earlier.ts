// What earlier runs tell of the next one: tokens, calls, prices and latencies of the same model with the same suite.
import type { Tokens } from '../../../decide/plan/spending.ts'
import type { LoadedSuite } from '../../../ports.ts'
import type { CaseFigures, Figures, Sum } from '../../../store/run-figures.ts'

/** Means by case, and over all; null: never seen. */
export type Earlier = {
  tokens: ReadonlyMap<string, Tokens>
  calls: ReadonlyMap<string, number>
  /** Of a simulated user. */
  userCalls: ReadonlyMap<string, number>
  userCost: number | null
  paid: number | null
  ms: number | null
}

/** The tokens, prices and latencies of another model say nothing. */
export function earlierOf({ suites }: Figures, { suite, target }: LoadedSuite): Earlier {
  const model = target.kind === 'prompt' ? target.model.pin.id : undefined
  const own = suites.find((one) => one.suite === suite.suite && one.kind === target.kind && one.model === model)
  const cases = [...(own?.cases ?? [])]
  const by = (of: keyof CaseFigures) =>
    new Map(
      cases.flatMap(([id, one]): [string, number][] => (one[of].count > 0 ? [[id, one[of].sum / one[of].count]] : [])),
    )
  const over = (of: keyof CaseFigures) => meanOf(cases.map(([, one]) => one[of]))
  const output = by('output')
  return {
    tokens: new Map([...by('input')].map(([id, input]) => [id, { input, output: output.get(id) ?? 0 }])),
    calls: by('calls'),
    userCalls: by('userCalls'),
    userCost: over('userCost'),
    paid: over('cost'),
    ms: over('ms'),
  }
}

/** The mean tokens of one question to a judge that the same model answered before; null: none did. */
export function judgeTokens({ judges }: Figures, judge: string, model: string): Tokens | null {
  const own = judges.get(judge)
  if (own?.model !== model || own.calls === 0 || own.input + own.output === 0) return null
  return { input: own.input / own.calls, output: own.output / own.calls }
}

function meanOf(sums: readonly Sum[]): number | null {
  const count = sums.reduce((all, one) => all + one.count, 0)
  return count === 0 ? null : sums.reduce((all, one) => all + one.sum, 0) / count
}
