// latency, time_to_first_token, cost: what the answer may take.
import type { AssertionPlugin } from '../ports.ts'

export const latency: AssertionPlugin<'latency'> = {
  deterministic: false,
  grade(limit, { completion }) {
    const { latency_ms } = completion
    if (latency_ms === undefined) throw new Error('how long this answer took is not known')
    const passed = latency_ms <= limit
    const reason = `took ${Math.round(latency_ms)} ms, at most ${limit} ms allowed`
    return { score: passed ? 1 : 0, passed, reason }
  },
}

export const timeToFirstToken: AssertionPlugin<'time_to_first_token'> = {
  deterministic: false,
  grade(limit, { completion: { first_token_ms } }) {
    if (first_token_ms === undefined) {
      throw new Error('the answer was not streamed; write `stream: true` in the params of the model')
    }
    const passed = first_token_ms <= limit
    const reason = `the first token took ${Math.round(first_token_ms)} ms, at most ${limit} ms allowed`
    return { score: passed ? 1 : 0, passed, reason }
  },
}

const dollars = (amount: number) => `$${Number(amount.toPrecision(3))}`

export const cost: AssertionPlugin<'cost'> = {
  deterministic: false,
  grade(limit, { completion }) {
    if (completion.cost_usd === undefined) {
      throw new Error('the cost of this answer is not known; give the model a `price` in aigate.yaml')
    }
    const passed = completion.cost_usd <= limit
    const reason = `cost ${dollars(completion.cost_usd)}, at most ${dollars(limit)} allowed`
    return { score: passed ? 1 : 0, passed, reason }
  },
}
