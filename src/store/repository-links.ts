// Symbolic links of a repository: where a path really leads, without leaving the repository.
import { posix } from 'node:path'

/** More links in a row than a system follows. */
const MOST_LINKS = 40

/**
 * The path that is meant, with every link on the way followed; null where a link leads out of the repository or in a
 * circle. All paths are from the top of the repository, with forward slashes.
 * @param links by path: where each link points to, as it is written
 */
export function realPath(path: string, links: ReadonlyMap<string, string>): string | null {
  let parts = posix.normalize(path).replace(/\/$/, '').split('/')
  let followed = 0
  for (let end = 1; end <= parts.length; end++) {
    const target = links.get(parts.slice(0, end).join('/'))
    if (target === undefined) continue
    followed += 1
    if (followed > MOST_LINKS || posix.isAbsolute(target)) return null
    const here = posix.join(posix.dirname(parts.slice(0, end).join('/')), target)
    parts = posix
      .join(here, ...parts.slice(end))
      .replace(/\/$/, '')
      .split('/')
    end = 0
  }
  return parts[0] === '..' ? null : parts.join('/')
}
