// context_relevance: a judge says of each context by itself whether it helps to answer what was asked. The score is the share
// that does. Each context is a question of its own, so that no text can speak for its neighbours.
import type { AssertionPlugin, JudgeTools, Subject } from '../../ports.ts'
import { type AssertionArgs, judgedThresholds } from '../../schema/assertion.ts'
import { canonical } from '../answer.ts'
import { shorten, show } from '../reason.ts'
import { askPanel, type Ballot, objectOf, objectSchema, questionOf, reasonIn, textSchema } from './panel.ts'

type Args = Exclude<AssertionArgs<'context_relevance'>, true>
/** A context with what was asked when it was retrieved; `name`: what people know it by. */
type Piece = { name: string; text: string; question: string }

/** Each is a question to a judge: a retrieval that brings more is not to be graded by accident. */
const MOST_CONTEXTS = 100

export const contextRelevance: AssertionPlugin<'context_relevance'> = {
  deterministic: false,
  async grade(args, subject, tools) {
    const written = args === true ? {} : args
    const pieces = piecesOf(written, subject)
    const result = await askPanel('context_relevance', written, tools, (judge, vote, by) =>
      ballot({ judge, vote, tools: by }, subject.case.id, pieces),
    )
    return { ...result, passed: result.score >= judgedThresholds.context_relevance }
  },
}

/** Every context once for the same question, in its order. @throws Error when one of them cannot be judged */
function piecesOf(args: Args, subject: Subject): Piece[] {
  const all = args.context_from === undefined ? retrieved(args, subject) : given(args, subject)
  const pieces = [...new Map(all.map((one) => [JSON.stringify([one.question, one.text]), one])).values()]
  if (pieces.some(({ question }) => question.trim() === ''))
    throw new Error('it is not known what was asked; write `question`')
  if (pieces.length > MOST_CONTEXTS) throw new Error(`there are ${pieces.length} contexts, more than ${MOST_CONTEXTS}`)
  return pieces
}

/** What was retrieved, each for the question of its turn. */
function retrieved({ question }: Args, subject: Subject): Piece[] {
  const { contexts, conversation } = subject.completion
  if (contexts === undefined)
    throw new Error(
      'the answer does not say what was retrieved; the target must give `contexts`, or write context_from',
    )
  const askedIn = (turn: number | undefined) =>
    turn === undefined
      ? undefined
      : conversation?.steps.find((step) => step.turn === turn && step.role === 'user')?.content
  return contexts.map(({ id, text = '', turn }, i) => {
    if (text.trim() === '') throw new Error(`context ${id ?? i + 1} has no text`)
    return {
      name: id ?? String(i + 1),
      text: canonical(text),
      question: questionOf(question ?? askedIn(turn), subject),
    }
  })
}

/** The contexts in the variables that the assertion names: a list holds several. */
function given({ question, context_from: from = [] }: Args, subject: Subject): Piece[] {
  const asked = questionOf(question, subject)
  return contextsIn([from].flat(), subject.case.vars).map((text, i) => ({ name: String(i + 1), text, question: asked }))
}

/**
 * Texts of variables of a case, an entry of a list each; of an object its `text`, else its JSON.
 * @throws Error on a variable that the case does not have
 */
export function contextsIn(names: readonly string[], vars: Subject['case']['vars']): string[] {
  const lacking = names.find((name) => !Object.hasOwn(vars, name))
  if (lacking !== undefined) throw new Error(`the case has no variable "${lacking}" to take contexts from`)
  const all = names.flatMap((name) => vars[name] ?? [])
  return all.map((one) => {
    const text = typeof one === 'object' && !Array.isArray(one) && one !== null ? one['text'] : one
    return canonical(typeof text === 'string' ? text : JSON.stringify(one))
  })
}

type By = { judge: string; vote: number; tools: JudgeTools }

async function ballot({ judge, vote, tools }: By, id: string, pieces: readonly Piece[]): Promise<Ballot> {
  // An application that says that it found nothing has retrieved badly, and nobody need be asked about it.
  if (pieces.length === 0) {
    const reason = 'nothing was retrieved'
    return { score: 0, shown: 'no contexts', votes: [{ judge, score: 0, reason }], answers: [] }
  }
  const answer = objectSchema({
    reason: textSchema('What of the question the context helps to answer, or why nothing'),
    relevant: { type: 'boolean' },
  })
  const found = await Promise.all(
    pieces.map(async ({ name, text, question }) => {
      const data = { question, context: text }
      const given = await tools.ask(judge, vote, { prompt: 'context_relevance', case: id, told: {}, data, answer })
      const value = objectOf(given.value)
      const { relevant } = value
      if (typeof relevant !== 'boolean')
        throw new Error(`the judge said ${show(relevant)} of context ${shorten(name)}, which is neither true nor false`)
      return { name, given, relevant, reason: reasonIn(value) }
    }),
  )
  const right = found.filter(({ relevant }) => relevant).length
  const score = right / found.length
  const off = found.find(({ relevant }) => !relevant)
  const reason = off ? `context ${shorten(off.name)} is not relevant: ${off.reason}` : (found[0]?.reason ?? '')
  return {
    score,
    shown: `${right} of ${found.length} contexts relevant`,
    votes: [{ judge, score, reason }],
    answers: found.map(({ given }) => given),
  }
}
