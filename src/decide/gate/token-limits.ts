// Token limits before anything is asked: what the newest run of the suite took, held against the limits of today.
import type { Run } from '../../schema/run.ts'
import { assertionsOf, type Case } from '../../schema/suite.ts'
import { counted, names } from '../words.ts'

const limits = { prompt_tokens: 'input_tokens', completion_tokens: 'output_tokens' } as const
type Limited = keyof typeof limits
type Planned = { case: Case; info: { id: string } }

/** Nearer to a limit than this, another wording of the same answer goes beyond it. */
const NEAR = 0.9

const maxOf = (one: Case, type: Limited): number => {
  const found = assertionsOf(one).flatMap((assertion) => (assertion.type === type ? [assertion.args] : []))
  return Math.min(Infinity, ...found.map((args) => (typeof args === 'number' ? args : (args.max ?? Infinity))))
}

/** true when any case has a limit, so that earlier runs are worth reading. */
export const limitsTokens = (cases: readonly Planned[]): boolean =>
  cases.some(
    (one) =>
      assertionsOf(one.case).some(({ type }) => Object.hasOwn(limits, type)) &&
      (Object.keys(limits) as Limited[]).some((type) => maxOf(one.case, type) < Infinity),
  )

/**
 * One sentence for each kind of limit that cases went beyond in an earlier run, or came near to (90 %), by the tokens that the
 * provider counted. New cases are left out; for rewritten ones it is what they took as they were.
 * @param window tokens that the model takes at most, where that is known
 */
export function tokenWarnings(cases: readonly Planned[], run: Run, window?: number): string[] {
  const before = new Set(run.header.cases.map(({ id }) => id))
  const most = (id: string, key: (typeof limits)[Limited]): number => {
    const own = run.observations.filter((one) => one.case === id)
    return Math.max(0, ...own.map(({ completion }) => completion.usage?.[key] ?? 0))
  }
  // By id alone: whoever writes a limit into a case makes another case of it.
  const same = cases.filter(({ info }) => before.has(info.id))
  const said = (Object.keys(limits) as Limited[]).flatMap((type): string[] => {
    const measured = same.map(({ case: one, info }) => ({
      id: info.id,
      share: most(info.id, limits[type]) / maxOf(one, type),
    }))
    const over = measured.filter(({ share }) => share > 1).map(({ id }) => id)
    const near = measured.filter(({ share }) => share > NEAR && share <= 1).map(({ id }) => id)
    const told = (ids: string[], what: string) =>
      ids.length === 0
        ? []
        : [`${type}: ${counted(ids.length, 'case')} ${what} the limit in run ${run.header.id}: ${names(ids)}.`]
    return [...told(over, 'went beyond'), ...told(near, 'came near to')]
  })
  const longest = same.filter(({ info }) => window !== undefined && most(info.id, 'input_tokens') > NEAR * window)
  if (window === undefined || longest.length === 0) return said
  const ids = longest.map(({ info }) => info.id)
  return [
    ...said,
    `${counted(ids.length, 'case')} filled more than 90 % of the ${window} tokens that the model takes: ${names(ids)}.`,
  ]
}
