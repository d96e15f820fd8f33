// The asking part of eval --attribute: runs the missing combinations of old and new on the same cases and trials.
import { attribution } from '../../decide/change/attribution.ts'
import { requireOneCause } from '../../decide/change/causes.ts'
import { cellTarget, type Design, designOf, oldParts } from '../../decide/change/cells.ts'
import { finishedPasses, tally } from '../../decide/gate/tally.ts'
import { AigateError } from '../../errors.ts'
import type { AskRequest, LoadedSuite, Project, Recordings, ResolvedTarget } from '../../ports.ts'
import { buildProvider } from '../../run/build-provider.ts'
import { expander } from '../../run/expand.ts'
import { interleave } from '../../run/interleave.ts'
import { runKnowing } from '../../run/known-answers.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { Completion, Observation, Run } from '../../schema/run.ts'
import type { Attribution } from '../../schema/verdict.ts'
import { loadPrompt } from '../../store/prompts.ts'
import { cellFolder, cellName } from './attribution-record.ts'
import { openMemory } from './answer-memory.ts'
import { BROKEN_OFF, interruption, openRecord, type Session } from './session.ts'
import { finisher, gradingLine } from './finish-answer.ts'
import { judgingOf } from '../judge/judging.ts'
import { headerOf } from './run-header.ts'
import { ownCases } from './shards/shard.ts'
import { suiteRecordings } from './suite-recordings.ts'
import { startProgress } from '../progress.ts'

/** The combinations of one suite that are still to be asked, each as a suite of its own. */
export type Cells = { design: Design; suites: { name: string; suite: LoadedSuite }[] }

/** What a change is compared with. `ref` and `target`: what is asked of a commit, with --against. */
type Before = {
  baseline: Pick<Baseline, 'target'> | null
  ref?: string | undefined
  target?: ResolvedTarget | undefined
}

/**
 * What `eval` does about changes made together, before anything is asked.
 * @returns the cells to ask; null where nothing is to be attributed
 * @throws AigateError `usage` when the causes could not be told apart and nobody allowed that, or not be attributed
 */
export async function prepareCauses(
  project: Project,
  suite: LoadedSuite,
  { baseline, ref, target: base }: Before,
  attribute: boolean,
): Promise<Cells | null> {
  const name = suite.suite.suite
  if (!baseline) {
    if (!attribute) return null
    const lacks = ref === undefined ? 'has no baseline' : `is not there at ${ref}`
    const problem = `Suite ${name} ${lacks}, so there is nothing to attribute a change to.`
    const mend = ref === undefined ? 'Record one: `aigate baseline record`, or l' : 'Name another suite or commit, or l'
    throw new AigateError('usage', { problem, mend: `${mend}eave --attribute out.` })
  }
  const after = snapshotTarget(suite.target, project.config.components ?? {})
  const allowed = suite.policy.allow_joint_changes === true
  requireOneCause(name, { before: baseline.target, after }, { allowed, attribute })
  const design = attribute ? designOf(name, baseline.target, after) : null
  const { target } = suite
  const { prompt } = baseline.target
  if (!design || target.kind !== 'prompt' || !prompt) return null
  const old =
    base?.kind === 'prompt'
      ? base
      : oldParts(project.config, baseline.target, await loadPrompt(project, `${prompt.name}@${prompt.version}`))
  const suites = design.cells.slice(1, -1).map((changed) => ({
    name: cellName(changed),
    suite: { ...suite, target: cellTarget(target, old, changed) },
  }))
  for (const cell of suites) await renderAll(cell.suite)
  return { design, suites }
}

/** A variable that the old prompt wants and a case lacks shows here, before anything is paid for. */
async function renderAll(suite: LoadedSuite): Promise<void> {
  const ask = await expander(suite.target)
  for (const each of suite.cases) ask(each.case, 1)
}

/**
 * Asks the missing cells as often as the candidate was asked, all of them in one seeded order a pass, and saves each as a
 * run under `attribution/` in the folder of the session.
 */
