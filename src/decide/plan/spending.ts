// What one part of a run asks, uses, costs and lasts: from counts, earlier answers and list prices.
import type { PlannedPart, Spending } from '../../schema/run-plan.ts'

export type Tokens = { input: number; output: number }

/** Of one case. `least`, `most`: answers still to be asked for, in the least and in the most passes. */
export type AskedCase = {
  id: string
  least: number
  most: number
  /** Calls of one answer: a conversation is several. */
  calls: { least: number; most: number }
  /** Of one answer of so many calls, estimated; null: nothing to estimate it from. */
  estimate: { least: Tokens; most: Tokens } | null
}

/** Who is asked, about which cases, and what is known of that beforehand. */
export type PartFacts = Pick<PlannedPart, 'what' | 'provider' | 'model'> & {
  cases: readonly AskedCase[]
  /** Mean tokens of earlier answers, by case. */
  measured: ReadonlyMap<string, Tokens>
  /** Mean milliseconds of an answer. */
  latency: { ms: number; from: 'runs' | 'baseline' } | null
  /** US dollars of so many tokens; null: no price is known. */
  price: (tokens: Tokens) => number | null
  /** Mean US dollars of earlier answers; null: none told. */
  paid: number | null
  limits: { concurrency: number; rpm?: number | undefined; tpm?: number | undefined }
  /** Asked beside the answers, which its time hides: only its ceilings count. */
  beside?: boolean | undefined
  /** Asked as a batch, whose time nobody knows. */
  batch?: boolean | undefined
}

export const NOTHING: Spending = { calls: 0, input_tokens: 0, output_tokens: 0, cost_usd: 0, duration_ms: 0 }

const plus = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b)

/** One after the other. null plus anything is null. */
export const add = (a: Spending, b: Spending): Spending => ({
  calls: a.calls + b.calls,
  input_tokens: plus(a.input_tokens, b.input_tokens),
  output_tokens: plus(a.output_tokens, b.output_tokens),
  cost_usd: plus(a.cost_usd, b.cost_usd),
  duration_ms: plus(a.duration_ms, b.duration_ms),
})

/** Side by side: the longest counts. */
export const beside = (all: readonly Spending[]): Spending => {
  const durations = all.map(({ duration_ms }) => duration_ms)
  const longest = durations.reduce<number | null>((a, b) => (a === null || b === null ? null : Math.max(a, b)), 0)
  return { ...all.reduce(add, NOTHING), duration_ms: longest }
}

/** The tokens of an answer and a prompt together; null: not known. */
export const tokensOf = ({ input_tokens, output_tokens }: Spending): number | null => plus(input_tokens, output_tokens)

/** What a part takes in the least, or in the most passes. */
export function spendingOf(part: PartFacts, passes: 'least' | 'most'): Spending {
  const { cases, measured, price, paid } = part
  let [answers, calls, input, output] = [0, 0, 0, 0]
  let cost: number | null = 0
  let counted = true
  for (const { id, estimate, calls: each, [passes]: open } of cases) {
    if (open === 0) continue
    const tokens = measured.get(id) ?? estimate?.[passes]
    answers += open
    calls += open * each[passes]
    if (tokens) {
      input += open * tokens.input
      output += open * tokens.output
    } else counted = false
    const one: number | null = (tokens && price(tokens)) ?? paid
    cost = cost === null || one === null ? null : cost + open * one
  }
  if (answers === 0) return NOTHING
  return {
    calls: Math.round(calls),
    input_tokens: counted ? Math.round(input) : null,
    output_tokens: counted ? Math.round(output) : null,
    cost_usd: cost,
    duration_ms: durationOf(part, { answers, calls, tokens: counted ? input + output : null }),
  }
}

function durationOf(
  { latency, limits, beside: hidden, batch }: PartFacts,
  { answers, calls, tokens }: { answers: number; calls: number; tokens: number | null },
): number | null {
  if (batch) return null
  const { concurrency, rpm, tpm } = limits
  const needs = [
    ...(latency && !hidden ? [Math.max(latency.ms, (answers * latency.ms) / concurrency)] : []),
    ...(rpm === undefined ? [] : [((calls - 1) / rpm) * 60_000]),
    // The first minute may be used up at once.
    ...(tpm === undefined || tokens === null ? [] : [Math.max(0, tokens / tpm - 1) * 60_000]),
  ]
  return latency || hidden ? Math.max(0, ...needs) : null
}
