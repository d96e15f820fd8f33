// How many simulated changes a policy blocks, holds and passes, and in which range of chance each of these rates lies.
import type { Rate, Rates } from '../../schema/doctor.ts'
import { wilson } from '../../statistics/wilson.ts'
import { byText } from '../words.ts'
import { type Kind, dropped } from './changes.ts'
import { randomOf } from './random.ts'
import { type Plan, type Walked, walk } from './walk.ts'
import { drawRates, trialDrawer, type World } from './world.ts'

/** What is done to the success rates before a run is drawn. */
export type Change = { drop: number; kind: Kind; places: readonly number[] } | null

/** A share of simulated changes with its 95 % interval (Wilson). */
export function rateOf(count: number, draws: number): Rate {
  const { low, high } = wilson(count, draws, 0.95)
  return { estimate: count / draws, low, high, draws }
}

/**
 * Takes `draws` (>= 1) imagined changes through the shipped decision. Each draws new success rates that the stored counts
 * allow, then the change, then trials, while the ladder asks for them. The same `name` gives the same draws.
 * @param tick called after each draw, so that somebody can show progress
 */
export function simulate(
  { plan, world, change }: { plan: Plan; world: World; change: Change },
  { draws, name, tick }: { draws: number; name: string; tick?: (() => void) | undefined },
): Rates {
  const random = randomOf(name)
  const trial = trialDrawer(world, random)
  const walks: Walked[] = []
  for (let draw = 0; draw < draws; draw++) {
    const before = drawRates(world, random)
    const rates = change ? dropped(before, change.places, change, random) : before
    walks.push(walk(plan, (i) => trial(i, rates[i] ?? 0)))
    tick?.()
  }
  return ratesOf(walks, plan)
}

/** The rates of walks that were taken; at least one. */
export function ratesOf(walks: readonly Walked[], { cases, trials }: Plan): Rates {
  const share = (of: (walked: Walked) => boolean) => rateOf(walks.filter(of).length, walks.length)
  const ids = [...new Set(walks.flatMap(({ fired }) => fired))].sort(byText)
  const gates = ids.map((id) => ({ id, block: share(({ fired }) => fired.includes(id)) }))
  return {
    block: share(({ outcome }) => outcome === 'fail'),
    hold: share(({ outcome }) => outcome === 'inconclusive'),
    pass: share(({ outcome }) => outcome === 'pass'),
    invalid: share(({ outcome }) => outcome === 'invalid'),
    calls: walks.reduce((sum, { calls }) => sum + calls, 0) / walks.length,
    most_calls: cases.length * trials.max,
    gates: gates.sort((a, b) => b.block.estimate - a.block.estimate),
  }
}
