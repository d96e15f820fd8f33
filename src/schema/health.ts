// What `aigate health` asks, and what it writes: one real question to each model and application.
import * as z from 'zod'
import { Assertion } from './assertion.ts'
import { lateObject } from './late-object.ts'
import { Duration } from './values.ts'
import { Outcome } from './verdict.ts'

export const HealthConfig = lateObject(() => ({
  question: z
    .string()
    .min(1)
    .optional()
    .describe('Asked of every model; without it, the first case with the tag smoke of a suite of the model'),
  expect: z.array(Assertion).default([]).describe('What the answer must fulfil: [{contains: "4"}]'),
  max_latency: Duration.optional().describe('Slower answers are unhealthy'),
  timeout: Duration.default(30_000).describe('No answer for so long is unhealthy'),
  concurrency: z.int().positive().max(64).default(4).describe('Questions at the same time'),
}))
export type HealthConfig = z.infer<typeof HealthConfig>

/** One question and what came back. Latency in milliseconds; null: not known. */
export const HealthRow = lateObject(() => ({
  kind: z.enum(['model', 'application']),
  name: z.string(),
  asked: z.string().describe('Model id, or what the application is'),
  question: z.string().describe('Where the question comes from'),
  outcome: Outcome,
  said: z.string(),
  latency_ms: z.number().nonnegative().nullable(),
  input_tokens: z.int().nonnegative().nullable(),
  output_tokens: z.int().nonnegative().nullable(),
  cost_usd: z.number().nonnegative().nullable(),
  response_model: z.string().nullable(),
}))
export type HealthRow = z.infer<typeof HealthRow>
