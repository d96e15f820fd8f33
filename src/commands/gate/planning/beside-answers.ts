// Who is asked besides the targets: judges of the answers, models that play users, and embedding models.
import type { AskedCase, PartFacts, Tokens } from '../../../decide/plan/spending.ts'
import type { ResolvedJudge, ResolvedModel } from '../../../ports.ts'
import { promptsOfType } from '../../../schema/judge.ts'
import { assertionsOf, type Case } from '../../../schema/suite.ts'
import { judgesNamed } from '../../../store/graders.ts'
import type { Figures } from '../../../store/run-figures.ts'
import { goldCalls } from '../../judge/gold-answers.ts'
import type { Session } from '../session.ts'
import { type Earlier, judgeTokens } from './earlier.ts'
import { limitsOfModel, priceOf, TYPICAL_ANSWER } from './models.ts'
import type { Planned, PlannedSide } from './sides.ts'

/** The answers of one side, and how many of each case are still to be graded. */
export type Graded = {
  side: PlannedSide
  cases: readonly AskedCase[]
  toGrade: ReadonlyMap<string, { least: number; most: number }>
  earlier: Earlier
}

/** UTF-8 bytes a token, as elsewhere; and tokens of a verdict with its reason. */
const BYTES = 3
const TYPICAL_VERDICT = 150
/** What a simulated user is told besides its persona and goal. */
const USER_PROMPT = 200

/** A model that answers live, now. */
const isAsked = ({ provider: { config } }: ResolvedModel, { options }: Session): boolean =>
  !options.offline && (config.type !== 'replay' || (options.record === true && config.of !== undefined))

export async function besideAnswers(
  session: Session,
  planned: Planned,
  graded: readonly Graded[],
  figures: Figures,
): Promise<PartFacts[]> {
  const { graders, users = {} } = planned.suite
  const judges = Object.values(graders?.judges ?? {}).filter(({ model }) => isAsked(model, session))
  // Where a run has begun they have been judged already, and are in what it spent.
  const gold = session.budget.calls > 0 || session.resumed ? [] : await goldCalls(session, planned.suite)
  const parts: PartFacts[] = []
  for (const judge of judges) {
    const own = gold.filter((one) => one.judge === judge.name).reduce((sum, { calls }) => sum + calls, 0)
    parts.push(await judgePart(judge, { planned, graded, figures, gold: own }))
  }
  for (const [name, model] of Object.entries(users))
    if (isAsked(model, session)) parts.push(await userPart(name, model, graded))
  for (const model of Object.values(graders?.embeddings ?? {}))
    if (isAsked(model, session)) parts.push(await embeddingPart(model, { planned, graded }))
  return parts
}

/** What is asked beside the answers: who, and at which price. */
async function besidePart(what: string, model: ResolvedModel, cases: AskedCase[]): Promise<PartFacts> {
  const { pin, provider } = model
  const frame = { measured: new Map<string, Tokens>(), latency: null, paid: null, beside: true }
  const price = await priceOf(pin)
  return { what, provider: provider.name, model: pin.id, cases, price, limits: limitsOfModel(model), ...frame }
}

type Judged = { planned: Planned; graded: readonly Graded[]; figures: Figures; gold: number }

async function judgePart(judge: ResolvedJudge, { planned, graded, figures, gold }: Judged): Promise<PartFacts> {
  const told = judgeTokens(figures, judge.name, judge.model.pin.id)
  const cases = graded.flatMap(({ side, cases, toGrade, earlier }) => {
    const asked = new Map(cases.map((one) => [one.id, one]))
    return side.suite.cases.flatMap(({ case: one, info: { id, hash } }): AskedCase[] => {
      const compared = side.what === 'target' && comparable(planned, id, hash)
      const calls = questionsTo(judge, one, { graders: planned.suite.graders, compared })
      if (calls === 0) return []
      const answer = earlier.tokens.get(id) ?? asked.get(id)?.estimate?.least ?? { input: 0, output: TYPICAL_ANSWER }
      const each = told ?? { input: promptTokens(judge) + textTokens(one) + answer.output, output: TYPICAL_VERDICT }
      const tokens = { input: calls * each.input, output: calls * each.output }
      const open = toGrade.get(id) ?? { least: 0, most: 0 }
      return [{ id, ...open, calls: { least: calls, most: calls }, estimate: { least: tokens, most: tokens } }]
    })
  })
  if (gold > 0) {
    const each = told ?? { input: promptTokens(judge) + TYPICAL_ANSWER, output: TYPICAL_VERDICT }
    const tokens = { input: gold * each.input, output: gold * each.output }
    const calls = { least: gold, most: gold }
    cases.push({ id: 'gold', least: 1, most: 1, calls, estimate: { least: tokens, most: tokens } })
  }
  return besidePart(`judge ${judge.name}`, judge.model, cases)
}

