// Results of other tools on either side of a comparison: shared by compare and eval --results.
import { baselineFrom } from '../../decide/baseline/accept-baseline.ts'
import { latestDay, quarantineOf, withQuarantine } from '../../decide/flaky/quarantine.ts'
import type { Context, LoadedSuite, Project } from '../../ports.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { GatePolicyInput } from '../../schema/gate.ts'
import type { Run } from '../../schema/run.ts'
import { asRunOf, withoutSkipped } from '../../store/imports/as-suite.ts'
import { findResults } from '../../store/imports/find-results.ts'
import { readResults } from '../../store/imports/read-results.ts'
import { mergePolicy } from '../../store/policy.ts'
import { readQuarantine } from '../../store/quarantine-file.ts'

export type ForeignOptions = { format?: string; passScore?: number }

/** The run in a file of another tool; null when `ref` names something of ours. Notes on the reading go to stderr. */
export async function foreignRun(
  context: Context,
  ref: string,
  options: ForeignOptions,
): Promise<{ run: Run; file: string } | null> {
  const found = await findResults(context.cwd, ref, options.format !== undefined)
  if (found === null) return null
  const { format, passScore } = options
  const { notes, ...run } = await readResults(found.file, { format, passScore, pick: found.pick, from: context.cwd })
  for (const note of notes) context.stderr.write(`note: ${ref}: ${note}\n`)
  return { run, file: found.pick === undefined ? found.file : `${found.file}#${found.pick}` }
}

/** Results of another tool as what is compared with; null when `ref` names something of ours. */
export async function foreignBaseline(
  context: Context,
  ref: string,
  options: ForeignOptions,
): Promise<{ baseline: Baseline; file: string } | null> {
  const found = await foreignRun(context, ref, options)
  if (found === null) return null
  const accepted = {
    at: found.run.header.started_at,
    by: 'aigate compare',
    reason: 'compared with results of another tool',
  }
  return { baseline: baselineFrom({ run: withoutSkipped(found.run, null), accepted }), file: found.file }
}

/**
 * The run under the policy of the suite, with its quarantine and with the cases that the results lack; without a suite
 * under the policy of the repository.
 */
export async function underPolicy(
  context: Context,
  project: Project,
  whole: Run,
  laid: { suite: LoadedSuite | undefined; policy: GatePolicyInput; baseline: Baseline | null },
): Promise<Run> {
  const { suite } = laid
  const run = withoutSkipped(whole, laid.baseline)
  if (suite === undefined) {
    const policy = mergePolicy([project.config.gate, laid.policy])
    return { ...run, header: { ...run.header, policy } }
  }
  const now = context.now()
  const laidOver = asRunOf(run, suite, laid.baseline)
  const { header } = laidOver
  const quarantine = await readQuarantine(project, { suites: [suite], latest: latestDay(now) })
  const today = quarantineOf(quarantine, { suite: header.suite, cases: header.cases, now })
  return { ...laidOver, header: withQuarantine(header, today) }
}
