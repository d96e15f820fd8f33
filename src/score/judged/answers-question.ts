// answers_question: a judge says how far the answer answers what was asked, whether it is right or not.
import type { AssertionPlugin } from '../../ports.ts'
import { judgedThresholds } from '../../schema/assertion.ts'
import { askPanel, questionOf, textUnderTest } from './panel.ts'
import { type Scale, scaleText, scoredBallot } from './scored.ts'

const scale: Scale = [
  [1, 'does not answer it: another subject, a refusal, a question back without need, or nothing'],
  [2, 'touches it, and leaves out the main point'],
  [3, 'answers part of it'],
  [4, 'answers it; something asked for is missing or buried in what was not asked'],
  [5, 'answers all of it, directly'],
]

export const answersQuestion: AssertionPlugin<'answers_question'> = {
  deterministic: false,
  async grade(args, subject, tools) {
    const written = args === true ? {} : args
    const question = questionOf(written.question, subject)
    if (question.trim() === '') throw new Error('it is not known what was asked; write `question`')
    const data = { question, answer: textUnderTest(subject) }
    const told = { scale: scaleText(scale) }
    const result = await askPanel('answers_question', written, tools, (judge, vote, by) =>
      scoredBallot({ judge, vote, tools: by }, scale, {
        prompt: 'answers_question',
        case: subject.case.id,
        told,
        data,
      }),
    )
    return { ...result, passed: result.score >= judgedThresholds.answers_question }
  },
}
