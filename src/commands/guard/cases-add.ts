// aigate cases add: what failed in production becomes draft cases, so that it cannot happen unseen a second time.
import { createHash } from 'node:crypto'
import { relative, resolve } from 'node:path'
import { acceptable, type Failed, planDrafts } from '../../decide/incident/drafts.ts'
import { asPlan } from '../../decide/guard/as-plan.ts'
import { foldGuard } from '../../decide/guard/fold.ts'
import { foldJournal } from '../../decide/rollout/fold.ts'
import { planOf } from '../../decide/rollout/state.ts'
import { AigateError } from '../../errors.ts'
import type { FailingQuery } from '../../observe/failing-events.ts'
import type { Context, Ending, LoadedSuite, Project } from '../../ports.ts'
import { oneLine } from '../../report/safe-text.ts'
import { withoutPersonal } from '../../run/redact-personal.ts'
import { redactor, secretNames } from '../../run/redact.ts'
import { GuardPlan } from '../../schema/guard.ts'
import { casesIn, draftFiles, nameCasesFile, writeCases } from '../../store/drafts-file.ts'
import { guardNames, guardRecords } from '../../store/guard-history.ts'
import { loadProject } from '../../store/project.ts'
import { readRolloutJournal, rolloutFolder } from '../../store/rollout-journal.ts'
import { sourceFile } from '../../store/source-text.ts'
import { loadSuites } from '../../store/suites.ts'
import { say } from '../versions/release.ts'

export type AddOptions = {
  config?: string
  json?: boolean
  suite: string
  from?: 'journal' | 'events'
  where?: string
  field?: string[]
  most: number
  accept?: boolean
}
/** Failures as most applications log them; judgements come in events of their own. */
const FAILED = {
  error: 'error.type != null',
  judgement: "feedback == 'down' || gen_ai.evaluation.score.label == 'fail'",
}
/** So long before a trigger fired lies what made it fire, where its window is shorter. */
const LEAST_WINDOW = 300_000

/** Drafts of `--from`, or accepts those that are there (`--accept`). @returns pass; inconclusive where failing events do not hold what was asked */
export async function casesAddCommand(
  context: Context,
  name: string | undefined,
  options: AddOptions,
): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const [suite] = await loadSuites(project, { suites: [options.suite] })
  if (!suite) throw refuse(`There is no suite ${options.suite}.`, 'Name one of the configuration.')
  if (options.accept) return accept(context, project, suite, options)
  if (name === undefined || options.from === undefined)
    throw refuse(
      'It is not said where the events are.',
      'Write `aigate cases add --from journal <rollout or firing>` or `--from events <file>`.',
    )
  const fields = fieldsWanted(suite, options.field ?? [])
  const query = options.from === 'journal' ? journalQuery(project, name, options) : eventsQuery(context, name, options)
  const { failingEvents } = await import('../../observe/failing-events.ts')
  const world = { root: options.from === 'events' ? context.cwd : project.root, env: context.env }
  const found = await failingEvents({ ...query, fields }, world, context.signal)
  const redact = redactor(context.env, secretNames(project.config))
  const clean = (text: string) => withoutPersonal(redact(text))
  const events: Failed[] = found.events.map((one) => ({
    ...one,
    trace: one.trace ?? one.response,
    vars: Object.fromEntries(Object.entries(one.vars).map(([variable, value]) => [variable, clean(value)])),
  }))
  const files = draftFiles(project.root, suite)
  const drafts = await casesIn(files.drafts)
  const known = [...suite.cases.map((one) => one.case), ...drafts, ...(await casesIn(files.production))]
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  const from = options.from === 'events' ? 'events' : name
  const plan = planDrafts({ from, events, known, most: options.most, hash })
  if (plan.drafts.length > 0) await writeCases(files.drafts, [...drafts, ...plan.drafts])
  const shown = relative(context.cwd, files.drafts.path)
  const text = [
    `${found.events.length + found.unasked} of ${found.read} events failed: ${plan.drafts.length} new drafts, ${plan.twins} asked already.`,
    ...(plan.left > 0 ? [`${plan.left} more were left out (--most ${options.most}).`] : []),
    ...(found.unasked > 0 ? [`${found.unasked} of them do not hold ${Object.keys(fields).join(', ')}: name the field with --field.`] : []), // biome-ignore format: one list
    ...plan.drafts.slice(0, 10).map((one) => `  ${one.id}  ${oneLine(JSON.stringify(one.vars), 100)}`),
    ...(plan.drafts.length > 0
      ? [
          `${shown}: read them, write what is expected under "assert", then \`aigate cases add --accept --suite ${suite.suite.suite}\`.`,
        ]
      : []),
  ]
  say(context, options.json, { aigate: 'cases-add', file: shown, ...plan, unasked: found.unasked }, `${text.join('\n')}\n`) // biome-ignore format: one call
  return found.unasked > 0 && found.events.length === 0 ? 'inconclusive' : 'pass'
}

