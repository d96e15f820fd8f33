// Numbers as people read them, at their edges.
import { expect, it } from 'vitest'
import {
  change,
  count,
  dollars,
  duration,
  median,
  moment,
  plural,
  points,
  pValue,
  share,
  shortShare,
} from './numbers.ts'

it.each([
  [share(0.912), '91.2 %'],
  [share(1), '100 %'],
  [share(0), '0 %'],
  [share(0.99996), '> 99.9 %'],
  [share(0.0001), '< 0.1 %'],
  [share(null), '–'],
  [share(Number.NaN), '–'],
  [shortShare(0.85), '85 %'],
  [shortShare(0.995), '99.5 %'],
  [points(0.031), '+3.1 points'],
  [points(-0.107), '-10.7 points'],
  [points(-0.0001), '0.0 points'],
  [change(1.0916), '+9.2 %'],
  [change(0.9), '-10.0 %'],
  [pValue(0.0041), '0.004'],
  [pValue(0.00099), '< 0.001'],
  [pValue(1), '1.000'],
  [dollars(0.0123), '$0.0123'],
  [dollars(0), '$0'],
  [dollars(0.000412), '$0.00041'],
  [dollars(0.00001), '$0.000010'],
  [dollars(1e-9), '< $0.00000001'],
  [dollars(1234.5), '$1,234.50'],
  [duration(812.4), '812 ms'],
  [duration(999.7), '1.00 s'],
  [duration(1530), '1.53 s'],
  [duration(59_999), '1 min 0 s'],
  [duration(125_000), '2 min 5 s'],
  [count(1_234_567), '1,234,567'],
  [plural(1, 'case'), '1 case'],
  [plural(2, 'pass', 'passes'), '2 passes'],
  [moment('2026-11-21T07:29:57.000Z'), '2026-11-21 07:29 UTC'],
  [moment('yesterday'), 'yesterday'],
])('%s is %s', (actual, expected) => expect(actual).toBe(expected))

it('median', () => {
  expect(median([])).toBe(null)
  expect(median([5, 1, 3])).toBe(3)
  expect(median([4, 1, 3, 2])).toBe(2.5)
})
