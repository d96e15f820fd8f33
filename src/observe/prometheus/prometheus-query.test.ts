// Selectors as people write them.
import { expect, it } from 'vitest'
import { plainSelector, withLabel } from './prometheus-query.ts'

it('asks for one arm, or for both together', () => {
  expect(withLabel('a_total{job="x",}', 'arm', 'candidate')).toBe('a_total{job="x", arm="candidate"}')
  expect(plainSelector(' a_total{job="x",} ')).toBe('a_total{job="x"}')
  expect(plainSelector('a_total')).toBe('a_total{}')
  for (const wrong of ['rate(a_total[5m])', '', '{}']) expect(() => plainSelector(wrong)).toThrow(/plain selector/)
})
