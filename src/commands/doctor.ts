// aigate doctor: how often a policy blocks for nothing and what it finds, from what is stored or from one A/A run.
import { doctorReport, examine, nothingStored } from '../decide/doctor/doctor.ts'
import type { Context, Ending, LoadedSuite, Project } from '../ports.ts'
import { doctorText } from '../report/doctor.ts'
import { safeJson } from '../report/safe-text.ts'
import { type BudgetState, newBudget } from '../run/budget.ts'
import { DoctorReport } from '../schema/doctor.ts'
import type { QuarantineEntry } from '../schema/quarantine.ts'
import type { Run } from '../schema/run.ts'
import { loadProject } from '../store/project.ts'
import { loadSuites } from '../store/suites.ts'
import { assertGradable } from './gradable.ts'
import { evaluateSuite } from './gate/evaluate.ts'
import { openSession } from './gate/session.ts'
import { type AskOptions, budgetOf, type Limited } from './options.ts'
import { foretell } from './gate/planning/foretell.ts'
import { alone } from './gate/planning/sides.ts'
import { evidenceRuns, quarantineList, storedOf } from './gate/stored-evidence.ts'
import { wantsColor } from './wants-color.ts'
import { workProgress } from './work-progress.ts'

type DoctorOptions = Limited &
  Pick<AskOptions, 'config' | 'seed' | 'record' | 'offline' | 'out'> & {
    run?: string[]
    ask?: boolean
    json?: boolean
    draws?: number
  }

export async function doctorCommand(context: Context, names: string[], options: DoctorOptions): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const suites = await loadSuites(project, { suites: names })
  if (options.ask) await assertGradable(suites)
  const quarantine = await quarantineList(context, project, suites)
  const runs = await evidenceRuns(context, project, options.run ?? [])
  // One for all suites together.
  const budget = newBudget(budgetOf(project, options))
  const found = []
  for (const suite of suites) {
    const stored =
      (await storedOf(context, project, suite, { runs, quarantine })) ??
      (options.ask ? await askTwice(context, project, { suite, options, quarantine, budget }) : null)
    if (context.signal.aborted) return 'interrupted'
    if (stored === 'stopped') return 'invalid'
    const { suite: name, version } = suite.suite
    const progress = workProgress(context, name)
    const { seed = 1, draws = null } = options
    const facts = { suite: name, suiteVersion: version, seed, draws, now: context.now() }
    const examined = stored && examine({ ...facts, ...stored, progress: (share) => progress.at(share) })
    progress.end()
    found.push(examined ?? nothingStored(facts))
  }
  const report = doctorReport(found, { toolVersion: context.toolVersion, seed: options.seed ?? 1 })
  const color = wantsColor(context.env, context.stdout)
  const text = options.json
    ? `${safeJson(JSON.stringify(DoctorReport.parse(report), null, 2))}\n`
    : doctorText(report, { color, columns: context.stdout.columns ?? 100 })
  context.stdout.write(text)
  return report.outcome
}

type Asking = { suite: LoadedSuite; options: DoctorOptions; quarantine: QuarantineEntry[]; budget: BudgetState }

/**
 * An A/A run: the whole ladder of the suite, twice, against nothing; the second run is the evidence of the first. `stopped`:
 * not everything could be asked.
 */
async function askTwice(context: Context, project: Project, { suite, options, quarantine, budget }: Asking) {
  const { max } = suite.suite.trials
  const whole = { ...suite, suite: { ...suite.suite, trials: { min: max, max } } }
  const runs: Run[] = []
  for (const half of [0, 1]) {
    const session = openSession(
      context,
      project,
      { ...options, seed: (options.seed ?? 1) + half },
      budget,
      quarantine,
      [suite],
    )
    if (half === 0) await foretell(session, [alone(whole), alone(whole)], budgetOf(project, options))
    const { run } = await evaluateSuite(session, whole, { baseline: null, file: null, partial: false })
    runs.unshift(run)
    if (context.signal.aborted) return null
    // From a part of the suite nothing can be said of the policy for the whole.
    if (run.stopped !== undefined) {
      context.stderr.write(`stopped: ${run.stopped} Every answer so far is saved in ${session.folder}\n`)
      return 'stopped'
    }
  }
  return storedOf(context, project, suite, { runs, quarantine })
}
