// aigate canary: start a rollout, look at it, say something to it.
import { AigateError } from '../../errors.ts'
import type { Context, Ending, Project } from '../../ports.ts'
import { advanceProblem } from '../../decide/rollout/advance.ts'
import { servedVerdict } from '../../decide/rollout/served-verdict.ts'
import { isKept, planOf } from '../../decide/rollout/state.ts'
import { rolloutPicture } from '../../report/rollout.ts'
import { safeLine } from '../../report/safe-text.ts'
import type { RolloutEntry } from '../../schema/rollout-journal.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'
import { joinErrors } from '../../store/faults.ts'
import { gitUser } from '../../store/git.ts'
import { loadProject } from '../../store/project.ts'
import { journaledRollouts } from '../../store/rollout-journal.ts'
import { loadPlan } from '../../store/rollout-plan.ts'
import { carryOut } from './canary-act.ts'
import { amendment } from './canary-amend.ts'
import { abortByForce, servedAlready } from './canary-force.ts'
import {
  asRunner,
  type CanaryOptions,
  openRollout,
  openSession,
  putAside,
  record,
  type Session,
  unfinished,
} from './canary-session.ts'
import { openEdges, openPlane, takeOver, type Tick, tick, unwrittenNote } from './canary-tick.ts'
import { rolloutData, rolloutView } from './canary-view.ts'
import { say } from '../versions/release.ts'
import { killLines } from '../guard/kill-files.ts'
import { rolloutProblems } from './rollout-check.ts'
import { wantsColor } from '../wants-color.ts'

const worse: Ending[] = ['pass', 'inconclusive', 'usage', 'invalid', 'fail', 'action_failed', 'interrupted']
const worstEnding = (endings: readonly Ending[]) =>
  endings.reduce((a, b) => (worse.indexOf(b) > worse.indexOf(a) ? b : a), 'pass')

/** How a picture is drawn on this terminal. */
export const viewOptions = ({ env, stdout }: Context) => ({
  color: wantsColor(env, stdout),
  columns: stdout.columns ?? 80,
  ascii: env.TERM === 'linux' || env.TERM === 'dumb',
})

/** The picture of a session, or its data. */
export function show(session: Session, options: CanaryOptions, more: object = {}): void {
  const { context } = session
  const now = context.now().getTime()
  const view = rolloutView(session.state, now)
  if (options.json)
    say(context, true, { aigate: 'rollout-status', ...rolloutData(session.state, now), ...view, ...more }, '')
  else context.stdout.write(rolloutPicture(view, viewOptions(context)))
}

/**
 * Begins a rollout: the plan is checked, written into the journal, and its first share applied.
 * @returns action_failed where the control plane did not take it
 */
export async function startCommand(
  context: Context,
  name: string | undefined,
  options: CanaryOptions & { again?: boolean; note?: string },
): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const loaded = await loadPlan(project, name)
  const problems = await rolloutProblems(context, project, loaded)
  if (problems.length > 0) throw joinErrors(problems)
  const { rollout } = loaded.plan
  return asRunner(context, project, rollout, { who: 'person', by: await gitUser(project.root) }, async (opened) => {
    const session = opened
    const already = await servedAlready(session, loaded)
    if (session.journal.chain.count > 0) restart(session, options.again ?? false, loaded.plan)
    if (already !== null) context.stderr.write(`warning: ${already}\n`)
    const note = options.note === undefined ? {} : { note: options.note }
    record(session, { kind: 'start', plan_hash: loaded.hash, plan: loaded.plan, ...note })
    const actuator = await openPlane(session)
    const { done, failed } = await carryOut(session, actuator)
    for (const problem of failed) context.stderr.write(`error: ${problem}\n`)
    show(session, options, { done, failed })
    return failed.length > 0 ? 'action_failed' : 'pass'
  })
}

