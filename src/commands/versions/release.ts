// aigate release: records what runs together, and says what was released, when, why, and on what evidence.
import { join, relative } from 'node:path'
import { findRelease, planRelease, releasesOf, requirePlainLine } from '../../decide/release/releases.ts'
import type { Witness } from '../../decide/release/release-evidence.ts'
import { releaseDiff } from '../../decide/release/release-diff.ts'
import { componentStatuses, findComponent, planStatus } from '../../decide/release/release-status.ts'
import { diffText, listText, refusalText, releaseText, statusText } from '../../decide/release/release-text.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, Project } from '../../ports.ts'
import { safeJson, safeLine } from '../../report/safe-text.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import type { Part } from '../../schema/release.ts'
import type { Run } from '../../schema/run.ts'
import { changedSince, committedText, gitState, gitUser } from '../../store/git.ts'
import { appendRecord } from '../../store/ledger-append.ts'
import { verifyLedger } from '../../store/ledger-verify.ts'
import { ledgerFile, releasesFolder, soundRecords } from '../../store/ledger.ts'
import { loadProject } from '../../store/project.ts'
import { recentRuns } from '../../store/run-journal.ts'
import { loadSuites } from '../../store/suites.ts'
import { judgeRun, runsOf, storedBaseline } from '../gate/judge-run.ts'

type Common = { config?: string; json?: boolean }
type RecordOptions = Common & {
  env: string
  run?: string[]
  suite?: string[]
  index?: string
  indexNote?: string
  guardrails?: string
  guardrailsNote?: string
  container?: string
  note?: string
  override?: string
  irreversible?: string[]
  dryRun?: boolean
}

/** Stored invocations that are searched for evidence where --run names none. */
const MOST_RUNS = 50

/** Data or words to stdout, harmless for terminals and CI logs. */
export function say(context: Context, json: boolean | undefined, value: object, text: string): void {
  context.stdout.write(json ? `${safeJson(JSON.stringify({ version: 1, ...value }, null, 2))}\n` : safeLine(text))
}

/** Opens a project with its ledger; what is damaged is an error here, but for `verify`. */
export async function openLedger(context: Context, options: Common) {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const folder = releasesFolder(project)
  return { project, folder, records: soundRecords(folder) }
}

/** Records a release, unless its evidence says no. @returns what the evidence says, or pass with --override */
export async function recordReleaseCommand(context: Context, options: RecordOptions): Promise<Ending> {
  const { project, folder, records } = await openLedger(context, options)
  const { config, root } = project
  const suites = await loadSuites(project, { suites: options.suite ?? [] })
  const wanted = {
    env: options.env,
    at: context.now(),
    by: await gitUser(root),
    git: await gitState(root),
    suites: suites.map((loaded) => ({ loaded, target: snapshotTarget(loaded.target, config.components ?? {}) })),
    witnesses: await witnessesOf(context, project, options.run ?? []),
    components: componentsOf(config.components ?? {}, options),
    container: options.container,
    note: options.note,
    override: options.override,
    irreversible: options.irreversible,
  }
  const { manifest, outcome } = planRelease({ ...wanted, records })
  if (outcome !== 'pass' && options.override === undefined) {
    const value = { aigate: 'release-refused', outcome, manifest }
    say(context, options.json, value, refusalText(manifest, outcome))
    return outcome
  }
  if (options.dryRun) {
    say(context, options.json, { aigate: 'release-plan', manifest }, releaseText(manifest))
    return 'pass'
  }
  const stamp = { at: manifest.at, by: manifest.by }
  const { record, warnings } = await appendRecord(folder, stamp, (now) => ({
    kind: 'release',
    manifest: planRelease({ ...wanted, records: now }).manifest,
  }))
  for (const warning of warnings) context.stderr.write(`warning: ${warning}\n`)
  const written = record.kind === 'release' ? record.manifest : manifest
  if (written.git?.dirty) context.stderr.write('warning: the working tree differs from the commit that is recorded.\n')
  const file = relative(context.cwd, join(folder, `${written.id}.yaml`))
  const value = { aigate: 'release-recorded', file, head: record.hash, manifest: written }
  say(context, options.json, value, `${releaseText(written)}written: ${file}, record ${record.seq} of the ledger\n`)
  return 'pass'
}

/** The stored runs that may speak for a release: those of `refs`, or the newest ones. */
export async function witnessesOf(context: Context, project: Project, refs: readonly string[]): Promise<Witness[]> {
  const found: { run: Run; file: string }[] = []
  for (const ref of refs) found.push(...(await runsOf(project, ref)))
  if (refs.length === 0) {
    const { runs, unreadable } = await recentRuns(project.root, MOST_RUNS)
    for (const file of unreadable) context.stderr.write(`passed over, because it cannot be read: ${file}\n`)
    found.push(...runs.map((run) => ({ run, file: run.header.id })))
  }
  const baselines = new Map<string, Awaited<ReturnType<typeof storedBaseline>>>()
  for (const { run } of found) {
    const { suite } = run.header
    if (!baselines.has(suite)) baselines.set(suite, await storedBaseline(project, suite))
  }
  const changed = await changesSince(project, found)
  return found.map(({ run, file }) => ({
    header: run.header,
    changed: changed.get(run.header.git?.commit ?? ''),
    verdict: (policy) => {
      const against = baselines.get(run.header.suite) ?? { baseline: null, file: '' }
      return judgeRun({ run, file }, against, policy).verdict
    },
  }))
}

