// eval --against: the base side of a comparison, asked in the same run, from git objects instead of the stored baseline.
import { join, sep } from 'node:path'
import { AigateError } from '../../errors.ts'
import type { AskRequest, LoadedSuite, Project, Provider, ResolvedTarget } from '../../ports.ts'
import { buildProvider } from '../../run/build-provider.ts'
import { expander } from '../../run/expand.ts'
import type { Part } from '../../run/interleave.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { Completion, GuardRecord, Observation, RunHeader } from '../../schema/run.ts'
import { type BaseProject, openBaseProject } from '../../store/base-project.ts'
import { commitOf } from '../../store/git-objects.ts'
import { openRecordings } from '../../store/recordings.ts'
import { collectSuites } from '../../store/suites.ts'
import { AGAINST, baselineOf, failuresOf, keptNote } from './against-record.ts'
import { type Memory, openMemory, SAME_TIME_MS } from './answer-memory.ts'
import { openRecord, type Session } from './session.ts'
import { finisher } from './finish-answer.ts'
import { headerOf } from './run-header.ts'
import { ownCases } from './shards/shard.ts'

/** A commit whose project is laid out, and its suites by name. */
export type Against = {
  ref: string
  base: BaseProject
  suites: ReadonlyMap<string, LoadedSuite>
  /** Why suites of the commit could not be read. */
  unread: string[]
}

/** The other side of one suite while it is asked. */
export type OtherSide = {
  ref: string
  commit: string
  asks: OtherAsked
  /** What is asked there. */
  target: ResolvedTarget
  file: string
  /** What the verdict must say about the answers of this side. */
  notes: string[]
  /** What could not be measured there so far, in sentences. */
  failures(): string[]
  /** What was seen so far, as a baseline: trials grow with every pass. */
  baseline(): Baseline
  part(trial: number): Part
  owns(request: AskRequest): boolean
  /** The answer where it is there already: in the record of a resumed run, or in the cache. */
  find(request: AskRequest): Completion | undefined
  finish(request: AskRequest, completion: Completion): Promise<Observation>
  end(how: { complete: boolean; stopped?: string | undefined }): Promise<void>
}

/** Lays out the project at `ref`. Throws AigateError `usage` when git knows no such revision or it has no configuration. */
export async function openAgainst(project: Project, ref: string): Promise<Against> {
  const commit = await commitOf(project.root, ref)
  const refuse = (problem: string) =>
    new AigateError('usage', { problem: `--against ${ref}: ${problem}`, mend: 'Name a branch, tag or commit.' })
  if (commit === null) throw refuse('git knows no such revision here.')
  const base = await openBaseProject(project, commit, { everything: true })
  if (!base) throw refuse('there is no configuration in it.')
  try {
    const { suites, problems } = await collectSuites(base.project, { suites: [] })
    const unread = problems.map(({ message, places }) => `${places[0]?.file ?? 'aigate.yaml'}: ${message}`)
    return { ref, base, suites: new Map(suites.map((one) => [one.suite.suite, one])), unread }
  } catch (error) {
    await base.close()
    throw error
  }
}

/** The guard of a suite that the other side does not have: comparing with nothing is no pass. */
export function holdWithoutOther(suite: string, against: Against, guard: GuardRecord | undefined): GuardRecord {
  const { ref, base, suites, unread } = against
  const known = suites.size > 0 ? ` It has ${[...suites.keys()].sort().join(', ')}.` : ''
  const why = unread.length > 0 ? ` What could not be read there: ${unread.join('; ')}` : ''
  const said = `${ref} (${base.commit.slice(0, 12)}) has no suite ${suite}: there is nothing to compare with.${known}${why}`
  const none: GuardRecord = { base: null, baseline: null, warnings: [], holds: [], hidden: [] }
  return { ...(guard ?? none), holds: [said, ...(guard?.holds ?? [])] }
}

/** What is asked of the base side of a suite, before anything is. `here`: of a shard its own cases. */
export type OtherAsked = {
  ref: string
  commit: string
  target: ResolvedTarget
  /** The suite of the head with the target and the folder of the base, and the cases that its prompt can ask. */
  asked: LoadedSuite
  here: LoadedSuite['cases']
  memory: Memory
}

