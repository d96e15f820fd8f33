// aigate power-check: turns stored answers to fail on purpose and shows from how many broken cases on the gate fires.
import { nothingStored } from '../../decide/doctor/doctor.ts'
import { powerCheck, powerReport } from '../../decide/doctor/power-check.ts'
import { tally } from '../../decide/gate/tally.ts'
import type { Context, Ending } from '../../ports.ts'
import { powerText } from '../../report/power-check.ts'
import { safeJson } from '../../report/safe-text.ts'
import { PowerReport } from '../../schema/doctor.ts'
import { loadProject } from '../../store/project.ts'
import { loadSuites } from '../../store/suites.ts'
import { runsOf } from './judge-run.ts'
import { evidenceRuns, quarantineList, storedOf } from './stored-evidence.ts'
import { wantsColor } from '../wants-color.ts'
import { workProgress } from '../work-progress.ts'

type PowerOptions = { config?: string; run?: string; json?: boolean; seed?: number; draws?: number }

export async function powerCheckCommand(context: Context, names: string[], options: PowerOptions): Promise<Ending> {
  const { seed = 1, draws = null } = options
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const suites = await loadSuites(project, { suites: names })
  const quarantine = await quarantineList(context, project, suites)
  const runs = await evidenceRuns(context, project, [])
  const named = options.run === undefined ? [] : await runsOf(project, options.run)
  const found = []
  for (const suite of suites) {
    const { suite: name, version } = suite.suite
    const head = { suite: name, suiteVersion: version }
    const chosen = named.find(({ run }) => run.header.suite === name)
    const stored = await storedOf(context, project, suite, { runs, quarantine })
    const answers = chosen ? tally(chosen.run.observations, chosen.run.header.cases) : stored?.history.baseline.cases
    const skip = !stored || !answers || (options.run !== undefined && !chosen)
    const progress = workProgress(context, name)
    const source = chosen ? `run ${chosen.run.header.id}` : (stored?.baselineFile ?? 'the newest stored run')
    const checked = skip
      ? null
      : powerCheck({ ...head, ...stored, answers, source, seed, draws, progress: (share) => progress.at(share) })
    progress.end()
    found.push(checked ?? nothingStored(head))
  }
  const report = powerReport(found, { toolVersion: context.toolVersion, seed })
  const color = wantsColor(context.env, context.stdout)
  const text = options.json
    ? `${safeJson(JSON.stringify(PowerReport.parse(report), null, 2))}\n`
    : powerText(report, { color, columns: context.stdout.columns ?? 100 })
  context.stdout.write(text)
  return report.outcome
}
