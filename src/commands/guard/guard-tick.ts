// One look of a guard: what must be switched off, what happened, what it comes to, what is done then.
import { asPlan, limitsFor } from '../../decide/guard/as-plan.ts'
import { DAMAGED, runName, unknownPast } from '../../decide/guard/actions.ts'
import { decideGuard } from '../../decide/guard/look.ts'
import { releasesNow, rolledBack } from '../../decide/guard/release-pins.ts'
import { guardPlanOf, type Releases } from '../../decide/guard/state.ts'
import { AigateError } from '../../errors.ts'
import type { Ending, Source } from '../../ports.ts'
import type { Block, Reading } from '../../schema/rollout-journal.ts'
import { mendActions } from '../../store/action-repair.ts'
import { actionsFolder } from '../../store/action-journal.ts'
import { readLedger, releasesFolder } from '../../store/ledger.ts'
import { sourceFolder } from '../rollout/canary-session.ts'
import { actForGuard, appendAction, type GuardActed, knownActions, newAttempts } from './guard-act.ts'
import { type GuardSession, noteDamage, recordGuard } from './guard-session.ts'

export type GuardTick = { ending: Ending; reasons: string[]; acted: GuardActed }

/**
 * The caller holds the lock of the guard. What switches off is finished first, so that a source that hangs holds it not up;
 * what goes back waits for what is known now. Interrupted, it leaves intents open, and the next look goes on with them.
 */
export async function guardTick(session: GuardSession, source: Source): Promise<GuardTick> {
  const { context } = session
  try {
    return await lookAndAct(session, source)
  } catch (error) {
    if (!context.signal.aborted) throw error
    return { ending: 'interrupted', reasons: [], acted: { done: [], failed: [] } }
  }
}

async function lookAndAct(session: GuardSession, source: Source): Promise<GuardTick> {
  const { context } = session
  const attempts = newAttempts(context)
  const lost = await mendJournals(session)
  const early = await actForGuard(session, attempts, 'switch')
  const read = await readSource(session, source)
  context.signal.throwIfAborted()
  const releases = releasesOf(session)
  const { outcome, reasons } = decideGuard(session.state, { now: context.now().getTime(), ...read, releases })
  recordGuard(session, { kind: 'look', ...read, outcome, reasons, ...(releases !== undefined && { releases }) })
  const acted = await actForGuard(session, attempts)
  context.signal.throwIfAborted()
  const together = { done: [...early.done, ...acted.done], failed: [...lost, ...acted.failed] }
  return { ending: together.failed.length > 0 ? 'action_failed' : outcome, reasons, acted: together }
}

/**
 * A damaged journal is put aside and told of; the guard goes on.
 * @returns what is wanted and was perhaps done before, as sentences
 */
async function mendJournals(session: GuardSession): Promise<string[]> {
  const { project, state, context, damaged, unsure } = session
  const damage = await mendActions(actionsFolder(project))
  const run = runName(guardPlanOf(state).guard)
  if (damage !== null) {
    noteDamage(session, 'actions', damage)
    const known = knownActions(session)
    for (const { id } of unknownPast(state, known, context.now().getTime()))
      if ((known.get(id)?.attempts ?? 0) === 0) unsure.add(id)
  }
  for (const { name, text } of damaged)
    await appendAction(session, { kind: 'failed', run, id: `${DAMAGED}${name}`, error: text, attempt: 1, final: true })
  const why = damaged.find(({ name }) => name.startsWith('actions'))?.text
  return [...unsure].map((id) => `${id}: whether it was done before is unknown. ${why ?? ''}`.trimEnd())
}

/** What runs by the ledger, where a rollback may be asked; a ledger that cannot be read is said, and pins nothing. */
function releasesOf({ project, state, warnings }: GuardSession): Releases | undefined {
  const envs = rolledBack(guardPlanOf(state))
  if (envs.length === 0) return undefined
  try {
    const { records, faults } = readLedger(releasesFolder(project))
    if (faults.length === 0) return releasesNow(records, envs)
    warnings.push('The ledger of the releases is damaged: what runs now is not known to the guard.')
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    warnings.push(error.message)
  }
  return undefined
}

type Read = { reading: Reading | null; failure: string | null }

/** Reads the source from where the last look ended. A source that fails is no data, never a zero. */
async function readSource({ context, state, folder }: GuardSession, source: Source): Promise<Read> {
  const guard = guardPlanOf(state)
  try {
    const reading = await source.read({
      plan: asPlan(guard),
      cursor: state.cursor,
      since: state.since,
      until: context.now().getTime(),
      closed: state.closed,
      folder: sourceFolder(folder),
      changes: [],
      limits: limitsFor(guard),
      whole: true,
      signal: context.signal,
    })
    return { reading: { ...reading, blocks: reading.blocks.map(slim) }, failure: null }
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { reading: null, failure: error.message }
  }
}

/** Without histograms, which no condition asks for: a guard writes a look a minute, for years. */
function slim(block: Block): Block {
  const arm = ({ metrics, ...rest }: Block['arms']['baseline']) => ({
    ...rest,
    metrics: Object.fromEntries(
      Object.entries(metrics).map(([name, counts]) => [name, { ...counts, histogram: undefined }]),
    ),
  })
  return { ...block, arms: { baseline: arm(block.arms.baseline), candidate: arm(block.arms.candidate) } }
}
