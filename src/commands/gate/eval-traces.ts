// aigate eval --traces: what production or a test bench recorded as OpenTelemetry traces, graded by a suite and judged like any run.
import { join } from 'node:path'
import { quarantineOf, withQuarantine } from '../../decide/flaky/quarantine.ts'
import { reportOf } from '../../decide/explain/suite-report.ts'
import { AigateError } from '../../errors.ts'
import type { AskRequest, Context, Ending, LoadedSuite } from '../../ports.ts'
import { newBudget } from '../../run/budget.ts'
import { fewAtATime } from '../../run/ask-once.ts'
import type { CaseInfo, Completion, Observation, Run, RunHeader } from '../../schema/run.ts'
import type { Case } from '../../schema/suite.ts'
import { canonicalJson, sha256 } from '../../content-hash.ts'
import { loadProject } from '../../store/project.ts'
import { createRun } from '../../store/run-journal.ts'
import { readTraces, type Trace } from '../../store/traces/read-traces.ts'
import { assertGradable } from '../gradable.ts'
import { judgingOf } from '../judge/judging.ts'
import { type AskOptions, budgetOf, type ReportOptions } from '../options.ts'
import { parseReporters, requireDestinations, writeReports } from '../write-reports.ts'
import { baselineOf, guardedSuite } from './eval-results.ts'
import { BROKEN_OFF, openSession } from './session.ts'
import { finisher } from './finish-answer.ts'
import { comparedWith, headerOf, keepBaseline } from './run-header.ts'
import { judgeRun } from './judge-run.ts'

type TracesOptions = AskOptions &
  ReportOptions & {
    traces: string[]
    caseAttribute?: string
    base?: string | boolean
    baseline?: string | boolean
    threshold?: number
  }

/** So many traces are graded at the same time: only judges take any. */
const AT_A_TIME = 8

export async function evalTracesCommand(context: Context, names: string[], options: TracesOptions): Promise<Ending> {
  refuse(names, options)
  const wanted = parseReporters(options.reporter)
  await requireDestinations(context, wanted)
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const policy = options.threshold === undefined ? {} : { min_pass_rate: options.threshold }
  const change = await guardedSuite(context, project, { name: names[0], policy }, options)
  if (change === null) throw new Error('a suite was named')
  await assertGradable([change.suite], { recorded: true })
  const files = options.traces.map((file) => join(context.cwd, file))
  const { traces, notes } = await readTraces(files, options.caseAttribute ?? 'aigate.case')
  const laid = layOut(change.suite, traces)
  for (const note of [...notes, ...laid.notes]) context.stderr.write(`note: ${note}\n`)
  const { suite, passes, entries } = laid
  const opened = openSession(context, project, options, newBudget(budgetOf(project, options)), change.quarantine, [
    suite,
  ])
  const session = { ...opened, notes: [...notes, ...laid.notes] }
  const stored = options.baseline === undefined && change.guard?.base ? change.chosen : undefined
  const against = stored
    ? { baseline: stored.baseline, file: stored.file ?? '' }
    : await baselineOf(context, project, suite.suite.suite, options)
  const own = await headerOf(session, suite, { ...against, partial: false })
  const today = quarantineOf(change.quarantine, { suite: own.suite, cases: own.cases, now: context.now() })
  const header: RunHeader = {
    ...withQuarantine(own, today),
    target: targetOf(traces),
    trials: { min: passes, max: passes },
    ...(session.notes.length > 0 && { change_notes: session.notes }),
    ...(change.guard && { guard: change.guard }),
    ...comparedWith(own.suite, against),
  }
  const journal = await createRun(session.folder, header)
  await keepBaseline(session.folder, header.suite, against.baseline)
  const observations: Observation[] = []
  const finish = finisher({ session, suite, journal, observations })
  const judging = await judgingOf(session, suite)
  let stopped: string | undefined = BROKEN_OFF
  try {
    await fewAtATime(entries, AT_A_TIME, async ({ request, completion }) => {
      if (!context.signal.aborted && judging?.dead() === undefined) await finish(request, completion, 'pass')
    })
    stopped = context.signal.aborted ? 'Interrupted.' : judging?.dead()
  } finally {
    await journal.end({ complete: stopped === undefined, stopped })
    await judging?.save()
  }
  const run: Run = { header, observations, complete: stopped === undefined, stopped }
  const report = reportOf([judgeRun({ run, file: journal.file }, against, header.policy)], context.toolVersion)
  await writeReports(context, report, wanted, project.root)
  return context.signal.aborted ? 'interrupted' : report.outcome
}

/** Options that change what is asked have no meaning where nothing is asked. */
function refuse(names: readonly string[], options: TracesOptions): void {
  const asking = ['tag', 'case', 'model', 'prompt', 'trials'] as const
  const given = asking.find((name) => (options as Record<string, unknown>)[name] !== undefined)
  const problem =
    given !== undefined
      ? `--${given} changes what is asked, and --traces asks nothing.`
      : names.length !== 1
        ? `Traces are graded by one suite, not by ${names.length}.`
        : undefined
  if (problem === undefined) return
  throw new AigateError('usage', { problem, mend: 'Write, for example, `aigate eval support --traces traces.jsonl`.' })
}

