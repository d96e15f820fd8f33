// The base side of a change for the verbs that judge: its rules laid over those of the head, its baselines read from git.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { graderKey, guard, type GuardSide } from '../decide/policy-guard.ts'
import { baselineWarnings, requireFresh } from '../decide/ratchet.ts'
import { AigateError } from '../errors.ts'
import type { Context, LoadedSuite, Project } from '../ports.ts'
import { expander } from '../run/expand.ts'
import { snapshotTarget } from '../run/snapshot.ts'
import type { Baseline } from '../schema/baseline.ts'
import type { QuarantineEntry } from '../schema/quarantine.ts'
import type { GuardRecord } from '../schema/run.ts'
import { baselineFile, readBaseline } from '../store/baseline-file.ts'
import { type BaseProject, openBaseProject } from '../store/base-project.ts'
import { findBase } from '../store/git-objects.ts'
import { readQuarantineFile } from '../store/quarantine-file.ts'
import { openRecordings } from '../store/recordings.ts'
import { collectSuites, type SuiteOptions } from '../store/suites.ts'

/** `base`: the ref of --base; false for --no-base; absent: guarded where CI is set. */
export type GuardOptions = { base?: string | boolean; offline?: boolean; baseline?: string | boolean | undefined }
/** `path`: of the file in the base commit; null where it was not read from there. */
type Chosen = { baseline: Baseline | null; file: string | null; path: string | null }
type Head = {
  suites: LoadedSuite[]
  quarantine: QuarantineEntry[]
  /** Names that the command line gave; empty: all. */
  names: readonly string[]
  overrides?: SuiteOptions['overrides']
}

/** What a verb goes on with: suites, list and baselines under the rules that count, and what to remember of that. */
export type Change = {
  suites: LoadedSuite[]
  quarantine: QuarantineEntry[]
  /** By suite. */
  baselines: ReadonlyMap<string, Chosen>
  records: ReadonlyMap<string, GuardRecord>
}

/** true where an environment says that nobody sits in front of it. */
export const inCi = ({ CI }: Context['env']): boolean => CI !== undefined && !['', '0', 'false'].includes(CI)

/**
 * Guards the gate against the change under test. Where it is not wanted, or no base is found, the head's own rules
 * count; in the latter case the records say so. Throws AigateError `usage` for a --base that git does not know, and
 * `baseline_expired`.
 */
export async function guardChange(
  context: Context,
  project: Project,
  head: Head,
  options: GuardOptions,
): Promise<Change> {
  const asked = typeof options.base === 'string' ? options.base : undefined
  if (options.base === false || (asked === undefined && !inCi(context.env)))
    return unguarded(context, project, head, options)
  const found = await findBase(project.root, { env: context.env, ref: asked })
  if ('problem' in found) {
    if (asked !== undefined) throw new AigateError('usage', { problem: `--base: ${found.problem}.`, mend: found.mend })
    const said = `The gate is not guarded against this change: ${found.problem}. ${found.mend}`
    return unguarded(context, project, head, options, [said])
  }
  const base = await openBaseProject(project, found.commit, { everything: false })
  if (!base) {
    const said = `The base ${found.ref} (${found.commit.slice(0, 12)}) has no configuration: the rules of this change itself count.`
    return unguarded(context, project, head, options, [said])
  }
  try {
    return await guarded({ context, project, head, base, options })
  } finally {
    await base.close()
  }
}

async function unguarded(
  context: Context,
  project: Project,
  head: Head,
  options: GuardOptions,
  warnings: string[] = [],
): Promise<Change> {
  const baselines = new Map<string, Chosen>()
  for (const suite of head.suites)
    baselines.set(suite.suite.suite, await chosenBaseline(context, project, suite, options))
  const records = recordsOf(context, { suites: head.suites, baselines }, (_suite) => ({
    base: null,
    baseline: null,
    warnings,
    holds: [],
    hidden: [],
  }))
  return { suites: head.suites, quarantine: head.quarantine, baselines, records }
}

type Both = { context: Context; project: Project; head: Head; base: BaseProject; options: GuardOptions }

async function guarded({ context, project, head, base, options }: Both): Promise<Change> {
  const { prompt: _prompt, model: _model, ...overrides } = head.overrides ?? {}
  const old = await collectSuites(base.project, { suites: [], overrides, configurationOnly: true })
  const own = new Map<string, Chosen>()
  const baselines = new Map<string, Chosen>()
  for (const suite of head.suites) {
    const name = suite.suite.suite
    own.set(name, await chosenBaseline(context, project, suite, { ...options, baseline: options.baseline !== false }))
    baselines.set(name, await chosenBaseline(context, project, suite, options, base.project))
  }
  const result = guard({
    base: await sideOf(base.project, old.suites, (await readQuarantineFile(base.project)).entries),
    head: await sideOf(project, head.suites, head.quarantine),
    whole: head.names.length === 0,
  })
  const unread = old.problems.map(
    (problem) =>
      `The base cannot be read (${problem.places[0]?.file ?? 'aigate.yaml'}: ${problem.message}), so the gate of this change cannot be compared with it.`,
  )
  const recorded = new Map<string, string[]>()
  for (const suite of result.suites) recorded.set(suite.suite.suite, await newRecordings(project, base, suite, options))
  const records = recordsOf(context, { suites: result.suites, baselines }, ({ suite: { suite } }) => {
    const record = result.records.get(suite)
    return {
      base: base.commit,
      baseline: baselines.get(suite)?.path ?? null,
      warnings: [...(record?.warnings ?? []), ...chainWarnings(own.get(suite), baselines.get(suite))],
      holds: [...unread, ...(record?.holds ?? []), ...(recorded.get(suite) ?? [])],
      hidden: record?.hidden ?? [],
    }
  })
  return { suites: result.suites, quarantine: result.quarantine, baselines, records }
}

