// Where an editor finds the JSON Schemas of the YAML files that aigate writes: in node_modules, or at the tag on GitHub.
import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

const INSTALLED = 'node_modules/aigate/schema'
/** For projects without npm, such as those in Python: the tag of the action holds the schemas too. */
const PUBLISHED = 'https://raw.githubusercontent.com/aigate/aigate/v0/schema'

/**
 * The folder of the schemas as a path from `root`, or an address where nothing says that npm installs anything here.
 * In a monorepo the packages lie further up: where aigate is installed, else beside the nearest package.json of the repository.
 */
export function schemaHome(root: string): string {
  const above: string[] = []
  let repository = false
  for (let folder = root; !repository; folder = dirname(folder)) {
    above.push(folder)
    repository = existsSync(join(folder, '.git'))
    if (dirname(folder) === folder) break
  }
  const found =
    above.find((folder) => existsSync(join(folder, INSTALLED))) ??
    (repository ? above : [root]).find((folder) => existsSync(join(folder, 'package.json')))
  return found === undefined ? PUBLISHED : join(relative(root, found), INSTALLED).replaceAll('\\', '/')
}

/** The text of a file at `path` (relative to the root), with its line `# yaml-language-server: …` pointing to `home`. */
export function withSchemaHome(path: string, text: string, home: string): string {
  const up = /^https?:/.test(home) ? '' : '../'.repeat(path.split('/').length - 1)
  return text.replace(
    /^(# yaml-language-server: \$schema=)(?:\.\.\/)*node_modules\/aigate\/schema\//m,
    (_, start: string) => `${start}${up}${home}/`,
  )
}
