// aigate baseline: record, accept, show and compare what the gate compares with.
import { isAbsolute, join, relative } from 'node:path'
import {
  addToBaseline,
  baselineDiffText,
  baselineFrom,
  baselineText,
  diffBaselines,
} from '../../decide/baseline/accept-baseline.ts'
import { latestDay } from '../../decide/flaky/quarantine.ts'
import { chained } from '../../decide/change/ratchet.ts'
import { reportOf } from '../../decide/explain/suite-report.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, LoadedSuite, Project } from '../../ports.ts'
import { newBudget } from '../../run/budget.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { Run } from '../../schema/run.ts'
import { type SuiteReport, worst } from '../../schema/verdict.ts'
import { baselineFile, committedBaseline, readBaseline, writeBaseline } from '../../store/baseline-file.ts'
import { gitUser } from '../../store/git.ts'
import { loadProject } from '../../store/project.ts'
import { readQuarantine } from '../../store/quarantine-file.ts'
import { loadSuites } from '../../store/suites.ts'
import { digestOf } from '../../store/content-digest.ts'
import { assertGradable, assertKeys } from '../gradable.ts'
import { interrupted, overridesOf, sayBudget } from '../gate/eval.ts'
import { evaluateSuite } from '../gate/evaluate.ts'
import { findResumed, invocationOf, requireUnchanged, resumedSuites, whileRunning } from '../gate/resume.ts'
import { forgetUnsaved } from '../gate/suite-recordings.ts'
import { type Comparison, openSession, type Session } from '../gate/session.ts'
import { runsOf, storedBaseline } from '../gate/judge-run.ts'
import { type AskOptions, budgetOf } from '../options.ts'
import { foretell } from '../gate/planning/foretell.ts'
import { alone } from '../gate/planning/sides.ts'
import { selectCases } from '../gate/selection.ts'
import { writeReports } from '../write-reports.ts'

type RecordOptions = AskOptions & {
  trials?: number
  reason?: string
  /** true: the newest run that was interrupted. */
  resume?: string | true
}
type AcceptOptions = { config?: string; reason: string; add?: boolean }

const TRIALS = 5
const REASON = 'recorded'
/** What is recorded is compared with nothing. */
const ALONE: Comparison = { baseline: null, file: null, partial: false }

/** Runs each suite as it stands, without a comparison, and accepts what was measured; or goes on with such a run as it was started. */
export async function recordCommand(context: Context, names: string[], given: RecordOptions): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: given.config })
  const command = 'baseline record'
  const resumed =
    given.resume === undefined ? null : await findResumed(project, given.resume, { names, options: given, command })
  const before = resumed && { ...resumed.invocation.options, seed: resumed.seed }
  const options = { trials: TRIALS, reason: REASON, ...given, ...before }
  requireReason(options.reason)
  const overrides = { ...overridesOf(options) }
  const invocation = resumed?.invocation ?? invocationOf(names, options)
  const whole = await loadSuites(project, { suites: invocation.names, overrides })
  const quarantine = await readQuarantine(project, { suites: whole, latest: latestDay(context.now()) })
  const { suites: chosen, partial } = selectCases(whole, options)
  if (partial) {
    const problem = 'A baseline holds the whole suite.'
    throw new AigateError('usage', { problem, mend: 'Leave --tag and --case out.' })
  }
  const suites = resumed ? resumedSuites(chosen, resumed) : chosen
  await assertGradable(suites)
  // Of a run that goes on, most answers are in its own record.
  if (!resumed) assertKeys(context.env, suites, options)
  const opened = openSession(context, project, options, newBudget(budgetOf(project, options)), quarantine, suites)
  const place = resumed && { id: resumed.id, folder: resumed.folder, suites: resumed.suites, resumed: true }
  const session: Session = { ...opened, ...place, invocation }
  // A baseline that cannot be read stops the command now, and not after every answer was paid for.
  for (const { suite } of suites) await storedBaseline(project, suite.suite)
  return whileRunning(session.folder, async () => {
    if (resumed) await requireUnchanged(session, suites.map((suite) => ({ suite, session, with: ALONE }))) // biome-ignore format: one line
    await foretell(session, suites.map(alone), budgetOf(project, options))
    return recordSuites(session, suites, options.reason)
  })
}

