// Makes a folder with all that it lies in. Node's own `recursive` never returns where a system refuses a folder by ENOENT, as /proc does.
import { mkdirSync, statSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

const isMissing = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT'
const isFolderSync = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
const isFolder = (path: string) => stat(path).then(
  (found) => found.isDirectory(),
  () => false,
) // biome-ignore format: two roads

/** Nothing is done where it is there already, nor where another process makes it meanwhile. Throws the error of the system. */
export function makeFolderSync(folder: string, isLast = false): void {
  try {
    mkdirSync(folder)
  } catch (error) {
    if (isFolderSync(folder)) return
    const parent = dirname(folder)
    if (!isMissing(error) || parent === folder) throw error
    // What it lies in is there by now: another one made it, or the system refuses.
    const isThere = isFolderSync(parent)
    if (isThere && isLast) throw error
    if (!isThere) makeFolderSync(parent)
    makeFolderSync(folder, isThere)
  }
}

/** As `makeFolderSync`. */
export async function makeFolder(folder: string, isLast = false): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    if (await isFolder(folder)) return
    const parent = dirname(folder)
    if (!isMissing(error) || parent === folder) throw error
    const isThere = await isFolder(parent)
    if (isThere && isLast) throw error
    if (!isThere) await makeFolder(parent)
    await makeFolder(folder, isThere)
  }
}
