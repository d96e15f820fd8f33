// The journal of actions on production (rollbacks, drills, fired triggers, kill switches): one hash-chained JSON line each.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Json, Name } from './values.ts'

export const ACTION_JOURNAL_FORMAT = 1

const RunName = z.string().min(1).describe('Names one run of a verb: all entries of it carry it')

/** A verb begins: what it was asked to do, and why. `drill`: against a copy, production stays as it is. */
const Begun = lateObject(() => ({
  kind: z.literal('begun'),
  run: RunName,
  verb: Name.describe('rollback, watch, kill, …'),
  subject: z.string().describe('What it is about: an environment, a guard'),
  why: z.string(),
  drill: z.boolean().default(false),
  plan: Json.describe('Everything that it is going to do'),
}))
/** Written before the act. An intent that nothing follows may or may not have been carried out: read it back first. */
const Intent = lateObject(() => ({
  kind: z.literal('intent'),
  run: RunName,
  id: z.string().min(1).describe('Of this action; the same at every attempt'),
  action: Name.describe('What is done: apply, notify, incident, command, …'),
  subject: z.string().describe('To what: a component, an address'),
  wanted: Json,
  why: z.string(),
}))
const Applied = lateObject(() => ({
  kind: z.literal('applied'),
  run: RunName,
  id: z.string().min(1),
  read_back: Json.describe('What the other side said afterwards'),
  took_ms: z.number().nonnegative().optional(),
}))
const Failed = lateObject(() => ({
  kind: z.literal('failed'),
  run: RunName,
  id: z.string().min(1),
  error: z.string(),
  attempt: z.int().positive(),
  final: z.literal(true).optional().describe('It is not tried again; `error` says why'),
}))
/** The verb ended by itself; a run without it was killed. */
const Ended = lateObject(() => ({
  kind: z.literal('ended'),
  run: RunName,
  verb: Name,
  subject: z.string(),
  drill: z.boolean().default(false),
  outcome: z.enum(['pass', 'fail', 'inconclusive', 'invalid', 'action_failed']),
  took_ms: z.number().nonnegative(),
  detail: Json,
}))
export const ActionEntry = z.discriminatedUnion('kind', [Begun, Intent, Applied, Failed, Ended])
export type ActionEntry = z.infer<typeof ActionEntry>

const frame = {
  aigate: z.literal('actions'),
  version: z.literal(ACTION_JOURNAL_FORMAT),
  seq: z.int().positive().describe('From 1, without a gap'),
  at: z.iso.datetime(),
  by: z.string(),
}
const chain = { prev: z.string(), hash: z.string() }
export const ActionRecord = z.discriminatedUnion('kind', [
  lateObject(() => ({ ...frame, ...Begun.shape, ...chain })),
  lateObject(() => ({ ...frame, ...Intent.shape, ...chain })),
  lateObject(() => ({ ...frame, ...Applied.shape, ...chain })),
  lateObject(() => ({ ...frame, ...Failed.shape, ...chain })),
  lateObject(() => ({ ...frame, ...Ended.shape, ...chain })),
])
export type ActionRecord = z.infer<typeof ActionRecord>
