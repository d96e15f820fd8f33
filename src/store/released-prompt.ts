// Finds a prompt file with the content that was released: in the work tree, else in git.
import { existsSync } from 'node:fs'
import { AigateError } from '../errors.ts'
import type { LoadedPrompt, Project } from '../ports.ts'
import type { ReleasedPrompt } from '../schema/release.ts'
import { sha256 } from '../content-hash.ts'
import { fileAt } from './git-objects.ts'
import { parsePrompt } from './prompts.ts'
import { readText, sourceFile } from './source-text.ts'

export type FoundPrompt = { where: 'work tree' | 'git'; text: string }

/**
 * The text whose hash is that of the release: of the file in the work tree, or of the same path in `commit` (the commit
 * of the release) or HEAD. null: nobody has it any more.
 */
export async function findReleasedPrompt(
  { root }: Project,
  { file, hash }: ReleasedPrompt,
  commit: string | null,
): Promise<FoundPrompt | null> {
  const source = sourceFile(root, file)
  const here = existsSync(source.path) ? await readText(source).catch(faultIsNull) : null
  if (here !== null && sha256(here) === hash) return { where: 'work tree', text: here }
  for (const ref of commit === null ? ['HEAD'] : [commit, 'HEAD']) {
    const text = await fileAt(root, ref, file).catch(faultIsNull)
    const plain = text?.replace(/^\ufeff/, '').replaceAll('\r\n', '\n')
    if (plain !== undefined && sha256(plain) === hash) return { where: 'git', text: plain }
  }
  return null
}

/** A file or commit that cannot be read does not have the content either. */
function faultIsNull(error: unknown): null {
  if (error instanceof AigateError) return null
  throw error
}

/** The prompt as it was released. @throws AigateError usage when it is gone, and the faults of the file */
export async function loadReleasedPrompt(
  project: Project,
  prompt: ReleasedPrompt,
  commit: string | null,
): Promise<LoadedPrompt> {
  const found = await findReleasedPrompt(project, prompt, commit)
  if (found) return parsePrompt(found.text, prompt.file, prompt)
  throw new AigateError('usage', {
    problem: `The prompt ${prompt.name}@${prompt.version} is not there any more as it was released: neither the work tree nor git has ${prompt.file} with that content.`,
    mend: 'Fetch the whole history (git fetch --unshallow), or choose another release.',
  })
}
