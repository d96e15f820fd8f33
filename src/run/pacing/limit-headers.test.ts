// Rate-limit headers as vendors send them, and as nobody should.
import { describe, expect, it } from 'vitest'
import { readLimits, resetTime, retryAfter } from './limit-headers.ts'

const date = 'Sat, 21 Nov 2026 10:00:00 GMT'
const now = Date.parse(date) / 1000

describe('reset', () => {
  it.each<[string, number | undefined]>([
    ['6m0s', 360_000],
    ['120ms', 120],
    ['1h2m3.5s', 3_723_500],
    ['12', 12_000],
    ['0.25', 250],
    [String(now + 30), 30_000],
    [String((now + 30) * 1000), 30_000],
    [new Date((now + 5) * 1000).toISOString(), 5_000],
    ['Sat, 21 Nov 2026 10:00:07 GMT', 7_000],
    [String(now - 30), undefined],
    ['2026-11-21T09:00:00Z', undefined],
    ['-5', undefined],
    ['soon', undefined],
    ['NaN', undefined],
    ['100000', undefined],
    ['99999999999999999999', undefined],
    ['', undefined],
  ])('%s', (written, ms) => {
    expect(resetTime(written, new Headers({ date }))).toBe(ms)
  })
})

describe('limits', () => {
  const read = (headers: Record<string, string>) => readLimits(new Headers({ date, ...headers }))
  it('of OpenAI, requests and tokens apart', () => {
    expect(
      read({
        'x-ratelimit-limit-requests': '500',
        'x-ratelimit-remaining-requests': '499',
        'x-ratelimit-reset-requests': '120ms',
        'x-ratelimit-limit-tokens': '30000',
        'x-ratelimit-remaining-tokens': '29000',
        'x-ratelimit-reset-tokens': '2s',
      }),
    ).toEqual({
      requests: { limit: 500, remaining: 499, reset_ms: 120 },
      tokens: { limit: 30_000, remaining: 29_000, reset_ms: 2_000 },
    })
  })
  it('of Anthropic, with moments', () => {
    expect(
      read({
        'anthropic-ratelimit-requests-limit': '50',
        'anthropic-ratelimit-requests-remaining': '49',
        'anthropic-ratelimit-requests-reset': '2026-11-21T10:00:01Z',
        'anthropic-ratelimit-input-tokens-limit': '1000',
        'anthropic-ratelimit-input-tokens-remaining': '0',
        'anthropic-ratelimit-input-tokens-reset': '2026-11-21T10:01:00Z',
      }),
    ).toEqual({
      requests: { limit: 50, remaining: 49, reset_ms: 1_000 },
      tokens: { limit: 1_000, remaining: 0, reset_ms: 60_000 },
    })
  })
  it('of OpenRouter in milliseconds since 1970, of the draft with a window, and of calls under way', () => {
    const router = {
      'x-ratelimit-limit': '20',
      'x-ratelimit-remaining': '3',
      'x-ratelimit-reset': String((now + 2) * 1000),
    }
    expect(read(router)).toEqual({ requests: { limit: 20, remaining: 3, reset_ms: 2_000 } })
    const draft = { 'ratelimit-limit': '100, 100;w=60', 'ratelimit-remaining': '7', 'ratelimit-reset': '9' }
    expect(read(draft)).toEqual({ requests: { limit: 100, remaining: 7, reset_ms: 9_000 } })
    expect(read({ 'x-ratelimit-limit-concurrent': '8' })).toEqual({ concurrent: 8 })
  })
  it('leaves out what makes no sense', () => {
    expect(read({})).toBeUndefined()
    expect(read({ 'x-ratelimit-remaining-requests': '-1' })).toBeUndefined()
    expect(read({ 'x-ratelimit-remaining-requests': 'lots', 'x-ratelimit-limit-concurrent': '0' })).toEqual({})
    expect(read({ 'x-ratelimit-remaining-requests': '4', 'x-ratelimit-reset-requests': 'tomorrow' })).toEqual({
      requests: { remaining: 4 },
    })
  })
})

describe('how long to wait', () => {
  it.each<[Record<string, string>, number | undefined]>([
    [{ 'retry-after': '-5' }, undefined],
    [{ 'retry-after-ms': '-1', 'retry-after': '1' }, 1_000],
    [{ 'retry-after-ms': 'NaN' }, undefined],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': 'Sat, 21 Nov 2026 09:59:00 GMT', date }, 0],
    // Without a clock of the server ours counts, and that date is long past for it.
    [{ 'retry-after': 'Sat, 21 Nov 2020 09:59:00 GMT' }, 0],
    [{ 'retry-after': '31536000' }, 31_536_000_000],
    // What remains is told: the pace follows from that, not from the time of a full refill.
    [{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s' }, undefined],
  ])('%j', (headers, ms) => {
    expect(retryAfter(new Headers(headers), 429)).toBe(ms)
  })
})
