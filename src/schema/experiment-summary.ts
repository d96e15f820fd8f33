// What was seen of an experiment, one value a unit: all that a verdict needs, whatever the traffic.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Name } from './values.ts'

const count = z.int().nonnegative()

/**
 * One metric in one variant, over units. `n`: units that have it; `bad`: units whose value is 1 (rates by `per_unit: any`);
 * `sum`, `squares`: of the units' values; `histogram`: units by logarithmic bucket (skewed metrics).
 */
export const UnitMoments = lateObject(() => ({
  n: count,
  bad: count,
  sum: z.number(),
  squares: z.number().nonnegative(),
  histogram: z.record(z.string(), count).optional(),
}))
export type UnitMoments = z.infer<typeof UnitMoments>

export const VariantSummary = lateObject(() => ({ units: count, metrics: z.record(Name, UnitMoments) }))
export type VariantSummary = z.infer<typeof VariantSummary>

export const ExperimentSummary = lateObject(() => ({
  since: z.iso.datetime(),
  until: z.iso.datetime().describe('Events from since on and before this are counted'),
  newest: z.iso.datetime().nullable().describe('Time of the newest event'),
  variants: z.record(Name, VariantSummary),
  segments: z.record(z.string(), z.record(Name, VariantSummary)).optional(),
  days: z
    .array(z.record(Name, count))
    .describe('New units of each variant in each period of 24 hours from since on; the last one may be short'),
  both: count.describe('Units seen in several variants; they count for the first'),
  followed: z.number().gt(0).max(1).describe('Share of the units that is followed, chosen by hash'),
  events: count,
  unreadable: count,
  duplicates: count,
  without_variant: count,
  notes: z.array(z.string()),
}))
export type ExperimentSummary = z.infer<typeof ExperimentSummary>
