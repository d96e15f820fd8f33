// aigate.yaml: providers, the model registry, where the suites are, the policy of the repository.
import * as z from 'zod'
import { GatePolicyInput } from './gate.ts'
import { HealthConfig } from './health.ts'
import { Judges } from './judge.ts'
import { KillConfig } from './kill.ts'
import { lateObject } from './late-object.ts'
import { Planes } from './planes.ts'
import { ReadyConfig } from './ready.ts'
import { Dollars, Duration, Json, Name } from './values.ts'

export const OpenAiProvider = lateObject(() => ({
  type: z.literal('openai').describe('Any API that speaks OpenAI chat completions'),
  base_url: z.url().default('https://api.openai.com/v1'),
  // A key that is written here by mistake must not come back in the sentence that its variable is not set.
  api_key_env: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'expected the name of an environment variable, for example OPENAI_API_KEY')
    .optional()
    .describe('Name of the environment variable that holds the key'),
  api_version: z.string().optional().describe('Azure OpenAI with deployments: the api-version'),
  headers: z.record(z.string(), z.string()).default({}).describe('Values may hold ${NAME} from the environment'),
  concurrency: z.int().positive().default(8),
  rpm: z.number().positive().optional().describe('Requests a minute that are never exceeded, all models together'),
  tpm: z
    .number()
    .positive()
    .optional()
    .describe('Tokens a minute, of prompts and answers, that are never exceeded, all models together'),
  mode: z
    .enum(['live', 'batch'])
    .optional()
    .describe('batch: asked through the Batch API, within a day at half the price; for nightly runs. Or: eval --batch'),
  timeout: Duration.default(60_000),
  retries: z.int().nonnegative().default(4).describe('Further attempts after a transient failure'),
}))
export type OpenAiProvider = z.infer<typeof OpenAiProvider>

export const ReplayProvider = lateObject(() => ({
  type: z.literal('replay').describe('Answers from the recordings; never asks anybody'),
  of: OpenAiProvider.optional().describe('The provider that --record asks'),
}))
export type ReplayProvider = z.infer<typeof ReplayProvider>

export const ProviderConfig = z.discriminatedUnion('type', [OpenAiProvider, ReplayProvider])
export type ProviderConfig = z.infer<typeof ProviderConfig>

export const ModelPin = lateObject(() => ({
  provider: z.string().describe('A name from `providers`'),
  id: z.string().min(1).describe('Exact model id, for example gpt-4o-2024-11-20'),
  params: z.record(z.string(), Json).default({}).describe('Sent as they stand; nothing else is sent'),
  rollback_to: z.string().optional().describe('A name from `models`'),
  rpm: z.number().positive().optional().describe('Requests a minute of this model that are never exceeded'),
  tpm: z.number().positive().optional().describe('Tokens a minute of this model that are never exceeded'),
  price: z
    .strictObject({ input: z.number().nonnegative(), output: z.number().nonnegative() })
    .optional()
    .describe('US dollars for a million tokens, when the bundled prices do not know the model'),
  allow_unpinned: z
    .string()
    .min(1)
    .optional()
    .describe('Why a name that is no pin may be used; the reason stands in every report'),
  base_model: z.string().min(1).optional().describe('Of a fine-tune: the model that it was made from'),
  dataset: z.string().min(1).optional().describe('Of a fine-tune: what it was trained on, with its version or hash'),
  evaluation: z.string().min(1).optional().describe('Where it was evaluated: a run, a report, an address'),
  endpoint: z.string().min(1).optional().describe('Where it is deployed, for people'),
  status: z
    .enum(['production', 'rollback_ready', 'archived'])
    .optional()
    .describe('rollback_ready: kept so that one can go back to it'),
  keep_until: z.iso.date().optional().describe('It stays available until this day (UTC), for example 2026-12-31'),
}))
export type ModelPin = z.infer<typeof ModelPin>

/** What answers depend on besides prompt and model: named here, so that the lock and the record of a run can hold it. */
export const Components = z.record(
  Name,
  lateObject(() => ({ version: z.string().min(1) })),
)
export type Components = z.infer<typeof Components>

