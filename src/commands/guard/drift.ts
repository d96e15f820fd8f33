// aigate drift: asks the pinned baselines again, as they were asked, and compares both ways with what they answered then.
import { join } from 'node:path'
import { componentChanges, together } from '../../decide/change/causes.ts'
import { cellTarget, oldParts } from '../../decide/change/cells.ts'
import { suiteDrift } from '../../decide/drift/suite-drift.ts'
import { quarantineOf } from '../../decide/flaky/quarantine.ts'
import { swapWarnings } from '../../decide/change/silent-swap.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, LoadedSuite, Project, Recordings, ResolvedTarget } from '../../ports.ts'
import { driftText } from '../../report/drift.ts'
import { plain } from '../../report/safe-text.ts'
import { newBudget } from '../../run/budget.ts'
import { expander } from '../../run/expand.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { SuiteDrift } from '../../schema/drift.ts'
import type { QuarantineEntry } from '../../schema/quarantine.ts'
import type { Run } from '../../schema/run.ts'
import { worst } from '../../schema/verdict.ts'
import { loadProject } from '../../store/project.ts'
import { loadPrompt } from '../../store/prompts.ts'
import { loadSuites } from '../../store/suites.ts'
import { askRounds, type Cell, openCell } from '../gate/attribute.ts'
import { openSession, type Session } from '../gate/session.ts'
import { foreignRun, underPolicy } from '../gate/foreign-results.ts'
import { runsOf, storedBaseline } from '../gate/judge-run.ts'
import { budgetOf, type Limited } from '../options.ts'
import { say } from '../versions/release.ts'
import { quarantineList } from '../gate/stored-evidence.ts'

export type DriftOptions = Limited & {
  config?: string
  json?: boolean
  trials?: number
  results?: string
  seed?: number
}
/** Where a comparison may move either way when the policy names no margin. */
const MARGIN = 0.05

/** Asks, or reads `--results`, and prints. @returns fail: drift is proven; inconclusive: open; invalid: not measured */
export async function driftCommand(context: Context, names: string[], options: DriftOptions): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const suites = await loadSuites(project, { suites: names })
  const quarantine = await quarantineList(context, project, suites)
  const found =
    options.results === undefined
      ? await askAll(context, project, { suites, quarantine, options })
      : await readAll(context, project, { suites, quarantine, results: options.results })
  if (context.signal.aborted) return 'interrupted'
  const outcome = worst(found.map((one) => one.outcome))
  say(context, options.json, { aigate: 'drift', outcome, suites: found }, driftText(found))
  return outcome
}

type Wanted = { suites: LoadedSuite[]; quarantine: QuarantineEntry[] }

/** Every suite is made ready before the first question is paid for. */
async function askAll(
  context: Context,
  project: Project,
  { suites, quarantine, options }: Wanted & { options: DriftOptions },
): Promise<SuiteDrift[]> {
  const asking = { ...(options.seed !== undefined && { seed: options.seed }) }
  const opened = openSession(context, project, asking, newBudget(budgetOf(project, options)), quarantine, suites)
  const session: Session = { ...opened, folder: join(project.root, '.aigate', 'drift', opened.id) }
  const ready = []
  for (const suite of suites) {
    const baseline = await baselineOf(project, suite)
    ready.push({ suite: await pinned(project, suite, baseline), baseline, own: suite })
  }
  const found: SuiteDrift[] = []
  for (const { suite, baseline, own } of ready) {
    if (context.signal.aborted) break
    found.push(await askSuite(session, { suite, own, baseline, passes: options.trials ?? own.suite.trials.max }))
  }
  return found
}

async function baselineOf(project: Project, { suite: { suite } }: LoadedSuite): Promise<Baseline> {
  const { baseline } = await storedBaseline(project, suite)
  if (baseline) return baseline
  const problem = `Suite ${suite} has no baseline, so there is nothing that could have drifted.`
  throw new AigateError('usage', { problem, mend: `Record one: \`aigate baseline record ${suite}\`.` })
}

/** The suite with the target of its baseline, and those of its cases that the baseline knows, rendered once. */
async function pinned(project: Project, suite: LoadedSuite, baseline: Baseline): Promise<LoadedSuite> {
  const name = suite.suite.suite
  const target = await pinnedTarget(project, suite.target, baseline)
  const changed = componentChanges(baseline.target, snapshotTarget(target, project.config.components ?? {}))
  if (changed.length > 0) {
    const problem = `Suite ${name}: ${together(changed)} changed since the baseline, and only prompt, model and params can be asked as they were.`
    throw new AigateError('usage', { problem, mend: `Record it anew: \`aigate baseline record ${name}\`.` })
  }
  const known = new Map(baseline.cases.map(({ id, hash }) => [id, hash]))
  const cases = suite.cases.filter(({ info }) => known.get(info.id) === info.hash)
  const ask = await expander(target)
  for (const each of cases) ask(each.case, 1)
  return { ...suite, target, cases }
}