type Entry = { request: AskRequest; completion: Completion }
type Laid = { suite: LoadedSuite; passes: number; entries: Entry[]; notes: string[] }

/**
 * Each trace in its place: the trials of the case that it names, or a case of its own with the assertions of the suite.
 * Where any trace names a case, a case of the suite without a trace was not measured; where none does, the traces are all
 * there is. Every trace counts: a case may have more trials than another. A name that the suite does not have is a case of its
 * own too, and is said.
 */
function layOut(suite: LoadedSuite, traces: readonly Trace[]): Laid {
  const known = new Map(suite.cases.map((one) => [one.info.id, one]))
  const found = new Map<string, Trace[]>()
  const alone: Trace[] = []
  for (const trace of traces) {
    const list =
      trace.case === undefined ? undefined : known.has(trace.case) ? (found.get(trace.case) ?? []) : undefined
    if (list === undefined || trace.case === undefined) alone.push(trace)
    else found.set(trace.case, [...list, trace])
  }
  const foreign = new Set(alone.flatMap((trace) => trace.case ?? []))
  if (alone.length > 0 && !suite.suite.assert.some(({ weight }) => weight > 0))
    throw new AigateError('usage', {
      problem: `${alone.length} of ${traces.length} traces name no case of suite "${suite.suite.suite}", and the suite has no \`assert\` of its own to grade them by`,
      mend: 'Add `assert` to the suite, or write the id of a case into the attribute aigate.case (--case-attribute).',
    })
  const own = alone.map((trace) => ({ trace, ...ownCase(suite, trace) }))
  const counts = [...[...found.values()].map((list) => list.length), ...(own.length > 0 ? [1] : [])]
  const passes = Math.max(1, Math.min(...counts, Infinity) === Infinity ? 1 : Math.min(...counts))
  const entries: Entry[] = own.map(({ trace, case: one }) => entryOf(trace, one, 1))
  const missing: string[] = []
  if (found.size > 0)
    for (const each of suite.cases) {
      const list = found.get(each.info.id) ?? []
      for (const [i, trace] of list.entries()) entries.push(entryOf(trace, each.case, i + 1))
      if (list.length === 0) missing.push(each.info.id)
      for (let trial = Math.min(list.length, passes) + 1; trial <= passes; trial++)
        entries.push(entryOf(unseen(each.info.id), each.case, trial))
    }
  const cases = [...(found.size > 0 ? suite.cases : []), ...own.map(({ case: one, info }) => ({ case: one, info }))]
  return {
    suite: { ...suite, cases },
    passes,
    entries,
    notes: [
      ...(foreign.size > 0
        ? [
            `${foreign.size} names of cases in the traces are none of the suite: ${[...foreign].slice(0, 5).join(', ')}.`,
          ]
        : []),
      ...(missing.length > 0
        ? [`${missing.length} cases of the suite have no trace: ${missing.slice(0, 5).join(', ')}.`]
        : []),
    ],
  }
}

/** The id of a conversation may be anything, an address too. */
const plainId = (id: string): string => (/^[A-Za-z0-9._:/-]{1,100}$/.test(id) ? id : sha256(id).slice(0, 16))

function ownCase(suite: LoadedSuite, { id, kind }: Trace): { case: Case; info: CaseInfo } {
  const { assert, threshold } = suite.suite
  const one: Case = { id: `${kind}/${plainId(id)}`, tags: ['trace'], critical: false, vars: {}, assert }
  if (threshold !== undefined) one.threshold = threshold
  const hash = sha256(canonicalJson({ trace: id, assert, threshold }))
  return { case: one, info: { id: one.id, hash, tags: one.tags, critical: false, file: suite.file, line: 1 } }
}

const unseen = (id: string): Trace => ({
  id: '',
  kind: 'trace',
  start: 0,
  case: id,
  asked: [],
  completion: {
    outcome: 'error',
    text: '',
    tool_calls: [],
    attempts: 0,
    error: { kind: 'not_recorded', message: `No trace names the case ${id}.` },
  },
})

const entryOf = ({ id, kind, asked, completion }: Trace, one: Case, trial: number): Entry => ({
  request: { key: `${kind} ${id}`, case: one, trial, messages: asked },
  completion,
})

/** Which models answered; the traces themselves are the answers, and no part of who was asked. */
function targetOf(traces: readonly Trace[]): RunHeader['target'] {
  const models = [...new Set(traces.flatMap(({ completion }) => completion.response_model ?? []))].sort()
  const label = models.length === 0 ? 'traces' : `traces of ${models.join(', ')}`
  return { kind: 'results', label, hash: sha256(canonicalJson({ traces: models })) }
}