export const Budget = lateObject(() => ({
  max_cost_usd: Dollars.optional(),
  max_calls: z.int().positive().optional(),
  max_tokens: z.int().positive().optional().describe('Of prompts and answers together'),
  max_duration: Duration.optional().describe('From the first call on: 10m, 2h'),
}))
export type Budget = z.infer<typeof Budget>

export const CacheConfig = lateObject(() => ({
  folder: z
    .string()
    .min(1)
    .default('.aigate/cache')
    .describe('Where answers are kept between runs, relative to this file; keep it between the jobs of a pipeline'),
  max_mb: z
    .number()
    .nonnegative()
    .default(500)
    .describe('What the folder may hold in megabytes; the oldest answers go first. 0: no cache'),
  max_age: Duration.default(7 * 86_400_000).describe('An older answer is asked again: 12h, 7d'),
}))
export type CacheConfig = z.infer<typeof CacheConfig>

export const Releases = lateObject(() => ({
  folder: z.string().default('releases').describe('Folder of the ledger of releases'),
  checks: z
    .record(Name, z.array(z.string().min(1)).min(1))
    .default({})
    .describe(
      'Programs that end with 0 when a version of a component is still there: {index: [./has-index, "{version}"]}',
    ),
}))

export const Config = lateObject(() => ({
  version: z.literal(1).describe('Version of this file format'),
  providers: z.record(z.string(), ProviderConfig).default({}),
  models: z.record(z.string(), ModelPin).default({}),
  components: Components.optional().describe(
    'Versions of what answers depend on besides: {index: {version: kb-2026-11}, guardrails: {version: 3.1.0}}',
  ),
  judges: Judges.default({}).describe('Models that grade answers: {default: {model: judge-main, votes: 3}}'),
  embeddings: z.string().min(1).optional().describe('The model of `similar` with method cosine, a name from `models`'),
  calibrations: z
    .string()
    .default('calibrations')
    .describe('Folder of what is known about the judges: agreement with people'),
  suites: z.array(z.string().min(1)).default(['evals/*.suite.yaml']).describe('Globs, relative to this file'),
  prompts: z.string().default('prompts').describe('Folder of the prompts'),
  prompt_changelog: z
    .boolean()
    .default(false)
    .describe('A new prompt version needs a heading with its number in prompts/<name>/CHANGELOG.md'),
  baselines: z.string().default('baselines').describe('Folder of the baselines'),
  recordings: z.string().default('recordings').describe('Folder of recorded answers'),
  quarantine: z.string().default('quarantine.yaml').describe('List of cases that do not count for now; optional file'),
  releases: Releases.prefault({}),
  rollouts: z.array(z.string().min(1)).default(['rollouts/*.rollout.yaml']).describe('Globs of the rollout plans'),
  shadows: z.array(z.string().min(1)).default(['rollouts/*.shadow.yaml']).describe('Globs of the shadow plans'),
  rollout_journals: z
    .string()
    .default('.aigate/rollouts')
    .describe('Folder of the journals of rollouts; keep it between the jobs of a pipeline'),
  action_journal: z
    .string()
    .default('.aigate/actions')
    .describe('Folder of the journal of rollbacks, drills and triggers; keep it between the jobs of a pipeline'),
  production: Planes.optional().describe(
    'Where each component of production says which version runs: {prompt: {type: flagd, path: deploy/flags.json, flag: prompt}}',
  ),
  environments: z.record(Name, Planes).optional().describe('The same for other environments: {staging: {prompt: …}}'),
  kill: KillConfig.optional().describe('What `aigate kill` switches'),
  gate: GatePolicyInput.optional(),
  ready: ReadyConfig.optional().describe('What `aigate ready` asks for: {tests: [[npm, test]], drilled_within: 14d}'),
  health: HealthConfig.optional().describe(
    'What `aigate health` asks: {question: What is 2 + 2?, expect: [{contains: "4"}]}',
  ),
  budget: Budget.optional(),
  cache: CacheConfig.optional().describe('Answers that were paid for are not asked again: {max_mb: 500, max_age: 7d}'),
}))
export type Config = z.infer<typeof Config>
