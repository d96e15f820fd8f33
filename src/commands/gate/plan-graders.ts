// What judges and embedding models would be asked in a run, for aigate plan: by kind of assertion, votes and gold answers.
import type { GraderFacts } from '../../decide/plan/run-plan.ts'
import type { LoadedSuite, Project, ResolvedModel } from '../../ports.ts'
import { pricer } from '../../run/price.ts'
import type { Assertion } from '../../schema/assertion.ts'
import type { JudgedType } from '../../schema/judge.ts'
import type { Observation } from '../../schema/run.ts'
import { assertionsOf } from '../../schema/suite.ts'
import { readCalibration } from '../../store/calibration-file.ts'
import { judgesNamed } from '../../store/graders.ts'

/** Questions to a judge for one vote; a context that is retrieved is one each, and how many there will be nobody knows. */
const QUESTIONS: Readonly<Record<JudgedType, number>> = {
  rubric: 1,
  faithful: 2,
  answers_question: 1,
  compare: 2,
  factual: 1,
  context_relevance: 1,
}
/** Tokens of the prompts of judges as they are shipped, and of a reason with a score. */
const PROMPT = 450
const VERDICT = 80

type Planned = { id: string; least: number; most: number; estimate: { input: number; output: number } | null }
type Row = { model: ResolvedModel; what: GraderFacts['what']; least: number; most: number; input: number }

/** One entry a model. Answers that are known already count as graded: their verdicts lie beside them. */
export async function graderFacts(
  project: Project,
  { suite, planned, seen }: { suite: LoadedSuite; planned: readonly Planned[]; seen: readonly Observation[] },
): Promise<GraderFacts[]> {
  const { graders } = suite
  if (!graders) return []
  const rows = new Map<string, Row>()
  const add = (model: ResolvedModel | undefined, more: Omit<Row, 'model'>) => {
    if (!model || model.provider.config.type === 'replay') return
    const key = `${more.what} ${model.name}`
    const row = rows.get(key) ?? { model, what: more.what, least: 0, most: 0, input: 0 }
    rows.set(key, {
      ...row,
      least: row.least + more.least,
      most: row.most + more.most,
      input: row.input + more.most * more.input,
    })
  }
  const uses = new Map<string, { names: string[]; type: JudgedType; votes: number | undefined }>()
  const open = new Map(planned.map((one) => [one.id, one]))
  for (const { case: one, info } of suite.cases) {
    const { least = 0, most = 0, estimate } = open.get(info.id) ?? {}
    const answer = estimate?.output ?? 0
    for (const assertion of assertionsOf(one)) {
      const named = judgesNamed(assertion)
      if (named) {
        const names = named.names.length > 0 ? [...new Set(named.names)] : [graders.judge ?? '']
        uses.set(`${names.join('+')} ${named.type} ${named.votes ?? ''}`, { ...named, names, votes: named.votes })
        for (const name of names) {
          const judge = graders.judges[name]
          const calls = QUESTIONS[named.type] * (named.votes ?? judge?.votes ?? 1)
          const input = PROMPT + (estimate?.input ?? 0) + answer
          add(judge?.model, { what: 'judge', least: least * calls, most: most * calls, input })
        }
      } else if (isCosine(assertion))
        add(graders.embeddings[assertion.args.model ?? graders.embedding ?? ''], {
          what: 'embeddings',
          least,
          most,
          input: answer,
        })
    }
  }
  if (planned.some(({ most }) => most > 0))
    for (const { names, type, votes } of uses.values()) {
      const known = (await readCalibration(project, names.join('+')))?.types[type]?.gold.length ?? 0
      const count = Math.min(known, Math.max(0, ...names.map((name) => graders.judges[name]?.gold ?? 0)))
      for (const name of names) {
        const judge = graders.judges[name]
        const calls = count * QUESTIONS[type] * (votes ?? judge?.votes ?? 1)
        add(judge?.model, { what: 'judge', least: calls, most: calls, input: PROMPT + VERDICT })
      }
    }
  return Promise.all([...rows.values()].map((row) => factOf(row, seen)))
}

const isCosine = (assertion: Assertion): assertion is Extract<Assertion, { type: 'similar' }> =>
  assertion.type === 'similar' && assertion.args.method === 'cosine'

async function factOf({ model, what, least, most, input }: Row, seen: readonly Observation[]): Promise<GraderFacts> {
  const price = await pricer()
  const guess = { input: most > 0 ? input / most : 0, output: what === 'judge' ? VERDICT : 0 }
  const tokens = (what === 'judge' ? meanTokens(seen) : null) ?? guess
  const usage = { input_tokens: Math.round(tokens.input), output_tokens: Math.round(tokens.output) }
  const answer = { outcome: 'answered' as const, text: '', tool_calls: [], attempts: 1, usage }
  return {
    what,
    provider: model.provider.name,
    model: model.pin.id,
    least,
    most,
    tokens,
    cost: price(model.pin, answer) ?? null,
  }
}

/** Of a question to the judges of earlier runs. */
function meanTokens(seen: readonly Observation[]): { input: number; output: number } | null {
  const records = seen.flatMap(({ scores }) => scores.flatMap(({ judged }) => judged ?? []))
  const asked = records.reduce((sum, { calls, replayed }) => sum + calls + replayed, 0)
  if (asked === 0) return null
  const mean = (of: 'input_tokens' | 'output_tokens') => records.reduce((sum, one) => sum + one[of], 0) / asked
  return mean('input_tokens') === 0 ? null : { input: mean('input_tokens'), output: mean('output_tokens') }
}
