// Reads guard.yaml.
import type { Project } from '../ports.ts'
import { GuardPlan } from '../schema/guard.ts'
import { canonicalJson, sha256 } from './content-hash.ts'
import { sourceFile } from './source-text.ts'
import { readYaml } from './yaml.ts'

export type LoadedGuard = { plan: GuardPlan; file: string; hash: string }

/** A guard file; `path` is relative to the root of the project. Throws AigateError `bad_file` with every fault. */
export async function readGuard({ root }: Project, path: string): Promise<LoadedGuard> {
  const file = sourceFile(root, path)
  const { value } = await readYaml(file, GuardPlan, 'guard')
  const hash = sha256(canonicalJson({ ...value, description: undefined }))
  return { plan: value, file: file.shown, hash }
}
