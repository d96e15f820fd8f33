// Asks a panel of judges one question, each as often as it votes, and makes one score of what they say.
import type { GraderTools, JudgeAnswer, JudgeTools, Subject } from '../../ports.ts'
import type { JudgedType, JudgeRecord } from '../../schema/judge.ts'
import { answerOf, canonical } from '../answer.ts'
import { oneLine, shorten } from '../reason.ts'

export type Vote = JudgeRecord['votes'][number]

/** What one judge said in one vote: one entry, or two where it was asked in both orders; and the answers it took. */
export type Ballot = { score: number; shown: string; votes: Vote[]; answers: JudgeAnswer[] }

/** Which judges an assertion names, and how often each is asked. */
export type Who = { judge?: string | readonly string[] | undefined; votes?: number | undefined }

/** Asks for one ballot: `judge`, number of the vote from 1, and the tools. */
type Cast = (judge: string, vote: number, tools: JudgeTools) => Promise<Ballot>

/** Score in [0, 1], and everything that was said. `scale` shows a score to people. */
export type PanelResult = { score: number; reason: string; judged: JudgeRecord }

/**
 * Asks all ballots at once. Each judge counts by the median of its votes, a jury by the median of its judges.
 * @throws Error when one of them gives no verdict: that is an error of the measurement, not a failure of the answer
 */
export async function askPanel(type: JudgedType, who: Who, tools: GraderTools, cast: Cast): Promise<PanelResult> {
  const { judges } = tools
  if (!judges) throw new Error('no judge can be asked here')
  const panel = judges.panel(who.judge, who.votes)
  const names = panel.map(({ judge }) => judge)
  const advisory = judges.advisory(names, type)
  const asking = all(
    panel.map(async ({ judge, votes }) => ({
      judge,
      ballots: await all(Array.from({ length: votes }, (_, i) => kept(cast(judge, i + 1, judges)))),
    })),
  )
  // Who may not block by what it says may not block by saying nothing either.
  if (advisory !== null) {
    const failed = await asking.then(
      () => null,
      (error: unknown) => error,
    )
    if (failed !== null) return unsaid(names, failed, advisory)
  }
  const ballots = await asking
  const scores = ballots.map((one) => ({ judge: one.judge, score: median(one.ballots.map(({ score }) => score)) }))
  const score = median(scores.map((one) => one.score))
  const given = ballots.flatMap((one) => one.ballots)
  const spread = Math.max(...given.map((one) => one.score)) - Math.min(...given.map((one) => one.score))
  const judged: JudgeRecord = {
    votes: given.flatMap(({ votes }) => votes),
    spread,
    ...spentOn(given.flatMap(({ answers }) => answers.map(({ completion }) => completion))),
    ...(advisory !== null && { advisory }),
  }
  return { score, reason: reasonOf(ballots, score), judged }
}

function unsaid(names: readonly string[], error: unknown, advisory: string): PanelResult {
  const why = error instanceof Error ? error.message : String(error)
  const { completion } = error as { completion?: JudgeAnswer['completion'] }
  const vote = { judge: names.join('+'), score: 0, reason: shorten(oneLine(why), 1000) }
  const took = spentOn(completion ? [completion] : [])
  return {
    score: 0,
    reason: `not judged: ${vote.reason}`,
    judged: { votes: [vote], spread: 0, ...took, advisory, failed: true },
  }
}

/** As Promise.all, but it waits for the others as well: what they took is to be told, whatever became of one. */
async function all<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}

/** What made a ballot was a verdict: only that is worth keeping. */
async function kept(cast: Promise<Ballot>): Promise<Ballot> {
  const ballot = await cast
  for (const { keep } of ballot.answers) keep?.()
  return ballot
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low = 0, high = 0] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return (low + high) / 2
}

type Spent = Pick<
  JudgeRecord,
  'calls' | 'replayed' | 'cached' | 'response_models' | 'input_tokens' | 'output_tokens' | 'cost_usd'
