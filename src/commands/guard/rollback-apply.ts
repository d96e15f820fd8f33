// Carries out a rollback: intent, act, read back, for each component; then the ledger says what runs.
import { randomBytes } from 'node:crypto'
import type { Step } from '../../decide/rollback/plan.ts'
import { rollbackManifest } from '../../decide/rollback/record.ts'
import { drillOutcome, type RollbackDetail, type StepResult, unfinishedRun } from '../../decide/rollback/runs.ts'
import type { Result } from '../../decide/rollback/text.ts'
import { nextId } from '../../decide/release/releases.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, Plane } from '../../ports.ts'
import type { ActionEntry, ActionRecord } from '../../schema/action-journal.ts'
import type { PlaneConfig } from '../../schema/planes.ts'
import type { Json } from '../../schema/values.ts'
import { actionsFolder, openActions, withActions } from '../../store/action-journal.ts'
import { gitUser } from '../../store/git.ts'
import { appendRecord } from '../../store/ledger-append.ts'
import { soundRecords } from '../../store/ledger.ts'
import { applied } from './rollback-attempt.ts'
import { type Aimed, type Opened, type Planned, planNow, type RollbackOptions } from './rollback-plan.ts'

/** After so long, no further attempt is begun. */
const LAST_BEGIN_MS = 20_000
/** Before each further attempt. */
const AGAIN_AFTER_MS = [300, 2_000]

export type Done = { ending: Ending; result: Result }
/** `planes`: of a drill, the hash of what is drilled. */
type How = {
  options: RollbackOptions
  start: number
  drill?: boolean | undefined
  skipped?: readonly StepResult[]
  planes?: string
}
/** The journal, which a full disk or a damaged file must not let stand between anybody and a rollback. */
type Log = { add(entry: ActionEntry): void; records: readonly ActionRecord[]; notes: string[] }

/** Plans and acts, as the only one of this machine. `opened.folder`: of the ledger that is written (a copy in a drill). */
export async function applyRollback(context: Context, opened: Opened, aim: Aimed, how: How): Promise<Done> {
  const folder = actionsFolder(opened.project)
  const by = await gitUser(opened.project.root)
  const work = async (unlocked: string[]) => act(context, opened, aim, { ...how, by, folder, unlocked })
  try {
    return await withActions(folder, 'person', () => work([]))
  } catch (error) {
    const disk = error instanceof AigateError && ['cannot_write', 'disk_trouble'].includes(error.code)
    // Only the lock can have failed so: what is inside keeps such errors as notes.
    if (disk) return work([`no lock: ${error.message}`])
    throw error
  }
}

type Inside = How & { by: string; folder: string; unlocked: string[] }

async function act(context: Context, opened: Opened, aim: Aimed, inside: Inside): Promise<Done> {
  const { options, start, by, folder, drill = false, skipped = [], planes } = inside
  const planned = await planNow(context, opened, aim, options)
  const { plan } = planned
  const plan_ms = context.monotonic() - start
  const log = logOf(folder, () => ({ at: context.now().toISOString(), by }), inside.unlocked)
  const known = drill ? undefined : unfinishedRun(log.records, plan.env, plan.to)
  const run =
    known ??
    `rollback-${context
      .now()
      .toISOString()
      .replace(/[-:]|\.\d+/g, '')}-${randomBytes(2).toString('hex')}`
  const why = options.reason ?? ''
  log.add({
    kind: 'begun',
    run,
    verb: 'rollback',
    subject: plan.env,
    why,
    drill,
    plan: asJson(plan),
  })
  const steps = [...(await carryOut(context, planned, { log, run, why })), ...skipped]
  const back = steps.filter(({ state }) => state === 'back' || state === 'there').map(({ component }) => component)
  const open = steps.filter(({ state }) => state === 'failed' || state === 'blocked').map(({ component }) => component)
  const gone = { back, left: [...open, ...plan.left], reason: options.reason }
  const recorded = await recordIt(context, opened, aim, { gone, by })
  const took_ms = context.monotonic() - start
  const ok = gone.left.length === 0 && recorded.problem === null
  const outcome = drill ? drillOutcome(ok, steps, took_ms) : ok ? 'pass' : 'action_failed'
  const { env, from, to } = plan
  const detail: RollbackDetail = {
    from,
    to,
    steps,
    left: plan.left,
    release: recorded.release,
    plan_ms,
    ...(planes !== undefined && { planes }),
    ...(recorded.problem !== null && { unrecorded: recorded.problem }),
  }
  log.add({ kind: 'ended', run, verb: 'rollback', subject: env, drill, outcome, took_ms, detail: asJson(detail) })
  const result = { env, drill, took_ms, notes: log.notes, ...detail }
  return { ending: context.signal.aborted ? 'interrupted' : outcome, result }
}

