// Finds the release that broke a case by binary search, and says how often such a search errs.
import { AigateError } from '../../errors.ts'
import type { ReleaseManifest } from '../../schema/release.ts'

/** A release with the content hash of all that decides its answers: equal hashes ask the same, and are asked once. */
export type Cell = { release: ReleaseManifest; hash: string }

/**
 * The releases that hold a prompt and a model for the suite, as cells. Index, guardrails and code are not asked with:
 * releases that differ in nothing else are one cell. @throws AigateError usage when fewer than two are left
 */
export function bisectable(releases: readonly ReleaseManifest[], suite: string): Cell[] {
  const cells = releases.flatMap((release) => {
    const target = release.suites.find((one) => one.suite === suite)?.target
    return target?.kind === 'prompt' ? [{ release, hash: target.hash }] : []
  })
  if (cells.length > 1) return cells
  throw new AigateError('usage', {
    problem: `Fewer than two of these ${releases.length} releases hold a prompt and a model for the suite ${suite}.`,
    mend: 'Only suites whose target is a prompt can be asked again as they were released.',
  })
}

/** Trials of one cell. `passed`: what the majority said; null: too few could be measured. */
export type Seen = { release: string; passes: number; fails: number; errors: number; passed: boolean | null }

export type Bisection = {
  steps: Seen[]
  /** found: `broke` is the first release in which the case fails. */
  outcome: 'found' | 'good_fails' | 'bad_passes' | 'same' | 'not_measured'
  before: ReleaseManifest | null
  broke: ReleaseManifest | null
}

/** What the majority of `k` trials (odd) says of what was seen so far; undefined while it is open. */
export function majority({ passes, fails }: Pick<Seen, 'passes' | 'fails'>, k: number): boolean | undefined {
  if (passes * 2 > k) return true
  return fails * 2 > k ? false : undefined
}

/**
 * The probability that the majority of `k` independent trials (odd) is wrong about a release in which the case shows
 * its usual behaviour with probability `rate` in a trial: P(X > k / 2) for X ~ Binomial(k, 1 - rate). Stopping as soon
 * as the majority is settled does not change what it says, so that the sequential rule errs exactly as often.
 */
export function majorityError(rate: number, k: number): number {
  let total = 0
  let ways = 1
  for (let wrong = 0; wrong <= k; wrong += 1) {
    if (wrong * 2 > k) total += ways * (1 - rate) ** wrong * rate ** (k - wrong)
    ways = (ways * (k - wrong)) / (wrong + 1)
  }
  return total
}

/**
 * Binary search over `cells` (oldest first; the first is said to be good, the last bad). Asks both ends, then
 * ceil(log2(n - 1)) cells between them, where neighbours with the same hash count once and no hash is asked twice.
 * It finds a release that broke the case; when the case was broken, mended and broken again, it finds one of them.
 */
export async function bisect(
  cells: readonly Cell[],
  ask: (cell: Cell) => Promise<Omit<Seen, 'release'>>,
): Promise<Bisection> {
  const distinct = cells.filter((cell, i) => cell.hash !== cells[i - 1]?.hash)
  const steps: Seen[] = []
  const known = new Map<string, Seen>()
  const passes = async (cell: Cell): Promise<boolean | null> => {
    const seen = known.get(cell.hash) ?? { release: cell.release.id, ...(await ask(cell)) }
    if (!known.has(cell.hash)) steps.push(seen)
    known.set(cell.hash, seen)
    return seen.passed
  }
  const end = (outcome: Bisection['outcome']): Bisection => ({ steps, outcome, before: null, broke: null })
  const [first, last] = [distinct[0], distinct.at(-1)]
  if (!first || !last || distinct.length < 2) return end('same')
  const good = await passes(first)
  if (good !== true) return end(good === null ? 'not_measured' : 'good_fails')
  const bad = await passes(last)
  if (bad !== false) return end(bad === null ? 'not_measured' : 'bad_passes')
  let [low, high] = [0, distinct.length - 1]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    const cell = distinct[middle]
    const passed = cell ? await passes(cell) : null
    if (passed === null) return end('not_measured')
    if (passed) low = middle
    else high = middle
  }
  const broke = distinct[high]?.release ?? null
  const place = cells.findIndex(({ release }) => release === broke)
  return { steps, outcome: 'found', before: cells[place - 1]?.release ?? null, broke }
}
