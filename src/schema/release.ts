// A release: the manifest of what runs together, and the records of the ledger that says what was released, when and why.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Git, TargetSnapshot } from './run.ts'
import { Json, Name } from './values.ts'
import { Outcome } from './verdict.ts'

/** Characters of a plain line at most. */
export const LONGEST_LINE = 300

/** Written into terminals and YAML as it stands, so that it must be one plain line. */
export const PlainLine = z
  .string()
  .trim()
  .min(1)
  .max(LONGEST_LINE)
  .regex(/^[^\p{Cc}\p{Cf}\u2028\u2029]+$/u, 'expected one line of plain text')

/** An id such as 2026-11-21.1: the day (UTC) and the how manieth release of it. */
export const ReleaseId = z.string().regex(/^\d{4}-\d{2}-\d{2}\.[1-9]\d*$/, 'expected an id such as 2026-11-21.1')

/** Something that has a version outside of this repository. */
const Part = lateObject(() => ({ version: PlainLine, note: PlainLine.optional().describe('What is new in it') }))
export type Part = z.infer<typeof Part>

const ReleasedPrompt = lateObject(() => ({
  name: z.string(),
  version: z.string(),
  hash: z.string().describe('SHA-256 (hex) of the file with LF line ends'),
  file: z.string().describe('Relative to the configuration'),
  description: z.string().optional(),
}))
export type ReleasedPrompt = z.infer<typeof ReleasedPrompt>

const ReleasedModel = lateObject(() => ({
  name: z.string().describe('In the model registry'),
  provider: z.string(),
  id: z.string(),
  base_url: z.string().optional().describe('Who was asked, without secrets; absent: recorded by an older aigate'),
  params: z.record(z.string(), Json).describe('As they are sent, those of the suite included'),
}))
export type ReleasedModel = z.infer<typeof ReleasedModel>

const ReleasedSuite = lateObject(() => ({
  suite: z.string(),
  version: z.string(),
  cases: z.int().nonnegative(),
  target: TargetSnapshot,
}))
export type ReleasedSuite = z.infer<typeof ReleasedSuite>

/** What a run said about a suite of the release. */
const Evidence = lateObject(() => ({
  suite: z.string(),
  run: z.string().nullable().describe('Id of the run; null: there is none'),
  outcome: Outcome,
  reason: z.string().describe('The first reason of the verdict, or why there is no evidence'),
}))
export type Evidence = z.infer<typeof Evidence>

export const ReleaseManifest = lateObject(() => ({
  aigate: z.literal('release'),
  version: z.literal(1),
  id: ReleaseId,
  env: PlainLine.describe('Where it runs, for example production'),
  at: z.iso.datetime(),
  by: z.string(),
  sentence: z.string().describe('For people: what this release changes against the one before it'),
  note: PlainLine.optional(),
  override: z
    .strictObject({ reason: PlainLine, outcome: Outcome.describe('What the evidence said') })
    .optional()
    .describe('Present: it was released against its evidence'),
  rollback: z
    .strictObject({
      from: ReleaseId.describe('What was running'),
      to: ReleaseId.describe('Where it went back to'),
      components: z.array(z.string()).describe('What went back, by the names of the planes'),
      left: z.array(z.string()).describe('What should have gone back and did not'),
      reason: PlainLine.optional(),
    })
    .optional()
    .describe('Present: it is a rollback'),
  irreversible: z
    .array(PlainLine)
    .min(1)
    .optional()
    .describe('What going back behind this release does not undo: a migration of a database, a changed schema'),
  git: Git.nullable(),
  container: PlainLine.optional().describe('Tag or digest'),
  prompts: z.array(ReleasedPrompt),
  models: z.array(ReleasedModel),
  components: z.record(Name, Part).describe('What answers depend on besides: index, guardrails and the like'),
  suites: z.array(ReleasedSuite),
  verdicts: z.array(Evidence),
}))
export type ReleaseManifest = z.infer<typeof ReleaseManifest>

export const ComponentStatus = z.enum(['production', 'rollback_ready', 'archived'])
export type ComponentStatus = z.infer<typeof ComponentStatus>

/** A part of a release: kind `prompt` answer@1.2.0, `model` openai/gpt-4o-2024-11-20, `index` kb-2026-10, `container` tag. */
export const Component = lateObject(() => ({ kind: Name, name: PlainLine }))
export type Component = z.infer<typeof Component>

const frame = {
  aigate: z.literal('ledger'),
  version: z.literal(1),
  seq: z.int().positive().describe('From 1, without a gap'),
  at: z.iso.datetime(),
  by: z.string(),
}
const chain = {
  prev: z.string().describe('Hash of the record before it; 64 zeros for the first'),
  hash: z.string().describe('SHA-256 (hex) of this line up to its hash'),
}
export const ReleaseEntry = lateObject(() => ({
  kind: z.literal('release'),
  manifest: ReleaseManifest,
  manifest_sha256: z.string().describe('Of the file releases/<id>.yaml'),
}))
export const StatusEntry = lateObject(() => ({
  kind: z.literal('status'),
  component: Component,
  status: ComponentStatus.exclude(['production']).describe('What is in production follows from the releases'),
  keep_until: z.iso.date().optional().describe('Last day (UTC) on which it must still be there'),
  note: PlainLine.optional(),
}))
/** What happened; the ledger adds its number, time and chain. */
export const LedgerEntry = z.discriminatedUnion('kind', [ReleaseEntry, StatusEntry])
export type LedgerEntry = z.infer<typeof LedgerEntry>

export const LedgerRecord = z.discriminatedUnion('kind', [
  lateObject(() => ({ ...frame, ...ReleaseEntry.shape, ...chain })),
  lateObject(() => ({ ...frame, ...StatusEntry.shape, ...chain })),
])
export type LedgerRecord = z.infer<typeof LedgerRecord>

/** The newest format of a record that this code reads. */
export const LEDGER_FORMAT = 1
