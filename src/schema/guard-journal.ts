// The journal of a guard: what each look read and came to, one hash-chained JSON line each.
import * as z from 'zod'
import { GuardForm } from './guard.ts'
import { lateObject } from './late-object.ts'
import { Reading } from './rollout-journal.ts'
import { Json, Name } from './values.ts'
import { Outcome } from './verdict.ts'

export const GUARD_JOURNAL_FORMAT = 1

const frame = {
  aigate: z.literal('guard'),
  version: z.literal(GUARD_JOURNAL_FORMAT),
  seq: z.int().positive(),
  at: z.iso.datetime(),
  by: z.string(),
}
const chain = { prev: z.string(), hash: z.string() }
const kinds = {
  /** The plan as it is from here on; `since`: events before it teach, but do not count. */
  start: { plan_hash: z.string(), plan: GuardForm, since: z.int() },
  /** `failure`: the source could not be read; then there is no reading. */
  look: {
    reading: Reading.nullable(),
    failure: z.string().nullable(),
    outcome: Outcome,
    reasons: z.array(z.string()),
    releases: z
      .record(
        z.string(),
        lateObject(() => ({ id: z.string(), at: z.int(), good: z.string().nullable() })),
      )
      .optional()
      .describe('What ran by the ledger, since when, and the last good one before it, by environment'),
  },
  /** The first record of a journal that goes on from another one: `state` is what that came to. */
  carry: { state: Json, from: z.string() },
  said: { verb: z.literal('close'), breaker: Name, reason: z.string() },
}
const entry = <K extends keyof typeof kinds>(kind: K) => z.strictObject({ kind: z.literal(kind), ...kinds[kind] })
const record = <K extends keyof typeof kinds>(kind: K) =>
  z.strictObject({ ...frame, kind: z.literal(kind), ...kinds[kind], ...chain })

/** What happened; the journal adds its number, time, author and chain. */
export const GuardEntry = z.discriminatedUnion('kind', [entry('start'), entry('look'), entry('carry'), entry('said')])
export type GuardEntry = z.infer<typeof GuardEntry>
export const GuardRecord = z.discriminatedUnion('kind', [
  record('start'),
  record('look'),
  record('carry'),
  record('said'),
])
export type GuardRecord = z.infer<typeof GuardRecord>
