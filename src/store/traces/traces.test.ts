// Traces as exporters write them: conversations of several traces, log records, agents below agents, documents and lines.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readTraces } from './read-traces.ts'

const folder = mkdtempSync(join(tmpdir(), 'aigate-traces-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Attributes = Record<string, unknown>
const SECOND = 1_000_000_000n
const EPOCH = 1_795_228_245n * SECOND

const valueOf = (value: unknown): Attributes =>
  typeof value === 'number'
    ? { intValue: String(value) }
    : typeof value === 'string'
      ? { stringValue: value }
      : Array.isArray(value)
        ? { arrayValue: { values: value.map(valueOf) } }
        : { kvlistValue: { values: pairs(value as Attributes) } }
const pairs = (attributes: Attributes) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value) }))
const at = (seconds: number) => String(EPOCH + BigInt(Math.round(seconds * 1000)) * 1_000_000n)

/** `[start, end]` in seconds. */
function span(
  trace: string,
  id: string,
  [start, end]: [number, number],
  attributes: Attributes,
  more: Attributes = {},
) {
  return { traceId: trace, spanId: id, name: 'x', startTimeUnixNano: at(start), endTimeUnixNano: at(end), attributes: pairs(attributes), ...more } // biome-ignore format: one span
}
const spans = (...list: unknown[]) => ({
  resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ spans: list }] }],
})
const logs = (...list: unknown[]) => ({ resourceLogs: [{ scopeLogs: [{ logRecords: list }] }] })

const text = (role: string, content: string) => ({ role, parts: [{ type: 'text', content }] })
const calls = (...list: [id: string | undefined, name: string, args: unknown][]) => ({
  role: 'assistant',
  parts: list.map(([id, name, args]) => ({ type: 'tool_call', ...(id && { id }), name, arguments: args })),
})
const answers = (id: string, response: string) => ({
  role: 'tool',
  parts: [{ type: 'tool_call_response', id, response }],
})
const chat = (input: unknown[], output: unknown[], more: Attributes = {}) => ({
  'gen_ai.operation.name': 'chat',
  'gen_ai.input.messages': JSON.stringify(input),
  'gen_ai.output.messages': JSON.stringify(output),
  ...more,
})

let files = 0
const file = (content: string) => {
  const path = join(folder, `${++files}.json`)
  writeFileSync(path, content)
  return path
}
const lines = (...values: unknown[]) => file(values.map((value) => `${JSON.stringify(value)}\n`).join(''))
const read = (...paths: string[]) => readTraces(paths, 'aigate.case')
const stepsIn = ({ completion }: Awaited<ReturnType<typeof read>>['traces'][number]) =>
  completion.conversation?.steps.map(
    (step) => `${step.turn} ${step.role} ${step.content || step.tool_calls?.[0]?.name}`,
  )

