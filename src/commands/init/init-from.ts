// aigate init --from: makes a project of a file of another eval tool, or plans of a deployment file; says what it could not.
import { existsSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { chosenPlanes } from '../../decide/rollback/target.ts'
import { AigateError, explain } from '../../errors.ts'
import type { Context, Ending } from '../../ports.ts'
import { safeLine } from '../../report/safe-text.ts'
import type { Planes } from '../../schema/planes.ts'
import { planImport } from '../../store/deployment/import-deployment.ts'
import type { Note } from '../../store/deployment/outline.ts'
import type { Production } from '../../store/deployment/setting.ts'
import { writeImport } from '../../store/deployment/write-import.ts'
import { loadProject } from '../../store/project.ts'
import { sourceFile } from '../../store/source-text.ts'
import { checkCommand } from '../check.ts'

/**
 * The content of the file tells what it is. Writes the project or the plans into `folder`, never over a file, then checks them. What could not be carried over is listed with its
 * place on stdout. @returns what `aigate check` says of the result
 */
export async function initFromCommand(context: Context, folder: string, from: string): Promise<Ending> {
  const root = isAbsolute(folder) ? folder : join(context.cwd, folder)
  const file = sourceFile(context.cwd, resolve(context.cwd, from))
  const { migrateCommand } = await import('./init-migrate.ts')
  const migrated = await migrateCommand(context, root, file)
  if (migrated !== undefined) return migrated
  const plan = await planImport(file, context.now(), await productionOf(root))
  if (plan.files.length === 0 && Object.keys(plan.config).length === 0)
    throw new AigateError('bad_file', {
      problem: `${from} has no block that aigate knows`,
      mend: 'Known are model_registry, canary_stages, feature_flags, auto_rollback, circuit_breakers, shadow_deployment and experiment; and the files of promptfoo, OpenAI evals, GitHub Models, Prompty, Dotprompt and Inspect.',
    })
  const { written, kept } = await writeImport(root, plan)
  const lines = (kind: Note['kind']) => plan.notes.filter((one) => one.kind === kind).map(noteLine)
  const part = (title: string, list: readonly string[]) =>
    list.length === 0 ? '' : `\n${title}\n${list.map((one) => `  ${one}\n`).join('')}`
  context.stdout.write(
    safeLine(
      [
        part('Written:', written).trimStart(),
        part('Kept:', kept),
        part('Not carried over:', lines('left')),
        part('Written although the file does not say so (look at each):', lines('assumed')),
        '\n',
      ].join(''),
    ),
  )
  try {
    return await checkCommand({ ...context, cwd: root }, {})
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    context.stderr.write(explain(error))
    return error.outcome
  }
}

/** What the configuration that is there says of production; undefined: nothing, or there is none that can be read. */
async function productionOf(root: string): Promise<Production | undefined> {
  if (!existsSync(join(root, 'aigate.yaml'))) return undefined
  try {
    const { config } = await loadProject({ cwd: root })
    const planes = config.production ?? {}
    if (Object.keys(planes).length === 0) return undefined
    return { known: true, has: (component) => hasPlane(component, planes) }
  } catch (error) {
    if (error instanceof AigateError) return undefined
    throw error
  }
}
function hasPlane(component: string, planes: Planes): boolean {
  try {
    return chosenPlanes({ env: 'production', components: [component], planes }).length > 0
  } catch (error) {
    if (error instanceof AigateError) return false
    throw error
  }
}

const noteLine = ({ what, why, place: { file, line } }: Note) => `${file}:${line ?? 1} ${what}: ${why}`
