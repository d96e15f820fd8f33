// Reads the rollout plans of a project: YAML with the place of every fault, and the hash of what a plan means.
import { glob } from 'tinyglobby'
import { AigateError } from '../errors.ts'
import type { LoadedPlan, Project } from '../ports.ts'
import { RolloutPlan } from '../schema/rollout.ts'
import { canonicalJson, sha256 } from '../content-hash.ts'
import { choose, didYouMean, type Fault, faultError, flatten, joinErrors } from './faults.ts'
import { sourceFile } from './source-text.ts'
import { type Locate, readYaml } from './yaml.ts'

/** A plan and where everything in it stands. */
export type PlanFile = LoadedPlan & { locate: Locate }

/** Equal for plans that mean the same: spelling, order of keys and the description do not count. */
export function planHash(plan: RolloutPlan): string {
  return sha256(canonicalJson({ ...plan, description: undefined }))
}

/** All plans that can be read, by file name, and what is wrong with the others. Never throws for what is in a file. */
export async function collectPlans(project: Project): Promise<{ plans: PlanFile[]; problems: AigateError[] }> {
  const { root, config } = project
  const found = await glob(config.rollouts, { cwd: root, onlyFiles: true, ignore: ['**/node_modules/**'] })
  const plans: PlanFile[] = []
  const problems: AigateError[] = []
  for (const path of found.sort()) {
    try {
      plans.push(await readPlan(project, path))
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      problems.push(error)
    }
  }
  return { plans, problems: [...flatten(problems), ...sameNames(plans)] }
}

/** One plan file; `path` is relative to the root of the project. Throws AigateError `bad_file` with every fault. */
export async function readPlan({ root }: Project, path: string): Promise<PlanFile> {
  const file = sourceFile(root, path)
  const { value, locate } = await readYaml(file, RolloutPlan, 'rollout plan')
  return { plan: value, file: file.shown, hash: planHash(value), locate }
}

/**
 * The plan of a rollout, by its name or by its file; without a name the only one there is.
 * Throws AigateError `usage` where there is none such, and `bad_file` with the faults of the files when one of them may
 * be the one that is meant.
 */
export async function loadPlan(project: Project, name?: string): Promise<PlanFile> {
  if (name !== undefined && /\.ya?ml$/i.test(name)) return readPlan(project, name)
  const { plans, problems } = await collectPlans(project)
  const meant = plans.filter(({ plan }) => name === undefined || plan.rollout === name)
  const twice = sameNames(meant)
  if (name !== undefined && twice.length > 0) throw joinErrors(twice)
  const [first, ...more] = meant
  // Without a name, a broken file may be the one that is meant.
  if (first && more.length === 0 && (name !== undefined || problems.length === 0)) return first
  if (problems.length > 0) throw joinErrors(problems)
  const names = plans.map(({ plan }) => plan.rollout)
  if (names.length === 0) {
    const problem = `no file matches \`rollouts\` of aigate.yaml: ${project.config.rollouts.join(', ')}`
    throw new AigateError('usage', { problem, mend: 'Write a plan there, or correct the pattern.' })
  }
  const problem =
    name === undefined
      ? `there are ${names.length} rollouts: ${names.join(', ')}`
      : `no rollout is called "${name}"${didYouMean(name, names)}`
  throw new AigateError('usage', { problem, mend: choose(name ?? '', names, 'rollouts', 'Name one.') })
}

function sameNames(plans: readonly PlanFile[]): AigateError[] {
  const first = new Map<string, PlanFile>()
  return plans.flatMap((one): AigateError[] => {
    const before = first.get(one.plan.rollout)
    if (before === undefined) {
      first.set(one.plan.rollout, one)
      return []
    }
    const fault: Fault = {
      problem: `the rollout name "${one.plan.rollout}" is used twice, first in ${before.file}`,
      mend: 'Give one of the two another name.',
      place: one.locate(['rollout']),
    }
    return [faultError([fault])]
  })
}
