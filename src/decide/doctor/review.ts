// Thresholds grow old: who answers for them, when they were last looked at, and when somebody should look again.
import type { GatePolicy } from '../../schema/gate.ts'

/** After so many days a threshold is asked about. */
export const REVIEW_DAYS = 90
const DAY_MS = 86_400_000

/** Sentences about the review of the policy; none while it is fresh, or when nobody wrote down a review. `now` is a UTC time. */
export function reviewNotes({ owner, reviewed }: Pick<GatePolicy, 'owner' | 'reviewed'>, now: Date): string[] {
  const by = owner === undefined ? 'by nobody who is named' : `by ${owner}`
  if (reviewed === undefined) {
    return owner === undefined ? [] : [`The thresholds belong to ${owner} and say no day of review: write \`reviewed: ${now.toISOString().slice(0, 10)}\`.`] // biome-ignore format: one line reads better
  }
  const days = Math.floor((now.getTime() - Date.parse(`${reviewed}T00:00:00Z`)) / DAY_MS)
  if (days < 0) return [`The thresholds say that they were reviewed on ${reviewed}, which is still to come.`]
  if (days <= REVIEW_DAYS) return []
  return [`The thresholds were reviewed ${days} days ago ${by}: ask for a review.`]
}
