// aigate doctor: how often a policy blocks for nothing and what it finds, from what is stored or from one A/A run.
import { doctorReport, examine, nothingStored } from '../decide/doctor/doctor.ts'
import type { Context, Ending, LoadedSuite, Project } from '../ports.ts'
import { doctorText } from '../report/doctor.ts'
import { safeJson } from '../report/safe-text.ts'
import { newBudget } from '../run/budget.ts'
import { DoctorReport } from '../schema/doctor.ts'
import type { QuarantineEntry } from '../schema/quarantine.ts'
import type { Run } from '../schema/run.ts'
import { loadProject } from '../store/project.ts'
import { loadSuites } from '../store/suites.ts'
import { assertGradable } from './gradable.ts'
import { evaluateSuite, openSession } from './gate/evaluate.ts'
import type { AskOptions } from './options.ts'
import { evidenceRuns, quarantineList, storedOf } from './gate/stored-evidence.ts'
import { wantsColor } from './wants-color.ts'
import { workProgress } from './work-progress.ts'

type DoctorOptions = Pick<AskOptions, 'config' | 'seed' | 'record' | 'offline' | 'out'> & {
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
  const found = []
  for (const suite of suites) {
    const stored =
      (await storedOf(context, project, suite, { runs, quarantine })) ??
      (options.ask ? await askTwice(context, project, { suite, options, quarantine }) : null)
    if (context.signal.aborted) return 'interrupted'
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

type Asking = { suite: LoadedSuite; options: DoctorOptions; quarantine: QuarantineEntry[] }

/** An A/A run: the whole ladder of the suite, twice, against nothing; the second run is the evidence of the first. */
async function askTwice(context: Context, project: Project, { suite, options, quarantine }: Asking) {
  const { max } = suite.suite.trials
  const whole = { ...suite, suite: { ...suite.suite, trials: { min: max, max } } }
  const budget = newBudget(project.config.budget)
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
    const { run } = await evaluateSuite(session, whole, { baseline: null, file: null, partial: false })
    runs.unshift(run)
    if (context.signal.aborted) return null
  }
  return storedOf(context, project, suite, { runs, quarantine })
}
