// aigate ready: every question that is asked before a release, with its evidence; what cannot be proven is not ready.
import { planRelease } from '../../decide/release/releases.ts'
import * as rows from '../../decide/ready/rows.ts'
import { lastDrill } from '../../decide/rollback/runs.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, LoadedSuite, Project } from '../../ports.ts'
import { readyText } from '../../report/ready.ts'
import { expander } from '../../run/expand.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import { ReadyConfig, type ReadyRow } from '../../schema/ready.ts'
import type { Evidence } from '../../schema/release.ts'
import type { GateResult } from '../../schema/verdict.ts'
import { actionsFolder, readActions } from '../../store/action-journal.ts'
import { changedSince } from '../../store/git.ts'
import { loadProject } from '../../store/project.ts'
import { loadSuites } from '../../store/suites.ts'
import { storedBaseline } from '../gate/judge-run.ts'
import { onCall, triggerData } from './ready-guard.ts'
import { planesHash } from './rollback-drill.ts'
import { planesOf } from './rollback-plan.ts'
import { say, witnessesOf } from '../versions/release.ts'

export type ReadyOptions = { config?: string; json?: boolean; env: string; notify?: boolean }
type World = { context: Context; project: Project; suites: LoadedSuite[]; config: ReadyConfig; options: ReadyOptions }

/** @returns pass; fail where something is proven not to be ready; invalid where the proof of something is missing */
export async function readyCommand(context: Context, options: ReadyOptions): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const suites = await loadSuites(project, { suites: [] })
  const config = project.config.ready ?? ReadyConfig.parse({})
  const world = { context, project, suites, config, options }
  const evidence = await evidenceOf(world)
  const security = new Set(suites.filter((suite) => isSecurity(suite, config)).map(({ suite }) => suite.suite))
  const now = context.now().getTime()
  const found: ReadyRow[] = []
  const add = async (id: string, title: string, row: () => rows.Row | Promise<rows.Row>) => {
    if (!context.signal.aborted) found.push({ id, title, ...(await proven(row)) })
  }
  await add('tests', 'code tests', async () => rows.testsRow(await runTests(world)))
  await add('prompts', 'prompts render', async () => rows.faultlessRow(...(await rendered(suites))))
  await add('schema', 'files are valid', () => capturedCheck(world))
  await add('eval', 'suites pass', () => rows.evidenceRow(evidence.all, evidence.stale, 'there is no suite'))
  await add('security', 'security suite', () => {
    const own = evidence.all.filter(({ suite }) => security.has(suite))
    const row = rows.evidenceRow(own, evidence.stale, 'no suite of attacks is named')
    if (own.length === 0) return { ...row, mend: 'Run `aigate init --security`, then `aigate eval security`.' }
    // What was counted proves a bound and no more: that belongs beside "pass".
    const proven = evidence.gates.filter(({ id }) => id === 'harmful').map(({ sentence }) => sentence)
    return row.outcome === 'pass' ? { ...row, evidence: [row.evidence, ...proven].join('; ') } : row
  })
  await add('cost-latency', 'cost and latency', () => rows.costLatencyRow(evidence.gates))
  await add('pins', 'pins and lock', () => lockRow(world))
  await add('rollback', 'rollback drilled', () => {
    const { records } = readActions(actionsFolder(project))
    const planes = planesOf(project, options.env)
    const today = { planes: planesHash(planes), components: Object.keys(planes) }
    return rows.drillRow(lastDrill(records, options.env), today, { now, within: config.drilled_within })
  })
  const guards = await triggerData(context, project, config.data_within)
  await add('triggers', 'triggers have data', () => rows.triggersRow(guards))
  await add('on-call', 'on-call is told', () => onCall(context, project, guards, options.notify === true))
  await add('baseline', 'baseline is fresh', async () => {
    const accepted = []
    for (const { suite } of suites) {
      const { baseline } = await storedBaseline(project, suite.suite)
      accepted.push({ suite: suite.suite, at: baseline?.accepted.at ?? null })
    }
    return rows.baselineRow(accepted, now, config.baseline_within)
  })
  if (context.signal.aborted) return 'interrupted'
  const outcome = rows.readyOutcome(found)
  const value = { aigate: 'ready', env: options.env, outcome, rows: found }
  say(context, options.json, value, readyText(options.env, outcome, found))
  return outcome
}

/** What cannot be found out is not ready; it never stops the other questions. */
async function proven(row: () => rows.Row | Promise<rows.Row>): Promise<rows.Row> {
  try {
    return await row()
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { outcome: 'invalid', evidence: error.message, mend: error.mend }
  }
}

