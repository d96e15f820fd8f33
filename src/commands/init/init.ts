// aigate init: write a small project that gives a verdict at once, without a key; with --github also the workflow.
import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, Project } from '../../ports.ts'
import { safeLine } from '../../report/safe-text.ts'
import { expander } from '../../run/expand.ts'
import { neededKeys } from '../../run/needed-keys.ts'
import { keyNameOf } from '../../run/providers/openai.ts'
import { namesIn } from '../../run/redact.ts'
import { line } from '../../store/git-objects.ts'
import { loadProject } from '../../store/project.ts'
import { openRecordings } from '../../store/recordings.ts'
import { scaffoldAnswers, scaffoldFiles, scaffoldWorse, writeScaffold } from '../../store/scaffold.ts'
import { schemaHome, withSchemaHome } from '../../store/schema-home.ts'
import { collectSuites, loadSuites } from '../../store/suites.ts'
import { workflowPath, workflowText } from './workflow.ts'

/** `next: false`: somebody else says what comes next. */
type InitOptions = { github?: boolean; next?: boolean }

/**
 * Asks nothing and overwrites nothing. Where a project is already there, `github` adds the workflow to it.
 * @throws AigateError `init_exists` with every file in the way
 */
export async function initCommand(
  context: Context,
  folder: string,
  { github = false, next = true }: InitOptions,
): Promise<Ending> {
  const root = isAbsolute(folder) ? folder : join(context.cwd, folder)
  const there = existsSync(join(root, 'aigate.yaml'))
  if (there && !github) throw alreadyThere(folder)
  // Looked for first: half of what was asked for would be in the way of the next try.
  const workflow = github ? await workflowOf(root) : null
  const written = there ? [] : await writeProject(root)
  if (workflow !== null) written.push(await writeWorkflow(root, workflow))
  context.stdout.write(`Written:\n${written.map((path) => `  ${safeLine(path)}`).join('\n')}\n`)
  if (!there && next) context.stdout.write(`\nNext:\n${nextSteps(root, folder)}\n`)
  if (workflow !== null) context.stdout.write(afterWorkflow(await keysOf(root)))
  return 'pass'
}

async function writeProject(root: string): Promise<string[]> {
  const home = schemaHome(root)
  const files = scaffoldFiles.map((file) => ({ ...file, text: withSchemaHome(file.path, file.text, home) }))
  const written = await writeScaffold(root, files)
  const project = await loadProject({ cwd: root })
  await recordAnswers(project, undefined, scaffoldAnswers)
  await recordAnswers(project, scaffoldWorse.prompt, scaffoldWorse.answers)
  return [...written, `${project.config.recordings}/`]
}

const alreadyThere = (folder: string) =>
  new AigateError('usage', {
    problem: `There is a project already: ${folder === '.' ? '' : `${folder}/`}aigate.yaml. Nothing was written.`,
    mend: 'Run `npx aigate check` to see whether it holds, or `npx aigate init --github` to add the workflow; another folder (`npx aigate init evals-demo`) gets a project of its own.',
  })

/** The top of the repository; where there is none yet, the folder itself will be it. */
async function repositoryOf(root: string): Promise<string> {
  const start = existsSync(root) ? root : join(root, '..')
  const up = await line(start, ['rev-parse', '--show-cdup']).catch(() => null)
  return up === null ? root : join(start, up)
}

type Workflow = { top: string; folder: string; path: string }

/** @throws AigateError `init_exists` */
async function workflowOf(root: string): Promise<Workflow> {
  const top = await repositoryOf(root)
  const folder = relative(top, root).replaceAll('\\', '/') || '.'
  const path = workflowPath(folder)
  if (existsSync(join(top, path))) throw new AigateError('init_exists', { files: path })
  return { top, folder, path }
}

/** @returns its path as seen from `root` */
async function writeWorkflow(root: string, { top, folder, path }: Workflow): Promise<string> {
  const text = workflowText({ folder, branch: await branchOf(root), keys: await keysOf(root) })
  await writeScaffold(top, [{ path, text }])
  return relative(root, join(top, path)).replaceAll('\\', '/')
}

/** The branch that the remote calls its own, else one with a usual name, else the one that is checked out: often that is the change itself. */
async function branchOf(root: string): Promise<string> {
  const ask = (...args: string[]) => line(root, args).catch(() => null)
  const remote = await ask('symbolic-ref', '--quiet', '--short', 'refs/remotes/origin/HEAD')
  if (remote) return remote.replace(/^origin\//, '')
  for (const name of ['main', 'master'])
    for (const place of ['remotes/origin', 'heads'])
      if (await ask('rev-parse', '--verify', '--quiet', `refs/${place}/${name}`)) return name
  return (await ask('symbolic-ref', '--quiet', '--short', 'HEAD')) || 'main'
}

/** Whatever a suite needs to be asked and graded, and what recordings would need. */
async function keysOf(root: string): Promise<string[]> {
  const project = await loadProject({ cwd: root })
  const providers = Object.values(project.config.providers).flatMap((one) => {
    const asked = one.type === 'openai' ? one : one.of
    return asked ? [keyNameOf(asked) ?? [], Object.values(asked.headers).flatMap(namesIn)].flat() : []
  })
  // What is wrong in a suite is for `aigate check` to say.
  const { suites } = await collectSuites(project, { suites: [] })
  return [...new Set([...providers, ...suites.flatMap((suite) => neededKeys(suite, { record: true }))])]
}

function nextSteps(root: string, folder: string): string {
  const where = folder === '.' ? '' : `cd ${folder} && `
  const steps = [
    ['npx aigate eval', 'a verdict from recorded answers, without a key'],
    ['npx aigate baseline record', 'what later changes are compared with; commit it'],
    [`npx aigate eval --prompt ${scaffoldWorse.prompt}`, 'the same cases with a worse prompt: exit 1'],
    ...(lacksAigate(root)
      ? [['npm install --save-dev aigate', 'the same version for everybody and for the pipeline']]
      : []),
  ]
  const width = Math.max(...steps.map(([command = '']) => command.length))
  return steps.map(([command = '', why]) => `  ${where}${command.padEnd(width)}   ${why}`).join('\n')
}

const afterWorkflow = (keys: readonly string[]) =>
  `\nOn GitHub: commit the workflow, ${keys.length > 0 ? `add the secret ${keys.join(', ')} once real answers are asked for, ` : ''}and make "gate" a required check.\n`

/** A package of npm that does not list aigate yet; others run it by npx. */
function lacksAigate(root: string): boolean {
  try {
    const text = readFileSync(join(root, 'package.json'), 'utf8')
    return !/"aigate"\s*:/.test(text)
  } catch {
    return false
  }
}

/** Keeps the answers that come with the project as recordings, found by the content of each question. */
async function recordAnswers(project: Project, prompt: string | undefined, answers: typeof scaffoldAnswers) {
  const overrides = prompt === undefined ? {} : { prompt }
  for (const suite of await loadSuites(project, { suites: [], overrides })) {
    const recordings = await openRecordings(join(project.root, project.config.recordings), suite.suite.suite)
    const ask = await expander(suite.target)
    for (const { case: each } of suite.cases) {
      for (const [i, completion] of (answers[each.id] ?? []).entries()) {
        recordings.add({ key: ask(each, i + 1).key, trial: i + 1, case: each.id, completion })
      }
    }
    await recordings.save()
  }
}
