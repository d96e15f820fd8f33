// aigate lock: write down what decides behaviour, or see whether it still is what was written down.
import { relative } from 'node:path'
import { outdatedLock } from '../../decide/change/frozen.ts'
import { lockChanges } from '../../decide/change/lock.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending } from '../../ports.ts'
import { lockFile, readLock, writeLock } from '../../store/lock-file.ts'
import { loadProject } from '../../store/project.ts'
import { loadSuites } from '../../store/suites.ts'
import { currentLock } from '../gate/frozen.ts'

type LockOptions = { config?: string; check?: boolean }

/** Writes the lock and says what changed; with `check` it writes nothing, and a lock that does not hold is exit 2. */
export async function lockCommand(context: Context, options: LockOptions): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const now = await currentLock(project, await loadSuites(project, { suites: [] }))
  const before = await readLock(project)
  const { path } = lockFile(project)
  const shown = relative(context.cwd, path) || path
  const changes = before ? lockChanges(before, now, { partial: false }) : []
  if (options.check) {
    const missing = { problem: `There is no ${shown}.`, mend: 'Run `aigate lock` and commit the file.' }
    if (!before) throw new AigateError('usage', missing)
    if (changes.length > 0) throw new AigateError('usage', outdatedLock(changes))
  } else await writeLock(project, now)
  if (!before) context.stdout.write(`${shown}: written. Commit it; \`aigate eval --frozen\` holds runs to it.\n`)
  else if (changes.length === 0) context.stdout.write(`${shown}: up to date.\n`)
  else context.stdout.write(`${shown}: written.\n${changes.map((line) => `  ${line}\n`).join('')}`)
  return 'pass'
}
