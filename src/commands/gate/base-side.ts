// The base side of a change for the verbs that judge: its rules laid over those of the head, its baselines read from git.
import { join } from 'node:path'
import type { GuardTip } from '../../decide/change/guard-tip.ts'
import { newPermissions } from '../../decide/change/pin-permission.ts'
import { guard, type GuardSide } from '../../decide/change/policy-guard.ts'
import { baselineWarnings, requireFresh } from '../../decide/change/ratchet.ts'
import { AigateError } from '../../errors.ts'
import type { Context, LoadedSuite, Project } from '../../ports.ts'
import { type Address, addressOf, type GraderAddress, graderAddress, providerKey } from '../../run/address.ts'
import { contentHash } from '../../content-hash.ts'
import { othersOf } from '../../run/needed-keys.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import type { QuarantineEntry } from '../../schema/quarantine.ts'
import type { GuardRecord } from '../../schema/run.ts'
import { baselineFile } from '../../store/baseline-file.ts'
import { type BaseProject, openBaseProject } from '../../store/base-project.ts'
import { otherConfigAtBase } from '../../store/base-config.ts'
import { digestOf } from '../../store/content-digest.ts'
import { findBase, type NoBase, PULL_REQUEST_VARIABLES } from '../../store/base-commit.ts'
import { isRepository } from '../../store/git-env.ts'
import { readQuarantineFile } from '../../store/quarantine-file.ts'
import { collectSuites, type SuiteOptions } from '../../store/suites.ts'
import { type Chosen, chainWarnings, chosenBaseline } from './chosen-baseline.ts'
import { gradersOfBoth } from './graders.ts'
import { guardedPrices } from './guarded-prices.ts'
import { newRecordings } from './new-recordings.ts'
import { nothingHeld } from './nothing-held.ts'
import { readTip } from './base-tip.ts'

/** `base`: the ref of --base; false for --no-base; absent: guarded where CI is set. */
export type GuardOptions = {
  base?: string | boolean
  offline?: boolean
  baseline?: string | boolean | undefined
  /** The file that --config names. */
  config?: string | undefined
}
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
 * Guards the gate against the change under test. Where it is not wanted, or outside of git, the head's own rules count;
 * in the latter case the records say so. Throws AigateError `usage` for a --base that git does not know, and where a
 * change must be there but its base cannot be found, and `baseline_expired`.
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
    if (!(await mayGoUnguarded(context, project, found))) throw unguardable(found)
    const said = `The gate is not guarded against this change: ${found.problem}. ${found.mend}`
    return unguarded(context, project, head, options, { warnings: [said] })
  }
  const named = options.config !== undefined
  const other = await otherConfigAtBase(project, found.commit, { cwd: context.cwd, named })
  if (other !== null) return unguarded(context, project, head, options, { holds: [other] })
  const base = await openBaseProject(project, found.commit, { everything: false })
  if (!base) {
    const said = `The base ${found.ref} (${found.commit.slice(0, 12)}) has no configuration: the rules of this change itself count.`
    return unguarded(context, project, head, options, { warnings: [said] })
  }
  try {
    const tip = await readTip(context, project, found, { asked, overrides: baseOverrides(head) })
    return await guarded({ context, project, head, base, options, tip })
  } finally {
    await base.close()
  }
}

/** Where there is no history, there is no change: a folder outside of git, or a repository without a commit. */
async function mayGoUnguarded({ env }: Context, { root }: Project, { kind }: NoBase): Promise<boolean> {
  if (PULL_REQUEST_VARIABLES.some((name) => env[name])) return false
  return kind === 'no_commit' || (kind === 'no_git' && !isRepository(root))
}

const unguardable = ({ problem, mend }: NoBase) =>
  new AigateError('usage', {
    problem: `The gate cannot be guarded against this change, because ${problem}.`,
    mend: `${mend} Or say --no-base, where nobody's change is judged: then its own rules count.`,
  })

async function unguarded(
  context: Context,
  project: Project,
  head: Head,
  options: GuardOptions,
  { warnings = [], holds = [] }: { warnings?: string[]; holds?: string[] } = {},
): Promise<Change> {
  const baselines = new Map<string, Chosen>()
  for (const suite of head.suites)
    baselines.set(suite.suite.suite, await chosenBaseline(context, project, suite, options))
  const records = recordsOf(context, { suites: head.suites, baselines }, (_suite) => ({
    base: null,
    baseline: null,
    warnings,
    holds,
    hidden: [],
  }))
  return { suites: head.suites, quarantine: head.quarantine, baselines, records }
}

