// Whether a folder in which aigate keeps things for itself is part of a commit: then its content is the word of an author.
import { realpath } from 'node:fs'
import { promisify } from 'node:util'
import { hasCommittedFiles } from './git-objects.ts'

/** As the disk spells it: `.Aigate` and `.aigate` are one folder on many systems. */
const realPath = promisify(realpath.native)

/**
 * Whether the commit that is checked out holds a file of the folder. Asked where the folder really lies: a link that leads
 * elsewhere in the repository, a folder above the project and a submodule are all the author's.
 */
export async function isCommitted(folder: string): Promise<boolean> {
  // What is not there holds no answers.
  const real = await realPath(folder).catch(() => null)
  return real !== null && hasCommittedFiles(real)
}