/** By commit of the runs that asked an application: the files that are not any more what they were then. */
async function changesSince({ root, config }: Project, found: readonly { run: Run }[]) {
  const commits = found.flatMap(({ run: { header } }) =>
    header.target.kind !== 'prompt' && header.git ? [header.git.commit] : [],
  )
  const changed = new Map<string, string[] | null>()
  for (const commit of new Set(commits))
    changed.set(commit, await changedSince(root, commit, [config.releases.folder, config.baselines]))
  return changed
}

/** Those of aigate.yaml, with what the command line says instead; `none` takes one out. */
function componentsOf(known: Record<string, Part>, options: RecordOptions): Record<string, Part | null> {
  const named = Object.entries(known).map(([name, { version }]) => [name, { version }] as const)
  const parts: Record<string, Part | null> = Object.fromEntries(named)
  for (const [name, version, note] of [
    ['index', options.index, options.indexNote],
    ['guardrails', options.guardrails, options.guardrailsNote],
  ] as const) {
    if (version !== undefined) requirePlainLine(name, version)
    if (note !== undefined) requirePlainLine(`${name}-note`, note)
    const base = version === 'none' ? null : version === undefined ? parts[name] : { version }
    if (base === undefined && note !== undefined) {
      const problem = `--${name}-note says what is new in a version, but none is named.`
      throw new AigateError('usage', { problem, mend: `Add --${name} <version>.` })
    }
    if (base !== undefined) parts[name] = base && note !== undefined ? { ...base, note } : base
  }
  return parts
}

export async function listReleasesCommand(context: Context, options: Common & { env?: string }): Promise<Ending> {
  const { records } = await openLedger(context, options)
  const releases = releasesOf(records, options.env)
  const current = new Set(new Map(releases.map(({ env, id }) => [env, id])).values())
  const value = { aigate: 'releases', current: [...current], releases }
  say(context, options.json, value, listText(releases, current))
  return 'pass'
}

/** `ref`: an id, the beginning of one, or `current`. */
export async function showReleaseCommand(
  context: Context,
  ref: string,
  options: Common & { env: string },
): Promise<Ending> {
  const { records, project } = await openLedger(context, options)
  const manifest = findRelease(records, ref, options.env)
  const kills = ref === 'current' ? await killsNow(context, project) : []
  const text = `${releaseText(manifest)}${kills.map((line) => `${line}\n`).join('')}`
  say(context, options.json, { ...manifest, ...(kills.length > 0 && { kills }) }, text)
  return 'pass'
}

/** What is not served although it is released. */
const killsNow = (context: Context, project: Project) =>
  import('../guard/kill-files.ts').then(({ killLines }) => killLines(context, project))

/** Checks every byte of the ledger and its manifests. @returns fail when anything was changed */
export async function verifyCommand(context: Context, options: Common & { head?: string }): Promise<Ending> {
  const { head } = options
  if (head !== undefined && !/^[0-9a-f]{12,64}$/.test(head)) {
    const problem = `--head: "${head.slice(0, 80)}" is no hash of a record, nor the beginning of one.`
    throw new AigateError('usage', {
      problem,
      mend: 'Write 12 to 64 hexadecimal digits, as `release verify` prints them.',
    })
  }
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const folder = releasesFolder(project)
  const committed = await committedText(project.root, relative(project.root, ledgerFile(folder)))
  const found = await verifyLedger(folder, { committed, head })
  const file = relative(context.cwd, ledgerFile(folder))
  const sound = `${file}: ${found.records} records, unbroken; head ${found.head}\n`
  const faults = found.faults.map(({ record, file: where, problem }) =>
    record === null
      ? `${relative(context.cwd, where)}: ${problem}\n`
      : `${relative(context.cwd, where)}: record ${record}: ${problem}\n`,
  )
  const warnings = found.warnings.map((warning) => `warning: ${warning}\n`)
  const text = [...(faults.length > 0 ? faults : [sound]), ...warnings].join('')
  say(context, options.json, { aigate: 'ledger-verification', ...found }, text)
  return faults.length > 0 ? 'fail' : 'pass'
}

export async function diffReleasesCommand(
  context: Context,
  [before, after]: readonly [string, string],
  options: Common & { env: string },
): Promise<Ending> {
  const { records } = await openLedger(context, options)
  const [a, b] = [findRelease(records, before, options.env), findRelease(records, after, options.env)]
  const changes = releaseDiff(a, b)
  say(context, options.json, { aigate: 'release-diff', before: a.id, after: b.id, changes }, diffText(a, b, changes))
  return 'pass'
}

type StatusOptions = Common & { env: string; set?: string; keepUntil?: string; note?: string }

/** Lists statuses, shows one, or with --set records one. */
export async function releaseStatusCommand(
  context: Context,
  ref: string | undefined,
  options: StatusOptions,
): Promise<Ending> {
  const opened = await openLedger(context, options)
  const now = context.now()
  const { set, keepUntil, note, env } = options
  const changing = set !== undefined || keepUntil !== undefined || note !== undefined
  if (changing && ref === undefined)
    throw new AigateError('usage', { problem: 'Whose status?', mend: 'Name it, for example index:kb-2026-10.' })
  let { records } = opened
  if (changing && ref !== undefined) {
    const stamp = { at: now.toISOString(), by: await gitUser(opened.project.root) }
    const asked = { status: set ?? 'rollback_ready', keepUntil, note, env, now }
    const { warnings } = await appendRecord(opened.folder, stamp, (known) => planStatus(known, ref, asked))
    for (const warning of warnings) context.stderr.write(`warning: ${warning}\n`)
    records = soundRecords(opened.folder)
  }
  const all = componentStatuses(records, env, now)
  const rows = ref === undefined ? all : [findComponent(all, ref)]
  say(context, options.json, { aigate: 'release-statuses', env, components: rows }, statusText(rows))
  return 'pass'
}
