// Recorded answers come back by key and trial; missing ones are named; only measurements are recorded.
import { describe, expect, it } from 'vitest'
import { type AskRequest, fatalKinds, type Provider, type Recordings } from '../../ports.ts'
import { Completion } from '../../schema/run.ts'
import { Case } from '../../schema/suite.ts'
import { recordingProvider, replayProvider } from './replay.ts'

type Entry = Parameters<Recordings['add']>[0]
function recordings(entries: Entry[] = []): Recordings & { entries: Entry[] } {
  return {
    entries,
    find: (key, trial) => entries.find((entry) => entry.key === key && entry.trial === trial)?.completion,
    add: (entry) => void entries.push(entry),
  }
}
const answer = (more: Record<string, unknown> = {}) =>
  Completion.parse({ outcome: 'answered', text: 'hi', latency_ms: 812, attempts: 3, cost_usd: 0.01, ...more })
const request = (trial = 1): AskRequest => ({ key: 'k', case: Case.parse({ id: 'tc_7' }), trial, messages: [] })
const { signal } = new AbortController()

describe('replay', () => {
  const replay = replayProvider('rec', recordings([{ key: 'k', trial: 2, case: 'tc_7', completion: answer() }]))

  it('gives back what was recorded for this trial, with its latency and no attempt', async () => {
    expect(await replay.ask(request(2), signal)).toEqual({
      completion: { ...answer(), attempts: 0, replayed: true },
    })
  })

  it('names a missing answer, and lets the run go on to count the others', async () => {
    const { completion, retry } = await replay.ask(request(1), signal)
    expect(completion).toMatchObject({ outcome: 'error', attempts: 0, error: { kind: 'not_recorded' } })
    expect(completion.error?.message).toMatch(/trial 1 of case tc_7 .*`aigate eval --record`/)
    expect(retry).toBeUndefined()
    expect(fatalKinds.has('not_recorded')).toBe(false)
    expect(Completion.parse(completion)).toEqual(completion)
  })
})

describe('record', () => {
  it.each([
    ['answered', true],
    ['refused', true],
    ['truncated', true],
    ['error', false],
    ['timeout', false],
  ])('%s is recorded: %s', async (outcome, recorded) => {
    const store = recordings()
    const attempt = { completion: answer({ outcome }), retry: { after_ms: 5 } }
    const inner: Provider = { name: 'in', concurrency: 3, rpm: 60, timeout_ms: 9, retries: 2, ask: async () => attempt }
    const provider = recordingProvider(inner, store)
    expect(provider).toMatchObject({ name: 'in', concurrency: 3, rpm: 60, timeout_ms: 9, retries: 2 })
    expect(await provider.ask(request(3), signal)).toEqual(attempt)
    const entry = { key: 'k', trial: 3, case: 'tc_7', completion: attempt.completion }
    expect(store.entries).toEqual(recorded ? [entry] : [])
  })
})
