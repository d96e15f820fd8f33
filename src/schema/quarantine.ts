// The quarantine list: cases that are run and shown but do not count, each with an owner, a reason and an end.
import * as z from 'zod'
import { lateObject } from './late-object.ts'

/** How far ahead the end of a quarantine may lie, in days: a list that nobody has to look at again only grows. */
export const LONGEST_QUARANTINE_DAYS = 90

// Written into reports and terminals as it stands, so that it must be one plain line.
const line = () =>
  z
    .string()
    .trim()
    .min(1)
    .max(200)
    .regex(/^[^\p{Cc}\p{Cf}\u2028\u2029]+$/u, 'expected one line of plain text')

export const QuarantineEntry = lateObject(() => ({
  suite: z.string().min(1).describe('Name of the suite'),
  case: z.string().min(1).describe('Id of the case'),
  owner: line().describe('Who looks after it'),
  reason: line().describe('Why it does not count for now'),
  until: z.iso
    .date()
    .describe(
      'The last day (UTC) on which it does not count, YYYY-MM-DD, at most 90 days ahead; later it counts again',
    ),
  allow_critical: z
    .boolean()
    .optional()
    .describe('true: a critical case, too, may stand here, and then blocks nothing'),
}))
export type QuarantineEntry = z.infer<typeof QuarantineEntry>

/** quarantine.yaml: a list, one entry a case. */
export const QuarantineList = z.array(QuarantineEntry)
export type QuarantineList = z.infer<typeof QuarantineList>
