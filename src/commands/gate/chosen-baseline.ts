// Which baseline a suite is compared with: the one that the command line names, or the stored one, as the base has it.
import { existsSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import type { Context, LoadedSuite, Project } from '../../ports.ts'
import type { Baseline } from '../../schema/baseline.ts'
import { baselineFile, readBaseline } from '../../store/baseline-file.ts'

/** `path`: of the file in the base commit; null where it was not read from there. */
export type Chosen = { baseline: Baseline | null; file: string | null; path: string | null }

/** The baseline that the command line names, or the stored one; inside the project it is read as the base has it. */
export async function chosenBaseline(
  context: Context,
  project: Project,
  suite: LoadedSuite,
  { baseline: choice }: { baseline?: string | boolean | undefined },
  base?: Project,
): Promise<Chosen> {
  if (choice === false) return { baseline: null, file: null, path: null }
  const name = suite.suite.suite
  const named = typeof choice === 'string'
  const stored = baselineFile(join((base ?? project).root, (base ?? project).config.baselines), name)
  const file = named ? (isAbsolute(choice) ? choice : join(context.cwd, choice)) : stored
  const inside = relative(project.root, file)
  const atBase = named && base && !inside.startsWith('..') && !isAbsolute(inside) ? join(base.root, inside) : undefined
  const read = atBase !== undefined && existsSync(atBase) ? atBase : file
  const baseline = await readBaseline(read, name, { required: named })
  const shown = base && !named ? join(project.root, relative(base.root, stored)) : file
  const path = baseline && base && read.startsWith(base.root) ? relative(base.root, read).split(sep).join('/') : null
  return { baseline, file: baseline ? shown : null, path }
}

/** A baseline of the head that does not continue the chain of the base's was written by hand, or on another branch. */
export function chainWarnings(own: Chosen | undefined, base: Chosen | undefined): string[] {
  const [head, old] = [own?.baseline, base?.baseline]
  if (!head || !old || JSON.stringify(head) === JSON.stringify(old)) return []
  const known = head.history?.some(({ at }) => at === old.accepted.at) ?? false
  return known
    ? []
    : [
        'The baseline of this change does not continue the chain of the base: it was not made with `aigate baseline accept`.',
      ]
}
