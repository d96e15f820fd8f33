// aigate.lock: everything that decides behaviour, one line a thing, so that a change of it is seen in review.
import * as z from 'zod'
import { Components } from './config.ts'
import { GatePolicy } from './gate.ts'
import { JudgePromptName } from './judge.ts'
import { lateObject } from './late-object.ts'
import { Json, SemVer } from './values.ts'

export const LockedModel = lateObject(() => ({
  provider: z.string(),
  type: z.string().optional().describe('Of the provider; absent: it is missing'),
  base_url: z.string().optional().describe('Who is asked; absent: recorded answers of nobody in particular'),
  api_version: z.string().optional(),
  headers: z.array(z.string()).optional().describe('Names of headers of its own, in lower case'),
  id: z.string(),
  params: z.record(z.string(), Json),
  price: z.strictObject({ input: z.number(), output: z.number() }).optional().describe('Where aigate.yaml sets one'),
}))
export type LockedModel = z.infer<typeof LockedModel>

export const LockedTarget = z.union([
  lateObject(() => ({
    prompt: z.string().describe('name@version, never latest'),
    model: z.string(),
    params: z.record(z.string(), Json).describe('Of the model and the suite together'),
    tools: z.string().optional().describe('Hash of the tool schemas'),
    response_format: z.string().optional().describe('Hash'),
  })),
  lateObject(() => ({
    kind: z.enum(['command', 'http', 'module']),
    label: z.string(),
    spec: z.string().describe('Hash'),
  })),
])
export type LockedTarget = z.infer<typeof LockedTarget>

export const LockedSuite = lateObject(() => ({
  version: SemVer,
  target: LockedTarget,
  cases: z.strictObject({
    count: z.int().nonnegative(),
    critical: z.int().nonnegative(),
    hash: z.string().describe('Of the ids, inputs, assertions and categories of all cases'),
  }),
  graders: z
    .record(z.string(), z.string())
    .optional()
    .describe('Hashes of the programs and modules that grade, by path'),
  trials: z.strictObject({ min: z.int().positive(), max: z.int().positive() }),
  anchors: z.int().positive().optional(),
  policy: GatePolicy.describe('As it decides: defaults, aigate.yaml and suite together'),
}))
export type LockedSuite = z.infer<typeof LockedSuite>

export const LockedJudge = lateObject(() => ({
  model: z.string(),
  votes: z.int().positive(),
  output: z.string(),
  prompts: z.partialRecord(JudgePromptName, z.string()).describe('version and hash of each prompt'),
}))
export type LockedJudge = z.infer<typeof LockedJudge>

export const Lock = lateObject(() => ({
  aigate: z.literal('lock'),
  version: z.literal(1),
  models: z.record(z.string(), LockedModel).default({}).describe('The whole registry'),
  components: Components.default({}),
  judges: z.record(z.string(), LockedJudge).optional(),
  embeddings: z.string().optional().describe('Model of `similar` with method cosine'),
  prompts: z.record(z.string(), z.string()).default({}).describe('name@version of those in use: hash of the file'),
  suites: z.record(z.string(), LockedSuite).default({}),
}))
export type Lock = z.infer<typeof Lock>