/**
 * The base side of a suite: the target of the base, asked the cases of the head and graded by its assertions, so that
 * both sides stand under one ruler. Cases that the base's prompt cannot ask are left out there. null: the base has no
 * such suite.
 */
export async function otherAsked(
  session: Session,
  { ref, base, suites }: Against,
  suite: LoadedSuite,
): Promise<OtherAsked | null> {
  const old = suites.get(suite.suite.suite)
  if (!old) return null
  const { target, dir } = old
  const ask = await expander(target)
  const asked = { ...suite, target, dir, cases: suite.cases.filter((each) => canAsk(() => ask(each.case, 1))) }
  const since = new Date(session.context.now().getTime() - SAME_TIME_MS)
  const { commit } = base
  const own = { ...session, project: base.project }
  const memory = await openMemory(own, { suite: asked, side: `base ${commit}`, commit, since })
  return { ref, commit, target, asked, here: ownCases(session.shard, asked), memory }
}

/** Opens the base side of a suite, with a record of its own; null: the base has no such suite. */
export async function openOtherSide(
  session: Session,
  against: Against,
  suite: LoadedSuite,
  partial: boolean,
): Promise<OtherSide | null> {
  const { ref, base } = against
  const plan = await otherAsked(session, against, suite)
  if (!plan) return null
  const { context, options } = session
  const { commit, target, here, memory } = plan
  const ask = await expander(target)
  // Graders lie where the head has them.
  const asked = { ...plan.asked, dir: suite.dir }
  const own: Session = { ...session, project: base.project, folder: join(session.folder, AGAINST) }
  const ladder = Array.from({ length: suite.suite.trials.max }, (_, i) => here.map((each) => ask(each.case, i + 1)))
  const kept = session.resumed ? undefined : keptOf(memory, ladder.flat())
  const header: RunHeader = {
    ...(await headerOf(own, asked, { baseline: null, file: null, partial })),
    git: { commit, branch: null, dirty: false },
    ...(kept && { kept }),
  }
  const recordings = await openRecordings(
    join(session.project.root, session.project.config.recordings),
    suite.suite.suite,
  )
  const settings = { record: false, offline: options.offline === true, batch: options.batch, recordings }
  const provider = await buildProvider(plan.asked, { env: context.env, clock: context, ...settings })
  const journal = await openRecord(session, own.folder, header)
  const observations: Observation[] = []
  const finish = finisher({ session: own, suite: asked, journal, observations, memory })
  const answers = withSide(provider, { ref, commit, root: base.project.root })
  const known = ({ case: { id }, trial }: AskRequest) => journal.known({ case: id, trial, purpose: 'pass' })?.completion
  const mine = new WeakSet<AskRequest>()
  return {
    ref,
    commit,
    asks: plan,
    target,
    file: journal.file,
    baseline: () => baselineOf({ header, observations, complete: true }, { ref, commit }),
    failures: () => failuresOf(observations, { ref, commit }),
    part: (trial) => {
      const requests = here.map((each) => ask(each.case, trial))
      for (const request of requests) mine.add(request)
      return { requests, provider: answers }
    },
    owns: (request) => mine.has(request),
    find: (request) => known(request) ?? memory.find(request),
    finish: (request, answer) => finish(request, answer, 'pass'),
    // Of shards the whole says it.
    notes: kept && !session.shard ? [keptNote(kept, ref)] : [],
    end: (how) => journal.end(how),
  }
}

/** The provider, whose failures say on which side they happened, and not where that side lies for now. */
function withSide(provider: Provider, { ref, commit, root }: { ref: string; commit: string; root: string }): Provider {
  return {
    ...provider,
    ask: async (request, signal) => {
      const { completion, ...how } = await provider.ask(request, signal)
      const { error } = completion
      if (!error) return { ...how, completion }
      const message = `${ref} (${commit.slice(0, 12)}): ${error.message.replaceAll(`${root}${sep}`, '').replaceAll(root, '.')}`
      return { ...how, completion: { ...completion, error: { ...error, message } } }
    },
  }
}

/** How much of the base side is not from this run; undefined: all of it is. */
function keptOf(memory: Memory, requests: readonly AskRequest[]): RunHeader['kept'] {
  const times = requests.flatMap((request) => memory.askedAt(request) ?? []).sort()
  const [oldest] = times
  return oldest === undefined ? undefined : { answers: times.length, oldest }
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
