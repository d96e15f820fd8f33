// Judges: models that grade answers, what a run remembers of them, and how well each agrees with people.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Json, Name, SemVer, Unit } from './values.ts'

/** The assertions that a judge grades. */
export const judgedTypes = [
  'rubric', 'faithful', 'answers_question', 'compare', 'factual', 'context_relevance',
] as const // biome-ignore format: a list reads better short
export const JudgedType = z.enum(judgedTypes)
export type JudgedType = z.infer<typeof JudgedType>

/** Who is named where `compare` had nothing to compare with, so that no judge was asked. */
export const NOBODY = 'nobody'

/** The prompts of judges; each is `judge/<name>` among the prompts. */
export const judgePromptNames = [
  'rubric', 'claims', 'faithful', 'answers_question', 'compare', 'factual', 'context_relevance',
] as const // biome-ignore format: a list reads better short
export const JudgePromptName = z.enum(judgePromptNames)
export type JudgePromptName = z.infer<typeof JudgePromptName>

/** Which prompts an assertion asks, in their order. */
export const promptsOfType: Readonly<Record<JudgedType, readonly JudgePromptName[]>> = {
  rubric: ['rubric'],
  faithful: ['claims', 'faithful'],
  answers_question: ['answers_question'],
  compare: ['compare'],
  factual: ['factual'],
  context_relevance: ['context_relevance'],
}

/** Agreement below this may warn but not block, unless the policy says otherwise. McHugh, Biochem. Med. 22 (2012) 276-282: under 0.60 little confidence should be placed in a rating. */
export const MIN_KAPPA = 0.6

export const JudgeConfig = lateObject(() => ({
  model: z.string().min(1).describe('A name from `models`: the judge is pinned like every model'),
  votes: z.int().min(1).max(15).default(1).describe('How often each question is asked; the median counts'),
  output: z
    .enum(['json_schema', 'json_object', 'text'])
    .default('json_schema')
    .describe('How the model is made to answer in JSON: by a schema, as any JSON object, or by the prompt alone'),
  prompts: z
    .partialRecord(JudgePromptName, SemVer)
    .optional()
    .describe(
      'Versions of its prompts: {rubric: 1.1.0}; else the highest of the project, else the one that aigate ships',
    ),
  gold: z
    .int()
    .min(0)
    .max(200)
    .default(20)
    .describe('So many calibrated answers are judged again in each run, to see whether the judge moved'),
}))
export type JudgeConfig = z.infer<typeof JudgeConfig>

export const Judges = z.record(Name, JudgeConfig)
export type Judges = z.infer<typeof Judges>

/** What judges did to make one grade. */
export const judgeRecord = () =>
  z.strictObject({
    votes: z
      .array(
        z.strictObject({
          judge: z.string(),
          score: Unit,
          reason: z.string(),
          order: z
            .enum(['ours first', 'ours second'])
            .optional()
            .describe('compare: where the answer under test stood'),
          winner: z.enum(['ours', 'other', 'tie']).optional().describe('compare: who won in that order'),
        }),
      )
      .min(1),
    spread: Unit.describe('Highest minus lowest vote'),
    calls: z.int().nonnegative().describe('Requests sent, retries included; 0 for replayed answers'),
    replayed: z.int().nonnegative().describe('Answers of judges that came from recordings or the cache'),
    cached: z.int().positive().optional().describe('Of these: from the cache; absent: none'),
    input_tokens: z.int().nonnegative(),
    output_tokens: z.int().nonnegative(),
    cost_usd: z
      .number()
      .nonnegative()
      .nullable()
      .describe('Estimate, without answers from the cache; null: a price is not known'),
    response_models: z
      .array(z.string())
      .optional()
      .describe('The model names that the providers of the judges answered with; absent: none told'),
    failed: z.literal(true).optional().describe('No verdict came, of a judge that may not block anyway'),
    advisory: z.string().optional().describe('Why this grade cannot block: the judge agrees too little with people'),
  })
