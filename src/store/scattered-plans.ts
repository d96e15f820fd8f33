// Finds the plan files of a project that may lie in any folder of it, and reads them all.
import { dirname } from 'node:path/posix'
import { glob } from 'tinyglobby'
import { AigateError } from '../errors.ts'
import type { Project } from '../ports.ts'
import { flatten } from './faults.ts'

const IGNORED = ['**/node_modules/**', '**/.git/**', '**/.aigate/**']

/**
 * The files that match, relative to the root of the project, in the order of their names. What lies under another
 * aigate.yaml belongs to that project.
 */
export async function scatteredFiles({ root }: Project, patterns: readonly string[]): Promise<string[]> {
  const options = { cwd: root, onlyFiles: true, ignore: IGNORED }
  const found = await glob([...patterns], options)
  if (found.length === 0) return []
  const others = (await glob('*/**/aigate.yaml', options)).map((file) => `${dirname(file)}/`)
  return found.filter((file) => !others.some((folder) => file.startsWith(folder))).sort()
}

/** All files that can be read, and what is wrong with the others. Never throws for what is in a file. */
export async function readAll<T>(
  files: readonly string[],
  read: (path: string) => Promise<T>,
): Promise<{ plans: T[]; problems: AigateError[] }> {
  const plans: T[] = []
  const problems: AigateError[] = []
  for (const path of files) {
    try {
      plans.push(await read(path))
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      problems.push(error)
    }
  }
  return { plans, problems: flatten(problems) }
}