describe('one conversation of several traces', () => {
  const [q1, a1, q2, a2, q3, a3] = [
    text('user', 'refund please'), text('assistant', 'Which order?'), text('user', 'yes'), text('assistant', 'Sure?'),
    text('user', 'yes'), text('assistant', 'Done.'),
  ] // biome-ignore format: a conversation
  const id = { 'gen_ai.conversation.id': 'thread-9' }
  const system = text('system', 'Be kind')
  const turns = ['1 user refund please', '1 assistant Which order?', '2 user yes', '2 assistant Sure?', '3 user yes', '3 assistant Done.'] // biome-ignore format: a conversation
  const three = (second: unknown[], third: unknown[]) =>
    // No order in time: exporters write as they please.
    lines(
      spans(span('t3', '1', [20, 21], chat(third, [a3], { ...id, 'gen_ai.usage.input_tokens': 30 }))),
      spans(span('t1', '1', [0, 1], chat([system, q1], [a1], { ...id, 'gen_ai.usage.input_tokens': 10 }))),
      spans(span('t2', '1', [10, 12], chat(second, [a2], { ...id, 'gen_ai.usage.input_tokens': 20 }))),
    )
  it.each([
    ['sent again as a whole', [system, q1, a1, q2], [system, q1, a1, q2, a2, q3]],
    ['kept by the server', [q2], [q3]],
    ['sent with its last answer', [a1, q2], [a2, q3]],
    ['sent with a window', [q1, a1, q2], [q2, a2, q3]],
  ])('%s', async (_, second, third) => {
    const { traces, notes } = await read(three(second, third))
    expect(traces).toHaveLength(1)
    const [one] = traces
    expect(one).toMatchObject({ id: 'thread-9', kind: 'conversation', asked: [{ role: 'system', content: 'Be kind' }] })
    expect(stepsIn(one!)).toEqual(turns)
    // What the user thought in between is no latency.
    expect(one!.completion).toMatchObject({
      outcome: 'answered',
      text: 'Done.',
      latency_ms: 4000,
      usage: { input_tokens: 60 },
    })
    expect(notes).toEqual(['3 traces are 1 conversation (gen_ai.conversation.id), each graded as one.'])
  })

  it('is named by any of its traces, and two names are two', async () => {
    const named = (name: string) => ({ ...id, 'aigate.case': name })
    const one = lines(
      spans(span('t1', '1', [0, 1], chat([q1], [a1], named('refund')))),
      spans(span('t2', '1', [2, 3], chat([q2], [a2], id))),
    )
    expect((await read(one)).traces).toMatchObject([{ case: 'refund', kind: 'conversation' }])
    const two = lines(
      spans(span('t1', '1', [0, 1], chat([q1], [a1], named('a')))),
      spans(span('t2', '1', [2, 3], chat([q1], [a1], named('b')))),
      spans(span('t3', '1', [4, 5], chat([q1, a1, q2], [a2], named('a')))),
    )
    const { traces } = await read(two)
    expect(traces.map((trace) => [trace.case, stepsIn(trace)?.length])).toEqual([['a', 4], ['b', 2]]) // biome-ignore format: two
  })

  it('is not measured where one of its turns was not recorded, and is where one only failed and was asked again', async () => {
    const blind = { 'gen_ai.operation.name': 'chat', ...id }
    const dark = lines(spans(span('t1', '1', [0, 1], blind)), spans(span('t2', '1', [2, 3], chat([q2], [a2], id))))
    expect((await read(dark)).traces).toMatchObject([
      { completion: { outcome: 'error', error: { kind: 'malformed' } } },
    ])
    const failed = { status: { code: 2, message: 'overloaded' } }
    const again = lines(
      spans(span('t1', '1', [0, 1], blind, failed)),
      spans(span('t2', '1', [2, 3], chat([q1], [a1], id))),
    )
    expect((await read(again)).traces).toMatchObject([{ completion: { outcome: 'answered', text: 'Which order?' } }])
    const last = lines(
      spans(span('t1', '1', [0, 1], chat([q1], [a1], id))),
      spans(span('t2', '1', [2, 3], blind, failed)),
    )
    expect((await read(last)).traces).toMatchObject([
      { completion: { outcome: 'error', error: { kind: 'server_error' } } },
    ])
  })
})

