// Reads the shadow plans of a project: YAML with the place of every fault.
import { glob } from 'tinyglobby'
import { AigateError } from '../errors.ts'
import type { Project } from '../ports.ts'
import { ShadowPlan } from '../schema/shadow.ts'
import { choose, didYouMean, joinErrors } from './faults.ts'
import { sourceFile } from './source-text.ts'
import { type Locate, readYaml } from './yaml.ts'

/** `file` is relative to the root of the project; `locate`: where everything in it stands. */
export type LoadedShadow = { plan: ShadowPlan; file: string; locate: Locate }

/** One plan file. Throws AigateError `bad_file` with every fault. */
export async function readShadow({ root }: Project, path: string): Promise<LoadedShadow> {
  const file = sourceFile(root, path)
  const { value, locate } = await readYaml(file, ShadowPlan, 'shadow plan')
  return { plan: value, file: file.shown, locate }
}

/** All plans that can be read, by file name, and what is wrong with the others. */
export async function collectShadows(project: Project): Promise<{ shadows: LoadedShadow[]; problems: AigateError[] }> {
  const { root, config } = project
  const found = await glob(config.shadows, { cwd: root, onlyFiles: true, ignore: ['**/node_modules/**'] })
  const shadows: LoadedShadow[] = []
  const problems: AigateError[] = []
  for (const path of found.sort()) {
    try {
      shadows.push(await readShadow(project, path))
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      problems.push(error)
    }
  }
  return { shadows, problems }
}

/** The plan of that name or file; without a name the only one there is. Throws AigateError `usage` or `bad_file`. */
export async function loadShadow(project: Project, name?: string): Promise<LoadedShadow> {
  if (name !== undefined && /\.ya?ml$/i.test(name)) return readShadow(project, name)
  const { shadows, problems } = await collectShadows(project)
  const meant = shadows.filter(({ plan }) => name === undefined || plan.shadow === name)
  const [first, ...more] = meant
  if (first && more.length === 0 && (name !== undefined || problems.length === 0)) return first
  if (problems.length > 0) throw joinErrors(problems)
  const names = shadows.map(({ plan }) => plan.shadow)
  if (names.length === 0) {
    const problem = `no file matches \`shadows\` of aigate.yaml: ${project.config.shadows.join(', ')}`
    throw new AigateError('usage', { problem, mend: 'Write a plan there, or correct the pattern.' })
  }
  if (more.length > 0 && name !== undefined) {
    const files = meant.map(({ file }) => file).join(', ')
    throw new AigateError('usage', {
      problem: `"${name}" is the name of several plans: ${files}`,
      mend: 'Name the file.',
    })
  }
  const problem =
    name === undefined
      ? `there are ${names.length} shadow plans: ${names.join(', ')}`
      : `no shadow plan is called "${name}"${didYouMean(name, names)}`
  throw new AigateError('usage', { problem, mend: choose(name ?? '', names, 'shadow plans', 'Name one.') })
}
