// aigate init --from, for the files of other eval tools: writes the project, the report beside it, and says what is left to do.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { stateOf } from '../../decide/change/frozen.ts'
import { AigateError, explain } from '../../errors.ts'
import type { Context, Ending } from '../../ports.ts'
import { safeLine } from '../../report/safe-text.ts'
import type { Assertion } from '../../schema/assertion.ts'
import { Config } from '../../schema/config.ts'
import { writeImport } from '../../store/deployment/write-import.ts'
import { importReport, noteLine } from '../../store/migrate/import-report.ts'
import type { Note } from '../../store/migrate/parts.ts'
import { type Migration, nameOfTool, planMigration } from '../../store/migrate/plan-migration.ts'
import type { SourceFile } from '../../store/source-text.ts'
import { checkCommand } from '../check.ts'

/** Notes of one kind that are printed; all of them stand in the report. */
const MOST_PRINTED = 25

/**
 * Makes a project of a file of promptfoo, OpenAI evals, GitHub Models, Prompty, Dotprompt or Inspect. Ends with
 * `inconclusive` (exit 3) when something was not carried over, else with what `aigate check` says of the result.
 * @returns undefined, and nothing is written, for a file of none of these tools
 */
export async function migrateCommand(context: Context, root: string, file: SourceFile): Promise<Ending | undefined> {
  const { assertionChecker } = await import('../../score/problems.ts')
  const assertionProblems = await assertionChecker()
  const problemOf = (assertion: unknown) => assertionProblems(assertion as Assertion)
  const migration = await planMigration(file, { cwd: context.cwd, problemOf })
  if (migration === undefined) return undefined
  const questions = pinQuestions(migration)
  const report = reportName(root)
  const text = importReport(migration, file.shown, questions)
  const files = [...migration.plan.files, { path: report, text }]
  const { written, kept } = await writeImport(root, { ...migration.plan, files })
  say(context, migration, { written, kept, questions, report })
  const checked = await check(context, root)
  if (checked !== 'pass') return checked
  return migration.notes.some(({ kind }) => kind === 'left') ? 'inconclusive' : 'pass'
}

/** A report of an earlier import stays as it is. */
function reportName(root: string): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? 'import-report.md' : `import-report-${n}.md`
    if (!existsSync(join(root, name))) return name
  }
}

/** What is to be decided about each model whose name does not fix a model. */
function pinQuestions({ plan }: Migration): string[] {
  const { models, providers } = Config.parse({ version: 1, ...plan.config })
  return Object.entries(models).flatMap(([name, pin]) => {
    const provider = providers[pin.provider]
    if (provider === undefined || pin.provider === 'not-carried-over') return []
    const { state, why, known = [] } = stateOf(pin, provider)
    if (state === 'pinned') return []
    const dated = known.length > 0 ? `write id: ${known.slice(0, 3).join(' or ')}` : 'write the id of a dated snapshot'
    return [
      `models.${name}: ${pin.id} is no pin (${why}), and CI refuses it: ${dated}, or say in allow_unpinned why it may be used`,
    ]
  })
}

type Said = { written: string[]; kept: string[]; questions: string[]; report: string }

function say(context: Context, { tool, notes, made }: Migration, { written, kept, questions, report }: Said): void {
  const part = (title: string, list: readonly string[], most = MOST_PRINTED) => {
    if (list.length === 0) return ''
    const more = list.length > most ? `  … and ${list.length - most} more: ${report}\n` : ''
    return `\n${title}\n${list
      .slice(0, most)
      .map((one) => `  ${safeLine(one)}\n`)
      .join('')}${more}`
  }
  const lines = (kind: Note['kind']) => notes.filter((one) => one.kind === kind).map(noteLine)
  const asks = made.suites.some(({ target }) => 'prompt' in target)
  const keys = [
    ...new Set(
      Object.values(made.providers).flatMap(({ api_key_env }) =>
        typeof api_key_env === 'string' ? [api_key_env] : [],
      ),
    ),
  ]
  const silent = Object.entries(made.models).flatMap(([name, { provider }]) =>
    provider === 'not-carried-over' ? [name] : [],
  )
  const next = [
    ...(silent.length === 0
      ? []
      : [`aigate.yaml: write a provider and an id for ${silent.join(', ')}, which nobody can ask yet`]),
    ...(made.suites.length === 0
      ? []
      : [
          `aigate eval${asks && keys.length > 0 ? `   (asks the models; needs ${keys.join(', ')})` : ''}`,
          'aigate baseline record   (what later changes are compared with)',
        ]),
  ]
  context.stdout.write(
    [
      part(`Written (${nameOfTool(tool)} read):`, written).trimStart(),
      part('Kept:', kept),
      part('Not carried over:', lines('left')),
      part('Carried over, to be looked at:', lines('changed')),
      part('Models to be pinned:', questions),
      part('Next:', next),
      '\n',
    ].join(''),
  )
}

async function check(context: Context, root: string): Promise<Ending> {
  try {
    return await checkCommand({ ...context, cwd: root }, {})
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    context.stderr.write(explain(error))
    return error.outcome
  }
}
