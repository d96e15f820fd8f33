// compare: a judge says which answer is better, ours or the baseline's. It is asked in both orders, so that a liking for the
// first place ends in a tie (Zheng et al., arXiv:2306.05685, §3.4).
import type { AssertionPlugin, JudgeTools } from '../../ports.ts'
import { judgedThresholds } from '../../schema/assertion.ts'
import { type JudgeRecord, NOBODY } from '../../schema/judge.ts'
import { show } from '../reason.ts'
import {
  askPanel,
  type Ballot,
  listed,
  objectOf,
  objectSchema,
  questionOf,
  reasonIn,
  textSchema,
  textUnderTest,
  type Vote,
} from './panel.ts'

const QUALITY = 'Overall quality: right, complete, clear, and no longer than it needs to be.'
/** Baselines keep so much of an answer; ours is cut alike. */
const LONGEST = 2000

const nothing: JudgeRecord = {
  votes: [{ judge: NOBODY, score: 0.5, reason: 'nothing to compare with', winner: 'tie' }],
  spread: 0,
  calls: 0,
  replayed: 0,
  input_tokens: 0,
  output_tokens: 0,
  cost_usd: 0,
}

export const compare: AssertionPlugin<'compare'> = {
  deterministic: false,
  async grade(args, subject, tools) {
    const written = args === true ? {} : args
    const before = tools.baselineAnswer?.(subject.case.id) ?? { problem: 'there is no baseline to look at here' }
    if ('problem' in before) throw new Error(before.problem)
    if ('none' in before) return { score: 0.5, passed: true, reason: `a tie: ${before.none}`, judged: nothing }
    const ours = textUnderTest(subject)
    const cut = before.text.length > LONGEST && ours.length > LONGEST
    const texts = { ours: cut ? `${ours.slice(0, LONGEST)}…` : ours, other: before.text }
    const told = { criteria: listed(written.criteria ?? QUALITY) }
    const asked = { told, question: questionOf(written.question, subject), case: subject.case.id }
    const result = await askPanel('compare', written, tools, (judge, vote, by) =>
      bothOrders({ judge, vote, tools: by }, texts, asked),
    )
    return { ...result, passed: result.score >= judgedThresholds.compare }
  },
}

type By = { judge: string; vote: number; tools: JudgeTools }
type Texts = { ours: string; other: string }
type Asked = { told: Readonly<Record<string, string>>; question: string; case: string }

const worth = { ours: 1, tie: 0.5, other: 0 } as const
const shown = { ours: 'better than the baseline', tie: 'a tie', other: 'worse than the baseline' } as const

async function bothOrders(by: By, texts: Texts, asked: Asked): Promise<Ballot> {
  if (texts.ours === texts.other) {
    const reason = 'both answers are the same text'
    return {
      score: 0.5,
      shown: shown.tie,
      votes: [{ judge: by.judge, score: 0.5, reason, winner: 'tie' }],
      answers: [],
    }
  }
  const orders = ['ours first', 'ours second'] as const
  const two = await Promise.all(orders.map((order) => oneOrder(by, order, texts, asked)))
  const score = two.reduce((sum, { vote }) => sum + vote.score, 0) / two.length
  const said = two.map(({ vote }) => shown[vote.winner ?? 'tie'])
  const apart = said[0] !== said[1]
  return {
    score,
    shown: apart ? `${said.join(' in one order, ')} in the other` : (said[0] ?? ''),
    votes: two.map(({ vote }) => vote),
    answers: two.map(({ given }) => given),
  }
}

async function oneOrder(
  { judge, vote, tools }: By,
  order: 'ours first' | 'ours second',
  { ours, other }: Texts,
  { told, question, case: id }: Asked,
) {
  const [first, second] = order === 'ours first' ? [ours, other] : [other, ours]
  const answer = objectSchema({
    reason: textSchema('What each does better, before the winner'),
    winner: { type: 'string', enum: ['first', 'second', 'tie'] },
  })
  const data = { question, first, second }
  const given = await tools.ask(judge, vote, { prompt: 'compare', case: id, told, data, answer })
  const value = objectOf(given.value)
  const reason = reasonIn(value)
  const place = value['winner']
  if (place !== 'first' && place !== 'second' && place !== 'tie')
    throw new Error(`the judge named the winner ${show(place)}, which is none`)
  const winner = place === 'tie' ? 'tie' : (place === 'first') === (order === 'ours first') ? 'ours' : 'other'
  const cast: Vote = { judge, score: worth[winner], reason, order, winner }
  return { vote: cast, given }
}
