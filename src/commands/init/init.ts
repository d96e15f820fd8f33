// aigate init: write a small project that gives a verdict at once, without a key.
import { isAbsolute, join } from 'node:path'
import type { Context, Ending, Project } from '../../ports.ts'
import { expander } from '../../run/expand.ts'
import { loadProject } from '../../store/project.ts'
import { openRecordings } from '../../store/recordings.ts'
import { scaffoldAnswers, scaffoldFiles, scaffoldWorse, writeScaffold } from '../../store/scaffold.ts'
import { loadSuites } from '../../store/suites.ts'

export async function initCommand(context: Context, folder: string): Promise<Ending> {
  const root = isAbsolute(folder) ? folder : join(context.cwd, folder)
  const written = await writeScaffold(root, scaffoldFiles)
  const project = await loadProject({ cwd: root })
  await recordAnswers(project, undefined, scaffoldAnswers)
  await recordAnswers(project, scaffoldWorse.prompt, scaffoldWorse.answers)
  written.push(`${project.config.recordings}/`)
  const where = folder === '.' ? '' : `cd ${folder} && `
  const worse = `npx aigate eval --prompt ${scaffoldWorse.prompt}`
  const list = written.map((path) => `  ${path}`).join('\n')
  const steps = [
    ['npx aigate eval', 'a verdict from recorded answers, without a key'],
    ['npx aigate baseline record', 'what later changes are compared with'],
    [worse, 'the same cases with a worse prompt: exit 1'],
  ]
  const width = Math.max(...steps.map(([command = '']) => command.length))
  const next = steps.map(([command = '', why]) => `  ${where}${command.padEnd(width)}   ${why}`).join('\n')
  context.stdout.write(`Written:\n${list}\n\nNext:\n${next}\n`)
  return 'pass'
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
