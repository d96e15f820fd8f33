// What the suites of one invocation share, and what a suite is compared with.
import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { continuedJudging } from '../../decide/judge/merged-judging.ts'
import type { Context, LoadedSuite, Project } from '../../ports.ts'
import type { BudgetState } from '../../run/budget.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { QuarantineEntry } from '../../schema/quarantine.ts'
import type { Git, GuardRecord, Invocation, RunHeader } from '../../schema/run.ts'
import { createRun, newRunId, type RunJournal } from '../../store/run-journal.ts'
import { resumeRun } from '../../store/run-resume.ts'
import type { SuiteJudging } from '../judge/judging.ts'
import type { AskOptions } from '../options.ts'
import type { OtherSide } from './against.ts'
import type { SessionCache } from './answer-memory.ts'
import type { Shard } from './shards/shard.ts'

/** What the record of a run says that was ended by a fault, such as a full disk. */
export const BROKEN_OFF = 'broken off by a fault'
/** What it says where all was answered when it was interrupted, but perhaps not graded. */
export const interruption = ({ signal }: Pick<Context, 'signal'>) => (signal.aborted ? 'Interrupted.' : undefined)

/** What all suites of one invocation share. */
export type Session = {
  context: Context
  project: Project
  id: string
  folder: string
  seed: number
  budget: BudgetState
  options: AskOptions
  /** Names of all suites of the invocation. */
  suites: string[]
  /** The list of today, already checked against the suites. */
  quarantine: readonly QuarantineEntry[]
  /** What the verdict of every suite must say about the lock. */
  notes?: readonly string[]
  /** Rules of the suites that the command line set aside. */
  whatIf?: readonly string[]
  /** Answers of earlier runs; absent: everything is asked. */
  cache?: SessionCache | null
  /** How the run was started, for --resume. */
  invocation?: Invocation
  /** Only a part of the cases is asked here. */
  shard?: Shard | undefined
  /** true: the records in the folder are gone on with. */
  resumed?: boolean
  /** By suite: its judges, once they are open. */
  judging: Map<string, Promise<SuiteJudging | null>>
  /** What git says of the project; asked while the suites were read. */
  git?: Promise<Git | null>
  /** Loads what is needed at the end, while answers are waited for. */
  meanwhile?: () => Promise<unknown>
  /** By suite: the commit whose rules judge; null or absent: none. */
  bases?: ReadonlyMap<string, string | null>
}

/** The record of a suite in a folder: a new one, or the one that a resumed run goes on with. */
export const openRecord = ({ resumed }: Session, folder: string, header: RunHeader): Promise<RunJournal> =>
  resumed
    ? resumeRun(folder, header, (before) =>
        before.judging && header.judging
          ? { ...before, judging: continuedJudging(before.judging, header.judging) }
          : before,
      )
    : createRun(folder, header)

export function openSession(
  context: Context,
  project: Project,
  options: AskOptions,
  budget: BudgetState,
  quarantine: readonly QuarantineEntry[],
  suites: readonly LoadedSuite[],
): Session {
  const started = context.now()
  const entropy = createHash('sha256').update(`${started.toISOString()} ${context.monotonic()}`).digest('hex')
  const id = newRunId(started, entropy.slice(0, 4))
  const folder = options.out ? resolve(context.cwd, options.out, id) : join(project.root, '.aigate', 'runs', id)
  return {
    context,
    project,
    id,
    folder,
    seed: options.seed ?? 1,
    budget,
    options,
    quarantine,
    suites: suites.map(({ suite }) => suite.suite),
    judging: new Map(),
  }
}

/** What a suite is compared with: a stored baseline, or another side that is asked along. */
export type Comparison = {
  baseline: Baseline | null
  file: string | null
  partial: boolean
  guard?: GuardRecord | undefined
  other?: OtherSide | null | undefined
  anchors?: RunHeader['anchors']
}
