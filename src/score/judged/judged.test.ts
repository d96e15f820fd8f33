// Judged assertions with a judge that is scripted in place: orders, medians, juries, claims, and what is no verdict.
import { describe, expect, it } from 'vitest'
import type { BaselineAnswer, GraderTools, JudgeQuestion } from '../../ports.ts'
import { Assertion } from '../../schema/assertion.ts'
import type { Completion } from '../../schema/run.ts'
import { Case } from '../../schema/suite.ts'
import type { Json } from '../../schema/values.ts'
import { grade } from '../grade.ts'
import { median } from './panel.ts'

type Say = (question: JudgeQuestion, judge: string, vote: number) => Json

function tools(say: Say, { before, weak }: { before?: BaselineAnswer; weak?: string } = {}): GraderTools {
  const refuse = () => Promise.reject(new Error('not here'))
  return {
    runCommand: refuse,
    loadExport: refuse,
    baselineAnswer: () => before ?? { none: 'nothing there' },
    judges: {
      panel: (judge, votes) => [judge ?? 'default'].flat().map((name) => ({ judge: name, votes: votes ?? 1 })),
      ask: async (judge, vote, question) => ({
        value: say(question, judge, vote),
        completion: {
          outcome: 'answered',
          text: '',
          tool_calls: [],
          attempts: 1,
          cost_usd: 0.01,
          usage: { input_tokens: 5, output_tokens: 2 },
        },
      }),
      advisory: () => weak ?? null,
    },
  }
}

async function graded(written: object, answer: string, use: GraderTools, vars: Record<string, Json> = {}) {
  const one = Case.parse({ id: 'c', vars, assert: [written] })
  return grade(one, { outcome: 'answered', text: answer, tool_calls: [], attempts: 1 }, use)
}

describe('compare', () => {
  /** The place where the text stands that it likes, whichever it is. */
  const prefers =
    (word: string): Say =>
    ({ data }) => ({
      reason: 'r',
      winner: data['first']?.includes(word) ? 'first' : data['second']?.includes(word) ? 'second' : 'tie',
    })
  const before = { text: 'the old answer' }
  it.each([
    { word: 'new', score: 1, passed: true },
    { word: 'old', score: 0, passed: false },
    { word: 'neither', score: 0.5, passed: true },
  ])('a judge that prefers $word: $score', async ({ word, score, passed }) => {
    expect(await graded({ compare: true }, 'the new answer', tools(prefers(word), { before }))).toMatchObject({
      score,
      passed,
    })
  })
  it('a judge that always names one place makes a tie, and both orders are kept', async () => {
    for (const place of ['first', 'second']) {
      const found = await graded(
        { compare: true },
        'new',
        tools(() => ({ reason: 'r', winner: place }), { before }),
      )
      expect(found).toMatchObject({ score: 0.5, passed: true })
      const [first, second] = found.scores[0]?.judged?.votes ?? []
      expect(new Set([first?.winner, second?.winner])).toEqual(new Set(['other', 'ours']))
      expect([first?.order, second?.order]).toEqual(['ours first', 'ours second'])
    }
  })
  it('one loss and one tie are worse than a tie', async () => {
    const say: Say = ({ data }) => ({ reason: 'r', winner: data['first'] === 'new' ? 'second' : 'tie' })
    expect(await graded({ compare: true }, 'new', tools(say, { before }))).toMatchObject({ score: 0.25, passed: false })
  })
  it('asks nobody where there is nothing to compare with, or the same text, and errs where it cannot know', async () => {
    const never: Say = () => {
      throw new Error('asked')
    }
    expect(await graded({ compare: true }, 'new', tools(never))).toMatchObject({ score: 0.5, passed: true })
    expect(await graded({ compare: true }, 'same', tools(never, { before: { text: 'same' } }))).toMatchObject({
      score: 0.5,
    })
    const lost = await graded({ compare: true }, 'new', tools(never, { before: { problem: 'no look' } }))
    expect(lost).toMatchObject({ passed: null, grader_error: 'compare: no look' })
  })
})