const refuse = (problem: string, mend: string) => new AigateError('usage', { problem, mend })

/** By variable of the suite, where its text is; null: where it usually is. */
function fieldsWanted({ target, cases }: LoadedSuite, written: readonly string[]): Record<string, string | null> {
  const named = written.map((one): [string, string] => {
    const [variable, ...path] = one.split('=')
    if (variable && path.length > 0) return [variable, path.join('=')]
    throw refuse(`--field ${one} names no field.`, 'Write variable=field: --field question=gen_ai.prompt')
  })
  const own = target.kind === 'prompt' ? target.prompt.input : [...new Set(cases.flatMap((one) => Object.keys(one.case.vars)))] // biome-ignore format: one choice
  return { ...Object.fromEntries(own.map((variable) => [variable, null])), ...Object.fromEntries(named) }
}

type Query = Omit<FailingQuery, 'fields'>

function eventsQuery(context: Context, path: string, { where }: AddOptions): Query {
  const guard = GuardPlan.parse({ guard: 'events', unit: 'request', source: { type: 'jsonl', path }, metrics: {} })
  const conditions = Object.entries(where === undefined ? FAILED : { failed: where })
  const metrics = Object.fromEntries(conditions.map(([name, bad]) => [name, { bad, role: 'guardrail' as const }]))
  return {
    plan: asPlan({ ...guard, metrics }),
    metrics: [],
    whole: true,
    since: -Infinity,
    until: context.now().getTime(),
  }
}

/** `name`: a rollout, or the id of a trigger that fired (`aigate incident` shows them). */
function journalQuery(project: Project, name: string, options: AddOptions): Query {
  const { chain } = readRolloutJournal(rolloutFolder(project, name))
  if (chain.records.length === 0) return firingQuery(project, name, options)
  const { records } = chain
  const plan = planOf(foldJournal(records))
  const looks = records.flatMap((one) => (one.kind === 'look' ? [one.decision] : []))
  const proven = looks.flatMap(({ metrics }) =>
    Object.entries(metrics).flatMap(([metric, { harm, harm_bound }]) =>
      harm !== null && harm >= harm_bound ? [metric] : [],
    ),
  )
  const times = records.map(({ at }) => Date.parse(at))
  return {
    plan: withWhere(plan, options.where),
    metrics: options.where === undefined ? [...new Set(proven)] : ['failed'],
    whole: false,
    since: Math.min(...times),
    until: Math.max(...times),
  }
}

function firingQuery(project: Project, id: string, options: AddOptions): Query {
  for (const guard of guardNames(project)) {
    const state = foldGuard(guardRecords(project, guard).records)
    const episode = state.episodes.find((one) => one.id === id)
    const { plan } = state
    if (!episode || !plan) continue
    const trigger = plan.triggers.find((one) => one.id === episode.cause)
    const window = Math.max(LEAST_WINDOW, (trigger?.window ?? 0) + (trigger?.for ?? 0))
    return {
      plan: withWhere(asPlan(plan), options.where),
      metrics: options.where === undefined ? [episode.metric].filter((metric) => metric in plan.metrics) : ['failed'],
      whole: true,
      since: episode.at - window,
      until: episode.ended ?? Number.POSITIVE_INFINITY,
    }
  }
  throw refuse(`There is no rollout and no firing ${id}.`, 'Name a rollout, or an id that `aigate watch` has shown.')
}

const withWhere = (plan: Query['plan'], where: string | undefined): Query['plan'] =>
  where === undefined ? plan : { ...plan, metrics: { failed: { bad: where, role: 'guardrail' } } }

/** Moves drafts that can be graded into a file that the suite counts. */
async function accept(context: Context, project: Project, suite: LoadedSuite, options: AddOptions): Promise<Ending> {
  const files = draftFiles(project.root, suite)
  const drafts = await casesIn(files.drafts)
  const { accepted, kept } = acceptable(drafts, suite.suite.assert.length)
  if (accepted.length > 0) {
    const before = await casesIn(files.production)
    const fresh = accepted.filter(({ id }) => !before.some((one) => one.id === id))
    // In this order a crash leaves a case in both files, and the next call takes it out of the drafts.
    await writeCases(files.production, [...before, ...fresh])
    await nameCasesFile(sourceFile(project.root, resolve(project.root, suite.file)), files.inSuite)
    await writeCases(files.drafts, kept)
  }
  const shown = relative(context.cwd, files.production.path)
  const waiting = kept.length > 0 ? ` ${kept.length} have no assertion yet and stay drafts.` : ''
  const text = `${accepted.length} accepted into ${shown}.${waiting}\n`
  say(context, options.json, { aigate: 'cases-accepted', file: shown, accepted, kept: kept.map(({ id }) => id) }, text)
  return 'pass'
}
