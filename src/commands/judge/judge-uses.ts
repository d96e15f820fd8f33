// What a suite uses its judges for: which judge, or jury, grades which type of assertion by which criteria.
import { Assertion } from '../../schema/assertion.ts'
import { assertionsOf } from '../../schema/suite.ts'
import type { TypeCalibration } from '../../schema/calibration.ts'
import type { JudgedType } from '../../schema/judge.ts'
import { sha256 } from '../../content-hash.ts'
import type { LoadedSuite } from '../../ports.ts'
import { judgeIdentity, judgesNamed } from '../../store/graders.ts'

/** Assertions of one type by one judge, or jury, of a suite. */
export type Use = {
  judge: string
  names: string[]
  type: JudgedType
  votes: number | undefined
  thresholds: Set<number>
  weighed: boolean
  /** In words; of types that have none: nothing. */
  criteria: Set<string>
}

/** Each judge, or jury, with each type of assertion that it grades in the suite; a vote of its own makes another one. */
export function usesOf({ cases, graders }: LoadedSuite): Use[] {
  const found = new Map<string, Use>()
  for (const { case: one } of cases)
    for (const assertion of assertionsOf(one)) {
      const named = judgesNamed(assertion)
      if (!named) continue
      const names = named.names.length > 0 ? [...new Set(named.names)] : [graders?.judge ?? '']
      const judge = names.join('+')
      const key = `${judge} ${named.type} ${named.votes ?? ''}`
      const use = found.get(key) ?? {
        judge,
        names,
        type: named.type,
        votes: named.votes,
        thresholds: new Set(),
        weighed: false,
        criteria: new Set(),
      }
      if (assertion.threshold !== undefined) use.thresholds.add(assertion.threshold)
      for (const criteria of criteriaOf(assertion)) use.criteria.add(criteria)
      use.weighed ||= one.threshold !== undefined
      found.set(key, use)
    }
  return [...found.values()]
}

/** What rubric and compare judge by, as one text; the other types have one question for all. */
function criteriaOf({ args }: Assertion): string[] {
  const written: unknown = typeof args === 'string' ? args : (args as { criteria?: unknown }).criteria
  const texts = [written].flat().filter((one) => typeof one === 'string')
  return texts.length === 0 ? [] : [texts.join('\n')]
}

/** A judge may be good at one thing and bad at another. */
export function otherCriteria({ judge, type, criteria }: Use, { gold }: TypeCalibration): string[] {
  const known = new Set(
    gold.flatMap((one) => {
      const read = Assertion.safeParse(one.assert)
      return read.success ? criteriaOf(read.data) : []
    }),
  )
  const others = [...criteria].filter((one) => !known.has(one))
  if (known.size === 0 || others.length === 0) return []
  const which = others.length === criteria.size ? 'other criteria than' : `other criteria than ${others.length} of`
  return [
    `The judge ${judge} (${type}) was calibrated on ${which} those that it judges by here: that it errs as often by them is taken for granted.`,
  ]
}

/** Of a jury: of all of its judges together. */
export function identityOf(
  { names, type, votes }: Pick<Use, 'names' | 'type' | 'votes'>,
  { judges }: NonNullable<LoadedSuite['graders']>,
): string {
  const all = names.map((name) => {
    const judge = judges[name]
    return judge ? judgeIdentity(judge, type, votes) : ''
  })
  return all.length === 1 ? (all[0] ?? '') : sha256(all.join('\n'))
}

/** The assertion as these judges are asked in the suite. */
export function withJudge(assertion: Assertion, { names, votes }: Pick<Use, 'names' | 'votes'>): Assertion {
  const { args } = assertion
  const own: object =
    typeof args === 'string' ? { criteria: args } : typeof args === 'object' && !Array.isArray(args) ? args : {}
  return { ...assertion, args: { ...own, judge: names, ...(votes !== undefined && { votes }) } } as Assertion
}
