// How well a judge agrees with people: the labels that people write, and calibrations/<judge>.json that is made of them.
import * as z from 'zod'
import { JudgedType, JudgeTable } from './judge.ts'
import { lateObject } from './late-object.ts'
import { Message } from './suite.ts'
import { Json, Unit } from './values.ts'

const said = z
  .union([z.boolean(), z.enum(['pass', 'fail']), z.literal(1), z.literal(0)])
  .transform((written) => written === true || written === 'pass' || written === 1)

const written = z.record(z.string(), Json)

/** What holds for every label of a file; its first line. */
export const LabelsHead = lateObject(() => ({
  aigate: z.literal('labels'),
  version: z.literal(1),
  assert: written.optional().describe('The assertion, as a suite has it, of labels that have none: {rubric: …}'),
}))
export type LabelsHead = z.infer<typeof LabelsHead>

/** One answer, and whether people let it pass. */
export const Label = lateObject(() => ({
  id: z.string().min(1).optional(),
  assert: written.optional().describe('The assertion, as a suite has it'),
  vars: z.record(z.string(), Json).default({}),
  messages: z.array(Message).optional(),
  answer: z.string(),
  baseline: z.string().optional().describe('compare: the other answer'),
  label: said.describe('pass or fail, true or false, 1 or 0: what people said'),
  by: z.string().optional().describe('Who said so'),
}))
export type Label = z.infer<typeof Label>

const Estimate = lateObject(() => ({ estimate: z.number(), low: z.number(), high: z.number() }))
const count = z.int().nonnegative()

export const Gold = lateObject(() => ({
  id: z.string(),
  assert: written,
  vars: z.record(z.string(), Json),
  messages: z.array(Message).optional(),
  answer: z.string(),
  baseline: z.string().optional(),
  passed: z.boolean().describe('What the judge said when it was calibrated'),
}))
export type Gold = z.infer<typeof Gold>

export const LengthBias = lateObject(() => ({
  group: z.enum(['people pass', 'people fail']),
  longer: Unit.describe('How often an answer that the judge passes is longer than one that it fails; 0.5: no bias'),
  n: count,
  p: z.number(),
}))

export const TypeCalibration = lateObject(() => ({
  identity: z.string().describe('Hash of the pins, the parameters, the prompts and the votes that were calibrated'),
  prompts: z.array(z.string()).describe('name@version and hash, for people'),
  response_models: z.array(z.string()).optional().describe('The model names that answered; absent: none told'),
  threshold: Unit.describe('The score from which on it passes'),
  labels: z.strictObject({ file: z.string(), hash: z.string(), n: count, not_judged: count }),
  sample_of: z.string().nullable().describe('Suite, and hash of the target, whose answers were drawn at random'),
  table: JudgeTable,
  kappa: Estimate,
  sensitivity: Estimate.describe('Of what people pass, the share that the judge passes'),
  specificity: Estimate.describe('Of what people fail, the share that the judge fails'),
  best_threshold: z.strictObject({ threshold: Unit, youden: z.number() }),
  position: z
    .strictObject({ pairs: count, first: count, second: count, p: z.number() })
    .nullable()
    .describe('compare: pairs in which the same place won in both orders'),
  length: z.array(LengthBias),
  at: z.iso.datetime(),
  tool_version: z.string(),
  moved_at: z.iso
    .datetime()
    .optional()
    .describe(
      'When it was last found that the judge judges otherwise than before; what it graded earlier is of another ruler',
    ),
  gold: z.array(Gold),
}))
export type TypeCalibration = z.infer<typeof TypeCalibration>

export const Calibration = lateObject(() => ({
  aigate: z.literal('calibration'),
  version: z.literal(1),
  judge: z.string().describe('Its name, or those of a jury: a+b'),
  types: z.partialRecord(JudgedType, TypeCalibration),
}))
export type Calibration = z.infer<typeof Calibration>
