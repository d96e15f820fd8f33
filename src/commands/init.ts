// aigate init: write a small project that gives a verdict at once, without a key.
import { isAbsolute, join } from 'node:path'
import type { Context, Ending } from '../ports.ts'
import { expander } from '../run/expand.ts'
import { loadProject } from '../store/project.ts'
import { openRecordings } from '../store/recordings.ts'
import { scaffoldAnswers, scaffoldFiles, writeScaffold } from '../store/scaffold.ts'
import { loadSuites } from '../store/suites.ts'

export async function initCommand(context: Context, folder: string): Promise<Ending> {
  const root = isAbsolute(folder) ? folder : join(context.cwd, folder)
  const written = await writeScaffold(root, scaffoldFiles)
  const project = await loadProject({ cwd: root })
  for (const suite of await loadSuites(project, { suites: [] })) {
    const recordings = await openRecordings(join(root, project.config.recordings), suite.suite.suite)
    const ask = await expander(suite.target)
    for (const { case: each } of suite.cases) {
      for (const [i, completion] of (scaffoldAnswers[each.id] ?? []).entries()) {
        const trial = i + 1
        recordings.add({ key: ask(each, trial).key, trial, case: each.id, completion })
      }
    }
    await recordings.save()
  }
  const where = folder === '.' ? '' : `cd ${folder} && `
  const list = written.map((path) => `  ${path}`).join('\n')
  context.stdout.write(
    `Written:\n${list}\n\nNext:\n  ${where}npx aigate eval              a verdict from recorded answers, without a key\n  ${where}npx aigate baseline record   what later changes are compared with\n`,
  )
  return 'pass'
}
