// What can be wrong with a rollout plan besides its form: things that it names and that are not there.
import { isDeepStrictEqual } from 'node:util'
import { resolve } from 'node:path'
import { checkPlan } from '../decide/rollout/check-plan.ts'
import { AigateError } from '../errors.ts'
import { parseExpression } from '../observe/expression.ts'
import type { Context, Project } from '../ports.ts'
import { commitOf, fileAt } from '../store/git-objects.ts'
import { choose, didYouMean, type Fault, faultError, flatten } from '../store/faults.ts'
import { findPrompt, listPrompts, type PromptEntry, readPrompt } from '../store/prompts.ts'
import { readText, sourceFile } from '../store/source-text.ts'
import { collectPlans, type PlanFile } from '../store/rollout-plan.ts'
import { collectShadows } from '../store/shadow-plan.ts'
import { suiteNames } from '../store/suites.ts'
import { requireWritable } from '../store/write-text.ts'

type Found = Omit<Fault, 'place'> & { path: PropertyKey[] }

/** Every problem of every plan of a project, each with its place. */
export async function allRolloutProblems(
  context: Context,
  project: Project,
): Promise<{ plans: PlanFile[]; problems: AigateError[] }> {
  const { plans, problems } = await collectPlans(project)
  for (const plan of plans) problems.push(...(await rolloutProblems(context, project, plan)))
  problems.push(...flatten((await collectShadows(project)).problems))
  return { plans, problems }
}

/** What is wrong with one plan; none: it can be started, and gone back from. */
export async function rolloutProblems(_: Context, project: Project, file: PlanFile): Promise<AigateError[]> {
  const { plan } = file
  const entries = await listPrompts(project)
  const found: Found[] = [
    ...checkPlan(plan),
    ...expressionFaults(file),
    ...sameFault(file),
    ...(await partFaults(project, file, 'release', entries)),
    ...(await partFaults(project, file, 'baseline', entries)),
    ...(await controlFaults(project, file)),
    ...(await preCheckFaults(project, file)),
  ]
  return found.map(({ path, problem, mend }) => faultError([{ problem, mend, place: file.locate(path) }]))
}

/** Conditions that cannot be read, by the very parser that will read them. */
function expressionFaults({ plan }: PlanFile): Found[] {
  return Object.entries(plan.metrics).flatMap(([name, metric]) =>
    (['bad', 'where'] as const).flatMap((key): Found[] => {
      const text = key in metric ? (metric as { bad?: string; where?: string })[key] : undefined
      if (text === undefined) return []
      try {
        parseExpression(text)
        return []
      } catch (error) {
        if (!(error instanceof AigateError)) throw error
        return [
          {
            path: ['metrics', name, key],
            problem: `metrics.${name}.${key}: ${error.message.trimEnd()}`,
            mend: error.mend,
          },
        ]
      }
    }),
  )
}

function sameFault({ plan }: PlanFile): Found[] {
  if (!isDeepStrictEqual(plan.release, plan.baseline)) return []
  return [{ path: ['release'], problem: 'the release is the baseline', mend: 'Name what is new in `release`.' }]
}

async function partFaults(
  project: Project,
  { plan }: PlanFile,
  side: 'release' | 'baseline',
  entries: readonly PromptEntry[],
): Promise<Found[]> {
  const faults: Found[] = []
  const { config } = project
  for (const [name, version] of Object.entries(plan[side])) {
    const fault = (problem: string, mend: string) =>
      faults.push({ path: [side, name], problem: `${side}.${name}: ${problem}`, mend })
    if (name === 'prompt' || name.startsWith('prompt/')) {
      const entry = findPrompt(entries, version)
      if ('problem' in entry) fault(entry.problem, entry.mend)
      else {
        const problem = await promptProblem(project, entry, side)
        if (problem) fault(problem.problem, problem.mend)
      }
    } else if (name === 'model' || name.startsWith('model/')) {
      const known = Object.keys(config.models)
      const none = 'Add it under `models` of aigate.yaml.'
      if (!known.includes(version) && !Object.values(config.models).some(({ id }) => id === version))
        fault(`unknown model "${version}"${didYouMean(version, known)}`, choose(version, known, 'models', none))
    } else if (plan.strategy === 'rolling') {
      // Code and containers are the orchestrator's: nothing here knows their versions.
    } else if (!Object.hasOwn(config.components ?? {}, name) && !Object.hasOwn(config.releases.checks, name)) {
      const known = ['prompt', 'model', ...Object.keys(config.components ?? {})]
      fault(
        `unknown component "${name}"${didYouMean(name, known)}`,
        'Name it under `components` of aigate.yaml, or under `releases.checks` with a program that looks for a version.',
      )
    }
  }
  return faults
}

/** A prompt must be readable; that of the baseline published as it stands, for a rollback puts it back. */
async function promptProblem(
  project: Project,
  entry: PromptEntry,
  side: 'release' | 'baseline',
): Promise<{ problem: string; mend: string } | null> {
  try {
    await readPrompt(sourceFile(project.root, entry.file), entry)
  } catch (error) {
    if (error instanceof AigateError) return { problem: `${entry.file}: ${error.message}`, mend: error.mend }
    throw error
  }
  if (side === 'release' || (await commitOf(project.root, 'HEAD')) === null) return null
  const published = (await fileAt(project.root, 'HEAD', entry.file))?.replace(/^\ufeff/, '').replaceAll('\r\n', '\n')
  const here = await readText(sourceFile(project.root, entry.file))
  if (published === here.replace(/^\ufeff/, '')) return null
  return {
    problem: `${entry.file} is not published as it stands: one could not go back to it`,
    mend: published === undefined ? 'Commit it first.' : 'Take it as it was committed; a change needs a new version.',
  }
}

/** What the checks before a blue-green switch name: a check that can never be made would hold it for ever. */
async function preCheckFaults(project: Project, { plan }: PlanFile): Promise<Found[]> {
  const { pre_check: asked, warm_up: warm } = plan
  if (!asked && !warm) return []
  const known = await suiteNames(project)
  const faults: Found[] = []
  const need = (path: PropertyKey[], what: string, name: string, names: readonly string[]) => {
    if (names.includes(name)) return
    const problem = `${path.join('.')}: no ${what} is called "${name}"${didYouMean(name, names)}`
    faults.push({ path, problem, mend: choose(name, names, `${what}s`, 'Write it first.') })
  }
  if (known !== null) {
    for (const [i, name] of (asked?.gate ?? []).entries()) need(['pre_check', 'gate', i], 'suite', name, known)
    const health = Array.isArray(asked?.health) ? asked.health : []
    for (const [i, name] of health.entries()) need(['pre_check', 'health', i], 'suite', name, known)
    if (warm) need(['warm_up', 'suite'], 'suite', warm.suite, known)
  }
  if (asked?.shadow !== undefined) {
    const { shadows, problems } = await collectShadows(project)
    const names = shadows.map((one) => one.plan.shadow)
    if (problems.length === 0) need(['pre_check', 'shadow'], 'shadow plan', asked.shadow, names)
  }
  return faults
}

/** A file that aigate has to write must be writable before the rollout, not only when it must go back. */
async function controlFaults({ root }: Project, { plan: { control } }: PlanFile): Promise<Found[]> {
  if (control.type !== 'flagd' && control.type !== 'git') return []
  try {
    await requireWritable(resolve(root, control.path))
    return []
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return [{ path: ['control', 'path'], problem: `control.path: ${error.message}`, mend: error.mend }]
  }
}
