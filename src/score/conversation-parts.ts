// A conversation cut into what its assertions look at: each turn by itself, then the whole.
import type { Subject } from '../ports.ts'
import type { Step } from '../schema/conversation.ts'
import type { Completion } from '../schema/run.ts'
import type { Case, Message } from '../schema/suite.ts'

/** `prefix`: how the scores of this part are called, for example `turn 2: `. `unreached`: why there is nothing to look at. */
export type Part = { prefix: string; assert: Case['assert']; subject: Subject; unreached?: string }

/** A step as a message that can be sent, or shown to a judge. */
export const messageOf = ({ turn: _turn, name: _name, error: _error, ...message }: Step): Message => message

/**
 * What is graded: the answer of each turn that has assertions, and the last answer with all tool calls.
 * The assertions of a turn that was never reached fail, those too that an empty answer would pass: the conversation ended too early.
 */
export function partsOf(testCase: Case, completion: Completion, asked: readonly Message[] | undefined): Part[] {
  const steps = completion.conversation?.steps ?? []
  const turns = (testCase.turns ?? []).flatMap(({ assert }, index): Part[] => {
    if (assert.length === 0) return []
    const subject = {
      completion: turnOf(completion, index + 1),
      case: testCase,
      asked: askedIn(steps, index + 1, asked),
    }
    const part = { prefix: `turn ${index + 1}: `, assert, subject }
    const answered = completion.conversation
      ? steps.some(({ role, turn }) => role === 'assistant' && turn === index + 1)
      : index === 0
    return [answered ? part : { ...part, unreached: endOf(completion, index + 1) }]
  })
  const last = steps.reduce((most, { turn }) => Math.max(most, turn), 1)
  const whole = { completion, case: testCase, asked: askedIn(steps, last, asked) }
  return [...turns, { prefix: '', assert: testCase.assert, subject: whole }]
}

function endOf({ conversation }: Completion, turn: number): string {
  const why = conversation?.ended === 'max_steps' ? ': the model called tools until max_steps' : ''
  return `turn ${turn} was never answered${why}`
}

/** The completion as if this turn had been all: its last answer, its tool calls, what it retrieved. */
function turnOf(completion: Completion, turn: number): Completion {
  const { conversation, contexts } = completion
  // Without steps the whole is the only turn.
  if (conversation === undefined) return turn === 1 ? completion : { ...completion, text: '', tool_calls: [] }
  const steps = conversation.steps.filter((step) => step.turn === turn)
  const answers = steps.filter(({ role }) => role === 'assistant')
  return {
    ...completion,
    text: answers.at(-1)?.content ?? '',
    tool_calls: answers.flatMap(({ tool_calls = [] }) => tool_calls),
    conversation: { ...conversation, steps },
    ...(contexts && { contexts: contexts.filter((one) => one.turn === undefined || one.turn === turn) }),
  }
}

/** What had been said before the last answer of a turn was given. */
function askedIn(
  steps: readonly Step[],
  turn: number,
  asked: readonly Message[] | undefined,
): readonly Message[] | undefined {
  if (asked === undefined || steps.length === 0) return asked
  const end = steps.findLastIndex((step) => step.turn === turn && step.role === 'assistant')
  return [...asked, ...steps.slice(0, Math.max(0, end)).map(messageOf)]
}
