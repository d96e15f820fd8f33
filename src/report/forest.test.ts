// The forest plot: each mark stands where its number says, whatever the width, in text and in SVG.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseXml } from '../../fixtures/report/strict-xml.ts'
import { forestLines, forestRows, type ForestRow } from './forest.ts'
import { forestSvg } from './html/html-forest.ts'
import { paint } from './paint.ts'
import { gate, regression, samples, suiteReport } from '../../fixtures/report/sample.ts'
import { displayWidth } from './wrap.ts'

const row = (change: Partial<ForestRow> = {}): ForestRow => ({
  category: null,
  difference: -0.1,
  interval: { low: -0.2, high: 0, level: 0.95 },
  margin: 0.05,
  outcome: 'fail',
  decides: true,
  n: 40,
  ...change,
})
const plain = { paint: paint(false), width: 100 }
const rows = [
  row(),
  row({ category: 'refunds', difference: 0, interval: { low: -0.1, high: 0.1, level: 0.95 }, outcome: 'pass' }),
]

it('draws the interval, the estimate, no change and the margin', () => {
  expect(forestLines(rows, plain)).toEqual([
    'whole suite  ├───────────────●───────┊──────┤                  -10.0 (-20.0 to 0.0)',
    'refunds                      ├───────┊──────●───────────────┤  0.0 (-10.0 to +10.0)',
    '             -20                            0             +10',
    '├─●─┤ change in points with its interval  │ no change  ┊ margin',
  ])
})

it('has an ASCII form', () => {
  const lines = forestLines(rows, { ...plain, ascii: true })
  expect(lines[0]).toContain('[---------------o-------:------]')
  for (const line of lines) expect(line).toMatch(/^[\x20-\x7e]*$/)
})

it('says nothing about fewer than two rows, or without room', () => {
  expect(forestLines([row()], plain)).toEqual([])
  expect(forestLines([], plain)).toEqual([])
  expect(forestLines(rows, { ...plain, width: 25 })).toEqual([])
  expect(forestSvg([row()])).toBe('')
})

it('takes the regression gates of a report that have an interval, in their order', () => {
  const verdict = {
    ...suiteReport().verdict,
    gates: [gate(), regression(), regression({ category: 'a', interval: null }), regression({ category: 'b' })],
  }
  expect(forestRows({ verdict }).map(({ category }) => category)).toEqual([null, 'b'])
  expect(forestRows(samples.fail.suites[0]!)).toHaveLength(2)
})

describe('whatever the numbers', () => {
  const share = fc.double({ min: -1, max: 1, noNaN: true })
  const any = fc
    .record({
      ends: fc.tuple(share, share, share),
      margin: fc.double({ min: 0, max: 1, noNaN: true }),
      category: fc.option(fc.string()),
      decides: fc.boolean(),
    })
    .map(({ ends, ...rest }) => {
      const [low = 0, difference = 0, high = 0] = ends.toSorted((a, b) => a - b)
      return row({ ...rest, difference, interval: { low, high, level: 0.95 } })
    })
  const many = fc.array(any, { minLength: 2, maxLength: 20 })

  it('every line fits, every row has one estimate, in the order of the numbers', () => {
    fc.assert(
      fc.property(many, fc.integer({ min: 30, max: 120 }), (all, width) => {
        const lines = forestLines(all, { ...plain, width })
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width)
        const drawn = lines.slice(0, Math.min(12, all.length))
        const axis = drawn.map((line, nth) => [line.lastIndexOf('●'), all[nth]!.difference] as const)
        if (lines.length === 0) return
        for (const [at, value] of axis) {
          expect(at).toBeGreaterThan(0)
          for (const [other, more] of axis)
            if (more > value && all.every(({ category }) => /^[ -~]*$/.test(category ?? '')))
              expect(other).toBeGreaterThanOrEqual(at)
        }
      }),
      { seed: 4 },
    )
  })

  it('the SVG is well-formed and keeps its marks inside', () => {
    fc.assert(
      fc.property(many, (all) => {
        const svg = parseXml(forestSvg(all))
        const width = Number(svg.attributes.width)
        const groups = svg.children.filter(({ name }) => name === 'g')
        expect(groups).toHaveLength(all.length)
        for (const circle of groups.flatMap(({ children }) => children.filter(({ name }) => name === 'circle'))) {
          expect(Number(circle.attributes.cx)).toBeGreaterThanOrEqual(190)
          expect(Number(circle.attributes.cx)).toBeLessThanOrEqual(width - 190)
        }
      }),
      { seed: 5 },
    )
  })
})
