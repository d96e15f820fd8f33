// eval --against: the base side of a comparison, asked in the same run, from git objects instead of the stored baseline.
import { basename, dirname, join } from 'node:path'
import { observedBaseline } from '../decide/accept-baseline.ts'
import { AigateError } from '../errors.ts'
import type { AskRequest, LoadedSuite, Project } from '../ports.ts'
import { buildProvider } from '../run/build-provider.ts'
import { expander } from '../run/expand.ts'
import type { Part } from '../run/interleave.ts'
import type { Baseline } from '../schema/baseline.ts'
import type { Completion, Observation, Run, RunHeader } from '../schema/run.ts'
import { type BaseProject, openBaseProject } from '../store/base-project.ts'
import { commitOf } from '../store/git-objects.ts'
import { openRecordings } from '../store/recordings.ts'
import { createRun, readRun } from '../store/run-journal.ts'
import { collectSuites } from '../store/suites.ts'
import { finisher, headerOf, type Session } from './evaluate.ts'

/** A commit whose project is laid out, and its suites by name. */
export type Against = { ref: string; base: BaseProject; suites: ReadonlyMap<string, LoadedSuite> }

/** The other side of one suite while it is asked. */
export type OtherSide = {
  ref: string
  commit: string
  file: string
  /** What was seen so far, as a baseline: trials grow with every pass. */
  baseline(): Baseline
  part(trial: number): Part
  owns(request: AskRequest): boolean
  finish(request: AskRequest, completion: Completion): Promise<Observation>
  end(how: { complete: boolean; stopped?: string | undefined }): Promise<void>
}

const FOLDER = 'against'

/** Lays out the project at `ref`. Throws AigateError `usage` when git knows no such revision or it has no configuration. */
export async function openAgainst(project: Project, ref: string): Promise<Against> {
  const commit = await commitOf(project.root, ref)
  const refuse = (problem: string) =>
    new AigateError('usage', { problem: `--against ${ref}: ${problem}`, mend: 'Name a branch, tag or commit.' })
  if (commit === null) throw refuse('git knows no such revision here.')
  const base = await openBaseProject(project, commit, { everything: true })
  if (!base) throw refuse('there is no configuration in it.')
  const { suites } = await collectSuites(base.project, { suites: [] })
  return { ref, base, suites: new Map(suites.map((one) => [one.suite.suite, one])) }
}

/**
 * The base side of a suite: the target of the base, asked the cases of the head and graded by its assertions, so that
 * both sides stand under one ruler. Cases that the base's prompt cannot ask are left out there. null: the base has no
 * such suite.
 */
export async function openOtherSide(
  session: Session,
  { ref, base, suites }: Against,
  suite: LoadedSuite,
  partial: boolean,
): Promise<OtherSide | null> {
  const old = suites.get(suite.suite.suite)
  if (!old) return null
  const { context, options } = session
  const ask = await expander(old.target)
  const cases = suite.cases.filter((each) => canAsk(() => ask(each.case, 1)))
  const asked = { ...suite, cases, target: old.target }
  const own: Session = { ...session, project: base.project, folder: join(session.folder, FOLDER) }
  const { commit } = base
  const header: RunHeader = {
    ...(await headerOf(own, asked, { baseline: null, file: null, partial })),
    git: { commit, branch: null, dirty: false },
  }
  const recordings = await openRecordings(
    join(session.project.root, session.project.config.recordings),
    suite.suite.suite,
  )
  const settings = { record: false, offline: options.offline === true, recordings }
  const provider = await buildProvider({ ...asked, dir: old.dir }, { env: context.env, clock: context, ...settings })
  const journal = await createRun(own.folder, header)
  const observations: Observation[] = []
  const finish = finisher({ session: own, suite: asked, journal, observations })
  const mine = new WeakSet<AskRequest>()
  return {
    ref,
    commit,
    file: journal.file,
    baseline: () => baselineOf({ header, observations, complete: true }, { ref, commit }),
    part: (trial) => {
      const requests = cases.map((each) => ask(each.case, trial))
      for (const request of requests) mine.add(request)
      return { requests, provider }
    },
    owns: (request) => mine.has(request),
    finish: (request, completion) => finish(request, completion, 'pass'),
    end: (how) => journal.end(how),
  }
}

function canAsk(ask: () => unknown): boolean {
  try {
    ask()
    return true
  } catch (error) {
    if (error instanceof AigateError) return false
    throw error
  }
}

const baselineOf = (run: Run, { ref, commit }: { ref: string; commit: string }): Baseline =>
  observedBaseline(run, {
    at: run.header.started_at,
    by: 'aigate eval --against',
    reason: `${ref} (${commit.slice(0, 12)}), asked in the same run`,
  })

/** The other side of a finished run as it was recorded beside it; null for a run that was compared otherwise. */
export async function recordedOtherSide(run: Run, file: string): Promise<{ baseline: Baseline; file: string } | null> {
  const { against } = run.header
  if (!against) return null
  const other = join(dirname(file), FOLDER, basename(file))
  return { baseline: baselineOf(await readRun(other), against), file: other }
}