/** A name is used again only on purpose, never while its rollout goes on, and after a rollback not before its cooldown is over. */
function restart(session: Session, again: boolean, plan: RolloutPlan): void {
  const { mode, ended_at: ended } = session.state
  if (!['succeeded', 'aborted', 'rolled-back'].includes(mode))
    throw new AigateError('usage', {
      problem: `The rollout ${session.name} was started already and is ${mode}.`,
      mend: `See \`aigate canary status ${session.name}\`, or end it with \`aigate canary abort ${session.name}\`.`,
    })
  if (!again)
    throw new AigateError('usage', {
      problem: `A rollout called ${session.name} has ${mode} before.`,
      mend: 'Give the new one another name (users are then assigned anew), or add --again.',
    })
  // The longer of what was agreed on then and what is now: an edit does not shorten it.
  const cooldown = Math.max(planOf(session.state).cooldown ?? 0, plan.cooldown ?? 0)
  const until = (ended ?? 0) + cooldown
  if (mode === 'rolled-back' && session.context.now().getTime() < until)
    throw new AigateError('usage', {
      problem: `The rollout ${session.name} was rolled back, and its cooldown lasts until ${new Date(until).toISOString()}.`,
      mend: 'Find out what was wrong first; a rollout of what was mended has another version and another name.',
    })
  putAside(session.folder)
  Object.assign(session, openSession(session.context, session.project, session.name, session.by))
}

/** One pass over each rollout that was named; over all that go on where none is. @returns the worst of them */
export async function tickCommand(context: Context, names: string[], options: CanaryOptions): Promise<Ending> {
  const { project, chosen } = await chooseRollouts(context, names, options)
  const endings: Ending[] = []
  for (const name of chosen) {
    if (context.signal.aborted) return 'interrupted'
    endings.push(
      chosen.length === 1
        ? await tickOne(context, project, name, options)
        : await tickOfMany(context, project, name, options),
    )
  }
  return worstEnding(endings)
}

/** What is wrong with one rollout does not keep the others from being looked at. */
async function tickOfMany(context: Context, project: Project, name: string, options: CanaryOptions): Promise<Ending> {
  try {
    return await tickOne(context, project, name, options)
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    context.stderr.write(`error: ${name}: ${error.message.trimEnd()}\n  fix: ${error.mend}\n`)
    return error.outcome
  }
}

async function chooseRollouts(context: Context, names: string[], options: CanaryOptions) {
  if (names.length === 0) {
    const project = await loadProject({ cwd: context.cwd, config: options.config })
    const started = await journaledRollouts(project)
    const going = unfinished(context, project, started)
    if (started.length > 0) return { project, chosen: going.length > 0 ? going : started }
    return { project, chosen: [(await openRollout(context, undefined, options)).name] }
  }
  const opened = []
  for (const name of names) opened.push(await openRollout(context, name, options))
  const project = opened[0]?.project ?? (await loadProject({ cwd: context.cwd, config: options.config }))
  return { project, chosen: opened.map((one) => one.name) }
}

async function tickOne(context: Context, project: Project, name: string, options: CanaryOptions): Promise<Ending> {
  return asRunner(context, project, name, { who: 'runner', survives: true }, async (session) => {
    const done = await tick(session, await openEdges(session))
    sayTick(session, done)
    if (options.json) show(session, options, { ending: done.ending, ...done.acted })
    else context.stdout.write(tickLine(session, done))
    return done.ending
  })
}

/** What went wrong in a tick, and what a person should know, on stderr. */
export function sayTick({ context }: Session, { acted, decision, notes }: Tick): void {
  // Names of models and what a control plane answers come from outside: they must not steer a terminal.
  for (const note of [...notes, ...(decision?.warnings ?? [])]) context.stderr.write(safeLine(`warning: ${note}\n`))
  for (const problem of acted.failed) context.stderr.write(safeLine(`error: ${problem}\n`))
}

/** One line a tick: what it came to and why. */
export function tickLine({ context, name, state }: Session, { ending, decision, acted }: Tick): string {
  const at = context.now().toISOString().slice(0, 19)
  const stage = `stage ${state.stage + 1} of ${planOf(state).stages.length}`
  // Of what a person ended, why it was ended; the last look knows nothing of that.
  const stopped = decision === null && (state.mode === 'aborting' || state.mode === 'aborted')
  const why = stopped ? state.wanted.why : ((decision ?? state.last?.decision)?.reasons.join('; ') ?? '')
  const done = acted.done.length > 0 ? ` [${acted.done.join('; ')}]` : ''
  return safeLine(`${at}Z ${name}: ${decision?.outcome ?? ending}, ${state.mode}, ${stage}: ${why}${done}\n`)
}

/** The picture of a rollout. Reads only. */
export async function statusCommand(
  context: Context,
  name: string | undefined,
  options: CanaryOptions,
): Promise<Ending> {
  const opened = await openRollout(context, name, options)
  const kills = await killLines(context, opened.project)
  show(openSession(context, opened.project, opened.name), options, { kills })
  if (!options.json) context.stdout.write(safeLine(kills.map((line) => `${line}\n`).join('')))
  return 'pass'
}

