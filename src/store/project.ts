// Finds and reads aigate.yaml, and checks the names in it against each other.
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { AigateError } from '../errors.ts'
import type { Project } from '../ports.ts'
import { Config } from '../schema/config.ts'
import { choose, didYouMean, type Fault, faultError } from './faults.ts'
import { sourceFile } from './source-text.ts'
import { type Locate, readYaml } from './yaml.ts'

const CONFIG = 'aigate.yaml'

/**
 * The project that a folder belongs to. `config` names the file (relative to `cwd`); otherwise aigate.yaml is looked
 * for in `cwd` and above it, up to the root of the git repository (or of the disk).
 * Throws AigateError `config_missing` when there is none, and `bad_file` with all faults of the file.
 */
export async function loadProject(options: { cwd: string; config?: string | undefined }): Promise<Project> {
  const path = options.config === undefined ? findConfig(options.cwd) : resolve(options.cwd, options.config)
  if (path === undefined || !existsSync(path))
    throw new AigateError('config_missing', { file: options.config ?? CONFIG })
  const { value, locate } = await readYaml(sourceFile(options.cwd, path), Config, 'configuration')
  const faults = nameFaults(value, locate)
  if (faults.length > 0) throw faultError(faults)
  return { root: dirname(path), file: path, config: value }
}

/** As `loadProject`; where no file was named and none is found, a project with nothing but defaults in `cwd`. */
export async function loadProjectOrDefaults(options: { cwd: string; config?: string | undefined }): Promise<Project> {
  if (options.config !== undefined || findConfig(options.cwd) !== undefined) return loadProject(options)
  return { root: options.cwd, file: join(options.cwd, CONFIG), config: Config.parse({ version: 1 }) }
}

function findConfig(cwd: string): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const file = join(folder, CONFIG)
    if (existsSync(file)) return file
    if (existsSync(join(folder, '.git')) || dirname(folder) === folder) return undefined
  }
}

function nameFaults({ providers, models }: Config, locate: Locate): Fault[] {
  return Object.entries(models).flatMap(([name, { provider, rollback_to }]) => {
    const faults: Fault[] = []
    const unknown = (key: string, what: string, written: string, known: string[]) =>
      faults.push({
        problem: `models.${name}.${key}: unknown ${what} "${written}"${didYouMean(written, known)}`,
        mend: choose(written, known, `${what}s of this file`, `Add it under \`${what}s\`.`),
        place: locate(['models', name, key]),
      })
    if (!Object.hasOwn(providers, provider)) unknown('provider', 'provider', provider, Object.keys(providers))
    const others = Object.keys(models).filter((other) => other !== name)
    if (rollback_to !== undefined && !others.includes(rollback_to)) unknown('rollback_to', 'model', rollback_to, others)
    return faults
  })
}
