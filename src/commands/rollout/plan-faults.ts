// What the checks of plans have in common: faults with their path in the file, conditions, and the parts of a release.
import { AigateError } from '../../errors.ts'
import { parseExpression } from '../../observe/expression.ts'
import type { Project } from '../../ports.ts'
import { commitOf, fileAt } from '../../store/git-objects.ts'
import { choose, didYouMean, type Fault, faultError } from '../../store/faults.ts'
import { findPrompt, type PromptEntry, readPrompt } from '../../store/prompts.ts'
import { readText, sourceFile } from '../../store/source-text.ts'
import type { Locate } from '../../store/yaml.ts'

/** A fault of a plan; `path`: keys and indexes into it. */
export type Found = Omit<Fault, 'place'> & { path: PropertyKey[] }

export const placed = (found: readonly Found[], locate: Locate): AigateError[] =>
  found.map(({ path, problem, mend }) => faultError([{ problem, mend, place: locate(path) }]))

/** Conditions of metrics that cannot be read, by the very parser that will read them. */
export function conditionFaults(metrics: Readonly<Record<string, object>>): Found[] {
  return Object.entries(metrics).flatMap(([name, metric]) =>
    Object.entries(metric).flatMap(([key, text]): Found[] => {
      if (!['bad', 'good', 'where'].includes(key) || typeof text !== 'string') return []
      try {
        parseExpression(text)
        return []
      } catch (error) {
        if (!(error instanceof AigateError)) throw error
        const problem = `metrics.${name}.${key}: ${error.message.trimEnd()}`
        return [{ path: ['metrics', name, key], problem, mend: error.mend }]
      }
    }),
  )
}

/** Names that several plans of one kind have: the second and further ones. */
export function sameNames<T extends { file: string; locate: Locate }>(
  plans: readonly T[],
  { key, nameOf }: { key: string; nameOf: (plan: T) => string },
): AigateError[] {
  const first = new Map<string, string>()
  return plans.flatMap((one) => {
    const name = nameOf(one)
    const before = first.get(name)
    if (before === undefined) {
      first.set(name, one.file)
      return []
    }
    const problem = `the ${key} name "${name}" is used twice, first in ${before}`
    return placed([{ path: [key], problem, mend: 'Give one of the two another name.' }], one.locate)
  })
}

/** `at`: where the parts stand in the plan. `published`: its prompts must be committed as they stand. `foreign`: other components than those that aigate.yaml names are fine. */
export type PartsCheck = {
  at: readonly string[]
  parts: Readonly<Record<string, string>>
  published: boolean
  foreign: boolean
}

/** Prompts, models and components that a plan names and that are not there. */
export async function partFaults(
  project: Project,
  { at, parts, published, foreign }: PartsCheck,
  entries: readonly PromptEntry[],
): Promise<Found[]> {
  const faults: Found[] = []
  const { config } = project
  for (const [name, version] of Object.entries(parts)) {
    const path = [...at, name]
    const fault = (problem: string, mend: string) =>
      faults.push({ path, problem: `${path.join('.')}: ${problem}`, mend })
    if (name === 'prompt' || name.startsWith('prompt/')) {
      const entry = findPrompt(entries, version)
      if ('problem' in entry) fault(entry.problem, entry.mend)
      else {
        const problem = await promptProblem(project, entry, published)
        if (problem) fault(problem.problem, problem.mend)
      }
    } else if (name === 'model' || name.startsWith('model/')) {
      const known = Object.keys(config.models)
      const none = 'Add it under `models` of aigate.yaml.'
      if (!known.includes(version) && !Object.values(config.models).some(({ id }) => id === version))
        fault(`unknown model "${version}"${didYouMean(version, known)}`, choose(version, known, 'models', none))
    } else if (
      !foreign &&
      !Object.hasOwn(config.components ?? {}, name) &&
      !Object.hasOwn(config.releases.checks, name)
    ) {
      const known = ['prompt', 'model', ...Object.keys(config.components ?? {})]
      fault(
        `unknown component "${name}"${didYouMean(name, known)}`,
        'Name it under `components` of aigate.yaml, or under `releases.checks` with a program that looks for a version.',
      )
    }
  }
  return faults
}

/** A prompt must be readable; one that is gone back to also published as it stands, for a rollback puts it back. */
async function promptProblem(
  project: Project,
  entry: PromptEntry,
  asPublished: boolean,
): Promise<{ problem: string; mend: string } | null> {
  try {
    await readPrompt(sourceFile(project.root, entry.file), entry)
  } catch (error) {
    if (error instanceof AigateError) return { problem: `${entry.file}: ${error.message}`, mend: error.mend }
    throw error
  }
  if (!asPublished || (await commitOf(project.root, 'HEAD')) === null) return null
  const published = (await fileAt(project.root, 'HEAD', entry.file))?.replace(/^\ufeff/, '').replaceAll('\r\n', '\n')
  const here = await readText(sourceFile(project.root, entry.file))
  if (published === here.replace(/^\ufeff/, '')) return null
  return {
    problem: `${entry.file} is not published as it stands: one could not go back to it`,
    mend: published === undefined ? 'Commit it first.' : 'Take it as it was committed; a change needs a new version.',
  }
}
