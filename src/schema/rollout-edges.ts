// The edges of a rollout: who is told which share to serve, and where events or counts come from.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Duration, Name } from './values.ts'

const Secret = z.string().regex(/^[A-Za-z_]\w*$/, 'expected the name of an environment variable')
const HttpCall = lateObject(() => ({
  url: z.url(),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
  headers: z.record(z.string(), z.string()).optional().describe('${NAME} is taken from the environment'),
  body: z
    .json()
    .optional()
    .describe(
      '{{traffic}} (0 to 1), {{percent}}, {{permille}}, {{per_100000}}, {{ppm}}, their rests for the baseline such as {{rest_percent}}, {{rollout}}, {{arm}} and {{key}} are put in',
    ),
}))
const Argv = z.array(z.string()).min(1)

export const Control = z.discriminatedUnion('type', [
  lateObject(() => ({
    type: z.literal('flagd'),
    path: z.string().min(1).describe('The flag file that applications read, relative to the configuration'),
    flags: z
      .record(Name, z.string())
      .optional()
      .describe('Flag of each component; <rollout>-<component> unless written'),
    lease: Duration.default(900_000).describe('Without a renewed lease everybody is served the baseline'),
    settle: Duration.default(60_000).describe('Events so soon after a change of share do not count'),
  })),
  lateObject(() => ({
    type: z.literal('http'),
    set: HttpCall,
    read: z
      .strictObject({
        ...HttpCall.shape,
        method: z.enum(['GET', 'POST']).default('GET'),
        pointer: z.string().describe('JSON pointer to the share (0 to 1), percent, permille or ppm'),
        unit: z.enum(['share', 'percent', 'permille', 'per_100000', 'ppm']).default('percent'),
      })
      .describe('Every change is read back'),
    settle: Duration.default(60_000),
  })),
  lateObject(() => ({
    type: z.literal('command'),
    set: Argv.describe('Program with arguments; {{percent}}, {{rollout}}, … are put in; no shell'),
    read: Argv.describe('Prints the percent that the candidate is served'),
    settle: Duration.default(60_000),
  })),
  lateObject(() => ({
    type: z.literal('git'),
    path: z.string().min(1).describe('YAML or JSON file in the repository, relative to the configuration'),
    pointer: z.string().describe('JSON pointer to the number (percent)'),
    push: z.boolean().default(false),
    settle: Duration.default(60_000),
  })),
])
export type Control = z.infer<typeof Control>

const Mapping = z
  .union([z.enum(['aigate', 'otel-genai', 'openinference']), z.record(z.string(), z.string())])
  .default('aigate')
  .describe('Names of the fields: a known convention, or ours: theirs')
const sourceCommon = {
  freshness: Duration.default(600_000).describe('No event for so long is no data'),
  lateness: Duration.default(60_000).describe('How far out of order events may come'),
  arm: lateObject(() => ({ field: z.string(), baseline: z.string(), candidate: z.string() }))
    .optional()
    .describe('Which field says who answered, where it is not aigate.arm or the flag variant'),
}
const interval = Duration.optional().describe(
  'Events are counted in blocks so long, and a block is looked at once it is over; a minute unless written',
)
export const SourceConfig = z.discriminatedUnion('type', [
  lateObject(() => ({
    type: z.literal('jsonl'),
    path: z.union([z.string(), z.array(z.string()).min(1)]).describe('Files or globs, .gz too; - is stdin'),
    mapping: Mapping,
    interval,
    ...sourceCommon,
  })),
  lateObject(() => ({
    type: z.literal('otlp'),
    path: z.union([z.string(), z.array(z.string()).min(1)]),
    mapping: Mapping,
    interval,
    ...sourceCommon,
  })),
  lateObject(() => ({
    type: z.literal('prometheus'),
    url: z.url(),
    token_env: Secret.optional(),
    labels: z
      .strictObject({
        arm: z.string().default('arm'),
        baseline: z.string().default('baseline'),
        candidate: z.string().default('candidate'),
      })
      .prefault({}),
    requests: z.string().describe('Selector of the counter of requests: http_requests_total{job="app"}'),
    bad: z.record(Name, z.string()).default({}).describe('Selector of the counter of bad events of each rate metric'),
    histogram: z
      .record(Name, z.string())
      .default({})
      .describe('Selector of the histogram (…_bucket) of each tail metric'),
    step: Duration.default(60_000),
    ...sourceCommon,
  })),
  lateObject(() => ({
    type: z.literal('sql'),
    engine: z.enum(['duckdb', 'clickhouse']),
    url: z.url().optional().describe('Of ClickHouse over HTTP'),
    user_env: Secret.optional(),
    password_env: Secret.optional(),
    from: z
      .string()
      .min(1)
      .describe('What to read: a file glob (Parquet, JSONL, CSV) for DuckDB, a table for ClickHouse'),
    columns: z.record(z.string(), z.string()).default({}).describe('Our field: the expression of yours'),
    mapping: Mapping,
    ...sourceCommon,
  })),
  lateObject(() => ({
    type: z.literal('command'),
    argv: Argv.describe('Prints events as JSON lines; {{since}} and {{until}} (RFC 3339) are put in'),
    mapping: Mapping,
    interval,
    timeout: Duration.default(60_000),
    ...sourceCommon,
  })),
])
export type SourceConfig = z.infer<typeof SourceConfig>
