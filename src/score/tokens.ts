// prompt_tokens, completion_tokens, history: how much is sent and answered, as the provider and the messages tell it.
import type { AssertionPlugin, Grade } from '../ports.ts'
import { countCharacters } from './length.ts'

type Bounds = number | { max?: number | undefined; min?: number | undefined }

function within(found: number, bounds: Bounds, what: string): Grade {
  const { max, min } = typeof bounds === 'number' ? { max: bounds, min: undefined } : bounds
  const limits = [
    ...(min === undefined ? [] : [`at least ${min} wanted`]),
    ...(max === undefined ? [] : [`at most ${max} allowed`]),
  ]
  const passed = found >= (min ?? 0) && found <= (max ?? Infinity)
  return { score: passed ? 1 : 0, passed, reason: `${found} ${what}, ${limits.join(', ')}` }
}

const untold = 'the provider does not tell how many tokens there were'

export const promptTokens: AssertionPlugin<'prompt_tokens'> = {
  deterministic: true,
  grade(bounds, { completion: { usage } }) {
    if (!usage) throw new Error(untold)
    return within(usage.input_tokens, bounds, 'prompt tokens')
  },
}

export const completionTokens: AssertionPlugin<'completion_tokens'> = {
  deterministic: true,
  grade(bounds, { completion: { usage } }) {
    if (!usage) throw new Error(untold)
    return within(usage.output_tokens, bounds, 'completion tokens')
  },
}

export const history: AssertionPlugin<'history'> = {
  deterministic: true,
  grade({ max_messages, max_characters }, { asked }) {
    if (!asked) throw new Error('the messages that were sent are not known')
    // In a conversation `asked` is all that had been said before the last answer.
    const said = asked.filter(({ role }) => role !== 'system' && role !== 'developer')
    const characters = asked.reduce((sum, { content }) => sum + countCharacters(content), 0)
    const grades = [
      ...(max_messages === undefined ? [] : [within(said.length, max_messages, 'messages')]),
      ...(max_characters === undefined ? [] : [within(characters, max_characters, 'characters')]),
    ]
    const bad = grades.find(({ passed }) => !passed)
    return bad ?? { score: 1, passed: true, reason: grades.map(({ reason }) => reason).join('; ') }
  },
}
