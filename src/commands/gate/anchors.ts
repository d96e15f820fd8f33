// The asking part of anchors: a few cases once more as the baseline asked them, beside the run that they explain.
import { basename } from 'node:path'
import { anchorPlan, noAnchors } from '../../decide/change/anchors.ts'
import { cellTarget, oldParts } from '../../decide/change/cells.ts'
import { finishedPasses } from '../../decide/gate/tally.ts'
import { AigateError } from '../../errors.ts'
import type { LoadedSuite } from '../../ports.ts'
import { expander } from '../../run/expand.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { Run, RunHeader } from '../../schema/run.ts'
import type { SuiteReport } from '../../schema/verdict.ts'
import { loadPrompt } from '../../store/prompts.ts'
import { anchorsFolder } from '../../store/run-journal.ts'
import { askRounds, openCell } from './attribute.ts'
import type { Session } from './session.ts'
import { judgeRun } from './judge-run.ts'
import { deterministicCases } from './stored-evidence.ts'
import { suiteRecordings } from './suite-recordings.ts'

/** `header`: what the record of the run says of its anchors; `suite`: the cases to ask again, null for none. */
export type Anchors = { header: RunHeader['anchors']; suite: LoadedSuite | null; notes: string[] }

/** Chooses the anchors of a suite and renders them once. What stands in their way becomes a note: it stops no run. */
export async function prepareAnchors(
  session: Session,
  suite: LoadedSuite,
  baseline: Baseline | null,
): Promise<Anchors> {
  const { project, options } = session
  const { anchors: count = 0, suite: name } = suite.suite
  const without = (...notes: string[]): Anchors => ({ header: undefined, suite: null, notes })
  if (count === 0 || !baseline) return without()
  const { target } = suite
  if (target.kind !== 'prompt')
    return without(noAnchors('the code that the baseline was recorded with is not kept; use --against'))
  if (options.offline || target.provider.config.type === 'replay')
    return without(noAnchors('recorded answers tell nothing about the provider of today'))
  if (session.shard) return without(noAnchors('shards do not ask them, because they come after the whole run'))
  const plan = anchorPlan({
    suite: name,
    baseline,
    after: snapshotTarget(target, project.config.components ?? {}),
    cases: suite.cases.map(({ info }) => info),
    usable: await usableCases(session, suite),
    count,
    seed: session.seed,
  })
  if ('problem' in plan) return without(plan.problem)
  if (!plan.asked) return { header: plan, suite: null, notes: [] }
  const asked = { ...suite, cases: suite.cases.filter(({ info }) => plan.cases.includes(info.id)) }
  try {
    const old = await oldTarget(session, target, baseline)
    const ask = await expander(old)
    for (const each of asked.cases) ask(each.case, 1)
    return { header: plan, suite: { ...asked, target: old }, notes: [] }
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return without(noAnchors(error.message.replace(/\.$/, '')))
  }
}

async function oldTarget(
  { project }: Session,
  target: Extract<LoadedSuite['target'], { kind: 'prompt' }>,
  { target: before }: Baseline,
) {
  const { name, version } = before.prompt ?? target.prompt
  const old = oldParts(project.config, before, await loadPrompt(project, `${name}@${version}`))
  return cellTarget(target, old, [])
}

async function usableCases(session: Session, suite: LoadedSuite): Promise<Set<string>> {
  const listed = session.quarantine.filter((entry) => entry.suite === suite.suite.suite).map((entry) => entry.case)
  return new Set([...(await deterministicCases(suite))].filter((id) => !listed.includes(id)))
}

/**
 * Asks the anchors as often as the candidate was asked, saves them as a run of their own, and judges the candidate once
 * more with them. They come after the candidate, so that a model which has been shut down meanwhile stops only them.
 */
export async function judgeWithAnchors(
  session: Session,
  suite: LoadedSuite,
  done: { run: Run; file: string; report: SuiteReport },
  against: { baseline: Baseline; file: string },
): Promise<{ report: SuiteReport; run: Run; file: string }> {
  const { header, observations, stopped: before } = done.run
  if (before !== undefined || done.report.verdict.outcome === 'invalid') return done
  const { options } = session
  const recordings = await suiteRecordings(session, suite)
  const folder = anchorsFolder(done.file)
  const cell = await openCell(session, {
    name: `anchors-${basename(folder)}`,
    suite,
    folder,
    recordings,
    partial: true,
    // They tell whether the provider moved until now.
    fresh: true,
  })
  const passes = finishedPasses(observations, header.cases)
  const stopped = await askRounds(session, { cells: [cell], passes, name: `${header.suite} anchors` })
  if (options.record) await recordings.save()
  const anchors = { header: cell.header, observations: cell.observations, complete: stopped === undefined, stopped }
  const run = { ...done.run, anchors }
  return { ...done, run, report: judgeRun({ run, file: done.file }, against, header.policy) }
}
