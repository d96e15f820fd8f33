// aigate canary replay: the same journal gives the same decisions; or a plan is run over events of the past.
import { isDeepStrictEqual } from 'node:util'
import { actionsFor } from '../../decide/rollout/actions.ts'
import { foldJournal } from '../../decide/rollout/fold.ts'
import { decideLook, RULES } from '../../decide/rollout/look.ts'
import { draft, type RolloutState } from '../../decide/rollout/state.ts'
import type { Context, Ending, LoadedPlan } from '../../ports.ts'
import type { Decision, Reading, RolloutEntry, RolloutRecord } from '../../schema/rollout-journal.ts'
import { loadProject } from '../../store/project.ts'
import { loadPlan } from '../../store/rollout-plan.ts'
import { readRolloutJournal, rolloutFolder } from '../../store/rollout-journal.ts'
import { type CanaryOptions, openRollout } from './canary-session.ts'
import { readPast } from './canary-plan.ts'
import { say } from '../versions/release.ts'

/** A look whose decision is another than it was; `changed`: the fields that differ. */
export type Difference = { seq: number; at: string; changed: string[]; was: Decision; is: Decision }

/**
 * Decides every look of a journal again. @returns how many looks there are, how many of them were decided by other rules
 * than those of now and come out otherwise, and the first that comes out otherwise by the same rules
 */
export function replayJournal(records: readonly RolloutRecord[]): {
  looks: number
  otherRules: number
  difference: Difference | null
} {
  let state = draft()
  let looks = 0
  let otherRules = 0
  for (const one of records) {
    if (one.kind === 'look') {
      looks += 1
      const none = one.reading === null ? 'no reading' : null
      const read = { reading: one.reading, failure: one.failure ?? none }
      const again = decideLook(state, {
        now: Date.parse(one.at),
        planHash: one.plan_hash,
        lowered: one.lowered,
        reached: one.reached,
        ...read,
      })
      // Through JSON, as the journal has it: -0 and undefined do not survive there.
      const is = JSON.parse(JSON.stringify(again)) as Decision
      const differs = !isDeepStrictEqual(is, one.decision)
      if (differs && (one.rules ?? 1) !== RULES) otherRules += 1
      else if (differs)
        return {
          looks,
          otherRules,
          difference: { seq: one.seq, at: one.at, changed: changedIn(one.decision, is), was: one.decision, is },
        }
    }
    state = foldJournal([one], state)
  }
  return { looks, otherRules, difference: null }
}

function changedIn(was: Decision, is: Decision): string[] {
  const keys = Object.keys(was) as (keyof Decision)[]
  return keys.filter((key) => !isDeepStrictEqual(was[key], is[key]))
}

export type ReplayOptions = CanaryOptions & { events?: boolean; since: number }

/** @returns fail where a look comes out otherwise than it did; with `events`, how the plan would have ended */
export async function replayCommand(
  context: Context,
  name: string | undefined,
  options: ReplayOptions,
): Promise<Ending> {
  if (options.events) return replayEvents(context, name, options)
  const opened = await openRollout(context, name, options)
  const { chain } = readRolloutJournal(rolloutFolder(opened.project, opened.name))
  const { looks, otherRules, difference } = replayJournal(chain.records)
  const value = {
    aigate: 'rollout-replay',
    rollout: opened.name,
    looks,
    other_rules: otherRules,
    same: difference === null,
    difference,
  }
  const older = otherRules > 0 ? ` ${otherRules} were decided by rules of another version of aigate.` : ''
  const same = `${looks} looks: the same decisions.${older}\n`
  say(context, options.json, value, difference === null ? same : words(difference))
  return difference === null ? 'pass' : 'fail'
}

/** Runs a plan over past events as if a look had followed each minute and every action had been done at once. */
async function replayEvents(context: Context, name: string | undefined, options: ReplayOptions): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const loaded = await loadPlan(project, name)
  const reading = await readPast(context, project, loaded, { since: options.since })
  const { state, steps } = overPast(loaded, reading)
  const last = state.last?.decision
  const value = { aigate: 'rollout-past', rollout: loaded.plan.rollout, mode: state.mode, stage: state.stage, steps }
  const lines = steps.map(({ at, outcome, next, reasons }) => `${at} ${outcome}, ${next}: ${reasons.join(' ')}\n`)
  const end = `${loaded.plan.rollout}: ${state.mode}, stage ${state.stage + 1}, ${state.looks} looks\n`
  say(context, options.json, { ...value, last: last ?? null }, `${lines.join('')}${end}`)
  return last === undefined ? 'invalid' : state.mode === 'rolled-back' ? 'fail' : last.outcome
}

type Step = Pick<Decision, 'outcome' | 'next' | 'reasons'> & { at: string }

/** The state after all blocks of a reading, and each look that came to something else than the one before. */
export function overPast({ plan, hash }: LoadedPlan, reading: Reading): { state: RolloutState; steps: Step[] } {
  let state = draft()
  const steps: Step[] = []
  const add = (at: number, entry: RolloutEntry) => {
    const frame = {
      aigate: 'rollout',
      version: 1,
      seq: state.seq + 1,
      at: new Date(at).toISOString(),
      by: 'replay',
    } as const
    state = foldJournal([{ ...frame, ...entry, prev: '', hash: '' }], state)
  }
  const act = (at: number) => {
    for (const { id, action, why } of actionsFor(state, at)) {
      add(at, { kind: 'intent', id, action, why })
      add(at, { kind: 'applied', id, read_back: null })
    }
  }
  const blocks = reading.blocks.toSorted((a, b) => a.start - b.start)
  const [first] = blocks
  if (!first) return { state: foldJournal([], state), steps }
  add(first.start, { kind: 'start', plan_hash: hash, plan })
  act(first.start)
  for (const one of blocks) {
    const now = one.start + one.length
    const until = new Date(now).toISOString()
    // The share of then was another than that of the replay; what was measured counts for the generation that is in force.
    const block = { ...one, generation: state.applied?.generation ?? 0 }
    // As live: what was served while a share settles does not count.
    const settled = one.start >= (state.applied?.at ?? 0) + plan.control.settle
    const look = { ...reading, until, newest: until, cursor: null, blocks: settled ? [block] : [] }
    const decision = decideLook(state, { now, planHash: hash, reading: look })
    add(now, { kind: 'look', reading: look, failure: null, plan_hash: hash, decision })
    act(now)
    const { outcome, next, reasons } = decision
    const before = steps.at(-1)
    if (before?.outcome !== outcome || before.next !== next) steps.push({ at: until, outcome, next, reasons })
    if (state.mode !== 'running') break
  }
  return { state, steps }
}

const words = ({ seq, at, changed, was, is }: Difference) =>
  [
    `Record ${seq} (${at}) comes out otherwise: ${changed.join(', ')}.`,
    `  was: ${was.outcome}, ${was.next}: ${was.reasons.join('; ')}`,
    `  is:  ${is.outcome}, ${is.next}: ${is.reasons.join('; ')}`,
    '',
  ].join('\n')
