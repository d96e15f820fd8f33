// Traffic that a rollout is planned for: how much, and what is usual in it.

/** What last week's events say, or what is assumed. */
export type Traffic = {
  /** Requests per minute, both arms together. */
  per_minute: number
  /** Share of the requests that are the first of a user; 1 unless known. */
  new_users?: number
  /** As `new_users`, in the first hour: how fast users of the candidate are seen at first. */
  early_users?: number
  /** Share (0 to 1) of the bad events of a metric that are the first of their user within a day; 1 unless known. */
  firsts?: Record<string, number>
  /** Events that have the metric, for each request: judgements and feedback come for some of the answers; 1 unless known. */
  events?: Record<string, number>
  /** Base rate (0 to 1) of rate and tail metrics by name, and mean with standard deviation of means. */
  rates: Record<string, number>
  means: Record<string, { mean: number; deviation: number }>
  /** Share (0 to 1) of the events above each limit that the plan sets for a metric, in its order; less than they allow unless known. */
  over?: Record<string, number[]>
}
