// What can be wrong with guards, experiments and shadow plans besides their form, and which flags no kill switch reaches.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { checkGuard } from '../../decide/guard/check-guard.ts'
import { AigateError } from '../../errors.ts'
import { experimentSourceProblem } from '../../observe/experiment/experiment-events.ts'
import type { Project } from '../../ports.ts'
import type { GuardAction } from '../../schema/guard.ts'
import { collectExperiments, type ExperimentFile } from '../../store/experiment-plan.ts'
import { collectGuards, type GuardFile } from '../../store/guard-file.ts'
import { flatten } from '../../store/faults.ts'
import { listPrompts } from '../../store/prompts.ts'
import { collectShadows } from '../../store/shadow-plan.ts'
import { flagsWithoutKill, killFiles } from './kill-files.ts'
import { conditionFaults, type Found, partFaults, placed, sameNames } from '../rollout/plan-faults.ts'
import { planeProblems } from './plane-check.ts'
import { planesOf } from './rollback-plan.ts'

export type GuardFindings = {
  counts: { guards: number; experiments: number; shadows: number }
  problems: AigateError[]
  notes: string[]
}

/** Every problem of the guards, experiments and shadow plans of a project, with its place, and what is worth knowing. */
export async function guardFindings(project: Project): Promise<GuardFindings> {
  const guards = await collectGuards(project)
  const experiments = await collectExperiments(project)
  const shadows = await collectShadows(project)
  const kills = (await killFiles(project)).length > 0
  const problems = [
    ...(await planeProblems(project)),
    ...guards.problems,
    ...experiments.problems,
    ...flatten(shadows.problems),
  ]
  const notes: string[] = []
  for (const file of guards.plans) {
    const found = await guardFaults(project, file, kills)
    problems.push(...placed(found.faults, file.locate))
    notes.push(...found.notes)
  }
  for (const file of experiments.plans) problems.push(...placed(await experimentFaults(project, file), file.locate))
  problems.push(
    ...sameNames(guards.plans, { key: 'guard', nameOf: ({ plan }) => plan.guard }),
    ...sameNames(experiments.plans, { key: 'experiment', nameOf: ({ plan }) => plan.experiment }),
    ...sameNames(shadows.shadows, { key: 'shadow', nameOf: ({ plan }) => plan.shadow }),
  )
  const counts = {
    guards: guards.plans.length,
    experiments: experiments.plans.length,
    shadows: shadows.shadows.length,
  }
  return { counts, problems, notes: [...notes, ...(await flagsWithoutKill(project)).map(({ said }) => said)] }
}

async function guardFaults(project: Project, { plan, file }: GuardFile, kills: boolean) {
  const notes: string[] = []
  const faults: Found[] = [
    ...checkGuard(plan, { planesOf: (env) => planesOf(project, env), kills }),
    ...conditionFaults(plan.metrics),
  ]
  for (const [name, action] of Object.entries(plan.actions)) {
    const path = ['actions', name]
    if (action.type === 'command') faults.push(...programFaults(project, path, action))
    if (action.type !== 'disable-flag') continue
    const problem = await flagProblem(project, action)
    if (problem === undefined) continue
    if (problem.later) notes.push(`${file}: actions.${name}: ${problem.said}`)
    else
      faults.push({ path, problem: `actions.${name}: ${problem.said}`, mend: 'Correct `path`, `flag` or `variant`.' })
  }
  return { faults, notes }
}

/** A program that is named by its path must be there; others are found when they are run. */
function programFaults(
  { root }: Project,
  path: readonly string[],
  { argv, check }: Extract<GuardAction, { type: 'command' }>,
): Found[] {
  return Object.entries({ argv, check }).flatMap(([key, list]): Found[] => {
    const [program = ''] = list ?? []
    if (!/[\\/]/.test(program) || program.includes('{{') || existsSync(resolve(root, program))) return []
    const problem = `${path.join('.')}.${key}: there is no program ${program}.`
    return [{ path: [...path, key, 0], problem, mend: 'Paths of programs are relative to aigate.yaml.' }]
  })
}

/** `later`: the flag file is not there yet; it may come with a deployment. */
async function flagProblem(
  { root }: Project,
  { path, flag, variant }: Extract<GuardAction, { type: 'disable-flag' }>,
): Promise<{ said: string; later: boolean } | undefined> {
  const { variantsIn } = await import('../../act/kill-file.ts')
  try {
    const variants = await variantsIn(resolve(root, path), flag)
    if (variants === null) return { said: `${path} is not there yet.`, later: true }
    if (variants === undefined) return { said: `${path} has no flag ${flag}.`, later: false }
    if (variants.includes(variant)) return undefined
    return {
      said: `the flag ${flag} in ${path} has no variant ${variant}; it has ${variants.join(', ')}.`,
      later: false,
    }
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { said: error.message, later: false }
  }
}

async function experimentFaults(project: Project, { plan }: ExperimentFile): Promise<Found[]> {
  const entries = await listPrompts(project)
  const faults: Found[] = conditionFaults(plan.metrics)
  const source = experimentSourceProblem(plan.source)
  if (source) faults.push({ path: ['source', source.at], problem: source.problem, mend: source.mend })
  for (const [name, { components }] of Object.entries(plan.variants)) {
    const at = ['variants', name, 'components']
    faults.push(...(await partFaults(project, { at, parts: components, published: false, foreign: false }, entries)))
  }
  return faults
}
