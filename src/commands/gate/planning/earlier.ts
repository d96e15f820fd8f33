// What earlier runs tell of the next one: tokens, calls, prices and latencies of the same model with the same suite.
import type { Tokens } from '../../../decide/plan/spending.ts'
import { snapshotTarget } from '../../../run/snapshot.ts'
import type { LoadedSuite } from '../../../ports.ts'
import type { Observation, Run } from '../../../schema/run.ts'

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
const sameModel = (one: Run['header']['target'], other: Run['header']['target']): boolean =>
  one.kind === other.kind && one.model?.id === other.model?.id

export function earlierOf(runs: readonly Run[], { suite, target }: LoadedSuite): Earlier {
  const snapshot = snapshotTarget(target)
  const own = runs.filter(({ header }) => header.suite === suite.suite && sameModel(header.target, snapshot))
  const seen = own.flatMap(({ observations }) => observations).filter(isMeasured)
  const input = meansOf(seen, ({ completion }) => completion.usage?.input_tokens)
  const output = meansOf(seen, ({ completion }) => completion.usage?.output_tokens)
  return {
    tokens: new Map([...input].map(([id, value]) => [id, { input: value, output: output.get(id) ?? 0 }])),
    calls: meansOf(seen, ({ completion }) => completion.conversation?.calls),
    userCalls: meansOf(seen, ({ completion }) => completion.conversation?.user?.calls),
    userCost: mean(seen.flatMap(({ completion }) => completion.conversation?.user?.cost_usd ?? [])),
    paid: mean(seen.flatMap(({ completion }) => completion.cost_usd ?? [])),
    ms: mean(seen.flatMap(({ completion }) => completion.latency_ms ?? [])),
  }
}

/** The mean tokens of one question to a judge that the same model answered before; null: none did. */
export function judgeTokens(runs: readonly Run[], judge: string, model: string): Tokens | null {
  let [calls, input, output] = [0, 0, 0]
  for (const { header, observations } of runs) {
    if (header.judging?.judges[judge]?.model.id !== model) continue
    for (const { judged } of observations.flatMap(({ scores }) => scores)) {
      // Of a jury nobody knows whose tokens they were.
      if (!judged || judged.votes.some((vote) => vote.judge !== judge)) continue
      calls += judged.calls + judged.replayed
      input += judged.input_tokens
      output += judged.output_tokens
    }
  }
  return calls === 0 || input + output === 0 ? null : { input: input / calls, output: output / calls }
}

const isMeasured = ({ completion: { outcome } }: Observation): boolean => outcome !== 'error' && outcome !== 'timeout'

function meansOf(seen: readonly Observation[], of: (one: Observation) => number | undefined): Map<string, number> {
  const sums = new Map<string, { sum: number; count: number }>()
  for (const one of seen) {
    const value = of(one)
    if (value === undefined) continue
    const sum = sums.get(one.case) ?? { sum: 0, count: 0 }
    sums.set(one.case, { sum: sum.sum + value, count: sum.count + 1 })
  }
  return new Map([...sums].map(([id, { sum, count }]) => [id, sum / count]))
}

export const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
