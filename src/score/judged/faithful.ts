// faithful: a judge takes the claims out of the answer, then looks for each in the context (as RAGAS does; Es et al.,
// arXiv:2309.15217, §3.1). The score is the share of claims that the context supports.
import type { AssertionPlugin, JudgeAnswer, JudgeTools, Subject } from '../../ports.ts'
import { type AssertionArgs, judgedThresholds } from '../../schema/assertion.ts'
import { canonical } from '../answer.ts'
import { quote, show } from '../reason.ts'
import { askPanel, type Ballot, objectOf, objectSchema, reasonIn, textSchema, textUnderTest } from './panel.ts'

/** An answer with more claims than this is no answer that one can check. */
const MOST_CLAIMS = 200

export const faithful: AssertionPlugin<'faithful'> = {
  deterministic: false,
  async grade(args, subject, tools) {
    const context = retrievedText(args, subject) ?? contextOf(args, subject.case.vars)
    const answer = textUnderTest(subject)
    // It has no claim that could be wrong, and is no answer.
    if (answer.trim() === '') return { score: 0, passed: false, reason: 'the answer is empty' }
    const result = await askPanel('faithful', args, tools, (judge, vote, by) =>
      ballot({ judge, vote, tools: by }, subject, { context, answer }),
    )
    return { ...result, passed: result.score >= judgedThresholds.faithful }
  },
}

/**
 * The context as one text: as the assertion gives it, of the variables that it names, else of the variable `context`.
 * @throws Error when there is none
 */
export function contextOf(
  { context, context_from: from }: Pick<AssertionArgs<'faithful'>, 'context' | 'context_from'>,
  vars: Subject['case']['vars'],
): string {
  const joined = (texts: readonly string[]) => texts.map(canonical).join('\n\n')
  if (context !== undefined) return joined([context].flat())
  const names = from === undefined ? ['context'] : [from].flat()
  const lacking = names.find((name) => !Object.hasOwn(vars, name))
  if (lacking !== undefined)
    throw new Error(`the case has no variable "${lacking}" to take the context from; write context or context_from`)
  return joined(
    names.flatMap((name) => vars[name] ?? []).map((one) => (typeof one === 'string' ? one : JSON.stringify(one))),
  )
}

/** What was retrieved for the answer, where the assertion and the case say nothing else; undefined: nothing was. */
function retrievedText(
  { context, context_from: from }: AssertionArgs<'faithful'>,
  { completion: { contexts }, case: { vars } }: Subject,
): string | undefined {
  if (context !== undefined || from !== undefined || Object.hasOwn(vars, 'context')) return undefined
  const texts = (contexts ?? []).flatMap(({ text }) => text ?? [])
  return texts.length === 0 ? undefined : texts.map(canonical).join('\n\n')
}

type By = { judge: string; vote: number; tools: JudgeTools }

async function ballot(by: By, { case: { id } }: Subject, data: { context: string; answer: string }): Promise<Ballot> {
  const { judge } = by
  const extracted = await claimsOf(by, id, data.answer)
  const { claims } = extracted
  if (claims.length === 0) {
    const reason = 'the answer claims nothing that could be checked'
    return { score: 1, shown: 'no claims', votes: [{ judge, score: 1, reason }], answers: [extracted.given] }
  }
  const checked = await check(by, id, data.context, claims)
  const supported = checked.verdicts.filter(({ verdict }) => verdict === 'supported').length
  const score = supported / claims.length
  const broken = checked.verdicts.find(({ verdict }) => verdict !== 'supported')
  const reason = broken
    ? `${quote(claims[broken.number - 1] ?? '')} is ${broken.verdict.replace('_', ' ')}: ${broken.reason}`
    : (checked.verdicts[0]?.reason ?? '')
  return {
    score,
    shown: `${supported} of ${claims.length} claims supported`,
    votes: [{ judge, score, reason }],
    answers: [extracted.given, checked.given],
  }
}

async function claimsOf({ judge, vote, tools }: By, id: string, text: string) {
  const answer = objectSchema({
    claims: { type: 'array', items: textSchema('One claim, understandable by itself') },
  })
  const given = await tools.ask(judge, vote, { prompt: 'claims', case: id, told: {}, data: { answer: text }, answer })
  const { claims } = objectOf(given.value)
  if (!Array.isArray(claims) || !claims.every((claim) => typeof claim === 'string' && claim.trim() !== ''))
    throw new Error('the judge did not list the claims of the answer')
  if (claims.length > MOST_CLAIMS) throw new Error(`the judge found ${claims.length} claims, more than ${MOST_CLAIMS}`)
  return { given, claims: claims as string[] }
}

const verdicts = ['supported', 'contradicted', 'not_found'] as const
type Verdict = { number: number; reason: string; verdict: (typeof verdicts)[number] }

/** Exactly one verdict for each claim, or none at all: a claim that the judge passed over was not judged. */
async function check(
  { judge, vote, tools }: By,
  id: string,
  context: string,
  claims: readonly string[],
): Promise<{ given: JudgeAnswer; verdicts: Verdict[] }> {
  const one = objectSchema({
    number: { type: 'integer' },
    reason: textSchema('Where the context says it, or what is missing'),
    verdict: { type: 'string', enum: [...verdicts] },
  })
  const answer = objectSchema({ verdicts: { type: 'array', items: one } })
  const numbered = claims.map((claim, i) => `${i + 1}. ${claim.replace(/\s+/g, ' ')}`).join('\n')
  const data = { context, claims: numbered }
  const given = await tools.ask(judge, vote, { prompt: 'faithful', case: id, told: {}, data, answer })
  const list = objectOf(given.value)['verdicts']
  if (!Array.isArray(list)) throw new Error('the judge gave no list of verdicts')
  const found = list.map((entry: unknown): Verdict => {
    const value = objectOf(entry)
    const verdict = verdicts.find((known) => known === value['verdict'])
    if (verdict === undefined) throw new Error(`the judge gave the verdict ${show(value['verdict'])}, which is none`)
    return { number: Number(value['number']), reason: reasonIn(value), verdict }
  })
  const numbers = found.map(({ number }) => number).sort((a, b) => a - b)
  if (numbers.length !== claims.length || numbers.some((number, i) => number !== i + 1))
    throw new Error(
      `the judge was to judge the claims 1 to ${claims.length} and judged ${numbers.join(', ') || 'none'}`,
    )
  return { given, verdicts: found.sort((a, b) => a.number - b.number) }
}
