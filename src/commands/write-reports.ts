// Renders a report with each wanted reporter and writes it: to standard output, or to the file behind the colon.
import { isAbsolute, join, posix } from 'node:path'
import { AigateError } from '../errors.ts'
import type { Context } from '../ports.ts'
import { type ReporterName, reporterNames, reporterOf } from '../report/registry.ts'
import type { Report } from '../schema/verdict.ts'
import { prefixOf } from '../store/git-objects.ts'
import { inBlocks, requireWritable, writeText } from '../store/write-text.ts'
import { wantsColor } from './wants-color.ts'

type Wanted = { name: ReporterName; file: string | null }

/**
 * Reads `table,json:run.json`. A Windows drive letter may follow the first colon.
 * @throws AigateError for an unknown reporter, or for two that both want standard output.
 */
export function parseReporters(list: string): Wanted[] {
  const wanted = list.split(',').map((entry) => {
    const [, name = '', file] = /^([^:]*)(?::(.+))?$/.exec(entry.trim()) ?? []
    const known = reporterNames.find((one) => one === name)
    if (!known) {
      const problem = `There is no reporter "${name}".`
      throw new AigateError('usage', {
        problem,
        mend: `Choose from ${reporterNames.join(', ')}; write json:run.json for a file.`,
      })
    }
    return { name: known, file: file ?? null }
  })
  if (wanted.filter(({ file }) => file === null).length > 1) {
    const problem = 'Only one report can go to standard output.'
    throw new AigateError('usage', { problem, mend: 'Give the others a file, for example table,json:run.json.' })
  }
  return wanted
}

/** Loads the reporters, so that this needs not be done when there is a report. */
export const loadReporters = (wanted: Wanted[]): Promise<unknown> =>
  Promise.all(wanted.map(({ name }) => reporterOf(name)))

const placeOf = (context: Context, file: string): string => (isAbsolute(file) ? file : join(context.cwd, file))

/** @throws AigateError for the first report that could not be written, before anything was asked. */
export async function requireDestinations(context: Context, wanted: Wanted[]): Promise<void> {
  for (const { file } of wanted) if (file !== null) await requireWritable(placeOf(context, file))
}

/** Read by forges, which look for files from the top of the repository. */
const ofForges: ReadonlySet<ReporterName> = new Set(['codequality', 'junit', 'ctrf'])

/** @param root folder of the configuration: where a repository has it further down, forges get its files from the top */
export async function writeReports(context: Context, report: Report, wanted: Wanted[], root?: string): Promise<void> {
  const columns = Math.max(60, Math.min(context.stdout.columns ?? 100, 120))
  const prefix = root !== undefined && wanted.some(({ name }) => ofForges.has(name)) ? await prefixOf(root) : ''
  const fromTop = prefix === '' ? report : withPrefix(report, prefix)
  for (const { name, file } of wanted) {
    const color = file === null && wantsColor(context.env, context.stdout)
    const of = ofForges.has(name) ? fromTop : report
    const pieces = (await reporterOf(name))(of, { color, columns, ascii: context.env.TERM === 'dumb' })
    if (file !== null) await writeText(placeOf(context, file), pieces)
    else for (const block of inBlocks(pieces)) context.stdout.write(block)
  }
}

function withPrefix(report: Report, prefix: string): Report {
  const suites = report.suites.map((suite) => ({
    ...suite,
    cases: suite.cases.map((one) => (one.file === null ? one : { ...one, file: posix.join(prefix, one.file) })),
  }))
  return { ...report, suites }
}
