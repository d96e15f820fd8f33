// Circuit breakers: CLOSED until a condition holds, OPEN on a fallback, HALF_OPEN while a small share tries the primary again.
import type { Block } from '../../schema/rollout-journal.ts'
import type { Breaker, BreakerCondition, GuardPlan } from '../../schema/guard.ts'
import { aboveEvidence, belowEvidence, startRateLimit, stepRateLimit } from '../../statistics/rate-limit.ts'
import { meanBounds, startMean, stepMean } from '../rollout/one-mean.ts'
import { saidTime } from '../rollout/said-time.ts'
import { saidCondition } from './said-condition.ts'
import { cellOf } from '../rollout/triggers.ts'
import { asPlan, breakerKey, variantsOf } from './as-plan.ts'
import type { BreakerStanding, Episode, Probe } from './state.ts'
import { type Asked, startWindow, stepWindow, tailOf, wholeOf } from './window.ts'

const DAY = 86_400_000
const LONGEST_OPEN = 6 * 3_600_000

/** The primary serves, nothing was seen. */
export const startBreaker = (breaker: Breaker, at: number): BreakerStanding => ({
  text: JSON.stringify(breaker),
  phase: 'closed',
  level: 0,
  since: at,
  open_until: null,
  opens: [],
  generation: 0,
  windows: breaker.when.map(startWindow),
  probe: [],
  why: '',
})

/** What shall be served: `serving` by everybody, but for `ppm` millionths who try the primary. */
export type BreakerWish = { serving: string; ppm: number; generation: number }

/** What the flag shall say in this state. */
export function wishOf(breaker: Breaker, standing: BreakerStanding): BreakerWish {
  const names = variantsOf(breaker)
  const { phase, level, generation } = standing
  const fallback = names[Math.min(level + 1, names.length - 1)] ?? ''
  if (phase === 'closed') return { serving: names[0] ?? '', ppm: 0, generation }
  return { serving: fallback, ppm: phase === 'half-open' ? Math.round(breaker.probe_share * 1e6) : 0, generation }
}

const asked = (breaker: Breaker, condition: BreakerCondition, variant: string): Asked => ({
  key: breakerKey(breaker, condition, variant),
  metric: condition.metric,
  window: condition.window,
  min_events: condition.min_events,
  above: condition.above,
  below: condition.below,
})

function startProbe(guard: GuardPlan, breaker: Breaker): Probe[] {
  return breaker.when.map((condition) => {
    const metric = guard.metrics[condition.metric]
    if (!metric || 'mean' in metric) return { rate: null, mean: startMean() }
    const { tail } = tailOf(guard, asked(breaker, condition, variantsOf(breaker)[0] ?? ''))
    return { rate: startRateLimit(Math.min(1, Math.max(0, tail ?? condition.above ?? 0))), mean: null }
  })
}

/** One block of those who try the primary. */
function stepProbe(guard: GuardPlan, breaker: Breaker, probe: readonly Probe[], block: Block): Probe[] {
  const primary = variantsOf(breaker)[0] ?? ''
  return probe.map((one, i) => {
    const condition = breaker.when[i]
    if (!condition) return one
    const want = asked(breaker, condition, primary)
    const metric = asPlan(guard).metrics[want.key]
    const counts = wholeOf(block, want.key)
    if (!metric || !counts) return one
    const cell = cellOf(counts, metric, tailOf(guard, want).over)
    if (one.rate) return { ...one, rate: stepRateLimit(one.rate, { n: cell.n, bad: cell.x }) }
    return one.mean ? { ...one, mean: stepMean(one.mean, { n: cell.n, sum: cell.x, squares: cell.squares }) } : one
  })
}

/** Proven to be within its limit, proven to be beyond it, or open. */
function judgeProbe(breaker: Breaker, condition: BreakerCondition, { rate, mean }: Probe): 'good' | 'bad' | 'open' {
  const bound = Math.log(1 / breaker.alpha)
  if (rate) {
    if (aboveEvidence(rate) >= bound) return 'bad'
    return belowEvidence(rate) >= bound ? 'good' : 'open'
  }
  const bounds = mean ? meanBounds(mean, breaker.alpha) : null
  if (bounds === null) return 'open'
  const { above, below } = condition
  if (above !== undefined) return bounds.low > above ? 'bad' : bounds.high < above ? 'good' : 'open'
  const limit = below ?? 0
  return bounds.high < limit ? 'bad' : bounds.low > limit ? 'good' : 'open'
}

/** The variant whose answers decide now: the primary while it serves, else the fallback. */
const watched = (breaker: Breaker, standing: BreakerStanding) => wishOf(breaker, standing).serving

