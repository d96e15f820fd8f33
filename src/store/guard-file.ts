// Reads guard.yaml.
import type { AigateError } from '../errors.ts'
import type { Project } from '../ports.ts'
import { GuardPlan } from '../schema/guard.ts'
import { canonicalJson, sha256 } from '../content-hash.ts'
import { readAll, scatteredFiles } from './scattered-plans.ts'
import { sourceFile } from './source-text.ts'
import { type Locate, readYaml } from './yaml.ts'

const PATTERNS = ['**/guard.yaml', '**/*.guard.yaml']

export type LoadedGuard = { plan: GuardPlan; file: string; hash: string }
/** A guard and where everything in it stands. */
export type GuardFile = LoadedGuard & { locate: Locate }

/** All guards of a project that can be read: `guard.yaml` and `*.guard.yaml` in any of its folders. Never throws for what is in a file. */
export async function collectGuards(project: Project): Promise<{ plans: GuardFile[]; problems: AigateError[] }> {
  return readAll(await scatteredFiles(project, PATTERNS), (path) => readGuard(project, path))
}

/** A guard file; `path` is relative to the root of the project. Throws AigateError `bad_file` with every fault. */
export async function readGuard({ root }: Project, path: string): Promise<GuardFile> {
  const file = sourceFile(root, path)
  const { value, locate } = await readYaml(file, GuardPlan, 'guard')
  const hash = sha256(canonicalJson({ ...value, description: undefined }))
  return { plan: value, file: file.shown, hash, locate }
}
