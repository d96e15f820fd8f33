// What a run records: completions, scores, observations, and the header that explains the run a year later.
import * as z from 'zod'
import { Conversation, RetrievedContext } from './conversation.ts'
import { GatePolicy } from './gate.ts'
import { embedRecord, Judging, judgeRecord } from './judge.ts'
import { lateObject } from './late-object.ts'
import { ToolCall } from './suite.ts'
import { Json } from './values.ts'

export const Usage = lateObject(() => ({
  input_tokens: z.int().nonnegative().describe('Including cached ones'),
  output_tokens: z.int().nonnegative(),
  cached_input_tokens: z.int().nonnegative().optional(),
  reasoning_tokens: z.int().nonnegative().optional(),
}))
export type Usage = z.infer<typeof Usage>

/** Why a call was not measured. The first group stops a run at once: no further call can succeed. */
export const ErrorKind = z.enum([
  'auth', 'quota', 'unknown_model', 'bad_request', 'no_key', 'not_recorded',
  'rate_limit', 'server_error', 'connection', 'malformed', 'empty_answer', 'command_failed', 'budget', 'interrupted',
]) // biome-ignore format: two groups
export type ErrorKind = z.infer<typeof ErrorKind>

/** answered, refused and truncated are measurements; error and timeout are not, and never count as failures. */
export const CompletionOutcome = z.enum(['answered', 'refused', 'truncated', 'error', 'timeout'])

export const Completion = lateObject(() => ({
  outcome: CompletionOutcome,
  text: z.string(),
  tool_calls: z.array(ToolCall).default([]),
  error: z.strictObject({ kind: ErrorKind, message: z.string(), status: z.int().optional() }).optional(),
  latency_ms: z
    .number()
    .nonnegative()
    .optional()
    .describe('Of the last attempt; absent: results from elsewhere that do not tell'),
  first_token_ms: z
    .number()
    .nonnegative()
    .optional()
    .describe('Until the first piece of a streamed answer; in a conversation of the last one; absent: not streamed'),
  attempts: z.int().nonnegative(),
  usage: Usage.optional(),
  cost_usd: z.number().nonnegative().optional().describe('An estimate from the usage and list prices'),
  finish_reason: z.string().optional(),
  response_model: z.string().optional().describe('The model name that the provider answered with'),
  fingerprint: z.string().optional(),
  request_id: z.string().optional(),
  replayed: z.boolean().optional().describe('Taken from a recording or the cache: nobody was asked in this run'),
  cached: z.boolean().optional().describe('Taken from the cache; the latency is that of the time when it was asked'),
  conversation: Conversation.optional().describe('Absent: one question, one answer'),
  contexts: z.array(RetrievedContext).optional().describe('What was retrieved, best first; absent: nobody told'),
  state: Json.optional().describe('At the end, as the tools or the application left it'),
}))
export type Completion = z.infer<typeof Completion>

export const Score = lateObject(() => ({
  assertion: z.string().describe('What it is called in reports, for example not_contains'),
  passed: z.boolean(),
  score: z.number().min(0).max(1),
  weight: z.number().nonnegative(),
  reason: z.string().describe('One sentence: what was expected and what was found'),
  deterministic: z.boolean().describe('false: the same answer could be graded differently another time'),
  type: z.string().optional().describe('Of an assertion that a judge graded, for example rubric'),
  judged: judgeRecord().optional().describe('Only where a judge graded'),
  embedded: embedRecord().optional().describe('Only where embeddings were asked for'),
}))
export type Score = z.infer<typeof Score>

/** One trial of one case, scored. `passed` and `score` are null when it was not measured. */
export const Observation = lateObject(() => ({
  case: z.string(),
  trial: z.int().positive(),
  purpose: z.enum(['pass', 'confirm']).describe('confirm: an extra trial of a critical case; it never enters a rate'),
  completion: Completion,
  scores: z.array(Score),
  passed: z.boolean().nullable(),
  score: z.number().min(0).max(1).nullable(),
  grader_error: z.string().optional(),
  grader_cost: z
    .strictObject({ calls: z.int().nonnegative(), cost_usd: z.number().nonnegative().nullable() })
    .optional()
    .describe('What judges took although the trial could not be graded'),
  output: z
    .strictObject({ valid: z.boolean(), reason: z.string() })
    .optional()
    .describe('Whether the answer has the form that the prompt or response_format asks for; absent: none is asked for'),
}))
export type Observation = z.infer<typeof Observation>

/** Who is asked behind a provider's name. No secret is in it: of headers only the names, of the address no credentials. */
export const ProviderIdentity = lateObject(() => ({
  type: z.string(),
  base_url: z.string().optional().describe('Without user, password and the values of its query'),
  api_version: z.string().optional(),
  headers: z.array(z.string()).describe('Names in lower case'),
}))
export type ProviderIdentity = z.infer<typeof ProviderIdentity>

/** What was asked, with everything that identifies it. */
export const TargetSnapshot = lateObject(() => ({
  kind: z.enum(['prompt', 'command', 'http', 'module', 'results']).describe('results: asked by another tool'),
  label: z.string().describe('For people: support/answer@1.2.0 with support-main'),
  hash: z.string().describe('Content hash of all that decides the answers: prompt, model, parameters, tools'),
  prompt: z.strictObject({ name: z.string(), version: z.string(), hash: z.string() }).optional(),
  model: z
    .strictObject({ name: z.string(), provider: z.string(), id: z.string(), params: z.record(z.string(), Json) })
    .optional(),
  provider: ProviderIdentity.optional().describe(
    'Who was asked; absent: an application, or recorded by an older aigate',
  ),
  tools_hash: z
    .string()
    .optional()
    .describe('Content hash of tools and response format; absent: recorded by an older aigate'),
  components: z
    .record(z.string(), z.string())
    .optional()
    .describe('Versions of what answers besides, for example index or guardrail; absent: not known'),
}))
export type TargetSnapshot = z.infer<typeof TargetSnapshot>

