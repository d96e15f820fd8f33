// Reads the plans of experiments: YAML with the place of every fault, and the hash of what a plan means.
import { AigateError } from '../errors.ts'
import type { Project } from '../ports.ts'
import { ExperimentPlan, type LoadedExperiment } from '../schema/experiment.ts'
import { canonicalJson, sha256 } from '../content-hash.ts'
import { choose, didYouMean, joinErrors } from './faults.ts'
import { readAll, scatteredFiles } from './scattered-plans.ts'
import { sourceFile } from './source-text.ts'
import { type Locate, readYaml } from './yaml.ts'

const PATTERN = '**/*.experiment.yaml'

/** A plan and where everything in it stands. */
export type ExperimentFile = LoadedExperiment & { locate: Locate }

async function readExperimentPlan({ root }: Project, path: string): Promise<ExperimentFile> {
  const file = sourceFile(root, path)
  const { value, locate } = await readYaml(file, ExperimentPlan, 'experiment plan')
  return { plan: value, file: file.shown, hash: sha256(canonicalJson(value)), locate }
}

/** All plans of a project that can be read. Never throws for what is in a file. */
export async function collectExperiments(
  project: Project,
): Promise<{ plans: ExperimentFile[]; problems: AigateError[] }> {
  return readAll(await scatteredFiles(project, [PATTERN]), (path) => readExperimentPlan(project, path))
}

/**
 * The plan of an experiment, by its name or by its file; without a name the only one there is. Throws AigateError `usage` where
 * there is none such or several are, and `bad_file` with every fault of a file that may be the one that is meant.
 */
export async function loadExperiment(project: Project, name?: string): Promise<LoadedExperiment> {
  if (name !== undefined && /\.ya?ml$/i.test(name)) return readExperimentPlan(project, name)
  const { plans, problems } = await collectExperiments(project)
  const meant = plans.filter(({ plan }) => name === undefined || plan.experiment === name)
  const [first, ...more] = meant
  if (first && more.length === 0 && (name !== undefined || problems.length === 0)) return first
  if (name !== undefined && more.length > 0) {
    const problem = `Several files are the plan of "${name}": ${meant.map(({ file }) => file).join(', ')}.`
    throw new AigateError('usage', { problem, mend: 'An experiment has one plan: name one of them by its file.' })
  }
  if (problems.length > 0) throw joinErrors(problems)
  const names = plans.map(({ plan }) => plan.experiment)
  const problem =
    names.length === 0
      ? `No file matches ${PATTERN}.`
      : name === undefined
        ? `There are ${names.length} experiments: ${names.join(', ')}.`
        : `No experiment is called "${name}"${didYouMean(name, names)}.`
  const mend = names.length === 0 ? 'Write a plan there.' : choose(name ?? '', names, 'experiments', 'Name one.')
  throw new AigateError('usage', { problem, mend })
}
