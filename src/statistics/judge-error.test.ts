// Correcting rates for a judge's errors: reference values, properties, and how often the intervals hold the truth.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, reference, seeded } from '../../fixtures/reference/read.ts'
import { binomialTail } from './binomial-tail.ts'
import { cohenKappa } from './cohen-kappa.ts'
import { mcnemarExact } from './mcnemar.ts'
import { judgements, labelled, labelledTable, predictionPowered } from './prediction-powered.ts'
import { type JudgeTable, roganGladen } from './rogan-gladen.ts'

type RoganIn = { x: number; n: number; tp: number; npos: number; tn: number; nneg: number; conf: number }
type RoganOut = { youden: number; theta: number | null; se: number; lr_lo: number; lr_hi: number }
const tableOf = ({ tp, npos, tn, nneg }: RoganIn): JudgeTable => ({
  truePass: tp,
  falseFail: npos - tp,
  falsePass: nneg - tn,
  trueFail: tn,
})

describe('Rogan and Gladen', () => {
  it('equals the reference', () => {
    for (const { in: at, out } of reference<RoganIn, RoganOut>('rogan_gladen')) {
      const found = roganGladen(at.x, at.n, tableOf(at), at.conf)
      if (out.theta === null || out.youden <= 0) {
        expect(found).toBeNull()
        continue
      }
      if (!found) expect.fail(JSON.stringify(at))
      expectClose(found.estimate, out.theta, 1e-10, at, 1e-6)
      expectClose(found.standardError, out.se, 1e-10, at)
      expectClose(found.low, out.lr_lo, 1e-9, at, 1e-6)
      expectClose(found.high, out.lr_hi, 1e-9, at, 1e-6)
    }
  })
  it('a judge without an error is the plain rate, and his table still widens the interval', () => {
    const perfect = { truePass: 60, falseFail: 0, falsePass: 0, trueFail: 60 }
    const found = roganGladen(160, 200, perfect, 0.95)
    expect(found?.estimate).toBeCloseTo(0.8, 12)
    const small = roganGladen(160, 200, { truePass: 6, falseFail: 0, falsePass: 0, trueFail: 6 }, 0.95)
    expect((small?.high ?? 0) - (small?.low ?? 0)).toBeGreaterThan((found?.high ?? 0) - (found?.low ?? 0))
  })
  it('more yeses never lower the rate, and the estimate lies in [0, 1]', () => {
    const count = fc.integer({ min: 1, max: 80 })
    fc.assert(
      fc.property(count, count, count, count, fc.integer({ min: 0, max: 99 }), (a, b, c, d, x) => {
        const table = { truePass: a, falseFail: b, falsePass: c, trueFail: d }
        const [less, more] = [roganGladen(x, 100, table, 0.9), roganGladen(x + 1, 100, table, 0.9)]
        if (!less || !more) return
        expect(more.estimate).toBeGreaterThanOrEqual(less.estimate)
        for (const value of [less.estimate, less.low, less.high]) {
          expect(value).toBeGreaterThanOrEqual(0)
          expect(value).toBeLessThanOrEqual(1)
        }
        expect(less.low).toBeLessThanOrEqual(less.high)
      }),
    )
  })
})

type PpiIn = { y: number[]; f: number[]; fu: number[]; conf: number }
type PpiOut = { [K in 'ppi' | 'ppi_se' | 'lam' | 'ppi_pp' | 'ppi_pp_se' | 'ppi_pp_lo' | 'ppi_pp_hi']: number }

describe('prediction-powered inference', () => {
  it('equals the reference, by lists and by counts', () => {
    for (const { in: at, out } of reference<PpiIn, PpiOut>('ppi_mean')) {
      const rest = judgements(at.fu)
      const plain = predictionPowered(labelled(at.y, at.f), rest, at.conf, 1)
      expectClose(plain.estimate, out.ppi, 1e-10, at)
      expectClose(plain.standardError, out.ppi_se, 1e-10, at)
      const both = (y: number, f: number) => at.y.filter((value, i) => value === y && at.f[i] === f).length
      const table = { truePass: both(1, 1), falseFail: both(1, 0), falsePass: both(0, 1), trueFail: both(0, 0) }
      for (const labels of [labelled(at.y, at.f), labelledTable(table)]) {
        const found = predictionPowered(labels, rest, at.conf)
        expectClose(found.lambda, out.lam, 1e-10, at, 1e-6)
        expectClose(found.estimate, out.ppi_pp, 1e-10, at)
        expectClose(found.standardError, out.ppi_pp_se, 1e-9, at)
        expectClose(found.low, out.ppi_pp_lo, 1e-9, at)
        expectClose(found.high, out.ppi_pp_hi, 1e-9, at)
      }
    }
  })
  it('a judge who says nothing leaves the labels alone', () => {
    const y = [1, 0, 1, 1, 0, 1, 1, 1]
    const found = predictionPowered(
      labelled(
        y,
        y.map(() => 1),
      ),
      judgements([1, 1, 1, 1]),
      0.95,
    )
    expect(found).toMatchObject({ lambda: 0, estimate: 0.75 })
  })
  it('throws where there is nothing to go by', () => {
    expect(() => predictionPowered(labelled([1], [1]), judgements([1, 1]), 0.95)).toThrow(RangeError)
    expect(() => labelled([1, 0], [1])).toThrow(RangeError)
  })
})