/** What those who ask from outside are told, as of now. @returns it; `invalid` where nobody has looked yet */
export async function verdictCommand(
  context: Context,
  name: string | undefined,
  options: CanaryOptions,
): Promise<Ending> {
  const opened = await openRollout(context, name, options)
  const { state } = openSession(context, opened.project, opened.name)
  const { last } = state
  const { verdict, reasons, mode, at: looked } = servedVerdict(state, context.now().getTime())
  const at = looked === null ? null : new Date(looked).toISOString()
  const outcome = last === null && verdict === 'inconclusive' ? 'invalid' : verdict
  const failing = state.failing.map(({ id, error }) => `${id}: ${error}`)
  const value = {
    aigate: 'rollout-verdict',
    rollout: opened.name,
    mode,
    outcome,
    reasons,
    at,
    failing,
    decision: last?.decision,
  }
  const lines = [`${opened.name}: ${outcome} (${mode})`, ...reasons.map((one) => `  ${one}`), ...failing]
  say(context, options.json, value, `${lines.join('\n')}\n`)
  return failing.length > 0 ? 'action_failed' : outcome
}

type Verb = Extract<RolloutEntry, { kind: 'said' }>['verb']
export type SayOptions = CanaryOptions & { reason?: string; force?: boolean }

/**
 * Says something to a rollout, for the record and in a person's name, and carries out what follows from it.
 * `amend` takes the plan as its file is now; `resume` takes a control plane over that somebody else has changed.
 */
export async function sayCommand(
  context: Context,
  verb: Exclude<Verb, 'kill'>,
  name: string | undefined,
  options: SayOptions,
): Promise<Ending> {
  if (!options.force) return sayIt(context, verb, name, options)
  try {
    return await sayIt(context, verb, name, options)
  } catch (error) {
    if (verb !== 'abort' || !(error instanceof AigateError)) throw error
    context.stderr.write(`warning: ${error.message.trimEnd()}\n`)
    return abortByForce(context, name, options)
  }
}

async function sayIt(
  context: Context,
  verb: Exclude<Verb, 'kill'>,
  name: string | undefined,
  options: SayOptions,
): Promise<Ending> {
  const { project, name: rollout } = await openRollout(context, name, options)
  const by = await gitUser(project.root)
  const survives = verb === 'abort'
  return asRunner(context, project, rollout, { who: 'person', by, survives }, async (session) => {
    const { mode } = session.state
    const kept = verb === 'abort' && isKept(session.state, session.context.now().getTime())
    if (mode !== 'running' && !kept && !(verb === 'abort' && mode === 'rolling-back'))
      throw new AigateError('usage', {
        problem: `The rollout ${rollout} is ${mode}: there is nothing to ${verb}.`,
        mend: 'See `aigate canary status`.',
      })
    const reason = options.reason?.trim() ?? ''
    if (verb === 'advance') refuseAdvance(session, reason)
    record(session, { kind: 'said', verb, reason, ...(await saying(session, verb)) })
    const actuator = await openPlane(session)
    const took = verb === 'resume' ? await takeOver(session, actuator) : null
    const acted = await carryOut(session, actuator)
    const { done, failed, left } = acted
    if (session.unwritten !== null)
      context.stderr.write(`warning: ${unwrittenNote(rollout, session.unwritten, acted)}\n`)
    if (left !== undefined) context.stderr.write(`warning: ${left}\n`)
    const problems = [...(took === null ? [] : [took]), ...failed]
    for (const problem of problems) context.stderr.write(`error: ${problem}\n`)
    show(session, options, { done, failed: problems })
    return problems.length > 0 ? 'action_failed' : 'pass'
  })
}

async function saying(session: Session, verb: Verb): Promise<object> {
  if (verb === 'approve' || verb === 'advance') return { stage: session.state.stage }
  return verb === 'amend' ? amendment(session) : {}
}

/** Going on without the evidence is a decision of somebody, who says why. */
function refuseAdvance({ state, name }: Session, reason: string): void {
  const mend = `Say it: aigate canary advance ${name} --reason "…"`
  const found = reason === '' ? { problem: 'no reason was given', mend } : advanceProblem(state)
  if (found === null) return
  const problem = `The rollout ${name} is not advanced: ${found.problem.replace(/\.$/, '')}.`
  throw new AigateError('usage', { problem, mend: found.mend })
}
