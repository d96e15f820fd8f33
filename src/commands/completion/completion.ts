// aigate completion: prints the script for a shell, or, when that script asks, what may come next on a line.
import type { Context, Ending } from '../../ports.ts'
import { reporterNames } from '../../report/registry.ts'
import { oneLine } from '../../report/safe-text.ts'
import { namesInProject, refsOf } from '../../store/project-names.ts'
import { type Candidate, configIn, type Names, nextOf, type VerbShape, wordsOf } from './candidates.ts'
import { type Shell, shellScripts } from './shell-scripts.ts'

/** Asked at a press of a key: what cannot be found quickly or is broken is left out, and nothing is ever an error. */
export async function completionCommand(
  context: Context,
  shell: Shell,
  { tree, line }: { tree: VerbShape; line?: string | undefined },
): Promise<Ending> {
  if (line === undefined) {
    context.stdout.write(shellScripts[shell])
    return 'pass'
  }
  const words = wordsOf(line)
  if (words === null) return 'pass'
  const { current, candidates, names } = nextOf(tree, words)
  if (names?.of === 'files') {
    context.stdout.write(':files\n')
    return 'pass'
  }
  const found = names ? await named(context, names.of, configIn(words)) : []
  const all = [...candidates, ...found.map(({ value, summary }) => ({ value: (names?.before ?? '') + value, summary }))]
  const fitting = all.filter(({ value }) => value.startsWith(current))
  // A name that holds white space or the like would be several words, or a command.
  const safe = fitting.filter(({ value }) => /^[\w@.,:=/+-]+$/.test(value))
  context.stdout.write(safe.map(({ value, summary }) => `${value}\t${oneLine(summary)}\n`).join(''))
  return 'pass'
}

async function named(context: Context, of: Exclude<Names, 'files'>, config?: string): Promise<Candidate[]> {
  if (of === 'reporters') return reporterNames.map((value) => ({ value, summary: '' }))
  try {
    return of === 'refs'
      ? (await refsOf(context.cwd)).map((value) => ({ value, summary: '' }))
      : await namesInProject({ cwd: context.cwd, config }, of)
  } catch {
    return []
  }
}
