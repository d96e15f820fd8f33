// A status as the lists of prompts and models show it.

/** "rollback_ready until 2026-12-31"; null: there is no status. What is archived is kept by nobody, whatever was said. */
export function statusCell({
  status,
  keep_until,
}: {
  status: string | null
  keep_until: string | null
}): string | null {
  return status !== null && keep_until !== null && status !== 'archived' ? `${status} until ${keep_until}` : status
}
