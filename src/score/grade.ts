// One answer, graded: every assertion of the case, and from them whether the case passed.
import type { Grade, GraderTools, JudgeTools, Subject } from '../ports.ts'
import type { AssertionOf, AssertionType } from '../schema/assertion.ts'
import type { Completion, Observation, Score } from '../schema/run.ts'
import { assertionsOf, type Case, type Message } from '../schema/suite.ts'
import { partsOf } from './conversation-parts.ts'
import { spentOn } from './judged/panel.ts'
import { oneLine, shorten } from './reason.ts'
import { assertions } from './registry.ts'

/** `passed` and `score` are null when the answer was not measured; `grader_error` says so when a grader is at fault. */
export type Graded = {
  scores: Score[]
  passed: boolean | null
  score: number | null
  grader_error?: string
  /** What judges took all the same. */
  grader_cost?: NonNullable<Observation['grader_cost']>
}

/** Sums of weights and of binary fractions: 0.2 + 0.7 of 1 reaches a threshold of 0.9. */
const slack = 1e-9

const nameOf = ({ name, not, type }: AssertionOf<AssertionType>) => name ?? (not ? `not_${type}` : type)

const unmeasured = (grader_error: string): Graded => ({ scores: [], passed: null, score: null, grader_error })

/** true: the same answer always gets the same grade by this assertion. */
export function isDeterministic({ type, args }: AssertionOf<AssertionType>): boolean {
  const { deterministic } = assertions[type]
  return typeof deterministic === 'function' ? deterministic(args as never) : deterministic
}

/** The raw grade turned into a score: first `threshold` decides whether it passed, then `not` turns both round. */
function settle({ not, threshold, ...assertion }: AssertionOf<AssertionType>, grade: Grade): Score {
  if (!(grade.score >= 0 && grade.score <= 1)) throw new Error(`its score ${grade.score} is not from 0 to 1`)
  const holds = threshold === undefined ? grade.passed : grade.score >= threshold - slack
  const passed = holds !== not
  const facts = threshold === undefined ? grade.reason : `${grade.reason}, threshold ${threshold}`
  const reason = not ? `${passed ? 'as wanted' : 'not wanted'}: ${facts}` : facts
  return {
    assertion: nameOf({ not, threshold, ...assertion }),
    passed,
    score: not ? 1 - grade.score : grade.score,
    weight: assertion.weight,
    reason: shorten(oneLine(reason), 400),
    deterministic: isDeterministic({ not, threshold, ...assertion }),
    ...(grade.judged && { type: assertion.type, judged: grade.judged }),
    ...(grade.embedded && { embedded: grade.embedded }),
  }
}

/** Nothing was there to look at: that fails, whatever the assertion is, and `not_` of it too. */
function lost(assertion: AssertionOf<AssertionType>, reason: string): Score {
  const { weight } = assertion
  return {
    assertion: nameOf(assertion),
    passed: false,
    score: 0,
    weight,
    reason,
    deterministic: isDeterministic(assertion),
  }
}

async function gradeOne<T extends AssertionType>(assertion: AssertionOf<T>, subject: Subject, tools: GraderTools) {
  const plugin = assertions[assertion.type]
  return settle(assertion, await plugin.grade(assertion.args, subject, tools))
}

/** The judges, and what all that they are asked takes: where a grade fails no record of it is made. */
function counted(tools: JudgeTools | undefined) {
  const completions: Completion[] = []
  const ask: JudgeTools['ask'] = async (...question) => {
    try {
      const given = await tools?.ask(...question)
      if (!given) throw new Error('no judge can be asked here')
      completions.push(given.completion)
      return given
    } catch (error) {
      const { completion } = error as { completion?: Completion }
      if (completion) completions.push(completion)
      throw error
    }
  }
  const taken = (): Pick<Graded, 'grader_cost'> => {
    if (completions.length === 0) return {}
    const { calls, cost_usd } = spentOn(completions.filter(({ error }) => !error))
    const failed = completions.flatMap(({ error, attempts }) => (error ? attempts : []))
    return { grader_cost: { calls: calls + failed.reduce((sum, one) => sum + one, 0), cost_usd } }
  }
  return { judges: tools && { ...tools, ask }, taken }
}

/** Mean of the scores by weight, in [0, 1]. Weights are scaled first, so that their sum is finite. */
function weightedMean(scores: readonly Score[]): number {
  const heaviest = Math.max(...scores.map(({ weight }) => weight))
  let sum = 0
  let weights = 0
  for (const { score, weight } of scores) {
    sum += score * (weight / heaviest)
    weights += weight / heaviest
  }
  return Math.min(1, Math.max(0, sum / weights))
}

/**
 * Grades one answer of one case. The case passes when every assertion with a weight above 0 passes or, if the case sets
 * `threshold`, when the mean score by weight reaches it. Refused and truncated answers are graded on their text.
 * Not measured (passed and score null, no scores): a call that failed or ran out of time, an assertion that threw, a case
 * that asserts nothing. Never rejects.
 * @param asked the messages as they were sent, where they are known
 */
export async function grade(
  testCase: Case,
  completion: Completion,
  tools: GraderTools,
  asked?: readonly Message[],
): Promise<Graded> {
  if (completion.outcome === 'error' || completion.outcome === 'timeout')
    return { scores: [], passed: null, score: null }
  if (!assertionsOf(testCase).some(({ weight }) => weight > 0)) {
    return unmeasured('the case has no assertion with a weight above 0, so that nothing can be judged')
  }
  const { judges, taken } = counted(tools.judges)
  const own = judges ? { ...tools, judges } : tools
  const scores: Score[] = []
  for (const { prefix, assert, subject, unreached } of partsOf(testCase, completion, asked)) {
    for (const assertion of assert) {
      const named = prefix === '' ? assertion : { ...assertion, name: prefix + nameOf(assertion) }
      if (unreached !== undefined) {
        scores.push(lost(named, unreached))
        continue
      }
      try {
        scores.push(await gradeOne(named as AssertionOf<AssertionType>, subject, own))
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        return { ...unmeasured(`${nameOf(named)}: ${shorten(why, 400)}`), ...taken() }
      }
    }
  }
  // What a judge says who agrees too little with people is shown and warned about; it decides nothing.
  const deciding = scores.filter((one) => one.judged?.advisory === undefined)
  if (!deciding.some(({ weight }) => weight > 0)) return { scores, passed: true, score: weightedMean(scores) }
  const score = weightedMean(deciding)
  const { threshold } = testCase
  const passed =
    threshold === undefined ? deciding.every((one) => one.passed || one.weight === 0) : score >= threshold - slack
  return { scores, passed, score }
}
