// What the timeline says of actions, with a reason and without one.
import { expect, it } from 'vitest'
import type { ActionRecord } from '../../schema/action-journal.ts'
import { incident } from './timeline.ts'

const frame = { aigate: 'actions', version: 1, at: '2026-11-21T10:00:00.000Z', by: 'Ada', prev: '', hash: '' } as const
const records = (why: string): ActionRecord[] => [
  { ...frame, seq: 1, kind: 'begun', run: 'r', verb: 'rollback', subject: 'production', why, drill: true, plan: null },
  { ...frame, seq: 2, kind: 'intent', run: 'r', id: 'r-index', action: 'apply', subject: 'index', wanted: 'kb-1', why },
]
const texts = (why: string) =>
  incident(
    'x',
    { since: 0, until: Date.parse(frame.at) },
    { ledger: [], rollouts: [], guards: [], actions: records(why) },
  ).entries.map(({ text }) => text)

it('gives the reason, and ends without a colon where nobody gave one', () => {
  expect(texts('worse')).toEqual(['drill of rollback production began: worse', 'apply index kb-1 wanted: worse'])
  expect(texts(' ')).toEqual(['drill of rollback production began', 'apply index kb-1 wanted'])
})
