// What can be wrong with a rollout plan besides its form: things that it names and that are not there.
import { isDeepStrictEqual } from 'node:util'
import { resolve } from 'node:path'
import { checkPlan } from '../../decide/rollout/check-plan.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Project } from '../../ports.ts'
import { choose, didYouMean } from '../../store/faults.ts'
import { listPrompts } from '../../store/prompts.ts'
import { collectPlans, type PlanFile } from '../../store/rollout-plan.ts'
import { collectShadows } from '../../store/shadow-plan.ts'
import { suiteNames } from '../../store/suites.ts'
import { requireWritable } from '../../store/write-text.ts'
import { conditionFaults, type Found, partFaults, placed } from './plan-faults.ts'

/** Every problem of every plan of a project, each with its place. */
export async function allRolloutProblems(
  context: Context,
  project: Project,
): Promise<{ plans: PlanFile[]; problems: AigateError[] }> {
  const { plans, problems } = await collectPlans(project)
  for (const plan of plans) problems.push(...(await rolloutProblems(context, project, plan)))
  return { plans, problems }
}

/** What is wrong with one plan; none: it can be started, and gone back from. */
export async function rolloutProblems(_: Context, project: Project, file: PlanFile): Promise<AigateError[]> {
  const { plan } = file
  const entries = await listPrompts(project)
  // Code and containers of a rolling update are the orchestrator's: nothing here knows their versions.
  const foreign = plan.strategy === 'rolling'
  const found: Found[] = [
    ...checkPlan(plan),
    ...conditionFaults(plan.metrics),
    ...sameFault(file),
    ...(await partFaults(project, { at: ['release'], parts: plan.release, published: false, foreign }, entries)),
    ...(await partFaults(project, { at: ['baseline'], parts: plan.baseline, published: true, foreign }, entries)),
    ...(await controlFaults(project, file)),
    ...(await preCheckFaults(project, file)),
  ]
  return placed(found, file.locate)
}

function sameFault({ plan }: PlanFile): Found[] {
  if (!isDeepStrictEqual(plan.release, plan.baseline)) return []
  return [{ path: ['release'], problem: 'the release is the baseline', mend: 'Name what is new in `release`.' }]
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
