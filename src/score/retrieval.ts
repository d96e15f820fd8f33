// retrieval: how well what was retrieved fits the contexts that are known to be right.
import type { AssertionPlugin, Subject } from '../ports.ts'
import { type AssertionArgs, Relevance } from '../schema/assertion.ts'
import { list, shorten } from './reason.ts'
import { retrievalMetric } from './retrieval-metrics.ts'

export const retrieval: AssertionPlugin<'retrieval'> = {
  deterministic: true,
  grade(args, { completion, case: { vars } }) {
    const { metric, k } = args
    const relevant = relevanceOf(args, vars)
    const ids = rankedIds(completion)
    const score = retrievalMetric(metric, ids, relevant, k)
    const right = [...relevant].filter(([, grade]) => grade > 0).map(([id]) => id)
    const missed = right.filter((id) => !ids.slice(0, k ?? ids.length).includes(id))
    const found =
      missed.length === 0 ? 'all relevant ones were found' : `missing: ${list(missed.map((id) => shorten(id)))}`
    const name = `${metric}${k === undefined ? '' : `@${k}`}`
    return { score, passed: score >= 1, reason: `${name} is ${score.toFixed(3)} of ${ids.length} contexts; ${found}` }
  },
}

/** Ids in the order in which they were retrieved. Throws where nobody told them: that is no bad retrieval. */
function rankedIds({ contexts }: Subject['completion']): string[] {
  if (contexts === undefined)
    throw new Error('the answer does not say what was retrieved; the target must give `contexts`')
  return contexts.map(({ id }, index) => {
    if (id === undefined) throw new Error(`context ${index + 1} has no id`)
    return id
  })
}

/**
 * Grades by id, from the assertion or from a variable of the case.
 * @throws Error when there are none, or none is above 0
 */
export function relevanceOf(
  { relevant, relevant_from: from = 'relevant' }: Pick<AssertionArgs<'retrieval'>, 'relevant' | 'relevant_from'>,
  vars: Subject['case']['vars'],
): Map<string, number> {
  const written = relevant ?? (Object.hasOwn(vars, from) ? vars[from] : undefined)
  if (written === undefined) throw new Error(`it needs relevant, or the variable "${from}" of the case`)
  const read = Relevance.safeParse(written)
  if (!read.success) throw new Error(`the variable "${from}" is neither a list of ids nor {id: grade}`)
  const grades = Array.isArray(read.data) ? read.data.map((id) => [id, 1] as const) : Object.entries(read.data)
  const found = new Map(grades)
  if (![...found.values()].some((grade) => grade > 0))
    throw new Error('no context is relevant, so nothing can be found')
  return found
}