async function runTests({ context, project, config }: World): Promise<rows.TestRun[]> {
  const { runToEnd } = await import('../../act/run-program.ts')
  const runs: rows.TestRun[] = []
  for (const argv of config.tests) {
    context.stderr.write(`running: ${argv.join(' ')}\n`)
    const { env, signal } = context
    const ended = await runToEnd({ argv, cwd: project.root, env, stdin: '', timeoutMs: config.tests_timeout, signal })
    runs.push({ argv, code: ended.timedOut ? null : (ended.exitCode ?? null), problem: ended.problem })
  }
  return runs
}

async function rendered(suites: readonly LoadedSuite[]): Promise<[string, string[]]> {
  const problems: string[] = []
  let cases = 0
  for (const suite of suites) {
    const ask = await expander(suite.target)
    for (const each of suite.cases) {
      cases += 1
      try {
        ask(each.case, 1)
      } catch (error) {
        if (!(error instanceof AigateError)) throw error
        problems.push(error.message)
      }
    }
  }
  return [`${cases} questions of ${suites.length} suites render`, problems]
}

/** `aigate check` itself, with its words kept back. */
async function capturedCheck({ context, project }: World): Promise<rows.Row> {
  const { checkCommand } = await import('../check.ts')
  const said: string[] = []
  const quiet = { write: (text: string) => said.push(text) }
  const ending = await checkCommand({ ...context, stdout: quiet, stderr: quiet }, { config: project.file })
  const text = said.join('').trim().split('\n')
  return ending === 'pass'
    ? rows.faultlessRow(text.at(-1) ?? '', [])
    : rows.faultlessRow(
        '',
        text.filter((line) => line.includes('error:')),
      )
}

async function lockRow({ context, project }: World): Promise<rows.Row> {
  const { lockCommand } = await import('../versions/lock.ts')
  const { lockFile } = await import('../../store/lock-file.ts')
  const { existsSync } = await import('node:fs')
  const mend = 'Run `aigate lock`, review and commit it.'
  if (!existsSync(lockFile(project).path)) return { outcome: 'invalid', evidence: 'there is no aigate.lock', mend }
  try {
    const quiet = { write: () => undefined }
    await lockCommand({ ...context, stdout: quiet, stderr: quiet }, { config: project.file, check: true })
    return { outcome: 'pass', evidence: 'aigate.lock holds', mend: null }
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { outcome: 'fail', evidence: error.message, mend: error.mend }
  }
}

/** The newest run of each suite that asked what is released, as `aigate release record` would take it. */
async function evidenceOf({ context, project, suites }: World) {
  const { config, root } = project
  const witnesses = await witnessesOf(context, project, [])
  const targets = suites.map((loaded) => ({ loaded, target: snapshotTarget(loaded.target, config.components ?? {}) }))
  const frame = { env: 'ready', at: context.now(), by: '', git: null, note: undefined, container: undefined }
  const components = Object.fromEntries(
    Object.entries(config.components ?? {}).map(([name, { version }]) => [name, { version }]),
  )
  const wanted = { ...frame, suites: targets, witnesses, components, override: undefined, records: [] }
  const all: Evidence[] = planRelease(wanted).manifest.verdicts
  const stale = new Map<string, string>()
  const gates: GateResult[] = []
  for (const { suite, run } of all) {
    const witness = witnesses.find(({ header }) => header.id === run && header.suite === suite)
    const loaded = suites.find((one) => one.suite.suite === suite)
    if (!witness || !loaded) continue
    gates.push(...witness.verdict(loaded.policy).gates)
    const why = await otherCommit(root, witness.header.git, [config.releases.folder, config.baselines])
    if (why !== null) stale.set(suite, why)
  }
  return { all, stale, gates }
}

/** A run of another commit counts where nothing but releases and baselines has changed since. */
async function otherCommit(root: string, git: { commit: string; dirty: boolean } | null, except: string[]) {
  if (!git) return 'the run was made outside of git'
  if (git.dirty) return 'the run was made with changes that were not committed'
  const changed = await changedSince(root, git.commit, except)
  if (changed === null) return `git does not know the commit of the run, ${git.commit.slice(0, 12)}`
  return changed.length === 0 ? null : `since the run ${changed.length} files changed, ${changed[0]} among them`
}

const ATTACKS = /(^|[/_.-])(security|safety|red-?team|jailbreak|injection)([/_.-]|$)/i

function isSecurity({ suite, cases, policy }: LoadedSuite, config: ReadyConfig): boolean {
  if (config.security.length > 0) return config.security.includes(suite.suite)
  if (policy.harmful !== undefined && suite.gate?.harmful !== undefined) return true
  return ATTACKS.test(suite.suite) || cases.some(({ info }) => ATTACKS.test(info.category ?? ''))
}