>

/** What answers of judges took. */
export function spentOn(completions: readonly JudgeAnswer['completion'][]): Spent {
  const live = completions.filter(({ replayed }) => !replayed)
  const cached = completions.filter((one) => one.cached)
  const paid = completions.filter((one) => !one.cached)
  const models = [...new Set(completions.flatMap(({ response_model }) => response_model ?? []))].sort()
  const total = (of: (one: JudgeAnswer['completion']) => number) => completions.reduce((sum, one) => sum + of(one), 0)
  const priced = paid.every(({ cost_usd }) => cost_usd !== undefined)
  return {
    calls: live.reduce((sum, { attempts }) => sum + attempts, 0),
    replayed: completions.length - live.length,
    ...(cached.length > 0 && { cached: cached.length }),
    ...(models.length > 0 && { response_models: models }),
    input_tokens: total(({ usage }) => usage?.input_tokens ?? 0),
    output_tokens: total(({ usage }) => usage?.output_tokens ?? 0),
    cost_usd: priced ? paid.reduce((sum, { cost_usd = 0 }) => sum + cost_usd, 0) : null,
  }
}

type Cast2 = { judge: string; ballots: Ballot[] }[]

/** The words of the ballot nearest to the result; before them all votes, where there are several. */
function reasonOf(panel: Cast2, score: number): string {
  const all = panel.flatMap(({ ballots }) => ballots)
  const nearest = [...all].sort((a, b) => Math.abs(a.score - score) - Math.abs(b.score - score))[0]
  const why = oneLine(nearest?.votes[0]?.reason ?? '')
  if (all.length === 1) return `${nearest?.shown}: ${why}`
  const by = panel.map(({ judge, ballots }) => `${judge} ${ballots.map(({ shown }) => shown).join(', ')}`)
  const apart = new Set(all.map((one) => one.score)).size > 1
  const many = panel.length > 1 ? by.join('; ') : all.map(({ shown }) => shown).join(', ')
  return `${apart ? 'not unanimous: ' : ''}${many}: ${why}`
}

/** The answer as a judge reads it; tool calls as JSON when the model said nothing. */
export function textUnderTest({ completion }: Subject): string {
  const text = answerOf(completion)
  if (text !== '' || completion.tool_calls.length === 0) return text
  return JSON.stringify(completion.tool_calls.map(({ name, arguments: written }) => ({ name, arguments: written })))
}

/** What was asked: as the assertion says, the last message of the user, or the variable `question`. */
export function questionOf(written: string | undefined, { asked, case: { messages, vars } }: Subject): string {
  if (written !== undefined) return canonical(written)
  const last = [...(asked ?? messages ?? [])].reverse().find(({ role }) => role === 'user')?.content
  const variable = vars['question']
  return canonical(last ?? (typeof variable === 'string' ? variable : ''))
}

/** Several criteria as a list, one as it stands. */
export const listed = (texts: string | readonly string[]): string =>
  typeof texts === 'string' ? texts : texts.map((text) => `- ${text}`).join('\n')

/** The value of a judge, read as an object. @throws Error when it is none */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`the judge answered ${shorten(JSON.stringify(value))} instead of an object`)
  return value as Record<string, unknown>
}

/** @throws Error when the judge gave no reason: a verdict without one is no verdict */
export function reasonIn(value: Readonly<Record<string, unknown>>): string {
  const { reason } = value
  if (typeof reason !== 'string' || reason.trim() === '') throw new Error('the judge gave no reason')
  return shorten(oneLine(reason.trim()), 1000)
}

/** The JSON Schema of an object with exactly these properties, in this order: strict structured output wants all of it. */
export const objectSchema = (properties: Record<string, object>) => ({
  type: 'object',
  properties: properties as Record<string, never>,
  required: Object.keys(properties),
  additionalProperties: false,
})
export const textSchema = (description: string) => ({ type: 'string', description })
