// The chain of a baseline over its versions: what continues, what was changed by hand, what cannot be checked.
import { expect, it } from 'vitest'
import type { Baseline } from '../../schema/baseline.ts'
import { type ChainVersion, verifyChain } from './baseline-chain.ts'
import { chained } from '../change/ratchet.ts'
import { baselineOf, casesOf } from '../run-testing.ts'

const cases = casesOf(10)
/** `good` of ten cases pass, accepted in this month. */
const accepted = (good: number, month: number): Baseline => ({
  ...baselineOf(cases, (i) => ({ passes: i < good ? 5 : 0 })),
  accepted: { at: `2026-0${month}-01T00:00:00.000Z`, by: 'Ada', reason: 'agreed' },
})
const digest = (baseline: Baseline) => `sha of ${JSON.stringify(baseline)}`
const versionsOf = (baselines: Baseline[]): ChainVersion[] =>
  baselines.map((baseline, i) => ({ at: `commit-${i}`, digest: digest(baseline), baseline }))
function chain(goods: number[]): Baseline[] {
  const all: Baseline[] = []
  for (const [i, good] of goods.entries()) {
    const last = all.at(-1) ?? null
    all.push(chained(accepted(good, i + 1), last, last && digest(last)))
  }
  return all
}
const verify = (versions: ChainVersion[], whole = true) => verifyChain(versions, { whole })

it('holds over every version and says the way of the pass rate', () => {
  const { links, problems, notes, course } = verify(versionsOf(chain([10, 10, 9, 8])))
  expect({ links, problems, notes }).toEqual({ links: 3, problems: [], notes: [] })
  expect(course).toBe('4 accepted baselines, -20.0 points since January 2026')
})

it('checks what was committed and counts what was not', () => {
  const all = versionsOf(chain([10, 9, 9, 8]))
  const { links, problems, notes } = verify([all[0]!, all[3]!])
  expect({ links, problems }).toEqual({ links: 1, problems: [] })
  expect(notes).toEqual(['2 acceptances in between never committed: not checked.'])
  expect(verify(all.slice(2)).problems).toEqual([])
})

it('is broken by numbers that were changed by hand, with the history left or mended', () => {
  const [first, second] = chain([10, 9]) as [Baseline, Baseline]
  const lower = { ...second, cases: accepted(5, 2).cases }
  expect(verify(versionsOf([first, lower])).problems).toEqual([expect.stringMatching(/differ in its pass rate/)])
  const mended = { ...lower, history: second.history?.map((one, i) => (i === 1 ? { ...one, pass_rate: 0.5 } : one)) }
  const problems = verify(versionsOf([first, second, mended])).problems
  expect(problems).toEqual([expect.stringMatching(/^commit-2: it does not continue the baseline of commit-1/)])
})

it('is broken by a baseline that begins anew, that is removed, or that drops its history', () => {
  const [first, second] = chain([10, 9]) as [Baseline, Baseline]
  const anew = chained(accepted(5, 3), null, null)
  expect(verify(versionsOf([first, second, anew])).problems).toHaveLength(1)
  const removed = { at: 'commit-9', digest: null, baseline: null }
  expect(verify([...versionsOf([first]), removed, ...versionsOf([anew])]).problems).toEqual([
    'commit-9: the baseline is removed.',
    expect.stringMatching(/does not continue/),
  ])
  const { history: _, previous: __, ...bare } = second
  expect(verify(versionsOf([first, bare])).problems).toHaveLength(1)
})

it('leaves what is from before there was a chain, and what a shallow clone lacks, unchecked and says so', () => {
  const old = [accepted(10, 1), accepted(9, 2)]
  const now = chained(accepted(9, 3), old[1]!, digest(old[1]!))
  const { links, problems, notes } = verify(versionsOf([...old, now]))
  expect({ links, problems }).toEqual({ links: 1, problems: [] })
  expect(notes).toEqual(['1 version from before there was a chain: not checked.'])
  expect(verify(versionsOf(chain([10, 9, 8])).slice(2), false)).toMatchObject({ problems: [], links: 0 })
  const long = chain([10, 9, 8]).at(-1)!
  const cut = { ...long, history: long.history!.slice(1) }
  expect(verify(versionsOf([cut])).problems).toEqual([expect.stringMatching(/git knows none/)])
})
