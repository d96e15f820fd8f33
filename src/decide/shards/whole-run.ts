// The run that one machine would have made, from the answers of all shards: the ladder is climbed again, as far as it would have been.
import type { Baseline } from '../../schema/baseline.ts'
import type { Observation, Run, RunHeader } from '../../schema/run.ts'
import { judgeChange } from '../change/judge-change.ts'
import type { Next } from '../gate/judge.ts'

/** What one shard has of a suite. `stopped`: why it did not ask everything. */
export type ShardRun = {
  shard: number
  cases: readonly string[]
  observations: readonly Observation[]
  stopped?: string | undefined
}

/**
 * Takes the answers in the order in which a run would have asked for them, and no more of them than it would have asked
 * for. `needed`: what the verdict lacks although no shard was stopped; `unused`: answers that no verdict needs.
 */
export function wholeRun(
  header: RunHeader,
  baseline: Baseline | null,
  shards: readonly ShardRun[],
  of: number,
): { run: Run; needed: Next; unused: Observation[] } {
  const there = new Map(shards.flatMap(({ observations }) => observations.map((one) => [nameOf(one), one] as const)))
  const owner = new Map(shards.flatMap((shard) => shard.cases.map((id) => [id, shard] as const)))
  const taken: Observation[] = []
  let stopped: string | undefined
  let next: Next = { kind: 'pass', trial: 1 }
  while (next && stopped === undefined) {
    const wanted = trialsOf(next, header)
    const lacking = wanted.filter((one) => !there.has(nameOf(one)))
    const because = lacking.map(({ case: id }) => owner.get(id)).find((shard) => shard?.stopped !== undefined)
    if (lacking.length > 0 && !because) break
    if (because) stopped = `shard ${because.shard} of ${of}: ${because.stopped}`
    taken.push(...wanted.flatMap((one) => there.get(nameOf(one)) ?? []))
    const { cases, policy, trials, partial } = header
    next = judgeChange({
      cases,
      observations: [...taken],
      baseline,
      policy,
      trials,
      partial,
      stopped,
      quarantine: header,
    }).next
  }
  const used = new Set(taken)
  const run: Run = { header, observations: inOrder(taken, header), complete: stopped === undefined, stopped }
  return {
    run,
    needed: stopped === undefined ? next : null,
    unused: [...there.values()].filter((one) => !used.has(one)),
  }
}

type Trial = Pick<Observation, 'case' | 'trial' | 'purpose'>
const nameOf = ({ case: id, trial, purpose }: Trial): string => `${purpose} ${trial} ${id}`

function trialsOf(next: NonNullable<Next>, { cases }: RunHeader): Trial[] {
  if (next.kind === 'pass') return cases.map(({ id }) => ({ case: id, trial: next.trial, purpose: 'pass' }))
  const trials = Array.from({ length: next.trials }, (_, i) => FIRST_CONFIRMATION + i)
  return next.cases.flatMap((id) => trials.map((trial) => ({ case: id, trial, purpose: 'confirm' as const })))
}

/** Confirming trials are numbered far above the passes, so that no answer of a pass can stand in for them. */
export const FIRST_CONFIRMATION = 1001

/** The order in which the record of a run is read. */
function inOrder(observations: readonly Observation[], { cases }: RunHeader): Observation[] {
  const places = new Map(cases.map(({ id }, place) => [id, place]))
  const place = ({ case: id }: Observation) => places.get(id) ?? places.size
  const order = ({ purpose }: Observation) => (purpose === 'pass' ? 0 : 1)
  return [...observations].sort((a, b) => place(a) - place(b) || order(a) - order(b) || a.trial - b.trial)
}