async function recordSuites(session: Session, suites: readonly LoadedSuite[], reason: string): Promise<Ending> {
  const { context, project } = session
  const reports: SuiteReport[] = []
  for (const suite of suites) {
    if (session.resumed && (await isAccepted(session, suite))) continue
    const { report, run } = await evaluateSuite(session, suite, ALONE)
    reports.push(report)
    if (run.complete) await forgetUnsaved(session, suite)
    if (context.signal.aborted) return interrupted(session)
    if (report.verdict.outcome === 'invalid') {
      await writeReports(context, reportOf([report], context.toolVersion), [{ name: 'table', file: null }])
      context.stderr.write(`${suite.suite.suite}: not measured, so no baseline was written.\n`)
      continue
    }
    await accept(context, project, { run, reason })
  }
  sayBudget(session)
  return reports.some(({ verdict }) => verdict.outcome === 'invalid') ? 'invalid' : 'pass'
}

/** The run came to the baseline of this suite before it was interrupted. */
async function isAccepted({ context, project, id }: Session, { suite }: LoadedSuite): Promise<boolean> {
  const { baseline, file } = await storedBaseline(project, suite.suite)
  const isDone = baseline?.runs.some((run) => run.id === id) === true
  if (isDone) context.stdout.write(`${relative(context.cwd, file) || file}: holds this run already.\n`)
  return isDone
}

export async function acceptCommand(context: Context, ref: string, options: AcceptOptions): Promise<Ending> {
  requireReason(options.reason)
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  for (const { run } of await runsOf(project, ref)) await accept(context, project, { ...options, run })
  return worst([])
}

function requireReason(reason: string): void {
  if (reason.trim() !== '') return
  const mend = 'Write why this is what later changes should be compared with: --reason "agreed in review".'
  throw new AigateError('usage', { problem: 'A baseline needs a reason.', mend })
}

/** Plans the new baseline, shows what it changes, and writes it. */
async function accept(context: Context, project: Project, wanted: { run: Run; reason: string; add?: boolean }) {
  const { run, reason, add } = wanted
  const { baseline: before, file } = await storedBaseline(project, run.header.suite)
  const accepted = { at: context.now().toISOString(), by: await gitUser(project.root), reason }
  const next = add && before ? addToBaseline(before, run, accepted) : baselineFrom({ run, accepted, before })
  const after = chained(next, before, await digestOf(file))
  await writeBaseline(file, after)
  const shown = relative(context.cwd, file) || file
  context.stdout.write(`${shown}: ${before ? baselineDiffText(diffBaselines(before, after)) : baselineText(after)}`)
  context.stdout.write(`Commit ${shown} together with the change that it belongs to.\n`)
}

export async function showCommand(context: Context, names: string[], options: { config?: string }): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  for (const suite of await loadSuites(project, { suites: names })) {
    const { baseline, file } = await storedBaseline(project, suite.suite.suite)
    const shown = relative(context.cwd, file) || file
    const none = 'no baseline yet; `aigate baseline record` makes one.\n'
    context.stdout.write(`${shown}: ${baseline ? baselineText(baseline) : none}`)
  }
  return 'pass'
}

/** `before` and `after` are files or names of suites; with one name: what is committed against what lies there now. */
export async function diffCommand(
  context: Context,
  before: string,
  after: string | undefined,
  options: { config?: string },
): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const read = async (ref: string): Promise<Baseline> => {
    const isFile = ref.endsWith('.json')
    const stored = baselineFile(join(project.root, project.config.baselines), ref)
    const file = isFile ? (isAbsolute(ref) ? ref : join(context.cwd, ref)) : stored
    const found = await readBaseline(file, isFile ? null : ref, { required: true })
    if (found) return found
    throw new AigateError('usage', {
      problem: `There is no baseline ${file}.`,
      mend: 'Name a suite or a baseline file.',
    })
  }
  if (after === undefined && before.endsWith('.json')) after = (await read(before)).suite
  const now = await read(after ?? before)
  const then =
    after === undefined ? await committedBaseline(project.root, project.config.baselines, before) : await read(before)
  context.stdout.write(then ? baselineDiffText(diffBaselines(then, now)) : 'Nothing is committed to compare with.\n')
  return 'pass'
}
