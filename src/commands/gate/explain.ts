// aigate explain: why a finished run was blocked, passed, or stayed undecided, judged by the policy that it was run with.
import { explainSuite, explanationOf } from '../../decide/explain/explain.ts'
import { countRun } from '../../decide/gate/judge.ts'
import { countedInput } from '../../decide/flaky/quarantine.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending } from '../../ports.ts'
import { explainText } from '../../report/explain.ts'
import { safeJson } from '../../report/safe-text.ts'
import { ExplanationReport } from '../../schema/explanation.ts'
import { loadProject } from '../../store/project.ts'
import { endingOf, judgeInputOf, judgeRun, recordedBaseline, runsOf } from './judge-run.ts'
import { wantsColor } from '../wants-color.ts'

type ExplainOptions = { config?: string; suite?: string; json?: boolean }

/** @throws AigateError when the run has no suite of the wanted name */
export async function explainCommand(context: Context, ref: string, options: ExplainOptions): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const found = await runsOf(project, ref)
  const chosen = found.filter(({ run }) => options.suite === undefined || run.header.suite === options.suite)
  if (chosen.length === 0) {
    const mend = `Suites of this run: ${found.map(({ run }) => run.header.suite).join(', ')}.`
    throw new AigateError('usage', { problem: `The run has no suite ${options.suite}.`, mend })
  }
  const suites = []
  for (const { run, file } of chosen) {
    const { header } = run
    const against = await recordedBaseline(project, { run, file })
    const report = judgeRun({ run, file }, against, header.policy)
    const counted = countRun(countedInput(judgeInputOf(run, against.baseline, header.policy), header))
    suites.push(explainSuite(report, counted))
  }
  const explanation = explanationOf(suites, context.toolVersion)
  context.stdout.write(options.json ? jsonText(explanation) : plainText(context, explanation))
  return options.suite === undefined ? endingOf(context, ref, found, explanation.outcome) : explanation.outcome
}

const jsonText = (explanation: ExplanationReport): string =>
  `${safeJson(JSON.stringify(ExplanationReport.parse(explanation), null, 2))}\n`

function plainText(context: Context, explanation: ExplanationReport): string {
  const columns = Math.max(60, Math.min(context.stdout.columns ?? 100, 120))
  const color = wantsColor(context.env, context.stdout)
  return explainText(explanation, { color, columns, ascii: context.env.TERM === 'dumb' })
}
