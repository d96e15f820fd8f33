// What a target asks of the form of its answers, and which answers have it.
import { describe, expect, it } from 'vitest'
import type { ResolvedTarget } from '../ports.ts'
import { Completion } from '../schema/run.ts'
import type { Json } from '../schema/values.ts'
import { checkOutput, outputFormOf } from './output-form.ts'

const schema = { type: 'object', required: ['name'], properties: { name: { type: 'string' } } }
const other = { type: 'object', required: ['age'] }
function target(output: unknown, response_format?: Record<string, Json>, params: Record<string, Json> = {}) {
  return { kind: 'prompt', prompt: { output }, params, response_format } as unknown as ResolvedTarget
}
const wrapped = (inner: Json) => ({ type: 'json_schema', json_schema: { name: 'x', schema: inner } })
const answer = (over: Record<string, unknown>) =>
  Completion.parse({ outcome: 'answered', text: '', attempts: 1, ...over })

describe('the form', () => {
  it.each([
    ['none', target(undefined), null],
    ['text', target({ format: 'text' }, { type: 'text' }), null],
    ['an app', { kind: 'http' } as unknown as ResolvedTarget, null],
    ['json of the prompt', target({ format: 'json' }), { object: false, schemas: [] }],
    ['schema of the prompt', target({ format: 'json', schema }), { object: false, schemas: [schema] }],
    ['json_object', target(undefined, { type: 'json_object' }), { object: true, schemas: [] }],
    ['json_schema', target(undefined, wrapped(schema)), { object: false, schemas: [schema] }],
    ['in the params', target(undefined, undefined, { response_format: wrapped(schema) }), { object: false, schemas: [schema] }],
    ['both', target({ format: 'json', schema }, wrapped(other)), { object: false, schemas: [schema, other] }],
  ])('%s', (_, asked, form) => {
    expect(outputFormOf(asked)).toEqual(form)
  }) // biome-ignore format: a table
})

describe('an answer', () => {
  it.each([
    [{ text: '{"name": "Ada"}' }, true, /accepts/],
    [{ text: '{"name": 1}' }, false, /name must be string/],
    [{ text: '```json\n{"name": "Ada"}\n```' }, false, /not JSON/],
    [{ text: '{"name": "Ad', outcome: 'truncated' }, false, /not JSON/],
    [{ text: '' }, false, /empty/],
  ])('%j', async (over, valid, reason) => {
    const found = await checkOutput({ object: false, schemas: [schema] }, answer(over))
    expect(found).toMatchObject({ valid })
    expect(found?.reason).toMatch(reason)
  })
  it('must be an object where one is promised, and fit every schema', async () => {
    expect(await checkOutput({ object: true, schemas: [] }, answer({ text: '[1]' }))).toMatchObject({ valid: false })
    expect(await checkOutput({ object: true, schemas: [] }, answer({ text: '{}' }))).toMatchObject({ valid: true })
    const both = { object: false, schemas: [schema, other] }
    expect(await checkOutput(both, answer({ text: '{"name": "Ada"}' }))).toMatchObject({ valid: false })
  })
  it.each([
    { outcome: 'refused', text: 'I cannot.' },
    { outcome: 'timeout' },
    { outcome: 'error', error: { kind: 'connection', message: 'gone' } },
    { tool_calls: [{ name: 'find', arguments: '{}' }] },
  ])('that says nothing about the form: %j', async (over) => {
    expect(await checkOutput({ object: true, schemas: [] }, answer(over))).toBeUndefined()
  })
})
