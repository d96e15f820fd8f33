// Kill switches: what was switched off, for whom, by whom, why, and until when.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Name } from './values.ts'

export const KILL_LIST_FORMAT = 1

/** flagd puts the rules into the flags as text, where these signs would be read as "what was found" by some readers. */
const subject = () =>
  z
    .string()
    .min(1)
    .max(200)
    .regex(/^(?!.*\$[$&`'])[^\p{Cc}\p{Zl}\p{Zp}]+$/u, 'expected one line of text without "$&" and the like')

/** All that are written must hold; none: everybody and everything. */
export const KillScope = lateObject(() => ({
  model: subject().optional(),
  feature: subject().optional(),
  segment: subject().optional(),
  user: subject().optional(),
}))
export type KillScope = z.infer<typeof KillScope>

export const KillEntry = lateObject(() => ({
  scope: KillScope,
  reason: z.string().min(1),
  by: z.string(),
  at: z.iso.datetime(),
  until: z.iso.datetime().nullable().describe('From then on it is over by itself; null: until it is switched off'),
  flags: z.array(z.string().min(1)).default([]).describe('Flags of the feature besides those that its name begins'),
}))
export type KillEntry = z.infer<typeof KillEntry>

/** As it stands in the flag file. */
export const KillList = lateObject(() => ({ version: z.literal(KILL_LIST_FORMAT), kills: z.array(KillEntry) }))

export const KillConfig = lateObject(() => ({
  path: z.string().min(1).optional().describe('The flag file; else those that the planes and rollout plans name'),
  flags: z
    .record(z.string().min(1), z.string().min(1))
    .default({})
    .describe('Flags of your own, with the variant that is served when they are killed: {support-model: previous}'),
  features: z
    .record(Name, z.array(z.string().min(1)).min(1))
    .default({})
    .describe('Flags of a feature whose names do not begin with its name: {support: [answer-prompt]}'),
}))
export type KillConfig = z.infer<typeof KillConfig>