/** A plan as the journal holds it. */
const asJson = (plan: object): Json => JSON.parse(JSON.stringify(plan)) as Json

function logOf(folder: string, stamp: () => { at: string; by: string }, notes: string[]): Log {
  let lost = notes.length > 0
  const guarded = <T>(work: () => T): T | undefined => {
    if (lost) return undefined
    try {
      return work()
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      lost = true
      notes.push(`the journal of actions could not be written, and this went on without it: ${error.message}`)
      return undefined
    }
  }
  const opened = guarded(() => openActions(folder, stamp))
  return { add: (entry) => void guarded(() => opened?.add(entry)), records: opened?.records ?? [], notes }
}

type Acting = { log: Log; run: string; why: string }

/** Files one after the other, and programs too, since they may share a lock; these and each API beside one another. */
async function carryOut(context: Context, { plan, open, planes }: Planned, acting: Acting): Promise<StepResult[]> {
  const lanes = new Map<string, Step[]>()
  for (const step of plan.steps) {
    const lane = laneOf(planes[step.component], step.component)
    lanes.set(lane, [...(lanes.get(lane) ?? []), step])
  }
  const results = new Map<string, StepResult>()
  const work = [...lanes.values()].map(async (steps) => {
    for (const step of steps) results.set(step.component, await one(context, step, open[step.component], acting))
  })
  await Promise.all(work)
  return plan.steps.flatMap(({ component }) => results.get(component) ?? [])
}

function laneOf(config: PlaneConfig | undefined, component: string): string {
  if (config?.type === 'http') return component
  return config?.type === 'command' ? 'programs' : 'files'
}

async function one(
  context: Context,
  step: Step,
  plane: Plane | AigateError | undefined,
  { log, run, why }: Acting,
): Promise<StepResult> {
  const { component, where, wanted, state, notes } = step
  const result = { component, where, wanted, attempts: 0, took_ms: 0, problem: null }
  if (state === 'there') return { ...result, state }
  if (state === 'blocked' || wanted === null) return { ...result, state: 'blocked', problem: notes.join('; ') }
  if (!plane) return { ...result, state: 'failed', problem: 'no plane' }
  if (plane instanceof Error) return { ...result, state: 'failed', problem: plane.message, mend: plane.mend }
  const begin = context.monotonic()
  const id = `${run}-${component}`
  log.add({ kind: 'intent', run, id, action: 'apply', subject: component, wanted, why })
  for (let attempt = 1; ; attempt += 1) {
    const tried = await applied(context, plane, { version: wanted, key: id, reason: why })
    const took_ms = context.monotonic() - begin
    const so = { ...result, attempts: attempt, took_ms }
    if ('said' in tried) {
      log.add({ kind: 'applied', run, id, read_back: wanted, took_ms })
      return { ...so, state: 'back', ...(tried.said.length > 0 && { notes: tried.said }) }
    }
    log.add({ kind: 'failed', run, id, error: tried.problem, attempt })
    const wait = AGAIN_AFTER_MS[attempt - 1]
    if (wait === undefined || took_ms > LAST_BEGIN_MS || context.signal.aborted)
      return { ...so, state: 'failed', ...tried }
    await new Promise((go) => setTimeout(go, wait))
  }
}

type Recording = { gone: { back: string[]; left: string[]; reason: string | undefined }; by: string }

/** `problem`: why the ledger could not be written; production is as the steps say all the same. */
async function recordIt(
  context: Context,
  { folder }: Opened,
  aim: Aimed,
  { gone, by }: Recording,
): Promise<{ release: string | null; problem: string | null }> {
  const stamp = { at: context.now(), by }
  try {
    const first = rollbackManifest(soundRecords(folder), aim, gone, stamp)
    if (first === null) return { release: null, problem: null }
    const { record } = await appendRecord(folder, { at: stamp.at.toISOString(), by }, (now) => ({
      kind: 'release',
      manifest: rollbackManifest(now, aim, gone, stamp) ?? { ...first, id: nextId(now, stamp.at) },
    }))
    return { release: record.kind === 'release' ? record.manifest.id : null, problem: null }
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { release: null, problem: `${error.message} ${error.mend}` }
  }
}