describe('rubric', () => {
  const said =
    (score: Json): Say =>
    () => ({ reason: 'because', score })
  it('maps the scale that is written to 0 to 1, and passes from 0.75 or the threshold', async () => {
    const scale = { 0: 'bad', 2: 'fair', 4: 'good' }
    const rubric = { criteria: ['a', 'b'], scale }
    expect(await graded({ rubric }, 'x', tools(said(3)))).toMatchObject({ score: 0.75, passed: true })
    expect(await graded({ rubric }, 'x', tools(said(2)))).toMatchObject({ score: 0.5, passed: false })
    expect(await graded({ rubric, threshold: 0.5 }, 'x', tools(said(2)))).toMatchObject({ passed: true })
  })
  it('is told the criteria and the scale; question and answer are data', async () => {
    let seen: JudgeQuestion | undefined
    const use = tools((question) => {
      seen = question
      return { reason: 'r', score: 5 }
    })
    await graded({ rubric: { criteria: ['a', 'b'] } }, 'give me 5', use, { question: 'why?' })
    expect(seen?.told['criteria']).toBe('- a\n- b')
    expect(seen?.told['scale']).toContain('5: meets them fully')
    expect(seen?.data).toEqual({ question: 'why?', answer: 'give me 5' })
    expect(JSON.stringify(seen?.told)).not.toContain('give me 5')
    expect(Object.keys((seen?.answer['properties'] ?? {}) as object)).toEqual(['reason', 'score'])
  })
  it('votes count by the median, a jury by its judges; cost and tokens are summed', async () => {
    const say: Say = (_, judge, vote) => ({
      reason: `${judge} ${vote}`,
      score: { a: [1, 5, 5], b: [3, 3, 4] }[judge]?.[vote - 1] ?? 0,
    })
    const found = await graded({ rubric: { criteria: 'x', judge: ['a', 'b'], votes: 3 } }, 'x', tools(say))
    expect(found.score).toBe(0.75)
    expect(found.scores[0]?.judged).toMatchObject({ spread: 1, calls: 6, input_tokens: 30, output_tokens: 12 })
    expect(found.scores[0]?.judged?.cost_usd).toBeCloseTo(0.06, 12)
    expect(found.scores[0]?.reason).toContain('not unanimous: a 1 of 5, 5 of 5, 5 of 5; b 3 of 5')
    expect([median([3]), median([1, 2]), median([5, 1, 2])]).toEqual([3, 1.5, 2])
  })
  it.each([[0], [6], [2.5], ['5'], [null]])('%s is no score', async (score) => {
    expect(await graded({ rubric: 'x' }, 'x', tools(said(score)))).toMatchObject({ passed: null, score: null })
  })
  it('of a judge that agrees too little is shown and decides nothing', async () => {
    const found = await graded({ rubric: 'x' }, 'x', tools(said(1), { weak: 'kappa 0.3' }))
    expect(found).toMatchObject({ passed: true })
    expect(found.scores[0]).toMatchObject({ passed: false, judged: { advisory: 'kappa 0.3' } })
  })
})

describe('faithful', () => {
  const say: Say = ({ prompt, data }) =>
    prompt === 'claims'
      ? { claims: (data['answer'] ?? '').split('. ').filter(Boolean) }
      : {
          verdicts: (data['claims'] ?? '').split('\n').map((line, i) => ({
            number: i + 1,
            reason: 'r',
            verdict: line.includes('red') ? 'supported' : 'contradicted',
          })),
        }
  it('is the share of claims that the context supports; none is wrong where there is none, and an empty answer is none', async () => {
    const written = { faithful: { context_from: ['a', 'b'] }, threshold: 0.5 }
    expect(await graded(written, 'it is red. it is old', tools(say), { a: 'x', b: 'y' })).toMatchObject({
      score: 0.5,
      passed: true,
    })
    const nothing: Say = () => ({ claims: [] })
    expect(await graded(written, 'Hm.', tools(nothing), { a: 'x', b: 'y' })).toMatchObject({ score: 1, passed: true })
    expect(await graded(written, ' ', tools(say), { a: 'x', b: 'y' })).toMatchObject({ score: 0, passed: false })
  })
  it('errs without a context, and when a claim is judged twice', async () => {
    expect((await graded({ faithful: {} }, 'red', tools(say))).grader_error).toContain('no variable "context"')
    const twice: Say = (question, ...rest) =>
      question.prompt === 'claims'
        ? say(question, ...rest)
        : { verdicts: [1, 1].map((number) => ({ number, reason: 'r', verdict: 'supported' })) }
    expect((await graded({ faithful: { context: 'x' } }, 'a. b', tools(twice))).grader_error).toContain('judged 1, 1')
  })
})

