// How a judge stands with one type of assertion: calibrated or not, stale, or agreeing too little with people to block.
import type { Calibration } from '../../schema/calibration.ts'
import { type JudgedType, type JudgeUse, MIN_KAPPA } from '../../schema/judge.ts'

export type Wanted = {
  /** Its name, or those of a jury: a+b. */
  judge: string
  type: JudgedType
  /** As `judgeIdentity` of today. */
  identity: string
  /** From which scores on assertions of the suite pass; and whether a case weighs its assertions. */
  thresholds: ReadonlySet<number>
  weighed: boolean
  /** Assertions of this type ask this judge with different numbers of votes. */
  several: boolean
  minKappa: number | undefined
  /** Whether it may block while nobody knows how often it errs. */
  uncalibrated: 'block' | 'warn'
}

/** What the gate may make of a calibration. A stale one is said and not used; a weak judge may warn but not block. */
export function standingOf(wanted: Wanted, calibration: Calibration | null): JudgeUse {
  const { judge, type, identity } = wanted
  const found = calibration?.types[type]
  const weakened = wanted.uncalibrated === 'warn'
  const none = (note: string): JudgeUse => ({
    judge,
    type,
    table: null,
    kappa: null,
    threshold: null,
    sample_of: null,
    at: null,
    corrects: false,
    weak: weakened,
    note: weakened ? `${note} Until then what it finds is only a warning.` : note,
  })
  const name = `The judge ${judge} (${type})`
  if (!found)
    return none(
      `${name} is not calibrated: nobody knows how often it errs. \`aigate calibrate <labels.jsonl>\` measures it.`,
    )
  if (found.identity !== identity)
    return none(
      `${name} is another one than was calibrated on ${found.at.slice(0, 10)} (model, parameters, prompt or votes changed): that calibration is not used. Run \`aigate calibrate ${found.labels.file}\` again.`,
    )
  const { table, kappa, threshold, sample_of, at } = found
  const least = wanted.minKappa ?? MIN_KAPPA
  const weak = kappa.estimate < least
  const uncorrected = (what: string) => `${name} ${what}: pass rates and differences are not corrected for its errors.`
  const elsewhere = [...wanted.thresholds].filter((one) => Math.abs(one - threshold) > 1e-9)
  const why = weak
    ? null
    : elsewhere.length > 0
      ? uncorrected(
          `was calibrated to pass from ${threshold} on, and assertions here pass from ${elsewhere.join(', ')} on`,
        )
      : wanted.weighed
        ? uncorrected('grades cases that weigh their assertions (`threshold` of the case)')
        : wanted.several
          ? uncorrected('is asked with different numbers of votes')
          : null
  const note = weak
    ? `${name} agrees too little with people to block (kappa ${kappa.estimate.toFixed(2)}, at least ${least} is wanted): what it finds is only a warning.`
    : why
  return {
    judge,
    type,
    table,
    kappa: kappa.estimate,
    threshold,
    sample_of,
    at,
    corrects: !weak && why === null,
    ...(found.response_models && { answered_by: found.response_models }),
    ...(found.moved_at !== undefined && { moved_at: found.moved_at }),
    weak,
    note,
  }
}
