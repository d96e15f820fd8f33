// Traffic that a rollout is planned for: how much, and what is usual in it.

/** What last week's events say, or what is assumed. */
export type Traffic = {
  /** Requests per minute, both arms together. */
  per_minute: number
  /** Share of the requests that are the first of a user; 1 unless known. */
  new_users?: number
  /** Base rate (0 to 1) of rate and tail metrics by name, and mean with standard deviation of means. */
  rates: Record<string, number>
  means: Record<string, { mean: number; deviation: number }>
  /** Share (0 to 1) of the events above each limit that the plan sets for a metric, in its order; less than they allow unless known. */
  over?: Record<string, number[]>
}