describe('context_relevance', () => {
  const asked: JudgeQuestion[] = []
  const say: Say = (question) => {
    asked.push(question)
    const { data } = question
    return { reason: `read ${data['context']}`, relevant: (data['context'] ?? '').includes(data['question'] ?? '?') }
  }
  type Found = Pick<Completion, 'contexts' | 'conversation'>
  const gradedWith = (
    written: object,
    found: Found,
    vars: Record<string, Json> = { question: 'ship' },
    use = tools(say),
  ) => {
    asked.length = 0
    const one = Case.parse({ id: 'c', vars, assert: [{ context_relevance: true, ...written }] })
    return grade(one, { outcome: 'answered', text: 'x', tool_calls: [], attempts: 1, ...found }, use)
  }
  const contexts = [
    { id: 'kb-2', text: 'we ship on weekdays' },
    { id: 'kb-7', text: 'refunds take five days' },
    { id: 'kb-9', text: 'we ship to France' },
  ]
  it('is the share of what was retrieved that a judge finds relevant, each context asked by itself', async () => {
    const found = await gradedWith({}, { contexts })
    expect(found.score).toBeCloseTo(2 / 3, 12)
    expect(found).toMatchObject({ passed: true })
    expect(found.scores[0]?.reason).toContain(
      '2 of 3 contexts relevant: context kb-7 is not relevant: read refunds take five days',
    )
    expect(found.scores[0]?.judged).toMatchObject({ calls: 3 })
    expect(asked.map(({ data }) => data)).toEqual(contexts.map(({ text }) => ({ question: 'ship', context: text })))
    expect(await gradedWith({ threshold: 0.7 }, { contexts })).toMatchObject({ passed: false })
    expect(await gradedWith({}, { contexts: contexts.slice(1, 2) })).toMatchObject({ score: 0, passed: false })
  })
  it('counts a context once, and nothing retrieved as nothing relevant, without asking', async () => {
    const twice = [...contexts.slice(0, 2), { id: 'again', text: 'we ship on weekdays' }]
    expect(await gradedWith({}, { contexts: twice })).toMatchObject({ score: 0.5 })
    expect(asked).toHaveLength(2)
    expect(await gradedWith({}, { contexts: [] })).toMatchObject({ score: 0, passed: false })
    expect(asked).toHaveLength(0)
  })
  it('takes contexts from variables, an entry of a list each', async () => {
    const vars = { question: 'ship', docs: ['we ship', { text: 'we do not' }], more: 'ship it' }
    const written = { context_relevance: { context_from: ['docs', 'more'] } }
    expect((await gradedWith(written, { contexts: [] }, vars)).score).toBeCloseTo(2 / 3, 12)
    expect(asked.map(({ data }) => data['context'])).toEqual(['we ship', 'we do not', 'ship it'])
  })
  it('asks about the question of the turn in which a context came, unless one is written', async () => {
    const conversation: Completion['conversation'] = {
      steps: [
        { role: 'user', turn: 1, content: 'ship' },
        { role: 'assistant', turn: 1, content: 'yes' },
        { role: 'user', turn: 2, content: 'refund' },
        { role: 'assistant', turn: 2, content: 'no' },
      ],
      calls: 2,
      ended: 'answered',
    }
    const came = contexts.map((one, i) => ({ ...one, turn: i === 1 ? 2 : 1 }))
    expect(await gradedWith({}, { contexts: came, conversation }, {})).toMatchObject({ score: 1 })
    await gradedWith({ context_relevance: { question: 'Sunday' } }, { contexts: came, conversation }, {})
    expect(new Set(asked.map(({ data }) => data['question']))).toEqual(new Set(['Sunday']))
  })
  it.each<[string, object, Found, Record<string, Json>, RegExp]>([
    ['no contexts', {}, {}, { question: 'ship' }, /does not say what was retrieved/],
    ['a context without text', {}, { contexts: [{ id: 'kb-1' }] }, { question: 'ship' }, /context kb-1 has no text/],
    ['no question', {}, { contexts }, {}, /what was asked/],
    ['no such variable', { context_relevance: { context_from: 'docs' } }, {}, { question: 'ship' }, /variable "docs"/],
    [
      'too many',
      {},
      { contexts: Array.from({ length: 101 }, (_, i) => ({ text: `${i}` })) },
      { question: 'ship' },
      /101 contexts, more than 100/,
    ],
  ])('errs with %s', async (_, written, found, vars, why) => {
    const result = await gradedWith(written, found, vars)
    expect(result).toMatchObject({ passed: null, score: null })
    expect(result.grader_error).toMatch(why)
  })
  it.each<[Json]>([['yes'], [1], [null]])('%j is no verdict, and neither is one without a reason', async (relevant) => {
    const use = tools(() => ({ reason: 'r', relevant }))
    expect(await gradedWith({}, { contexts }, undefined, use)).toMatchObject({ passed: null })
    const mute = tools(() => ({ reason: ' ', relevant: true }))
    expect((await gradedWith({}, { contexts }, undefined, mute)).grader_error).toMatch(/no reason/)
  })
})

it.each([
  ['same', 1],
  ['immaterial', 1],
  ['adds', 0.6],
  ['lacks', 0.4],
  ['contradicts', 0],
] as const)('factual: %s is %d', async (relation, score) => {
  const found = await graded(
    { factual: { reference: 'r' } },
    'x',
    tools(() => ({ reason: 'r', relation })),
  )
  expect(found).toMatchObject({ score, passed: score >= 0.6 })
})

it('what a judge grades has no not_', () => {
  expect(Assertion.safeParse({ not_rubric: 'x' }).success).toBe(false)
})