export type JudgeRecord = z.infer<ReturnType<typeof judgeRecord>>

/** What embeddings took that one grade needed and no other had asked for before. */
export const embedRecord = () =>
  z.strictObject({
    calls: z.int().nonnegative().describe('Requests sent; a request for several grades counts at the first'),
    input_tokens: z.int().nonnegative(),
    cost_usd: z.number().nonnegative().nullable().describe('Estimate; null: a price is not known'),
  })
export type EmbedRecord = z.infer<ReturnType<typeof embedRecord>>

/** Who answers for a model that grades. */
const asked = () => ({
  provider: z.string(),
  base_url: z.string().optional().describe('Without user, password and the values of its query'),
  api_version: z.string().optional(),
  id: z.string(),
  params: z.record(z.string(), Json),
})

/** What decides the verdicts of a judge, as a run remembers it. */
export const JudgeSnapshot = lateObject(() => ({
  model: z.strictObject({ name: z.string(), ...asked() }),
  votes: z.int().positive(),
  output: z.enum(['json_schema', 'json_object', 'text']),
  prompts: z.partialRecord(JudgePromptName, z.string()).describe('version and hash of each prompt that is asked'),
}))
export type JudgeSnapshot = z.infer<typeof JudgeSnapshot>

const count = z.int().nonnegative()
/** Labels of people against verdicts of a judge. */
export const JudgeTable = lateObject(() => ({
  truePass: count.describe('People pass, judge pass'),
  falseFail: count.describe('People pass, judge fail'),
  falsePass: count.describe('People fail, judge pass'),
  trueFail: count.describe('People fail, judge fail'),
}))

/** How a judge stands with one assertion, at the time of a run. */
export const JudgeUse = lateObject(() => ({
  judge: z.string().describe('One name, or several of a jury: a+b'),
  type: JudgedType,
  table: JudgeTable.nullable().describe('null: not calibrated, or the calibration is of another judge'),
  kappa: z.number().nullable(),
  threshold: Unit.nullable().describe('The score from which on the calibration passes'),
  sample_of: z
    .string()
    .nullable()
    .describe('Suite, and hash of what was asked, for the answers that the labels are a random sample of'),
  corrects: z.boolean().describe('Pass rates are corrected for its errors'),
  at: z.string().nullable(),
  answered_by: z
    .array(z.string())
    .optional()
    .describe('The model names that answered when it was calibrated; absent: not known'),
  moved_at: z.string().optional().describe('When it was last found, by calibrating anew, that it judges otherwise'),
  weak: z.boolean().describe('Agrees too little with people: may warn, not block'),
  note: z.string().nullable().describe('What people must be told'),
}))
export type JudgeUse = z.infer<typeof JudgeUse>

/** Calibrated answers that were judged again. */
export const GoldCheck = lateObject(() => ({
  judge: z.string(),
  type: JudgedType,
  asked: count,
  failed: count.describe('Could not be judged'),
  breaks: count.describe('Passed then, failed now'),
  fixes: count.describe('Failed then, passed now'),
  p: z.number(),
  moved: z.boolean(),
  foreign: z.string().optional().describe('Another model answered than when it was calibrated: a sentence'),
  sentence: z.string(),
}))
export type GoldCheck = z.infer<typeof GoldCheck>

/** Everything about the judges of a run that its verdict depends on. */
export const Judging = lateObject(() => ({
  judges: z.record(z.string(), JudgeSnapshot),
  embeddings: z
    .record(z.string(), z.strictObject(asked()))
    .optional()
    .describe('Models whose embeddings were compared'),
  uses: z.array(JudgeUse),
  gold: z.array(GoldCheck),
  notes: z.array(z.string()),
  cost: z
    .strictObject({ calls: count, cost_usd: z.number().nullable() })
    .optional()
    .describe('Of the gold answers that were judged again'),
}))
export type Judging = z.infer<typeof Judging>
