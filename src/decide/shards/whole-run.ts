// The run that one machine would have made, from the answers of all shards: the ladder is climbed again, as far as it would have been.
import type { Baseline } from '../../schema/baseline.ts'
import type { Observation, Run, RunHeader } from '../../schema/run.ts'
import { judgeChange } from '../change/judge-change.ts'
import type { Next } from '../gate/judge.ts'

/** What one shard has of a suite. `stopped`: why it did not ask everything; `other`: what the other side answered. */
export type ShardRun = {
  shard: number
  cases: readonly string[]
  observations: readonly Observation[]
  other?: readonly Observation[] | undefined
  stopped?: string | undefined
}

/** A side that is asked along: its cases, and the baseline that its answers make. */
export type OtherRun = { cases: readonly { id: string }[]; baseline(observations: Observation[]): Baseline }

/**
 * Takes the answers in the order in which a run would have asked for them, and no more of them than it would have asked
 * for. `needed`: what the verdict lacks although no shard was stopped; `unused`: answers that no verdict needs; `other`: what
 * was taken of the other side.
 * @param before the stored baseline, or the side that was asked along
 */
export function wholeRun(
  header: RunHeader,
  before: Baseline | OtherRun | null,
  shards: readonly ShardRun[],
  of: number,
): { run: Run; needed: Next; unused: Observation[]; other: Observation[] } {
  const side = before && 'baseline' in before ? before : null
  const stored = before && 'baseline' in before ? null : before
  const there = stockOf(shards.flatMap(({ observations }) => observations))
  const beside = stockOf(shards.flatMap(({ other = [] }) => other))
  const owner = new Map(shards.flatMap((shard) => shard.cases.map((id) => [id, shard] as const)))
  const [taken, other]: [Observation[], Observation[]] = [[], []]
  let stopped: string | undefined
  let next: Next = { kind: 'pass', trial: 1 }
  while (next && stopped === undefined) {
    const wanted: Trial[] = trialsOf(next, header)
    const along: Trial[] = side && next.kind === 'pass' ? trialsOf(next, side) : []
    const lacking = [
      ...wanted.filter((one) => !there.has(nameOf(one))),
      ...along.filter((one) => !beside.has(nameOf(one))),
    ]
    const because = lacking.map(({ case: id }) => owner.get(id)).find((shard) => shard?.stopped !== undefined)
    if (lacking.length > 0 && !because) break
    if (because) stopped = `shard ${because.shard} of ${of}: ${because.stopped}`
    taken.push(...wanted.flatMap((one) => there.get(nameOf(one)) ?? []))
    other.push(...along.flatMap((one) => beside.get(nameOf(one)) ?? []))
    const { cases, policy, trials, partial } = header
    next = judgeChange({
      cases,
      observations: [...taken],
      baseline: side ? side.baseline(inOrder(other, side)) : stored,
      policy,
      trials,
      partial,
      stopped,
      quarantine: header,
    }).next
  }
  const used = new Set([...taken, ...other])
  const run: Run = { header, observations: inOrder(taken, header), complete: stopped === undefined, stopped }
  return {
    run,
    needed: stopped === undefined ? next : null,
    unused: [...there.values(), ...beside.values()].filter((one) => !used.has(one)),
    other: side ? inOrder(other, side) : [],
  }
}

const stockOf = (observations: readonly Observation[]) => new Map(observations.map((one) => [nameOf(one), one]))

type Trial = Pick<Observation, 'case' | 'trial' | 'purpose'>
const nameOf = ({ case: id, trial, purpose }: Trial): string => `${purpose} ${trial} ${id}`

type Cases = { cases: readonly { id: string }[] }

function trialsOf(next: NonNullable<Next>, { cases }: Cases): Trial[] {
  if (next.kind === 'pass') return cases.map(({ id }) => ({ case: id, trial: next.trial, purpose: 'pass' }))
  const trials = Array.from({ length: next.trials }, (_, i) => FIRST_CONFIRMATION + i)
  return next.cases.flatMap((id) => trials.map((trial) => ({ case: id, trial, purpose: 'confirm' as const })))
}

/** Confirming trials are numbered far above the passes, so that no answer of a pass can stand in for them. */
export const FIRST_CONFIRMATION = 1001

/** The order in which the record of a run is read. */
function inOrder(observations: readonly Observation[], { cases }: Cases): Observation[] {
  const places = new Map(cases.map(({ id }, place) => [id, place]))
  const place = ({ case: id }: Observation) => places.get(id) ?? places.size
  const order = ({ purpose }: Observation) => (purpose === 'pass' ? 0 : 1)
  return [...observations].sort((a, b) => place(a) - place(b) || order(a) - order(b) || a.trial - b.trial)
}
