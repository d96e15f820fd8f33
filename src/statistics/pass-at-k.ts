// Of k tries at one task: that at least one succeeds (pass@k), and that all do (pass^k), without bias from n trials.
// Sources: Chen et al., arXiv:2107.03374 (2021), §2.1, eq. 1; Yao et al., τ-bench, arXiv:2406.12045 (2024), §2.

function require(n: number, c: number, k: number): void {
  const whole = [n, c, k].every(Number.isInteger)
  if (!whole || k < 1 || n < k || c < 0 || c > n)
    throw new RangeError(`expected whole numbers with 1 <= k <= n and 0 <= c <= n, got n ${n}, c ${c}, k ${k}`)
}

/** C(from, k) / C(n, k) as a product, which cannot overflow. In [0, 1]; 0 where `from` is less than k. */
function ratio(from: number, n: number, k: number): number {
  let product = 1
  for (let i = 0; i < k; i++) product *= Math.max(0, from - i) / (n - i)
  return product
}

/** 1 - C(n - c, k) / C(n, k): the chance that at least one of k of the n trials, c of which passed, passes. In [0, 1]. */
export function passAtK(n: number, c: number, k: number): number {
  require(n, c, k)
  return 1 - ratio(n - c, n, k)
}

/** C(c, k) / C(n, k): the chance that all of k of the n trials pass. In [0, 1]; never above passAtK. */
export function passHatK(n: number, c: number, k: number): number {
  require(n, c, k)
  return ratio(c, n, k)
}
