// How likely the sum of a random subset is small, for many and fine sizes: by its generating function on a circle.
// Sources: Abate & Whitt, Oper. Res. Lett. 12 (1992) 245-251 (inversion by a sum over a circle, its aliasing error);
// Daniels, Ann. Math. Stat. 25 (1954) 631-650 (the circle through the saddle point keeps tails as exact as the middle).

/** Factors below this leave a point of the circle out: all such points together add less than 1e-17 of the result. */
const NOTHING = -60
/** The circle lies so many standard deviations inside of the saddle point at least, so that the geometric sum converges. */
const INSIDE = 3
/** Half the points for a standard deviation: sums that far apart no longer mix. e^(-3 x 28) of the result is left of them. */
const APART = 14
/** exp of less is no double any more. */
const UNDERFLOW = -740

/**
 * `point` = P(sum = reach) and `below` = P(sum < reach), where each size is in the sum with probability one half.
 * `sizes`: whole numbers above 0; `reach`: a whole number from 0 to half of their total. Relative error below 1e-10,
 * which is that of the rounding; a result under the smallest double is 0.
 * Time grows with the range of the sums that are not far off and with how many sizes differ, not with their product.
 */
export function subsetSumTail(sizes: readonly number[], reach: number): { point: number; below: number } {
  const counts = new Map<number, number>()
  for (const size of sizes) counts.set(size, (counts.get(size) ?? 0) + 1)
  // Large sizes first: where their factors vary most, most points are left out early.
  const groups = [...counts].sort(([a], [b]) => b - a).map(([size, count]) => ({ size, count }))
  const deviation = Math.sqrt(sizes.reduce((a, b) => a + b * b, 0)) / 2
  const theta = Math.min(saddle(groups, reach), -INSIDE / deviation)
  const logScale = logMoment(groups, theta) - theta * reach
  // Chernoff's bound: the result is smaller still.
  if (logScale < UNDERFLOW) return { point: 0, below: 0 }
  const points = 4 * Math.ceil((APART * deviation) / 2)
  const { atReach, upToReach } = onCircle(groups, { reach, theta, points })
  const scale = Math.exp(logScale)
  const point = Math.max(0, scale * atReach)
  return { point, below: Math.max(0, scale * upToReach - point) }
}

type Group = { size: number; count: number }

/** The log of the moment generating function: sum of log((1 + e^(theta size)) / 2). */
function logMoment(groups: readonly Group[], theta: number): number {
  return groups.reduce((sum, { size, count }) => sum + count * (Math.log1p(Math.exp(theta * size)) - Math.LN2), 0)
}

/** The theta <= 0 under which the expected sum is `reach`; bisection, which a rough value is enough for. */
function saddle(groups: readonly Group[], reach: number): number {
  const mean = (theta: number) =>
    groups.reduce((sum, { size, count }) => sum + (count * size) / (1 + Math.exp(-theta * size)), 0)
  let low = -1 / (groups.at(-1)?.size ?? 1)
  while (mean(low) > reach && low > -700) low *= 2
  let high = 0
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (mean(middle) > reach) high = middle
    else low = middle
  }
  return low
}

type Circle = { reach: number; theta: number; points: number }

/**
 * P(sum = reach) and P(sum <= reach) / e^(theta (reach - sum)) under the tilted law: mean over the points of the circle of
 * its characteristic function, turned back by `reach`, and of that over 1 - e^(theta + i t).
 */
function onCircle(groups: readonly Group[], { reach, theta, points }: Circle): { atReach: number; upToReach: number } {
  const cosines = new Float64Array(points)
  for (let k = 0; k < points; k++) cosines[k] = Math.cos((2 * Math.PI * k) / points)
  // A quarter of the circle back: their number is divisible by 4.
  const sine = (k: number) => cosines[(k + 0.75 * points) % points] ?? 0
  const tilted = groups.map(({ size, count }) => ({ size, count, weight: Math.exp(theta * size) }))
  const decay = Math.exp(theta)
  let atReach = 0
  let upToReach = 0
  // The points come in pairs that are conjugate to each other: only real parts are left.
  for (let k = 0; 2 * k <= points; k++) {
    const found = characteristic(tilted, k, cosines, sine)
    if (!found) continue
    const turn = ((reach % points) * k) % points
    const angle = found.angle - (2 * Math.PI * turn) / points
    const [real, imaginary] = [found.modulus * Math.cos(angle), found.modulus * Math.sin(angle)]
    const [down, side] = [1 - decay * (cosines[k] ?? 0), -decay * sine(k)]
    const both = k === 0 || 2 * k === points ? 1 : 2
    atReach += both * real
    upToReach += (both * (real * down + imaginary * side)) / (down * down + side * side)
  }
  return { atReach: atReach / points, upToReach: upToReach / points }
}

/** The characteristic function of the tilted law at point k; undefined where it is too small to count. */
function characteristic(
  groups: readonly (Group & { weight: number })[],
  k: number,
  cosines: Float64Array,
  sine: (k: number) => number,
): { modulus: number; angle: number } | undefined {
  const points = cosines.length
  let logSquared = 0
  for (const { size, count, weight } of groups) {
    const cosine = cosines[(size * k) % points] ?? 0
    // |1 + w e^(ix)|^2 / (1 + w)^2, as its distance from 1: near 1 its log would lose digits.
    logSquared += count * Math.log1p((-2 * weight * (1 - cosine)) / ((1 + weight) * (1 + weight)))
    if (logSquared < 2 * NOTHING) return undefined
  }
  let angle = 0
  for (const { size, count, weight } of groups) {
    const at = (size * k) % points
    angle += count * Math.atan2(weight * sine(at), 1 + weight * (cosines[at] ?? 0))
  }
  return { modulus: Math.exp(logSquared / 2), angle }
}