/** One block further: the conditions on whoever serves, and the evidence of a probe. Blocks within `settle` do not count. */
export function stepBreakerBlock(
  guard: GuardPlan,
  breaker: Breaker,
  before: BreakerStanding,
  block: Block,
): BreakerStanding {
  if (before.since > 0 && block.start < before.since + (before.generation > 0 ? breaker.settle : 0)) return before
  const windows = breaker.when.map((condition, i) => {
    const one = before.windows[i] ?? startWindow()
    return stepWindow(guard, asked(breaker, condition, watched(breaker, before)), one, block, {}).window
  })
  const probe = before.phase === 'half-open' ? stepProbe(guard, breaker, before.probe, block) : before.probe
  return { ...before, windows, probe }
}

/** The next phase, with everything fresh. */
function turned(breaker: Breaker, before: BreakerStanding, to: Partial<BreakerStanding>, at: number): BreakerStanding {
  return {
    ...before,
    since: at,
    generation: before.generation + 1,
    windows: breaker.when.map(startWindow),
    probe: [],
    ...to,
  }
}

function opened(breaker: Breaker, before: BreakerStanding, level: number, why: string, at: number): BreakerStanding {
  const opens = [...before.opens.filter((one) => at - one < DAY), at]
  if (opens.length > breaker.max_opens_per_day) {
    const said = `${why} It has opened ${opens.length} times within a day: it stays open until a person closes it.`
    return turned(breaker, before, { phase: 'stuck', level, open_until: null, opens, why: said }, at)
  }
  const pause = Math.min(Math.max(LONGEST_OPEN, breaker.open_for), breaker.open_for * 2 ** (opens.length - 1))
  const said = `${why} It tries the primary again in ${saidTime(pause)}.`
  return turned(breaker, before, { phase: 'open', level, open_until: at + pause, opens, why: said }, at)
}

/** The condition that holds now, in words; null: none. */
function holding(guard: GuardPlan, breaker: Breaker, standing: BreakerStanding): string | null {
  for (const [i, condition] of breaker.when.entries()) {
    const window = standing.windows[i]
    if (!window || window.held <= condition.for) continue
    return `${saidCondition(guard, condition, window.value, ` of ${watched(breaker, standing)}`)}.`
  }
  return null
}

/** What a look at the time `at` comes to, after its blocks. At most one change of phase. */
export function settleBreaker(
  guard: GuardPlan,
  breaker: Breaker,
  before: BreakerStanding,
  at: number,
): BreakerStanding {
  const beyond = holding(guard, breaker, before)
  if (before.phase === 'closed') return beyond === null ? before : opened(breaker, before, 0, beyond, at)
  const last = variantsOf(breaker).length - 2
  if (beyond !== null && before.level < last) {
    const why = `${beyond} The next fallback takes over.`
    const to = { phase: before.phase, level: before.level + 1, why }
    const probe = before.phase === 'half-open' ? startProbe(guard, breaker) : []
    return turned(breaker, before, { ...to, probe }, at)
  }
  if (before.phase === 'open' && before.open_until !== null && at >= before.open_until)
    return turned(breaker, before, { phase: 'half-open', open_until: null, probe: startProbe(guard, breaker) }, at)
  if (before.phase !== 'half-open') return before
  const judged = breaker.when.map((one, i) => judgeProbe(breaker, one, before.probe[i] ?? { rate: null, mean: null }))
  if (judged.includes('bad')) return opened(breaker, before, before.level, 'The primary is still beyond its limit.', at)
  if (!judged.every((one) => one === 'good')) return before
  return turned(breaker, before, { phase: 'closed', level: 0, why: 'The primary is well again, proven.' }, at)
}

/** A person closes it: counting of its openings begins anew. */
export const closedByHand = (breaker: Breaker, before: BreakerStanding, why: string, at: number): BreakerStanding =>
  turned(breaker, before, { phase: 'closed', level: 0, open_until: null, opens: [], why }, at)

/** What people are to be told of a change; null where nothing has changed. */
export function breakerEpisode(
  guard: GuardPlan,
  breaker: Breaker,
  before: BreakerStanding,
  after: BreakerStanding,
  at: number,
): Episode | null {
  if (after.generation === before.generation || after.phase === 'closed' || after.phase === 'half-open') return null
  const { serving } = wishOf(breaker, after)
  return {
    id: `${breaker.id}@${at}`,
    cause: breaker.id,
    kind: 'breaker',
    at,
    ended: null,
    metric: breaker.when[0]?.metric ?? '',
    value: after.windows[0]?.value ?? null,
    title: `${guard.guard}: breaker ${breaker.id} is ${after.phase === 'stuck' ? 'stuck open' : 'open'}, ${serving} serves`,
    text: after.why,
    do: breaker.do,
    late: false,
  }
}
