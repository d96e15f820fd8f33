// aigate.yaml: providers, the model registry, where the suites are, the policy of the repository.
import * as z from 'zod'
import { GatePolicyInput } from './gate.ts'
import { Dollars, Duration, Json } from './values.ts'

export const OpenAiProvider = z.strictObject({
  type: z.literal('openai').describe('Any API that speaks OpenAI chat completions'),
  base_url: z.url().default('https://api.openai.com/v1'),
  api_key_env: z.string().optional().describe('Name of the environment variable that holds the key'),
  api_version: z.string().optional().describe('Azure OpenAI with deployments: the api-version'),
  headers: z.record(z.string(), z.string()).default({}).describe('Values may hold ${NAME} from the environment'),
  concurrency: z.int().positive().default(8),
  rpm: z.number().positive().optional().describe('Requests a minute that are never exceeded'),
  timeout: Duration.default(60_000),
  retries: z.int().nonnegative().default(4).describe('Further attempts after a transient failure'),
})
export type OpenAiProvider = z.infer<typeof OpenAiProvider>

export const ReplayProvider = z.strictObject({
  type: z.literal('replay').describe('Answers from the recordings; never asks anybody'),
  of: OpenAiProvider.optional().describe('The provider that --record asks'),
})
export type ReplayProvider = z.infer<typeof ReplayProvider>

export const ProviderConfig = z.discriminatedUnion('type', [OpenAiProvider, ReplayProvider])
export type ProviderConfig = z.infer<typeof ProviderConfig>

export const ModelPin = z.strictObject({
  provider: z.string().describe('A name from `providers`'),
  id: z.string().min(1).describe('Exact model id, for example gpt-4o-2024-11-20'),
  params: z.record(z.string(), Json).default({}).describe('Sent as they stand; nothing else is sent'),
  rollback_to: z.string().optional().describe('A name from `models`'),
  price: z
    .strictObject({ input: z.number().nonnegative(), output: z.number().nonnegative() })
    .optional()
    .describe('US dollars for a million tokens, when the bundled prices do not know the model'),
})
export type ModelPin = z.infer<typeof ModelPin>

export const Budget = z.strictObject({
  max_cost_usd: Dollars.optional(),
  max_calls: z.int().positive().optional(),
})
export type Budget = z.infer<typeof Budget>

export const Config = z.strictObject({
  version: z.literal(1).describe('Version of this file format'),
  providers: z.record(z.string(), ProviderConfig).default({}),
  models: z.record(z.string(), ModelPin).default({}),
  suites: z.array(z.string().min(1)).default(['evals/*.suite.yaml']).describe('Globs, relative to this file'),
  prompts: z.string().default('prompts').describe('Folder of the prompts'),
  baselines: z.string().default('baselines').describe('Folder of the baselines'),
  recordings: z.string().default('recordings').describe('Folder of recorded answers'),
  quarantine: z.string().default('quarantine.yaml').describe('List of cases that do not count for now; optional file'),
  gate: GatePolicyInput.optional(),
  budget: Budget.optional(),
})
export type Config = z.infer<typeof Config>
