// rubric: a judge gives the answer a score for criteria in words, on a scale with anchors.
import type { AssertionPlugin } from '../../ports.ts'
import { judgedThresholds } from '../../schema/assertion.ts'
import { askPanel, listed, questionOf, textUnderTest } from './panel.ts'
import { type Scale, scaleOf, scaleText, scoredBallot } from './scored.ts'

const usual: Scale = [
  [1, 'does not meet the criteria at all'],
  [2, 'meets little of them; serious faults'],
  [3, 'meets part of them; a fault that matters'],
  [4, 'meets them, with small faults'],
  [5, 'meets them fully'],
]

export const rubric: AssertionPlugin<'rubric'> = {
  deterministic: false,
  async grade(args, subject, tools) {
    const written = typeof args === 'string' ? { criteria: args } : args
    const scale = 'scale' in written && written.scale ? scaleOf(written.scale) : usual
    const question = 'question' in written ? written.question : undefined
    const told = { criteria: listed(written.criteria), scale: scaleText(scale) }
    const data = { question: questionOf(question, subject), answer: textUnderTest(subject) }
    const result = await askPanel('rubric', written, tools, (judge, vote, by) =>
      scoredBallot({ judge, vote, tools: by }, scale, { prompt: 'rubric', case: subject.case.id, told, data }),
    )
    return { ...result, passed: result.score >= judgedThresholds.rubric }
  },
}