describe('log records', () => {
  const record = (trace: string, id: string, seconds: number, more: Attributes) => ({ timeUnixNano: at(seconds), traceId: trace, spanId: id, ...more }) // biome-ignore format: one record
  const old = (trace: string) => [
    record(trace, '1', 0.3, { eventName: 'gen_ai.choice', body: valueOf({ index: 0, finish_reason: 'stop', message: { content: 'On weekdays.' } }) }),
    record(trace, '1', 0.1, { attributes: pairs({ 'event.name': 'gen_ai.system.message', 'gen_ai.system': 'openai' }), body: valueOf({ content: 'Be kind' }) }),
    record(trace, '1', 0.2, { eventName: 'gen_ai.user.message', body: valueOf({ content: 'Do you ship?' }) }),
    record(trace, '1', 0.2, { eventName: 'app.started' }),
  ] // biome-ignore format: a table
  const expected = {
    asked: [{ role: 'system', content: 'Be kind' }],
    completion: { text: 'On weekdays.', finish_reason: 'stop' },
  }

  it('hold the messages of spans in another file, under the old names', async () => {
    const traced = lines(spans(span('t1', '1', [0, 2], { 'gen_ai.operation.name': 'chat' })))
    const logged = lines(logs(...old('t1')))
    for (const paths of [
      [traced, logged],
      [logged, traced],
    ]) {
      const { traces, notes } = await read(...paths)
      expect(traces).toMatchObject([{ ...expected, completion: { ...expected.completion, latency_ms: 2000 } }])
      expect(stepsIn(traces[0]!)).toEqual(['1 user Do you ship?', '1 assistant On weekdays.'])
      expect(notes).toEqual([])
    }
  })

  it('hold them under the new name, and are not added to what the span tells itself', async () => {
    const details = chat([text('user', 'Do you ship?')], [text('assistant', 'On weekdays.')])
    const event = record('t1', '1', 1, {
      eventName: 'gen_ai.client.inference.operation.details',
      attributes: pairs(details),
    })
    const bare = lines(spans(span('t1', '1', [0, 2], { 'gen_ai.operation.name': 'chat' })), logs(event))
    expect((await read(bare)).traces).toMatchObject([{ completion: { text: 'On weekdays.' } }])
    const both = lines(spans(span('t1', '1', [0, 2], details)), logs(event))
    expect(stepsIn((await read(both)).traces[0]!)).toHaveLength(2)
  })

  it('stand alone where nobody exported the spans: how long it took is not known then', async () => {
    const { traces } = await read(lines(logs(...old('t1'))))
    expect(traces).toMatchObject([expected])
    expect(traces[0]!.completion.latency_ms).toBeUndefined()
  })
})

