// Reads everything that a project holds and gathers every problem, instead of stopping at the first.
import { AigateError } from '../errors.ts'
import type { LoadedSuite, Project } from '../ports.ts'
import { flatten } from './faults.ts'
import { listPrompts, readPrompt } from './prompts.ts'
import { sourceFile } from './source-text.ts'
import { collectSuites } from './suites.ts'

/**
 * All suites without problems, and all problems of all suites, case files and prompts (those that no suite uses as
 * well), each a flat AigateError with its place. Never throws for what is wrong in a file.
 */
export async function checkProject(project: Project): Promise<{ suites: LoadedSuite[]; problems: AigateError[] }> {
  // `suites: []` says that there are none: a project may have nothing but rollouts and guards.
  const none = { suites: [], problems: [], used: new Set<string>() }
  const { suites, problems, used } =
    project.config.suites.length === 0 ? none : await collectSuites(project, { suites: [] })
  for (const entry of await listPrompts(project)) {
    if (used.has(entry.file)) continue
    try {
      await readPrompt(sourceFile(project.root, entry.file), entry)
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      problems.push(error)
    }
  }
  return { suites, problems: flatten(problems) }
}
