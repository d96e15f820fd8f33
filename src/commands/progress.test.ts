// The progress line: what it says, when it says it, and that it stays on one line of a terminal.
import { expect, it } from 'vitest'
import type { Context } from '../ports.ts'
import type { Observation } from '../schema/run.ts'
import { emptyState, enter, progressLine, startProgress } from './progress.ts'

const trial = (id: string, passed: boolean | null, more: Partial<Observation['completion']> = {}): Observation => ({
  case: id,
  trial: 1,
  purpose: 'pass',
  completion: { outcome: 'answered', text: '', tool_calls: [], attempts: 1, cost_usd: 0.001, ...more },
  scores: [],
  passed,
  score: null,
})

function world(isTTY: boolean, env: Record<string, string> = {}) {
  const written: string[] = []
  const clock = { now: 0 }
  const context: Context = {
    cwd: '/',
    env,
    stdout: {
      write: () => {
        throw new Error('nothing belongs on stdout')
      },
    },
    stderr: { write: (text: string) => written.push(text), isTTY, columns: 70 },
    now: () => new Date(0),
    monotonic: () => clock.now,
    signal: new AbortController().signal,
    toolVersion: '0.0.0',
  }
  return { context, written, clock }
}

it('says how far, how fast, how long still, the pass rate with its interval, the cost and what fails', () => {
  const state = emptyState('support pass 1', 100, 0.01)
  for (let i = 1; i <= 40; i += 1) enter(state, trial(`c${i}`, i % 10 !== 0), i * 250)
  // Wilson's 95 % interval of 36 of 40 is 0.769 to 0.960.
  expect(progressLine(state, 10_000)).toBe(
    'support pass 1 · 40/100 · 4.0/s · 15 s left · 90 % pass (77 to 96) · about $0.0500 · 4 failed: c40, c30, c20, …',
  )
})

it('answers from the cache are neither rate nor cost; what was not measured is no failure', () => {
  const state = emptyState('a pass 1', 5, 0)
  for (let i = 1; i <= 4; i += 1) enter(state, trial(`c${i}`, true, { replayed: true }), i)
  enter(state, trial('c5', null), 9)
  expect(progressLine(state, 10)).toBe('a pass 1 · 5/5 · 100 % pass (51 to 100) · about $0.0010 · 1 not measured')
})

it('in CI: a line after a tenth or 30 seconds, never one for every answer, and the last', () => {
  const { context, written, clock } = world(false)
  const progress = startProgress(context, 'a')
  progress.pass(1, 100, 'pass')
  for (let i = 1; i <= 100; i += 1) {
    clock.now = i * 1000
    progress.done(trial(`c${i}`, true))
  }
  progress.end()
  expect(written.map((line) => /(\d+)\/100/.exec(line)?.[1])).toEqual([
    '10',
    '20',
    '30',
    '40',
    '50',
    '60',
    '70',
    '80',
    '90',
    '100',
  ])
  expect(written.every((line) => line.endsWith('\n') && !line.includes('\r'))).toBe(true)
  const slow = world(false)
  const other = startProgress(slow.context, 'a')
  other.pass(1, 1000, 'pass')
  for (let i = 1; i <= 9; i += 1) {
    slow.clock.now = i * 20_000
    other.done(trial(`c${i}`, true))
  }
  expect(slow.written).toHaveLength(4)
  const quick = world(false)
  const third = startProgress(quick.context, 'a')
  third.pass(1, 50, 'pass')
  for (let i = 1; i <= 50; i += 1) third.done(trial(`c${i}`, true))
  expect(quick.written).toHaveLength(1)
})

it('on a terminal: one line that is redrawn, never wider than it, and gone at the end', () => {
  const { context, written, clock } = world(true)
  const progress = startProgress(context, 'a')
  progress.pass(1, 400, 'pass')
  for (let i = 1; i <= 400; i += 1) {
    clock.now = i * 10
    progress.done(trial(`a-case-with-a-long-name-${i}`, i % 2 === 0))
  }
  progress.end()
  expect(written.length).toBeLessThan(45)
  for (const text of written) {
    expect([text.startsWith('\r'), text.includes('\n'), text.endsWith('\u001b[K')]).toEqual([true, false, true])
    expect(text.length - 4).toBeLessThan(70)
  }
  expect(written.at(-1)).toBe('\r\u001b[K')
})

it('says why nothing comes: what the provider asks for, without its control characters, and not every time', () => {
  const request = {
    key: 'k',
    case: { id: 'a', vars: {}, tags: [], critical: false, assert: [] },
    trial: 1,
    messages: [],
  }
  const paused = { kind: 'paused', delay_ms: 58_000, reason: '429 slow\u001b[2J\ndown' } as const
  const { context, written, clock } = world(false)
  const progress = startProgress(context, 'a')
  progress.pass(1, 100, 'pass')
  progress.event({ kind: 'retry', request, attempt: 1, delay_ms: 500, reason: '503' })
  expect(written).toEqual([])
  progress.event(paused)
  expect(written).toEqual(['a pass 1 · 0/100 · waits 58 s, as the provider asks: 429 slow down\n'])
  progress.event(paused)
  expect(written).toHaveLength(1)
  clock.now = 31_000
  progress.event({ kind: 'stalled', request, timeout_ms: 60_000 })
  expect(written[1]).toBe('a pass 1 · 0/100 · no answer within 60 s\n')
  const terminal = world(true)
  const line = startProgress(terminal.context, 'a')
  line.pass(1, 100, 'pass')
  line.event({ ...paused, kind: 'retry', request, attempt: 2 })
  expect(terminal.written.at(-1)).toMatch(/a pass 1 · 0\/100 · tries again in 58 s/)
})