describe('agents', () => {
  const agent = (input: unknown[], output: unknown[], more: Attributes = {}) => ({ ...chat(input, output, more), 'gen_ai.operation.name': 'invoke_agent' }) // biome-ignore format: one line
  const [question, done] = [text('user', 'Cancel it'), text('assistant', 'Cancelled.')]

  it('have the tool calls of those below them, whoever ends last, and tokens once', async () => {
    const path = lines(
      spans(
        span('t1', 'root', [0, 9], agent([question], [done], { 'gen_ai.usage.input_tokens': 30 })),
        span('t1', 'c1', [1, 2], chat([question], [calls(['k1', 'ask_helper', {}])], { 'gen_ai.usage.input_tokens': 10 }), { parentSpanId: 'root' }),
        span('t1', 'graph', [2, 6], {}, { parentSpanId: 'root' }),
        span('t1', 'sub', [3, 5], chat([text('user', 'help')], [calls(['k2', 'delete_user', { id: 7 }])], { 'gen_ai.usage.input_tokens': 15 }), { parentSpanId: 'graph' }),
        span('t1', 'c2', [7, 8], chat([question, calls(['k1', 'ask_helper', {}]), answers('k1', 'ok')], [done], { 'gen_ai.usage.input_tokens': 5 }), { parentSpanId: 'root' }),
        // A call after the answer, for a title of the conversation.
        span('t1', 'title', [8.1, 8.5], chat([text('user', 'Name this')], [text('assistant', 'A cancellation')]), { parentSpanId: 'root' }),
      ),
    ) // biome-ignore format: spans
    const { completion } = (await read(path)).traces[0]!
    expect(completion).toMatchObject({ text: 'Cancelled.', usage: { input_tokens: 30 }, conversation: { calls: 4 } })
    expect(completion.tool_calls.map(({ name }) => name)).toEqual(['ask_helper', 'delete_user'])
    expect(completion.conversation?.steps.at(-1)?.content).toBe('Cancelled.')
  })

  it('whose model is told of by nobody else answer for themselves', async () => {
    const { completion } = (await read(lines(spans(span('t1', 'a', [0, 1], agent([question], [done])))))).traces[0]!
    expect(completion).toMatchObject({ text: 'Cancelled.', conversation: { calls: 1 } })
  })

  it('that two instrumentations tell of made each call once', async () => {
    const output = [calls(['k1', 'find', { q: 1 }])]
    const path = lines(
      spans(
        span('t1', 'a', [0, 3], chat([question], output, { 'gen_ai.usage.input_tokens': 10 })),
        span('t1', 'b', [1, 2], chat([question], output, { 'gen_ai.usage.input_tokens': 10 }), { parentSpanId: 'a' }),
      ),
    )
    const { completion } = (await read(path)).traces[0]!
    expect(completion.tool_calls).toHaveLength(1)
    expect(completion.usage?.input_tokens).toBe(10)
  })

  it('keep the error of a tool that only its span tells', async () => {
    const tool = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'find', 'gen_ai.tool.call.id': 'k1' }
    const broken = { status: { code: 'STATUS_CODE_ERROR', message: 'no database' } }
    const path = lines(
      spans(
        span('t1', 'a', [0, 1], chat([question], [calls(['k1', 'find', { q: 1 }])])),
        span('t1', 'b', [2, 3], tool, broken),
      ),
    )
    const { completion } = (await read(path)).traces[0]!
    expect(completion.tool_calls).toHaveLength(1)
    expect(completion.conversation?.steps.at(-1)).toMatchObject({
      role: 'tool',
      error: true,
      content: 'no database',
      tool_call_id: 'k1',
    })
  })

  it('that broke off have no answer', async () => {
    const half = { ...text('assistant', 'Canc'), finish_reason: 'error' }
    const { completion } = (await read(lines(spans(span('t1', 'a', [0, 1], chat([question], [half])))))).traces[0]!
    expect(completion).toMatchObject({ outcome: 'error', text: '', error: { kind: 'server_error' } })
  })

  it('tell when their answer began', async () => {
    const attributes = chat([question], [done])
    const began = { key: 'gen_ai.response.time_to_first_chunk', value: { doubleValue: 0.25 } }
    const one = span('t1', 'a', [0, 1], attributes)
    const { completion } = (await read(lines(spans({ ...one, attributes: [...one.attributes, began] })))).traces[0]!
    expect(completion.first_token_ms).toBe(250)
  })

  it('call tools that their provider runs', async () => {
    const search = { role: 'assistant', parts: [{ type: 'server_tool_call', id: 's1', name: 'web_search', server_tool_call: { type: 'web_search', query: 'x' } }, { type: 'text', content: 'Found.' }] } // biome-ignore format: one message
    const { completion } = (await read(lines(spans(span('t1', 'a', [0, 1], chat([question], [search])))))).traces[0]!
    expect(completion).toMatchObject({ text: 'Found.', tool_calls: [{ name: 'web_search' }] })
  })
})

describe('the form of the file', () => {
  const one = spans(span('t1', '1', [0, 1], chat([text('user', 'a')], [text('assistant', 'b')])))
  const two = spans(span('t2', '1', [0, 1], chat([text('user', 'a')], [text('assistant', 'c')])))
  it.each([
    ['JSON lines', `${JSON.stringify(one)}\n${JSON.stringify(two)}`, 2],
    ['one document over many lines', `\ufeff${JSON.stringify(one, null, 2)}\n`, 1],
    ['a list over many lines', JSON.stringify([one, two], null, 2), 2],
    ['a list on one line', JSON.stringify([one, two]), 2],
    ['what a trace store gives out', JSON.stringify({ trace: one }, null, 2), 1],
    ['the same, older', JSON.stringify({ batches: one.resourceSpans }), 1],
  ])('%s', async (_, content, count) => {
    const { traces, notes } = await read(file(content))
    expect(traces).toHaveLength(count)
    expect(notes).toEqual([])
  })
  it('a torn first line is counted, and the others are read', async () => {
    const { traces, notes } = await read(file(`${JSON.stringify(one).slice(0, 80)}\n${JSON.stringify(two)}\n`))
    expect(traces).toMatchObject([{ id: 't2' }])
    expect(notes).toEqual(['1 line or spans could not be read.'])
  })
  it.each(['{"resourceMetrics": []}', '[]', '{"a":\n1}', ''])('%s is no file of traces', async (content) => {
    await expect(read(file(content))).rejects.toThrow(/holds no spans/)
  })
})
