// The table of units: exact up to its size, a fair sample beyond it.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hashed, hashText } from './hash.ts'
import { firstBad, newUnits, oneValue, seeUnit, type UnitTable } from './unit-table.ts'

function see(units: UnitTable, name: string, arm: number, generation = 1, counts = true) {
  hashText(name)
  return seeUnit(units, { ...hashed, arm, generation, counts })
}

it('knows exactly who was seen where, as a set would', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ maxLength: 3 }), fc.constantFrom(1, 2), fc.nat(3))), (all) => {
      const units = newUnits()
      const [arms, inGeneration, both] = [new Set<string>(), new Map<string, number>(), new Set<string>()]
      let newest = 0
      for (const [name, arm, step] of all) {
        newest += step === 3 ? 1 : 0
        const key = `${newest} ${name}`
        const mask = (inGeneration.get(key) ?? 0) | arm
        inGeneration.set(key, mask)
        const seen = see(units, name, arm, newest)
        expect(seen?.fresh).toBe(!arms.has(`${arm} ${name}`))
        expect(seen?.both).toBe(mask === 3 && !both.has(key))
        arms.add(`${arm} ${name}`)
        if (mask === 3) both.add(key)
      }
    }),
  )
})

it('tells the first bad event of each metric', () => {
  const units = newUnits()
  const at = see(units, 'a', 1)?.at ?? -1
  expect([0, 31, 0, 31, 7].map((metric) => firstBad(units, at, metric))).toEqual([true, true, false, false, true])
})

it('does not take settling for being in both arms', () => {
  const units = newUnits()
  see(units, 'a', 1)
  expect(see(units, 'a', 2, 1, false)?.both).toBe(false)
  expect(see(units, 'a', 2)?.both).toBe(true)
})

it('goes over to a fair sample when it is full, and keeps to it', () => {
  const units = newUnits(1000)
  for (let index = 0; index < 20_000; index += 1) see(units, `user-${index}`, 1 + (index % 2))
  expect(units.halvings).toBeGreaterThanOrEqual(5)
  expect(units.table.size).toBeLessThanOrEqual(1000)
  const followed = Array.from({ length: 20_000 }, (_, index) => index).filter((index) =>
    see(units, `user-${index}`, 1 + (index % 2)),
  )
  const candidates = followed.filter((index) => index % 2 === 1).length / followed.length
  expect(Math.abs(candidates - 0.5)).toBeLessThan(0.1)
  expect(followed.every((index) => see(units, `user-${index}`, 1 + (index % 2))?.fresh === false)).toBe(true)
})

it('has no two alike among 300,000 names, and fills its range evenly', () => {
  const seen = new Set<string>()
  const highs = Array.from({ length: 16 }, () => 0)
  for (let index = 0; index < 300_000; index += 1) {
    hashText(`user-${index}`)
    seen.add(`${hashed.high},${hashed.low}`)
    const part = hashed.high >>> 28
    highs[part] = (highs[part] ?? 0) + 1
  }
  expect(seen.size).toBe(300_000)
  for (const count of highs) expect(Math.abs(count - 18_750)).toBeLessThan(700)
})

it("takes one value of a unit under each share, until it was the candidate's", () => {
  const units = newUnits(100, true)
  const at = see(units, 'a', 1)?.at ?? -1
  const kinds = [
    [1, 1],
    [1, 1],
    [1, 2],
    [2, 1],
    [3, 2],
    [3, 2],
    [4, 2],
    [5, 1],
  ].map(([generation = 0, arm = 0]) => oneValue(units, at, { metric: 31, arm, generation }))
  expect(kinds).toEqual(['fresh', null, null, 'back', 'back', null, null, null])
  expect(oneValue(units, at, { metric: 0, arm: 2, generation: 5 })).toBe('fresh')
})