type KappaOut = { po: number; kappa: number | null; se: number | null }
it('kappa equals the reference', () => {
  for (const { in: at, out } of reference<{ m: [[number, number], [number, number]] }, KappaOut>('cohen_kappa')) {
    if (at.m.length !== 2) continue
    const [[both, first], [second, neither]] = at.m
    const found = cohenKappa({ both, first, second, neither }, 0.95)
    expectClose(found.observed, out.po, 1e-12, at)
    if (out.kappa === null) expect(found.kappa).toBeNull()
    else {
      expectClose(found.kappa ?? Number.NaN, out.kappa, 1e-10, at, 1e-6)
      expectClose(found.standardError ?? Number.NaN, out.se ?? 0, 1e-6, at, 1e-1)
    }
  }
})

type Moves = { breaks: number; fixes: number }
it('McNemar equals the reference', () => {
  for (const { in: at, out } of reference<Moves, { p_two_exact: number }>('mcnemar'))
    expectClose(mcnemarExact(at.breaks, at.fixes), out.p_two_exact, 1e-10, at)
  expect(binomialTail(0, 5, 0.3)).toBe(1)
  expect(binomialTail(5, 5, 0.5)).toBeCloseTo(1 / 32, 14)
  expect(() => mcnemarExact(-1, 2)).toThrow(RangeError)
})

/** Share of draws in which the interval holds the truth, and in which the judge's own rate does. */
function coverage(world: { truth: number; se: number; sp: number; labels: number; n: number }, seed: number) {
  const random = seeded(seed)
  const draws = 3000
  const held = { rogan: 0, powered: 0 }
  for (let draw = 0; draw < draws; draw++) {
    const table = { truePass: 0, falseFail: 0, falsePass: 0, trueFail: 0 }
    for (let i = 0; i < world.labels; i++) {
      const good = random.uniform() < world.truth
      const said = random.uniform() < (good ? world.se : 1 - world.sp)
      table[good ? (said ? 'truePass' : 'falseFail') : said ? 'falsePass' : 'trueFail']++
    }
    const yes = random.binomial(world.n, world.truth * world.se + (1 - world.truth) * (1 - world.sp))
    const rogan = roganGladen(yes, world.n, table, 0.95)
    if (rogan && rogan.low <= world.truth && world.truth <= rogan.high) held.rogan++
    const powered = predictionPowered(labelledTable(table), { n: world.n, f: yes, ff: yes }, 0.95)
    if (powered.low <= world.truth && world.truth <= powered.high) held.powered++
  }
  return { rogan: held.rogan / draws, powered: held.powered / draws }
}

describe('coverage by simulation, 3000 draws a world: 95 % intervals hold the truth', () => {
  it.each([
    { truth: 0.85, se: 0.95, sp: 0.8, labels: 150, n: 300 },
    { truth: 0.7, se: 0.9, sp: 0.85, labels: 100, n: 200 },
    { truth: 0.9, se: 0.85, sp: 0.9, labels: 300, n: 600 },
  ])('$truth judged at $se / $sp, $labels labels', (world) => {
    const { rogan, powered } = coverage(world, 7)
    // Standard error of a coverage of 0.95 over 3000 draws: 0.004. PPI's normal interval may fall a little short.
    expect(rogan).toBeGreaterThanOrEqual(0.94)
    expect(rogan).toBeLessThanOrEqual(0.99)
    expect(powered).toBeGreaterThanOrEqual(0.92)
    expect(powered).toBeLessThanOrEqual(0.97)
  })
})
