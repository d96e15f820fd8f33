// aigate experiment plan, report, verdict and flags: how large, what came out, may it ship, and who is served what.
import { experimentFlags } from '../../decide/experiment/flags.ts'
import { DAY, horizonOf } from '../../decide/experiment/horizon.ts'
import { primaryBase, sizeExperiment } from '../../decide/experiment/size.ts'
import { judgeExperiment } from '../../decide/experiment/verdict.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, Project } from '../../ports.ts'
import { experimentMarkdown, experimentText } from '../../report/experiment.ts'
import { experimentSizeText } from '../../report/experiment-size.ts'
import { safeJson, safeLine } from '../../report/safe-text.ts'
import type { LoadedExperiment } from '../../schema/experiment.ts'
import { ExperimentReport, ExperimentSize } from '../../schema/experiment-report.ts'
import type { ExperimentSummary } from '../../schema/experiment-summary.ts'
import { loadExperiment } from '../../store/experiment-plan.ts'
import { loadProject } from '../../store/project.ts'
import { wantsColor } from '../wants-color.ts'

type Options = { config?: string; json?: boolean }
type LookOptions = Options & { peek?: boolean; markdown?: boolean; planHash?: string }

const asJson = (value: object) => `${safeJson(JSON.stringify(value, null, 2))}\n`

async function open(context: Context, name: string | undefined, options: Options) {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  return { project, loaded: await loadExperiment(project, name) }
}

type Span = { since: number; until: number; everyone?: string }
async function summarise(context: Context, project: Project, { plan }: LoadedExperiment, span: Span) {
  const { readExperiment } = await import('../../observe/experiment/experiment-events.ts')
  return readExperiment(plan, { root: project.root, env: context.env }, span, context.signal)
}

/** What the log of the last `days` days says; null where there is none, which is no fault when the plan says its base. */
async function past(
  context: Context,
  project: Project,
  loaded: LoadedExperiment,
  days: number,
): Promise<ExperimentSummary | null> {
  const until = context.now().getTime()
  const span = { since: until - days * DAY, until, everyone: loaded.plan.control }
  try {
    const summary = await summarise(context, project, loaded, span)
    return summary.events > 0 ? summary : null
  } catch (error) {
    const needed = loaded.plan.primary.base === undefined
    if (!needed && error instanceof AigateError && error.code === 'source_failed') return null
    throw error
  }
}

/** @returns inconclusive where the horizon of the plan is too short for the effect that is wanted */
export async function experimentPlanCommand(
  context: Context,
  name: string | undefined,
  options: Options & { days: number },
): Promise<Ending> {
  const { project, loaded } = await open(context, name, options)
  const seen = await past(context, project, loaded, options.days)
  const { metric } = loaded.plan.primary
  const base = primaryBase(loaded, seen)
  if (base === null) {
    const problem = `the log of the last ${options.days} days does not say what ${metric} is like today`
    const mend = 'Let the application log it first, widen --days, or write primary.base {value, deviation} in the plan.'
    throw new AigateError('source_failed', { problem, mend })
  }
  const size = sizeOf(loaded, base, seen)
  context.stdout.write(options.json ? asJson(ExperimentSize.parse(size)) : experimentSizeText(size))
  return size.outcome
}

function sizeOf(
  loaded: LoadedExperiment,
  base: ExperimentSize['base'],
  seen: ExperimentSummary | null,
): ExperimentSize {
  try {
    return sizeExperiment(loaded, base, seen)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const problem = `With ${loaded.plan.primary.metric} at ${base.value} the wanted effect cannot be: ${error.message}.`
    throw new AigateError('usage', { problem, mend: 'Correct primary.effect, primary.direction or primary.base.' })
  }
}

/** Reads the log twice where the horizon is reached: first to find it, then up to it and not beyond. */
async function look(context: Context, name: string | undefined, options: LookOptions): Promise<ExperimentReport> {
  const { project, loaded } = await open(context, name, options)
  const { plan, hash } = loaded
  if (options.planHash !== undefined && !(options.planHash.length >= 8 && hash.startsWith(options.planHash))) {
    const problem = `The plan is not the one that was registered: its hash is ${hash.slice(0, 12)}, not ${options.planHash}.`
    throw new AigateError('usage', {
      problem,
      mend: 'Put the registered plan back; a changed plan is a new experiment.',
    })
  }
  const now = context.now().getTime()
  const since = Date.parse(plan.horizon.start)
  const everything = await summarise(context, project, loaded, { since, until: Math.max(now, since) })
  const horizon = horizonOf(plan, everything, now)
  const until = horizon.reached && horizon.at !== null ? Date.parse(horizon.at) : now
  const summary =
    until < now && until > since ? await summarise(context, project, loaded, { since, until }) : everything
  return judgeExperiment(loaded, { now, peek: options.peek === true, summary, horizon })
}

/** The whole report. It decides nothing: `verdict` does. */
export async function experimentReportCommand(
  context: Context,
  name: string | undefined,
  options: LookOptions,
): Promise<Ending> {
  const report = await look(context, name, options)
  const text = () => {
    if (options.markdown) return experimentMarkdown(report)
    const color = wantsColor(context.env, context.stdout)
    return experimentText(report, { color, columns: context.stdout.columns ?? 100 })
  }
  context.stdout.write(options.json ? asJson(ExperimentReport.parse(report)) : text())
  return 'pass'
}

/** @returns the outcome: pass where a variant may be shipped */
export async function experimentVerdictCommand(
  context: Context,
  name: string | undefined,
  options: LookOptions,
): Promise<Ending> {
  const report = await look(context, name, options)
  const lines = [
    `${report.experiment}: ${report.outcome}`,
    `  ${report.answer}`,
    ...report.next.map((one) => `  next: ${one}`),
    ...report.warnings.map((one) => `  warning: ${one}`),
  ]
  context.stdout.write(options.json ? asJson(ExperimentReport.parse(report)) : `${safeLine(lines.join('\n'))}\n`)
  return report.outcome
}

/** Prints the flag file that assigns units to variants; writes nothing. */
export async function experimentFlagsCommand(
  context: Context,
  name: string | undefined,
  options: Options,
): Promise<Ending> {
  const { loaded } = await open(context, name, options)
  const flags = experimentFlags(loaded.plan, loaded.hash)
  if (Object.keys(flags.flags).length === 0) {
    const problem = 'No variant names a component, so that there is nothing to switch.'
    throw new AigateError('usage', {
      problem,
      mend: 'Write variants.<name>.components, for example {prompt: answer@1.2.0}.',
    })
  }
  context.stdout.write(asJson(flags))
  return 'pass'
}
