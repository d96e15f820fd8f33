// Tells by its content which tool made a file, and plans the project that it becomes. Nothing is written here.
import { realpathSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { ImportPlan } from '../deployment/import-deployment.ts'
import type { SourceFile } from '../source-text.ts'
import { readDotprompt } from './dotprompt.ts'
import { readData, readLines, readRows, wholeText } from './files.ts'
import { frontMatter } from './front-matter.ts'
import { readGithubModels } from './github-models.ts'
import { isInspectRow, readInspectData } from './inspect-data.ts'
import { filesOf, type Made } from './made.ts'
import { slug } from './names.ts'
import { readRegistry, readSamples } from './openai-evals.ts'
import { child, entries, isMap, items, type Job, type Note, type Part, textOf } from './parts.ts'
import { readPrompty } from './prompty.ts'
import { readPromptfoo } from './promptfoo/read-promptfoo.ts'
import { AigateError } from '../../errors.ts'

const tools = {
  promptfoo: 'promptfoo config',
  'openai-evals': 'OpenAI evals',
  'github-models': 'GitHub Models prompt',
  prompty: 'Prompty file',
  dotprompt: 'Dotprompt file',
  inspect: 'Inspect data set',
} as const
export type Tool = keyof typeof tools
export const nameOfTool = (tool: Tool): string => tools[tool]

/** What a file of another tool becomes, and what a person has to know about it. */
export type Migration = { tool: Tool; made: Made; plan: ImportPlan; notes: readonly Note[] }
type Options = Pick<Job, 'problemOf'> & { cwd: string }

/**
 * The plan of a file; undefined where it is of none of the tools (a deployment file, for example).
 * `problemOf` says why an assertion could not be graded. Files are read below `cwd` and below the folder of the file.
 * @throws AigateError for a file that cannot be read
 */
export async function planMigration(file: SourceFile, { cwd, problemOf }: Options): Promise<Migration | undefined> {
  const text = await wholeText(file)
  const roots = [cwd, dirname(file.path)].map((one) => realpathSync(one))
  const job: Job = { notes: [], told: new Set(), roots, problemOf }
  const read = await readAny(job, text, file)
  if (read === undefined) return undefined
  const { tool, made } = read
  if (made.prompts.length === 0 && made.suites.length === 0) {
    const notes = job.notes.map(({ what, why, place }) => `${place.file}:${place.line ?? 1} ${what}: ${why}`)
    throw new AigateError(
      'bad_file',
      {
        problem: `nothing of this ${tools[tool]} can be carried over${notes.length === 0 ? '' : `:\n  ${notes.join('\n  ')}`}`,
        mend: 'Correct what is named, or write the suite by hand: `aigate init` makes one to begin with.',
      },
      { file: file.shown },
    )
  }
  const config = {
    suites: made.suites.length > 0 ? ['evals/*.suite.yaml'] : [],
    providers: made.providers,
    models: made.models,
  }
  return { tool, made, plan: { files: filesOf(made), config, notes: [] }, notes: inOrder(job.notes) }
}

const inOrder = (notes: readonly Note[]) =>
  [...notes].sort((a, b) =>
    a.place.file === b.place.file ? (a.place.line ?? 0) - (b.place.line ?? 0) : a.place.file < b.place.file ? -1 : 1,
  )

type Read = { tool: Tool; made: Made }

async function readAny(job: Job, text: string, file: SourceFile): Promise<Read | undefined> {
  const name = nameFor(file)
  if (/\.prompty$/i.test(file.path))
    return { tool: 'prompty', made: await readPrompty(job, frontMatter(text, file), name) }
  if (/\.prompt$/i.test(file.path))
    return { tool: 'dotprompt', made: await readDotprompt(job, frontMatter(text, file), name) }
  if (/\.(jsonl|ndjson)$/i.test(file.path)) return readRowsOf(job, readLines(job, text, file), rootOf(file), file)
  if (/\.csv$/i.test(file.path)) return readRowsOf(job, (await readRows(text, file)).rows, rootOf(file), file)
  if (!/\.(ya?ml|json)$/i.test(file.path)) return undefined
  const root = readData(text, file)
  if (Array.isArray(root.value)) return readRowsOf(job, items(root), root, file)
  return readMap(job, root, name)
}

async function readMap(job: Job, root: Part, name: string): Promise<Read | undefined> {
  const has = (...keys: string[]) => keys.some((key) => child(root, key) !== undefined)
  if (
    Array.isArray(child(root, 'messages')?.value) &&
    has('model', 'testData', 'evaluators', 'modelParameters', 'name')
  )
    return { tool: 'github-models', made: await readGithubModels(job, root, name) }
  if (
    has('prompts', 'providers', 'targets') &&
    has('prompts', 'tests', 'scenarios', 'defaultTest', 'redteam') &&
    !has('version', 'suites')
  )
    return { tool: 'promptfoo', made: await readPromptfoo(job, root, name) }
  const specs = entries(root).map(([, one]) => textOf(child(one, 'class')) ?? '')
  if (specs.some((one) => /^\w[\w.]*:\w+$/.test(one)))
    return { tool: 'openai-evals', made: await readRegistry(job, root) }
  return undefined
}

async function readRowsOf(job: Job, rows: readonly Part[], root: Part, file: SourceFile): Promise<Read> {
  const [first] = rows
  if (isInspectRow(first?.value)) return { tool: 'inspect', made: readInspectData(job, rows, root, nameFor(file)) }
  if (isMap(first?.value) && first.value.input !== undefined)
    return { tool: 'openai-evals', made: await readSamples(job, rows, root, file) }
  const columns = isMap(first?.value) ? Object.keys(first.value).slice(0, 8).join(', ') : ''
  throw new AigateError(
    'bad_file',
    {
      problem: `its rows are no samples that aigate knows${columns === '' ? '' : `: they have ${columns}`}`,
      mend: 'Rows have `input` with `target` (Inspect) or `ideal` (OpenAI evals): rename theirs, or name the promptfoo config that uses them.',
    },
    { file: file.shown, line: 1 },
  )
}

const rootOf = (file: SourceFile): Part => ({
  value: undefined,
  path: [],
  source: { shown: file.shown, dir: dirname(file.path), locate: () => ({ file: file.shown, line: 1 }) },
})

/** What prompts and suites are called: the file, or its folder where the name of the file says nothing. */
function nameFor(file: SourceFile): string {
  const stem = basename(file.path)
    .replace(/(\.prompt)?\.\w+$/i, '')
    .replace(/^promptfooconfig[-_.]?|^promptfoo$|^config$|^samples$/i, '')
  return slug(stem === '' ? basename(resolve(dirname(file.path))) : stem, 'imported')
}