export async function askCells(
  session: Session,
  { design, suites }: Cells,
  candidate: { suite: LoadedSuite; run: Run; file: string; baseline: Baseline },
): Promise<Attribution> {
  const { options } = session
  const { header, observations } = candidate.run
  const { baseline } = candidate
  const recordings = await suiteRecordings(session, candidate.suite)
  const cells: Cell[] = []
  for (const { name, suite } of suites) {
    const folder = cellFolder(session.folder, name)
    cells.push(await openCell(session, { name, suite, folder, recordings, partial: header.partial }))
  }
  // A shard knows its own cases only: what the whole needs of its passes, merge takes.
  const own = header.cases.filter(({ id }) => header.shard?.cases.includes(id) ?? true)
  const passes = finishedPasses(observations, own)
  const name = `${header.suite} attribution`
  const stopped = await askRounds(session, { cells, passes, name, stopped: candidate.run.stopped })
  if (options.record) await recordings.save()
  await (await judgingOf(session, candidate.suite))?.save()
  const last = { tallies: tally(observations, header.cases), file: candidate.file }
  const asked = [
    ...cells.map((cell) => ({ tallies: tally(cell.observations, header.cases), file: cell.journal.file })),
    last,
  ]
  const { cases, quarantined } = header
  const fresh = header.against !== undefined
  return attribution({ design, baseline, fresh, cases, asked, quarantined, stopped })
}

/**
 * Asks each cell `passes` times, all of them in one seeded order a pass, and ends their records.
 * @param stopped a reason from before, not to ask at all
 * @returns why not everything was asked; undefined when it was
 */
export async function askRounds(
  session: Session,
  input: { cells: readonly Cell[]; passes: number; name: string; stopped?: string | undefined },
): Promise<string | undefined> {
  const { context } = session
  const { cells } = input
  const progress = startProgress(context, input.name)
  const grading = gradingLine()
  let { stopped } = input
  let ended = false
  try {
    for (let trial = 1; trial <= input.passes && stopped === undefined; trial++) {
      const owner = new Map<unknown, Cell>()
      const parts = cells.map((cell) => {
        const requests = cell.ask(trial)
        for (const request of requests) owner.set(request, cell)
        return { requests, provider: cell.provider }
      })
      const { requests, provider } = interleave(parts)
      progress.pass(trial, requests.length, 'pass')
      const pass = {
        requests,
        provider,
        seed: session.seed + trial,
        signal: context.signal,
        clock: context,
        budget: session.budget,
        onEvent: progress.event,
        onCompletion: (request: AskRequest, completion: Completion) => {
          const done = owner.get(request)?.finish(request, completion, 'pass')
          if (done) grading.add(done.then((observation) => progress.done(observation)))
        },
      }
      const { stopped: why } = await runKnowing(pass, (request) => owner.get(request)?.find(request))
      await grading.settled()
      stopped = why?.message ?? interruption(context)
    }
    ended = true
  } finally {
    await grading.idle()
    progress.end()
    const how = ended ? { complete: stopped === undefined, stopped } : { complete: false, stopped: BROKEN_OFF }
    for (const { journal } of cells) await journal.end(how)
  }
  return stopped
}

/** A target that is asked besides the candidate, with a record of its own. */
export type Cell = Awaited<ReturnType<typeof openCell>>

export async function openCell(
  session: Session,
  wanted: {
    name: string
    suite: LoadedSuite
    folder: string
    recordings: Recordings
    partial: boolean
    /** Answers of earlier runs do not serve: what is wanted is how it answers now. */
    fresh?: boolean
  },
) {
  const { context, options } = session
  const { name, suite, folder, recordings, partial } = wanted
  const settings = { record: options.record === true, offline: options.offline === true, recordings }
  const provider = await buildProvider(suite, { env: context.env, clock: context, ...settings })
  const header = {
    ...(await headerOf(session, suite, { baseline: null, file: null, partial })),
    id: `${session.id}-${name}`,
  }
  const journal = await openRecord(session, folder, header)
  const observations: Observation[] = []
  const expand = await expander(suite.target)
  const here = ownCases(session.shard, suite)
  const ask = (trial: number) => here.map((each) => expand(each.case, trial))
  const memory = wanted.fresh ? undefined : await openMemory(session, { suite, side: `cell ${name}` })
  const find = (request: AskRequest) => {
    const known = journal.known({ case: request.case.id, trial: request.trial, purpose: 'pass' })?.completion
    return known ?? memory?.find(request)
  }
  const finish = finisher({ session, suite, journal, observations, memory })
  return { header, provider, journal, observations, ask, find, finish }
}