async function pinnedTarget(project: Project, target: ResolvedTarget, baseline: Baseline): Promise<ResolvedTarget> {
  const { prompt } = baseline.target
  if (target.kind !== 'prompt' || !prompt) return target
  const old = oldParts(project.config, baseline.target, await loadPrompt(project, `${prompt.name}@${prompt.version}`))
  return cellTarget(target, old, [])
}

type Asking = { suite: LoadedSuite; own: LoadedSuite; baseline: Baseline; passes: number }

async function askSuite(session: Session, { suite, own, baseline, passes }: Asking): Promise<SuiteDrift> {
  const { context } = session
  const frame = { ...frameOf(context, own, session.quarantine), baseline, target: baseline.target }
  const { target } = suite
  const recorded = target.kind === 'prompt' && target.provider.config.type === 'replay' && !target.provider.config.of
  if (recorded || suite.cases.length === 0) {
    const stopped = recorded ? 'Recorded answers tell nothing about the provider of today.' : undefined
    return suiteDrift({ ...frame, observations: [], stopped, record: null })
  }
  const name = suite.suite.suite
  // Recording asks live even behind a recording; what it says is kept nowhere but in the record of the run.
  const live: Session = { ...session, options: { ...session.options, record: target.kind === 'prompt' } }
  const folder = session.folder
  const cell = naming(
    context,
    await openCell(live, { name: 'drift', suite, folder, recordings: nobody, partial: false }),
    { baseline },
  )
  const stopped = await askRounds(live, { cells: [cell], passes, name: `${name} drift` })
  return suiteDrift({ ...frame, observations: cell.observations, stopped, record: cell.journal.file })
}

/** Answers from nowhere, kept nowhere. */
const nobody: Recordings = { find: () => undefined, add: () => undefined }

/** The cell, which says at once, and once, that somebody else answers. */
function naming(context: Context, cell: Cell, { baseline }: { baseline: Baseline }): Cell {
  const said = new Set<string>()
  return {
    ...cell,
    finish: async (...asked) => {
      const observation = await cell.finish(...asked)
      for (const one of swapWarnings([observation], baseline, cell.header.target)) {
        if (!said.has(one)) context.stderr.write(`warning: ${plain(one, 500)}\n`)
        said.add(one)
      }
      return observation
    },
  }
}

function frameOf(context: Context, suite: LoadedSuite, quarantine: readonly QuarantineEntry[]) {
  const cases = suite.cases.map(({ info }) => info)
  const { quarantined } = quarantineOf(quarantine, { suite: suite.suite.suite, cases, now: context.now() })
  const { max_regression: margin } = suite.policy
  return { cases, quarantined, margin: margin === false ? MARGIN : margin }
}

/** What was answered is in a file: a run of aigate that asked what the baseline asked, or results of another tool. */
async function readAll(
  context: Context,
  project: Project,
  { suites, quarantine, results }: Wanted & { results: string },
): Promise<SuiteDrift[]> {
  const foreign = await foreignRun(context, results, {})
  if (foreign) {
    const [suite, ...more] = suites
    if (!suite || more.length > 0) {
      const problem = `One results file is of one suite, not of ${suites.length}.`
      throw new AigateError('usage', { problem, mend: 'Name it: `aigate drift support --results results.json`.' })
    }
    const baseline = await baselineOf(project, suite)
    const run = await underPolicy(context, project, foreign.run, { suite, policy: {}, baseline })
    return [driftOf(context, suite, { run, file: foreign.file }, { baseline, quarantine })]
  }
  const found: SuiteDrift[] = []
  for (const stored of await runsOf(project, results)) {
    const suite = suites.find((one) => one.suite.suite === stored.run.header.suite)
    if (!suite) continue
    const baseline = await baselineOf(project, suite)
    requireSameTarget(stored.run, baseline)
    found.push(driftOf(context, suite, stored, { baseline, quarantine }))
  }
  if (found.length > 0) return found
  const problem = `${results} holds none of the suites ${suites.map(({ suite }) => suite.suite).join(', ')}.`
  throw new AigateError('usage', { problem, mend: 'Name a run that asked what the baseline asked.' })
}

function requireSameTarget({ header }: Run, baseline: Baseline): void {
  const changed = componentChanges(baseline.target, header.target)
  if (changed.length === 0) return
  const problem = `The run ${header.id} asked something else than the baseline of ${header.suite}: ${together(changed)}. That measures a change, not drift.`
  throw new AigateError('usage', { problem, mend: 'Compare it with `aigate compare`, or leave --results out.' })
}

type Stored = { run: Run; file: string }

function driftOf(
  context: Context,
  suite: LoadedSuite,
  { run, file }: Stored,
  { baseline, quarantine }: { baseline: Baseline; quarantine: readonly QuarantineEntry[] },
): SuiteDrift {
  const { observations, stopped, header } = run
  const frame = { ...frameOf(context, suite, quarantine), baseline, target: header.target, cases: header.cases }
  return suiteDrift({ ...frame, observations, stopped, record: file })
}
