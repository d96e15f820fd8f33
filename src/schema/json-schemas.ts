// The JSON Schemas of every file that people write or programs read, made from the zod schemas.
import * as z from 'zod'
import { Baseline } from './baseline.ts'
import { Calibration, Label, LabelsHead } from './calibration.ts'
import { Config } from './config.ts'
import { DoctorReport, PowerReport } from './doctor.ts'
import { DriftPlan } from './drift.ts'
import { ExperimentPlan } from './experiment.ts'
import { ExperimentReport, ExperimentSize } from './experiment-report.ts'
import { ExplanationReport } from './explanation.ts'
import { GuardPlan } from './guard.ts'
import { Lock } from './lock.ts'
import { PromptHeader } from './prompt.ts'
import { QuarantineList } from './quarantine.ts'
import { LedgerRecord, ReleaseManifest } from './release.ts'
import { RolloutPlan } from './rollout.ts'
import { Observation, RunHeader } from './run.ts'
import { RunPlan } from './run-plan.ts'
import { ShadowPlan } from './shadow.ts'
import { Case, Suite } from './suite.ts'
import { Report } from './verdict.ts'

export type SchemaName =
  | 'aigate'
  | 'suite'
  | 'cases'
  | 'prompt'
  | 'run'
  | 'baseline'
  | 'report'
  | 'quarantine'
  | 'experiment'
  | 'experiment-report'
  | 'experiment-plan'
  | 'explanation'
  | 'calibration'
  | 'labels'
  | 'doctor'
  | 'plan'
  | 'power-check'
  | 'lock'
  | 'release'
  | 'ledger'
  | 'rollout'
  | 'shadow'
  | 'guard'
  | 'drift'

const { completion, ...judgement } = Observation.shape
const { case: id, trial, purpose } = judgement
const runLine = z.union([
  RunHeader,
  z.strictObject({ type: z.literal('answer'), case: id, trial, purpose, completion }),
  z.strictObject({ type: z.literal('score'), ...judgement }),
  z.strictObject({ type: z.literal('end'), complete: z.boolean(), stopped: z.string().optional() }),
])

const schemas: Record<SchemaName, { title: string; schema: z.ZodType }> = {
  aigate: { title: 'aigate.yaml: providers, models, policy', schema: Config },
  suite: { title: 'A suite: what is asked, of which cases, and what decides', schema: Suite },
  cases: { title: 'A file of cases that a suite names in cases_from', schema: z.array(Case).min(1) },
  prompt: { title: 'The front matter of a prompt file', schema: PromptHeader },
  run: { title: 'One line of the record of a run; the header is the first', schema: runLine },
  quarantine: { title: 'quarantine.yaml: cases that do not count for now', schema: QuarantineList },
  baseline: { title: 'baselines/<suite>.json: an accepted run', schema: Baseline },
  experiment: {
    title: '<name>.experiment.yaml: a hypothesis, its variants and when it is judged',
    schema: ExperimentPlan,
  },
  'experiment-report': { title: 'What `aigate experiment report --json` writes', schema: ExperimentReport },
  'experiment-plan': { title: 'What `aigate experiment plan --json` writes', schema: ExperimentSize },
  explanation: { title: 'What `aigate explain --json` writes', schema: ExplanationReport },
  plan: { title: 'What `aigate plan --json` writes', schema: RunPlan },
  calibration: { title: 'calibrations/<judge>.json: how well a judge agrees with people', schema: Calibration },
  labels: {
    title: 'One line of the labels that `aigate calibrate` reads; the first may be a head',
    schema: z.union([LabelsHead, Label]),
  },
  doctor: { title: 'What `aigate doctor --json` writes', schema: DoctorReport },
  'power-check': { title: 'What `aigate power-check --json` writes', schema: PowerReport },
  lock: { title: 'aigate.lock: everything that decides behaviour, as it was agreed on', schema: Lock },
  release: { title: 'releases/<id>.yaml: the manifest of what runs together', schema: ReleaseManifest },
  ledger: {
    title: 'One line of releases/ledger.jsonl: a release, or the status of a part of one',
    schema: LedgerRecord,
  },
  rollout: { title: 'rollouts/<name>.rollout.yaml: how a release goes from 1 % to 100 %', schema: RolloutPlan },
  drift: { title: 'drift.yaml: what of live traffic is compared with what was normal', schema: DriftPlan },
  guard: { title: 'guard.yaml: triggers, circuit breakers and what is done then', schema: GuardPlan },
  shadow: { title: 'rollouts/<name>.shadow.yaml: what must be proven of pairs before a promotion', schema: ShadowPlan },
  report: { title: 'The report of one command, as --reporter json writes it', schema: Report },
}

/**
 * JSON Schema draft-7 of each kind of file, as people write it (`io: input`: what has a default may be left out).
 * Draft-7, because editors know later drafts only in part.
 */
export function jsonSchemas(): Record<SchemaName, object> {
  const made = Object.entries(schemas).map(([name, { title, schema }]) => {
    const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'throw' })
    return [name, { $schema, title, ...rest }]
  })
  return Object.fromEntries(made) as Record<SchemaName, object>
}
