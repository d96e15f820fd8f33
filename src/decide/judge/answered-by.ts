// Who answered when judges were asked: another model behind the same pin grades by another ruler.
import type { Baseline } from '../../schema/baseline.ts'
import type { GoldCheck, Judging } from '../../schema/judge.ts'
import type { Observation } from '../../schema/run.ts'
import { byText, names } from '../words.ts'
import { judgesOf } from './corrected-rate.ts'
import { goldCounts } from './gold.ts'

const sorted = (all: Iterable<string>): string[] => [...new Set(all)].sort(byText)

/** By judge, or jury, the model names that answered; judges of whom none told are left out. */
export function judgeModels(observations: readonly Observation[], type?: string): Record<string, string[]> {
  const found = new Map<string, string[]>()
  for (const { scores } of observations)
    for (const score of scores) {
      const models = score.judged?.response_models ?? []
      if (models.length === 0 || (type !== undefined && score.type !== type)) continue
      const judge = judgesOf(score)
      found.set(judge, sorted([...(found.get(judge) ?? []), ...models]))
    }
  return Object.fromEntries([...found].sort(([a], [b]) => byText(a, b)))
}

/** Those of two lists that name somebody else than before; none where either side did not tell. */
export const strangers = (now: readonly string[], before: readonly string[] = []): string[] =>
  before.length === 0 ? [] : sorted(now.filter((name) => !before.includes(name)))

const MEND = 'Pin the model of the judge.'

/** A gold check in which somebody else answered than when the judge was calibrated is one of a judge that moved. */
export function withStrangers(
  check: GoldCheck,
  now: readonly string[],
  before: readonly string[] | undefined,
): GoldCheck {
  const others = strangers(now, before)
  if (others.length === 0) return check
  return foreign(check, calibratedBy(check, others, before ?? []))
}

const foreign = (check: GoldCheck, why: string): GoldCheck => ({
  ...check,
  moved: true,
  foreign: why,
  sentence: `${why} ${check.sentence}`,
})

/** The checks of several parts of a run as one of all their answers. */
export function pooledChecks(parts: readonly GoldCheck[]): GoldCheck[] {
  const groups = new Map<string, GoldCheck[]>()
  for (const one of parts) {
    const name = `${one.type} ${one.judge}`
    groups.set(name, [...(groups.get(name) ?? []), one])
  }
  return [...groups.values()].flatMap((own) => {
    const [first] = own
    if (!first) return []
    const sum = (of: 'asked' | 'failed' | 'breaks' | 'fixes') => own.reduce((total, one) => total + one[of], 0)
    const counts = { asked: sum('asked'), failed: sum('failed'), breaks: sum('breaks'), fixes: sum('fixes') }
    const whole = goldCounts(first.judge, first.type, counts)
    const why = own.find((one) => one.foreign !== undefined)?.foreign
    return [why === undefined ? whole : foreign(whole, why)]
  })
}

const calibratedBy = (
  { judge, type }: { judge: string; type: string },
  now: readonly string[],
  before: readonly string[],
): string =>
  `Another model is behind the judge ${judge} (${type}): ${names(now)} answers, it was calibrated with ${names(before)}.`

/**
 * Why what judges say today cannot stand beside what they said: they moved in `gold`, or another model answers than for the
 * calibration or the baseline. `decides` false: of a judge that may not block anyway.
 */
export function movedJudges(
  { uses, gold }: Judging,
  observations: readonly Observation[],
  baseline: Baseline | null,
): { sentence: string; decides: boolean }[] {
  const strong = (judge: string, type?: string) =>
    uses.some((use) => use.judge === judge && (type === undefined || use.type === type) && !use.weak)
  const moved = gold.filter((one) => one.moved)
  const rejudged = moved.map(({ judge, type, sentence }) => ({
    sentence: `${sentence} Look at the judge, then calibrate it anew with \`aigate calibrate\`.`,
    decides: strong(judge, type),
  }))
  const calibrated = uses.flatMap((use) => {
    if (moved.some(({ judge, type }) => judge === use.judge && type === use.type)) return []
    const others = strangers(judgeModels(observations, use.type)[use.judge] ?? [], use.answered_by)
    return others.length === 0
      ? []
      : [
          {
            sentence: `${calibratedBy(use, others, use.answered_by ?? [])} ${MEND} Then calibrate it anew with \`aigate calibrate\`.`,
            decides: !use.weak,
          },
        ]
  })
  const earlier = uses.flatMap(({ judge, type, moved_at: at, weak }) =>
    at === undefined || !baseline?.runs.some((run) => run.at < at)
      ? []
      : [
          {
            sentence: `The judge ${judge} (${type}) was found to judge otherwise on ${at.slice(0, 10)}, and the baseline was graded before: two rulers cannot be compared. Record the baseline again with \`aigate baseline record\`.`,
            decides: !weak,
          },
        ],
  )
  const compared = Object.entries(judgeModels(observations)).flatMap(([judge, models]) => {
    const before = baseline?.judge_models?.[judge]
    const others = strangers(models, before)
    return others.length === 0
      ? []
      : [
          {
            sentence: `The baseline was graded by ${names(before ?? [])} as the judge ${judge}, this run by ${names(others)}: two rulers cannot be compared. ${MEND} Then record the baseline again with \`aigate baseline record\`.`,
            decides: strong(judge),
          },
        ]
  })
  return [...rejudged, ...calibrated, ...earlier, ...compared]
}
