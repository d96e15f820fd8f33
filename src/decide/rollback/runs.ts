// What the journal of actions says about rollbacks: one that was begun and did not end, and the last drill.
import * as z from 'zod'
import type { ActionRecord } from '../../schema/action-journal.ts'

/** From trigger to verified. */
export const GOAL_MS = 60_000

/** How one component went. `took_ms`: from the intent until it was read back, attempts and waits included. */
export const StepResult = z.strictObject({
  component: z.string(),
  where: z.string(),
  wanted: z.string().nullable(),
  state: z.enum(['back', 'there', 'failed', 'blocked', 'skipped']),
  attempts: z.int().nonnegative(),
  took_ms: z.number().nonnegative(),
  problem: z.string().nullable(),
  mend: z.string().optional().describe('What helps against the problem, where that is known'),
  notes: z.array(z.string()).readonly().optional().describe('What people should know although it went well'),
})
export type StepResult = z.infer<typeof StepResult>

/** What the entry `ended` of a rollback or a drill holds. Times in milliseconds. */
export const RollbackDetail = z.strictObject({
  from: z.string(),
  to: z.string(),
  steps: z.array(StepResult),
  left: z.array(z.string()),
  release: z.string().nullable(),
  plan_ms: z.number().nonnegative(),
  planes: z
    .string()
    .optional()
    .describe('Hash of the planes of the environment as they were; drills before it was noted lack it'),
  unrecorded: z.string().optional().describe('Why the ledger does not say what runs now'),
})
export type RollbackDetail = z.infer<typeof RollbackDetail>

/** A drill that ended: when (RFC 3339), how, how long from the start until everything was read back and recorded. */
export type Drill = { at: string; outcome: string; took_ms: number; detail: RollbackDetail }

/**
 * What a drill came to: `ok`: nothing of it failed. Pass: all went back on the copies within the goal; inconclusive: a plane
 * has no copy, or nothing had to change.
 */
export function drillOutcome(
  ok: boolean,
  steps: readonly StepResult[],
  tookMs: number,
): 'pass' | 'fail' | 'inconclusive' {
  if (!ok || tookMs > GOAL_MS) return 'fail'
  const all = steps.some(({ state }) => state === 'back') && steps.every(({ state }) => state !== 'skipped')
  return all ? 'pass' : 'inconclusive'
}

/** The newest drill of an environment that ended; null: there was none, or its record is of another form. */
export function lastDrill(records: readonly ActionRecord[], env: string): Drill | null {
  const found = records.findLast(
    (one) => one.kind === 'ended' && one.verb === 'rollback' && one.drill && one.subject === env,
  )
  if (found?.kind !== 'ended') return null
  const detail = RollbackDetail.safeParse(found.detail)
  if (!detail.success) return null
  return { at: found.at, outcome: found.outcome, took_ms: found.took_ms, detail: detail.data }
}

/** The run of a rollback of `env` to `to` that was begun last and never ended: it was killed. undefined: there is none. */
export function unfinishedRun(records: readonly ActionRecord[], env: string, to: string): string | undefined {
  const last = records.findLast(
    (one) =>
      (one.kind === 'begun' || one.kind === 'ended') && one.verb === 'rollback' && !one.drill && one.subject === env,
  )
  if (last?.kind !== 'begun') return undefined
  const plan = z.looseObject({ to: z.string() }).safeParse(last.plan)
  return plan.success && plan.data.to === to ? last.run : undefined
}