export const Git = lateObject(() => ({ commit: z.string(), branch: z.string().nullable(), dirty: z.boolean() }))
export type Git = z.infer<typeof Git>

/** A case, reduced to what judging and reporting need. */
export const CaseInfo = lateObject(() => ({
  id: z.string(),
  hash: z.string().describe('Of the input and the assertions: the same id with another hash is another case'),
  category: z.string().optional(),
  tags: z.array(z.string()),
  critical: z.boolean(),
  file: z.string().describe('Relative to the configuration, with forward slashes'),
  line: z.int().positive(),
}))
export type CaseInfo = z.infer<typeof CaseInfo>

/** What the gate was held to besides the policy: the base of the change, and what the change does to the gate. */
export const GuardRecord = lateObject(() => ({
  base: z.string().nullable().describe('Commit whose rules, baseline and quarantine list judged; null: none was found'),
  baseline: z.string().nullable().describe('Path of the baseline file in that commit; null: none, or from elsewhere'),
  warnings: z.array(z.string()),
  holds: z.array(z.string()).describe('Reasons why this run cannot pass'),
  hidden: z.array(CaseInfo).describe('Cases of the base that are removed or rewritten, as the base has them'),
  added: z
    .array(z.string())
    .optional()
    .describe('Cases that the base does not have: it is judged without them as well, and the worse counts'),
}))
export type GuardRecord = z.infer<typeof GuardRecord>

/** The part of a command line that decides what is asked. */
export const Invocation = lateObject(() => ({
  names: z.array(z.string()).describe('Suites that the command line named; empty: all'),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
}))
export type Invocation = z.infer<typeof Invocation>

export const RunHeader = lateObject(() => ({
  aigate: z.literal('run'),
  version: z.literal(1),
  id: z.string(),
  suite: z.string(),
  suite_version: z.string(),
  target: TargetSnapshot,
  policy: GatePolicy,
  trials: z.strictObject({ min: z.int().positive(), max: z.int().positive() }),
  seed: z.int(),
  partial: z.boolean().describe('Only some of the cases of the suite were asked (--tag, --case)'),
  selection: z
    .strictObject({ tags: z.array(z.string()).optional(), cases: z.array(z.string()).optional() })
    .optional()
    .describe('Which ones: those with any of the tags, and of the ids; absent: all, or an older record'),
  what_if: z
    .array(z.string())
    .optional()
    .describe(
      'Rules of the suite that the command line set aside, for example --threshold 0; absent: none, or an older record',
    ),
  cases: z.array(CaseInfo),
  suites: z
    .array(z.string())
    .optional()
    .describe('All suites of the invocation: one without a record was never reached'),
  compared_with: z
    .strictObject({ file: z.string(), copy: z.string() })
    .nullable()
    .optional()
    .describe(
      'The baseline that was compared with, and its copy beside this file; null: none; absent: an older record',
    ),
  code: z
    .record(z.string(), z.string())
    .optional()
    .describe('Content hashes of the files that answer and grade, by path; absent: none, or an older record'),
  invocation: Invocation.optional().describe('How the run was started, for --resume; absent: it cannot be resumed'),
  shard: z
    .strictObject({ shard: z.int().positive(), of: z.int().positive(), split: z.string(), cases: z.array(z.string()) })
    .optional()
    .describe('Only these cases were asked here, the others by other shards: `aigate merge` has the verdict'),
  git: Git.nullable(),
  tool_version: z.string(),
  node: z.string(),
  started_at: z.iso.datetime(),
  quarantined: z.array(z.string()).optional().describe('Cases that were asked but do not count, in order of their ids'),
  change_notes: z.array(z.string()).optional().describe('What the verdict says about pins and the lock'),
  quarantine_notes: z.array(z.string()).optional().describe('What the verdict says about the quarantine list besides'),
  judging: Judging.optional().describe('Judges and embedding models of the run; absent: none, or an older record'),
  guard: GuardRecord.optional().describe('In CI: how the gate itself was guarded against the change'),
  against: z
    .strictObject({ ref: z.string(), commit: z.string() })
    .optional()
    .describe('Compared with this commit, asked in the same run; its record is in the folder `against`'),
  kept: z
    .strictObject({ answers: z.int().positive(), oldest: z.string() })
    .optional()
    .describe('In the folder `against`: so many answers were there from before the run, the oldest of this time'),
  anchors: z
    .strictObject({ cases: z.array(z.string()), asked: z.boolean() })
    .optional()
    .describe(
      'Cases that tell whether the provider moved since the baseline. asked: again, as the baseline asked them; the record is in the folder `anchors`. Otherwise nothing that is asked changed, and their own answers tell',
    ),
}))
export type RunHeader = z.infer<typeof RunHeader>

/** A run read back: `complete` is false when it was interrupted before it had been decided. `anchors`: asked beside it. */
export type Run = {
  header: RunHeader
  observations: Observation[]
  complete: boolean
  stopped?: string | undefined
  anchors?: Run | undefined
}
