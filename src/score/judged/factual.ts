// factual: a judge says how the facts of the answer stand to those of a reference. The scores are those of the fact check
// that OpenAI's evals and Braintrust's autoevals use.
import type { AssertionPlugin, JudgeTools } from '../../ports.ts'
import { judgedThresholds } from '../../schema/assertion.ts'
import { canonical } from '../answer.ts'
import { show } from '../reason.ts'
import {
  askPanel,
  type Ballot,
  objectOf,
  objectSchema,
  questionOf,
  reasonIn,
  textSchema,
  textUnderTest,
} from './panel.ts'

const relations = {
  same: { score: 1, shown: 'the same facts' },
  immaterial: { score: 1, shown: 'differences that do not matter' },
  adds: { score: 0.6, shown: 'adds facts' },
  lacks: { score: 0.4, shown: 'lacks facts' },
  contradicts: { score: 0, shown: 'contradicts' },
} as const

export const factual: AssertionPlugin<'factual'> = {
  deterministic: false,
  async grade(args, subject, tools) {
    const data = {
      question: questionOf(args.question, subject),
      reference: canonical(args.reference),
      answer: textUnderTest(subject),
    }
    const result = await askPanel('factual', args, tools, (judge, vote, by) =>
      ballot({ judge, vote, tools: by }, subject.case.id, data),
    )
    return { ...result, passed: result.score >= judgedThresholds.factual }
  },
}

async function ballot(
  { judge, vote, tools }: { judge: string; vote: number; tools: JudgeTools },
  id: string,
  data: Readonly<Record<string, string>>,
): Promise<Ballot> {
  const answer = objectSchema({
    reason: textSchema('Which facts agree, which do not, before the relation'),
    relation: { type: 'string', enum: Object.keys(relations) },
  })
  const given = await tools.ask(judge, vote, { prompt: 'factual', case: id, told: {}, data, answer })
  const value = objectOf(given.value)
  const reason = reasonIn(value)
  const { relation } = value
  if (typeof relation !== 'string' || !Object.hasOwn(relations, relation))
    throw new Error(`the judge answered the relation ${show(relation)}, which is none`)
  const { score, shown } = relations[relation as keyof typeof relations]
  return { score, shown, votes: [{ judge, score, reason }], answers: [given] }
}
