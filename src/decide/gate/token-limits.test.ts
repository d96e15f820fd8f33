// Warnings on token limits before anything is asked, from what an earlier run took.
import { describe, expect, it } from 'vitest'
import { contextWindow } from '../../run/context-window.ts'
import type { Run } from '../../schema/run.ts'
import { Case } from '../../schema/suite.ts'
import { limitsTokens, tokenWarnings } from './token-limits.ts'

const planned = (id: string, assert: unknown[]) => ({ case: Case.parse({ id, assert }), info: { id } })
const run = (tokens: Record<string, [input: number, output: number]>) =>
  ({
    header: { id: 'r1', cases: Object.keys(tokens).map((id) => ({ id })) },
    observations: Object.entries(tokens).map(([id, [input_tokens, output_tokens]]) => ({
      case: id,
      completion: { usage: { input_tokens, output_tokens } },
    })),
  }) as unknown as Run

describe('tokenWarnings', () => {
  const cases = [
    planned('over', [{ prompt_tokens: { max: 100 } }, { completion_tokens: 10 }]),
    planned('near', [{ prompt_tokens: 100 }]),
    planned('well', [{ prompt_tokens: 100 }, { prompt_tokens: 5000 }]),
    planned('free', [{ contains: 'x' }]),
    planned('new', [{ prompt_tokens: 1 }]),
  ]
  const before = run({ over: [101, 11], near: [95, 1], well: [90, 1], free: [9000, 1] })
  it('says who went beyond a limit and who came near to it', () => {
    expect(tokenWarnings(cases, before)).toEqual([
      'prompt_tokens: 1 case went beyond the limit in run r1: over.',
      'prompt_tokens: 1 case came near to the limit in run r1: near.',
      'completion_tokens: 1 case went beyond the limit in run r1: over.',
    ])
    expect(tokenWarnings(cases, before, 8192).at(-1)).toMatch(/1 case filled more than 90 % of the 8192 tokens.*free/)
    expect(tokenWarnings(cases, run({ well: [90, 1] }), 8192)).toEqual([])
  })
  it('looks only where there is a limit', () => {
    expect(limitsTokens(cases)).toBe(true)
    expect(limitsTokens([planned('free', [{ contains: 'x' }, { prompt_tokens: { min: 1 } }])])).toBe(false)
  })
})

it('a context window is that of the list, or unknown', async () => {
  expect(await contextWindow({ id: 'gpt-4o', provider: 'openai' })).toBe(128_000)
  expect(await contextWindow({ id: 'of-our-own', provider: 'house' })).toBeUndefined()
})
