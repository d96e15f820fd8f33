// A pass of which some answers are there already: those are handed on at once, and only the others are asked.
import type { AskRequest } from '../ports.ts'
import type { Completion } from '../schema/run.ts'
import { type BatchInput, runWithBatches } from './batch/batch-pass.ts'
import type { Stopped } from './engine.ts'

/** So many known answers are handed on, and so many requests looked at, before a signal is looked for. */
const BATCH = { known: 64, looked: 1024 }

/**
 * Like `runPass`, but asks only the requests that `find` knows no answer to. What is known takes no turn at the provider:
 * no rate, budget or pause counts it. An interruption stops the handing on as well.
 */
export async function runKnowing(
  input: BatchInput,
  find: (request: AskRequest) => Completion | undefined,
): Promise<{ stopped?: Stopped }> {
  const unknown: AskRequest[] = []
  let [known, looked] = [0, 0]
  for (const request of input.requests) {
    // Timers and signals get a turn: nothing here waits by itself.
    if (known === BATCH.known || looked === BATCH.looked) {
      await new Promise((go) => setImmediate(go))
      known = looked = 0
    }
    const completion = input.signal.aborted || input.enough?.aborted ? undefined : find(request)
    looked += 1
    if (completion === undefined) unknown.push(request)
    else {
      known += 1
      await input.onCompletion(request, completion)
    }
  }
  return runWithBatches({ ...input, requests: unknown })
}