/** The records, with what the baselines themselves give cause to say; none where there is nothing to say and no base. */
function recordsOf(
  context: Context,
  { suites, baselines }: Pick<Change, 'suites' | 'baselines'>,
  of: (suite: LoadedSuite) => GuardRecord,
): Map<string, GuardRecord> {
  const records = new Map<string, GuardRecord>()
  const now = context.now()
  for (const suite of suites) {
    const name = suite.suite.suite
    const baseline = baselines.get(name)?.baseline
    if (baseline) requireFresh(baseline, suite.policy, now)
    const record = of(suite)
    const warnings = [...record.warnings, ...(baseline ? baselineWarnings(baseline, suite.policy, now) : [])]
    if (record.base !== null || warnings.length > 0) records.set(name, { ...record, warnings })
  }
  return records
}

/** The baseline that the command line names, or the stored one; inside the project it is read as the base has it. */
async function chosenBaseline(
  context: Context,
  project: Project,
  suite: LoadedSuite,
  { baseline: choice }: GuardOptions,
  base?: Project,
): Promise<Chosen> {
  if (choice === false) return { baseline: null, file: null, path: null }
  const name = suite.suite.suite
  const named = typeof choice === 'string'
  const stored = baselineFile(join((base ?? project).root, (base ?? project).config.baselines), name)
  const file = named ? (isAbsolute(choice) ? choice : join(context.cwd, choice)) : stored
  const inside = relative(project.root, file)
  const atBase = named && base && !inside.startsWith('..') && !isAbsolute(inside) ? join(base.root, inside) : undefined
  const read = atBase !== undefined && existsSync(atBase) ? atBase : file
  const baseline = await readBaseline(read, name, { required: named })
  const shown = base && !named ? join(project.root, relative(base.root, stored)) : file
  const path = baseline && base && read.startsWith(base.root) ? relative(base.root, read).split(sep).join('/') : null
  return { baseline, file: baseline ? shown : null, path }
}

async function sideOf(
  project: Project,
  suites: readonly LoadedSuite[],
  quarantine: readonly QuarantineEntry[],
): Promise<GuardSide> {
  const baselines = new Map<string, string | null>()
  const targets = new Map<string, string>()
  for (const { suite, target } of suites) {
    const file = baselineFile(join(project.root, project.config.baselines), suite.suite)
    baselines.set(suite.suite, await digestOf(file))
    // The hash of an application knows its address, not its code.
    if (target.kind === 'prompt') targets.set(suite.suite, snapshotTarget(target).hash)
  }
  return { suites, quarantine, budget: project.config.budget, baselines, targets, graders: await gradersOf(suites) }
}

/** SHA-256 (hex) of a file as it lies on the disk; null when there is none. */
export async function digestOf(file: string): Promise<string | null> {
  return existsSync(file)
    ? createHash('sha256')
        .update(await readFile(file))
        .digest('hex')
    : null
}

/** The programs and modules that grade each case. What they import is not followed. */
async function gradersOf(suites: readonly LoadedSuite[]): Promise<Map<string, string>> {
  const graders = new Map<string, string>()
  for (const suite of suites) {
    for (const each of suite.cases) {
      const files = each.case.assert.flatMap((one) =>
        one.type === 'module' ? [one.args.path] : one.type === 'command' ? one.args.run : [],
      )
      const digests = []
      for (const file of files) digests.push(await digestOf(resolve(suite.dir, file)))
      if (digests.length > 0) graders.set(graderKey(suite.suite.suite, each.info.id), digests.join(' '))
    }
  }
  return graders
}

/** A baseline of the head that does not continue the chain of the base's was written by hand, or on another branch. */
function chainWarnings(own: Chosen | undefined, base: Chosen | undefined): string[] {
  const [head, old] = [own?.baseline, base?.baseline]
  if (!head || !old || JSON.stringify(head) === JSON.stringify(old)) return []
  const known = head.history?.some(({ at }) => at === old.accepted.at) ?? false
  return known
    ? []
    : [
        'The baseline of this change does not continue the chain of the base: it was not made with `aigate baseline accept`.',
      ]
}

/** Where answers are replayed: those that the base does not know, or knows otherwise. */
async function newRecordings(
  project: Project,
  base: BaseProject,
  suite: LoadedSuite,
  options: GuardOptions,
): Promise<string[]> {
  const replays = suite.target.kind === 'prompt' && suite.target.provider.config.type === 'replay'
  if ((!replays && options.offline !== true) || suite.policy.allow_new_recordings) return []
  const open = ({ root, config }: Project) => openRecordings(join(root, config.recordings), suite.suite.suite)
  const [now, then] = [await open(project), await open(base.project)]
  const ask = await expander(suite.target)
  const trials = Array.from({ length: suite.suite.trials.max }, (_, index) => index + 1)
  const strangers = suite.cases.filter((each) =>
    trials.some((trial) => {
      const { key } = ask(each.case, trial)
      const answer = now.find(key, trial)
      return answer !== undefined && JSON.stringify(answer) !== JSON.stringify(then.find(key, trial))
    }),
  )
  if (strangers.length === 0) return []
  return [
    `The answers to ${strangers.length} of ${suite.cases.length} cases come from recordings that this change itself brings: nobody but its author asked the model. Ask it in CI, or let the base say \`allow_new_recordings: true\`.`,
  ]
}
