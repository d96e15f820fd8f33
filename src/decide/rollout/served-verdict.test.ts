// What those who ask from outside are told of a rollout that went back: each reason once.
import { expect, it } from 'vitest'
import { servedVerdict } from './served-verdict.ts'
import type { RolloutState } from './state.ts'

const gone = (why: string, reasons: string[]) =>
  servedVerdict(
    // Of a state, what a rollout that went back is judged by.
    {
      mode: 'rolled-back',
      applied: null,
      wanted: { killed: true, why },
      last: { at: 0, decision: { outcome: 'fail', reasons } },
    } as unknown as RolloutState,
    0,
  ).reasons

it('says the reason of the look that sent it back once', () => {
  expect(gone('errors: 9 %.', ['errors: 9 %.'])).toEqual(['errors: 9 %.'])
  expect(gone('errors: 9 %. slow: 3 s.', ['errors: 9 %.', 'slow: 3 s.'])).toEqual(['errors: 9 %. slow: 3 s.'])
  expect(gone('stopped by Ada', ['errors: 9 %.'])).toEqual(['stopped by Ada', 'errors: 9 %.'])
  expect(gone('', ['errors: 9 %.'])).toEqual(['errors: 9 %.'])
})
