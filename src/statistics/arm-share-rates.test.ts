// The arm-share test over simulated days: how often it rolls back, promotes and misses the true ratio.
import { describe, expect, it } from 'vitest'
import { type Random, seeded } from '../../fixtures/reference/read.ts'
import { type ArmShare, harmEvidence, ratioInterval, safeEvidence, startArmShare, stepArmShare } from './arm-share.ts'

describe('error rates over a day with a look a minute', () => {
  /** By inversion: for means up to some hundreds. */
  const poisson = (random: Random, mean: number) => {
    let count = 0
    let chance = Math.exp(-mean)
    for (let left = random.uniform(); left > chance && count < 1000; chance *= mean / ++count) left -= chance
    return count
  }
  /** 330 requests a minute, 5 % of them to the candidate, 2 % bad, twice as many from hour 16 on in both arms; looks at each 10th minute. */
  function day(random: Random, ratio: number, see: (state: ArmShare) => boolean): boolean {
    let state = startArmShare()
    for (let minute = 0; minute < 1440; minute += 10) {
      const bad = 330 * 10 * 0.02 * (minute >= 960 ? 2 : 1)
      const candidate = poisson(random, bad * 0.05 * ratio)
      state = stepArmShare(state, { share: 0.05, candidate, baseline: poisson(random, bad * 0.95), hour: minute / 60 })
      if (see(state)) return true
    }
    return false
  }
  const count = (ratio: number, draws: number, see: (state: ArmShare) => boolean) => {
    const random = seeded(3)
    return Array.from({ length: draws }, () => day(random, ratio, see)).filter(Boolean).length
  }
  it('rolls a good canary back in at most 5 % at alpha 0.05, and always finds twice the errors', () => {
    // 400 draws at a rate of 5 % give at most 31 in 99 of 100 seeds; measured is about 2 %.
    expect(count(1, 400, (state) => harmEvidence(state) >= Math.log(20))).toBeLessThanOrEqual(20)
    expect(count(2, 100, (state) => harmEvidence(state) >= Math.log(100))).toBe(100)
  })
  it('proves "not worse by half" wrongly in at most 5 %, and rightly nearly always', () => {
    expect(count(1.5, 400, (state) => safeEvidence(state, 1.5) >= Math.log(20))).toBeLessThanOrEqual(20)
    expect(count(1, 100, (state) => safeEvidence(state, 1.5) >= Math.log(20))).toBeGreaterThanOrEqual(95)
  })
  it('covers the true ratio at all looks in at least 95 %', () => {
    const misses = (state: ArmShare) => {
      const { low, high } = ratioInterval(state, 0.05)
      return low > 1.3 || (high ?? Infinity) < 1.3
    }
    expect(count(1.3, 300, misses)).toBeLessThanOrEqual(15)
  })
})
