// Drafts of what failed: no twins, oldest first, no more than asked for, and none that would count without an assertion.
import { expect, it } from 'vitest'
import { acceptable, type Failed, normalInput, planDrafts } from './drafts.ts'

const hash = (text: string) => Buffer.from(text).toString('hex').padEnd(10, '0')
const failed = (question: string, more: Partial<Failed> = {}): Failed => ({
  at: 1_000_000,
  trace: 't-1',
  category: 'billing',
  vars: { question },
  metrics: ['error_rate'],
  ...more,
})
const plan = (events: Failed[], more: Partial<Parameters<typeof planDrafts>[0]> = {}) =>
  planDrafts({ from: 'support-1.3', events, known: [], most: 10, hash, ...more })

it('one question is one draft, however it is written', () => {
  const made = plan([
    failed('Where is order 4711?'),
    failed('where is  ORDER 987654', { at: 1 }),
    failed('Refund, please'),
  ])
  expect(made.drafts.map(({ vars }) => vars['question'])).toEqual(['where is  ORDER 987654', 'Refund, please'])
  expect(made).toMatchObject({ twins: 1, left: 0 })
})

it('what a case or a draft asks already is no draft', () => {
  const made = plan([failed('Where is my order?')], { known: [{ vars: { question: 'where is my order' } }] })
  expect(made).toMatchObject({ drafts: [], twins: 1 })
})

it('says how many were too many', () => {
  const made = plan([failed('alpha'), failed('a question of another kind'), failed('refund of a gift card')], {
    most: 1,
  })
  expect(made.drafts).toHaveLength(1)
  expect(made).toMatchObject({ twins: 0, left: 2 })
})

it('names its origin, and keeps only a category that is a name', () => {
  const { drafts } = plan([failed('alpha', { category: 'two words', trace: null })], { from: 'logs/*.jsonl' })
  expect(drafts[0]).toMatchObject({ tags: ['draft', 'production'], assert: [] })
  expect(drafts[0]?.id).toMatch(/^logs-/)
  expect(drafts[0]).not.toHaveProperty('category')
  expect(JSON.stringify(drafts[0])).not.toContain('trace')
})

it('the form of an input does not hang on the order of its variables', () => {
  expect(normalInput({ b: 'Two', a: 'One!' })).toBe(normalInput({ a: 'one', b: 'two' }))
  expect(normalInput({ a: 'order 1' })).not.toBe(normalInput({ a: 'order 2' }))
})

it('a draft counts once it has an assertion, its own or that of the suite', () => {
  const [bare] = plan([failed('alpha')]).drafts
  const drafts = [bare, { ...bare, id: 'other', assert: [{ contains: 'x' }] }].flatMap((one) => one ?? [])
  const own = acceptable(drafts as never[], 0) as unknown as {
    accepted: { id: string; tags: string[] }[]
    kept: unknown[]
  }
  expect(own.accepted.map(({ id, tags }) => [id, tags])).toEqual([['other', ['production']]])
  expect(own.kept).toHaveLength(1)
  expect(acceptable(drafts as never[], 1).kept).toHaveLength(0)
})
