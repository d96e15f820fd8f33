// The whole loop: how soon a bad candidate is gone, and that it goes by itself when nobody watches any more.
import { expect, it } from 'vitest'
import { root } from '../cli-testing.ts'
import { badCandidate, deadMonitor } from './loop-testing.ts'

it.concurrent('five times the errors at 25 %: rolled back, and nobody is served the candidate any more', async () => {
  const seen = await badCandidate(root)
  expect(seen.exit).toBe(1)
  expect(seen.candidate).toBeGreaterThan(50)
  expect(seen.start_to_decision).toBeLessThan(30)
  expect(seen.decision_to_last_candidate).toBeLessThan(10)
}, 120_000)

it.concurrent('the monitor is killed: exposure ends with the lease, without a write', async () => {
  const seen = await deadMonitor(root)
  expect(seen.kill_to_lease_end).toBeGreaterThan(0)
  expect(seen.candidate_between).toBeGreaterThan(0)
  expect(seen.requests_after).toBeGreaterThan(50)
  expect(seen.candidate_after).toBe(0)
  expect(seen.flag_file_written).toBe(false)
}, 120_000)