type Both = {
  context: Context
  project: Project
  head: Head
  base: BaseProject
  options: GuardOptions
  tip: GuardTip | undefined
}

/** What the command line changes, without what it has asked instead. */
function baseOverrides({ overrides }: Head): NonNullable<SuiteOptions['overrides']> {
  const { prompt: _prompt, model: _model, ...rest } = overrides ?? {}
  return rest
}

async function guarded({ context, project, head, base, options, tip }: Both): Promise<Change> {
  const overrides = baseOverrides(head)
  const old = await collectSuites(base.project, { suites: [], overrides, configurationOnly: true })
  const own = new Map<string, Chosen>()
  const baselines = new Map<string, Chosen>()
  for (const suite of head.suites) {
    const name = suite.suite.suite
    own.set(name, await chosenBaseline(context, project, suite, { ...options, baseline: options.baseline !== false }))
    baselines.set(name, await chosenBaseline(context, project, suite, options, base.project))
  }
  const listed = await readQuarantineFile(base.project)
  const graders = await gradersOfBoth({ project, suites: head.suites }, { project: base, suites: old.suites })
  const priced = await guardedPrices(head.suites, base.project.config.models)
  const result = guard({
    base: { ...(await sideOf(base.project, old.suites, listed.entries)), graders: graders.base },
    head: { ...(await sideOf(project, priced.suites, head.quarantine)), graders: graders.head },
    whole: head.names.length === 0,
    tip,
  })
  const unread = old.problems.map(
    (problem) =>
      `The base cannot be read (${problem.places[0]?.file ?? 'aigate.yaml'}: ${problem.message}), so the gate of this change cannot be compared with it.`,
  )
  const recorded = new Map<string, string[]>()
  for (const suite of result.suites) recorded.set(suite.suite.suite, await newRecordings(project, base, suite, options))
  const same = await nothingHeld(project.root, base.commit)
  const records = recordsOf(context, { suites: result.suites, baselines }, (loaded) => {
    const { suite } = loaded.suite
    const record = result.records.get(suite)
    const permissions = newPermissions(loaded, base.project.config.models)
    const loosened = [...permissions.loosened, ...(priced.loosened.get(suite) ?? [])]
    return {
      base: base.commit,
      baseline: baselines.get(suite)?.path ?? null,
      warnings: [
        ...same,
        ...loosened.map((text) => `This change loosens the gate: ${text}`),
        ...(record?.warnings ?? []),
        ...chainWarnings(own.get(suite), baselines.get(suite)),
      ],
      holds: [
        ...unread,
        ...permissions.holds,
        ...(tip?.holds ?? []),
        ...(record?.holds ?? []),
        ...(recorded.get(suite) ?? []),
      ],
      hidden: record?.hidden ?? [],
      ...(record?.added && { added: record.added }),
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
    if (record.base !== null || warnings.length > 0 || record.holds.length > 0)
      records.set(name, { ...record, warnings })
  }
  return records
}

async function sideOf(
  project: Project,
  suites: readonly LoadedSuite[],
  quarantine: readonly QuarantineEntry[],
): Promise<Omit<GuardSide, 'graders'>> {
  const baselines = new Map<string, string | null>()
  const targets = new Map<string, string>()
  const addresses = new Map<string, Address>()
  const graderAddresses = new Map<string, GraderAddress[]>()
  const providers = new Set(Object.values(project.config.providers).map(providerKey))
  for (const loaded of suites) {
    const { suite, target, dir } = loaded
    graderAddresses.set(suite.suite, othersOf(loaded).map(graderAddress))
    const file = baselineFile(join(project.root, project.config.baselines), suite.suite)
    baselines.set(suite.suite, await digestOf(file))
    const address = addressOf({ target, dir }, project.root)
    addresses.set(suite.suite, address)
    // The hash of an application knows its address, not its code.
    if (target.kind !== 'prompt') continue
    const { hash, components } = snapshotTarget(target, project.config.components ?? {})
    targets.set(suite.suite, contentHash({ hash, components, address: address.key }))
  }
  return {
    suites,
    quarantine,
    budget: project.config.budget,
    baselines,
    targets,
    addresses,
    graderAddresses,
    providers,
  }
}