/** Whether `compare` has an answer of the baseline to look at. */
function comparable({ baseline, other }: Planned, id: string, hash: string): boolean {
  const old = other ? undefined : baseline?.cases.find((one) => one.id === id)
  return old?.hash === hash && old.answer !== undefined
}

/** Questions to a judge about one answer of a case, over all of its assertions and votes. */
function questionsTo(
  { name, votes }: ResolvedJudge,
  one: Case,
  { graders, compared }: { graders: Planned['suite']['graders']; compared: boolean },
): number {
  return assertionsOf(one).reduce((sum, assertion) => {
    const named = judgesNamed(assertion)
    if (!named) return sum
    const names = named.names.length > 0 ? named.names : [graders?.judge]
    if (!names.includes(name)) return sum
    const questions =
      named.type === 'compare'
        ? compared
          ? 2
          : 0
        : named.type === 'context_relevance'
          ? contextsOf(assertion.args, one)
          : promptsOfType[named.type].length
    return sum + questions * (named.votes ?? votes)
  }, 0)
}

/** One question a context; where the target brings them, nobody knows how many: one at least. */
function contextsOf(args: unknown, { vars }: Case): number {
  const { context_from: from } = args as { context_from?: string }
  const contexts = from === undefined ? undefined : vars[from]
  return Array.isArray(contexts) ? Math.max(1, contexts.length) : 1
}

const bytes = (text: string): number => Math.ceil(Buffer.byteLength(text) / BYTES)

/** Of the prompts of a judge, each is as long as the mean of them. */
function promptTokens({ prompts }: ResolvedJudge): number {
  const all = Object.values(prompts).map(({ messages }) =>
    messages.reduce((sum, { template }) => sum + bytes(template), 0),
  )
  return all.reduce((sum, one) => sum + one, 0) / Math.max(1, all.length)
}

/** What a judge reads of a case. */
const textTokens = ({ vars, assert }: Case): number => bytes(JSON.stringify(vars)) + bytes(JSON.stringify(assert))

async function userPart(name: string, model: ResolvedModel, graded: readonly Graded[]): Promise<PartFacts> {
  const cases = graded.flatMap(({ side, cases: asked, earlier }) =>
    side.suite.cases.flatMap(({ case: { user }, info: { id } }, at): AskedCase[] => {
      const open = asked[at]
      if (user?.model !== name || !open || side.recorded) return []
      const before = earlier.userCalls.get(id)
      const opening = user.first === undefined ? 1 : 0
      const calls =
        before === undefined ? { least: opening, most: user.max_turns - 1 + opening } : { least: before, most: before }
      const prompt = USER_PROMPT + bytes(user.persona) + bytes(user.goal)
      const of = (n: number): Tokens => ({
        input: n * prompt + ((n * (n - 1)) / 2) * TYPICAL_ANSWER,
        output: n * TYPICAL_VERDICT,
      })
      return [{ ...open, calls, estimate: { least: of(calls.least), most: of(calls.most) } }]
    }),
  )
  const known = graded.find(({ earlier }) => earlier.userCost !== null)?.earlier.userCost ?? null
  const part = await besidePart(`user ${name}`, model, cases)
  return known === null ? part : { ...part, price: () => known }
}

/** Texts go out together: from none, where all are in one request with others, to one an answer. */
async function embeddingPart(
  model: ResolvedModel,
  { planned: { suite }, graded }: { planned: Planned; graded: readonly Graded[] },
): Promise<PartFacts> {
  const cases = graded.flatMap(({ side, toGrade, earlier }) =>
    side.suite.cases.flatMap(({ case: one, info: { id } }): AskedCase[] => {
      const own = assertionsOf(one).filter(
        ({ type, args }) =>
          type === 'similar' &&
          (args as { method?: unknown }).method === 'cosine' &&
          ((args as { model?: string }).model ?? suite.graders?.embedding) === model.name,
      )
      const open = toGrade.get(id)
      if (own.length === 0 || !open) return []
      const answer = earlier.tokens.get(id)?.output ?? TYPICAL_ANSWER
      const tokens = { input: own.length * answer + bytes(JSON.stringify(own)), output: 0 }
      return [{ id, ...open, calls: { least: 0, most: own.length }, estimate: { least: tokens, most: tokens } }]
    }),
  )
  return besidePart(`embeddings ${model.name}`, model, cases)
}
