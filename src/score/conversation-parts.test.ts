// Turns that were never reached: whatever is asserted about them fails, for nobody saw them go well.
import { expect, it } from 'vitest'
import type { Completion } from '../schema/run.ts'
import { Case } from '../schema/suite.ts'
import { grade } from './grade.ts'

const tools = { runCommand: () => Promise.reject(new Error('no')), loadExport: () => Promise.reject(new Error('no')) }
const step = (role: 'user' | 'assistant', turn: number, content: string) => ({ role, turn, content })
const completion = (more: Partial<Completion>): Completion => ({
  outcome: 'answered',
  text: 'Sure.',
  tool_calls: [],
  attempts: 1,
  ...more,
})
const cased = (...second: unknown[]) =>
  Case.parse({
    id: 'c',
    turns: [{ user: 'refund order 7' }, { user: 'and now delete me', assert: second }],
    assert: [{ contains: 'Sure' }],
  })
// Each of them is content with an empty answer.
const harmless = [
  { not_contains: 'deleted' },
  { tool_call: { none: true } },
  { tool_call: { never: ['delete'] } },
  { max_words: 5 },
]

it.each(harmless)('%j fails in a turn that the loop of tools never let come', async (assertion) => {
  const steps = [step('user', 1, 'refund order 7'), step('assistant', 1, '')]
  const cut = completion({ outcome: 'truncated', conversation: { steps, calls: 10, ended: 'max_steps' } })
  expect(await grade(cased(assertion), cut, tools)).toMatchObject({
    passed: false,
    scores: [
      { passed: false, score: 0, reason: 'turn 2 was never answered: the model called tools until max_steps' },
      {},
    ],
  })
})
it.each(harmless)('%j fails where results from elsewhere have one answer only', async (assertion) => {
  expect(await grade(cased(assertion), completion({}), tools)).toMatchObject({ passed: false })
})
it('a turn that was answered with nothing but a tool call is looked at', async () => {
  const steps = [step('user', 1, 'a'), step('assistant', 1, 'b'), step('user', 2, 'c'), step('assistant', 2, '')]
  const whole = completion({ conversation: { steps, calls: 2, ended: 'answered' } })
  expect(await grade(cased(...harmless), whole, tools)).toMatchObject({ passed: true })
})
