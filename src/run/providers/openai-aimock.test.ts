// The provider against a model API of somebody else's making (@copilotkit/aimock), in a process of its own.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Aimock, startAimock } from '../../../fixtures/aimock/server.ts'
import type { AskRequest } from '../../ports.ts'
import { Case, type Message } from '../../schema/suite.ts'
import { Completion } from '../../schema/run.ts'
import { OpenAiProvider } from '../../schema/config.ts'
import { pricer } from '../price.ts'
import { openaiProvider } from './openai.ts'

const KEY = 'sk-canary-7f3a9c21e5b8d046aa11'
const clock = { monotonic: () => performance.now() }

function provider(url: string, more: Record<string, unknown> = {}) {
  const config = OpenAiProvider.parse({ type: 'openai', base_url: `${url}/v1`, api_key_env: 'CANARY', ...more })
  return openaiProvider('mock', config, { env: { CANARY: KEY }, clock })
}

function request(content: string, more: Partial<AskRequest> = {}): AskRequest {
  const messages: Message[] = [{ role: 'user', content }]
  return {
    key: content,
    case: Case.parse({ id: 'tc_1' }),
    trial: 1,
    messages,
    model: { id: 'gpt-4o', params: {} },
    ...more,
  }
}

async function ask(url: string, content: string, more: Partial<AskRequest> = {}) {
  const attempt = await provider(url).ask(request(content, more), AbortSignal.timeout(10_000))
  expect(JSON.stringify(attempt)).not.toContain('canary-7f3a')
  expect(Completion.parse(attempt.completion)).toEqual(attempt.completion)
  return attempt
}

describe('answers', () => {
  let mock: Aimock
  beforeAll(async () => void (mock = await startAimock()))
  afterAll(() => mock.stop())

  it('gives the scripted sequence good, bad, good', async () => {
    const texts: string[] = []
    for (let trial = 1; trial <= 3; trial++) {
      texts.push((await ask(mock.url, 'good bad good', { trial })).completion.text)
    }
    expect(texts).toEqual(['Refunds take 14 days.', 'Ask a competitor.', 'Refunds take 14 days.'])
  })

  it('records model, fingerprint, usage, request id, and what it costs', async () => {
    const { completion, retry } = await ask(mock.url, 'all the facts')
    expect(retry).toBeUndefined()
    expect(completion).toMatchObject({
      outcome: 'answered',
      text: 'Here they are.',
      response_model: 'gpt-4o-2024-11-20',
      fingerprint: 'fp_44709d6fcb',
      finish_reason: 'stop',
      usage: { input_tokens: 1000, output_tokens: 100 },
      request_id: expect.stringMatching(/.{8,}/),
    })
    expect(completion.latency_ms).toBeGreaterThan(0)
    const price = await pricer()
    expect(price({ id: 'gpt-4o-2024-11-20', provider: 'mock' }, completion)).toBeCloseTo(0.0035, 12)
  })

  it('tells truncated and filtered answers from whole ones', async () => {
    expect((await ask(mock.url, 'cut short')).completion).toMatchObject({ outcome: 'truncated', text: 'Once upon a' })
    expect((await ask(mock.url, 'filtered')).completion).toMatchObject({ outcome: 'refused', text: 'I cannot' })
  })

  it('sends tools, reads tool calls, and sends their results back', async () => {
    const tools = [{ name: 'get_weather', description: 'Weather of a city', parameters: { type: 'object' } }]
    const first = (await ask(mock.url, 'weather', { tools })).completion
    expect(first).toMatchObject({ outcome: 'answered', finish_reason: 'tool_calls' })
    expect(first.tool_calls).toMatchObject([{ name: 'get_weather', arguments: '{"city":"Oslo"}' }])
    const id = first.tool_calls[0]?.id ?? ''
    expect(id).not.toBe('')
    const messages: Message[] = [
      { role: 'user', content: 'weather' },
      { role: 'assistant', content: '', tool_calls: first.tool_calls },
      { role: 'tool', content: '{"sky":"snow"}', tool_call_id: id },
    ]
    const second = (await ask(mock.url, 'weather', { tools, messages })).completion
    expect(second).toMatchObject({ outcome: 'answered', text: 'It snows in Oslo.' })
    const sent: Record<string, unknown> = { ...(await mock.journal()).at(-1)?.body }
    expect(sent['tools']).toEqual([{ type: 'function', function: tools[0] }])
    expect(sent['messages']).toEqual([
      { role: 'user', content: 'weather' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id, type: 'function', function: { name: 'get_weather', arguments: '{"city":"Oslo"}' } }],
      },
      { role: 'tool', content: '{"sky":"snow"}', tool_call_id: id },
    ])
  })

  it('speaks to Azure deployments', async () => {
    const azure = provider(mock.url, { base_url: mock.url, api_version: '2024-10-21' })
    const { completion } = await azure.ask(request('all the facts'), AbortSignal.timeout(10_000))
    expect(completion).toMatchObject({ outcome: 'answered', text: 'Here they are.' })
    expect((await mock.journal()).at(-1)?.path).toContain('/openai/deployments/gpt-4o/chat/completions')
    const filtered = await azure.ask(request('azure filter'), AbortSignal.timeout(10_000))
    expect(filtered.completion).toMatchObject({ outcome: 'refused', finish_reason: 'content_filter' })
    expect(filtered.completion.text).toMatch(/^The response was filtered/)
    expect(filtered.retry).toBeUndefined()
  })

  it.each([
    ['too many', 'rate_limit', 429, { after_ms: 2000 }],
    ['no money', 'quota', 429, undefined],
    ['server trouble', 'server_error', 500, {}],
    ['wrong parameter', 'bad_request', 400, undefined],
    ['wrong model', 'unknown_model', 404, undefined],
    ['nothing is scripted for this', 'server_error', 503, {}],
  ] as const)('%s is %s', async (content, kind, status, retry) => {
    const { completion, retry: again } = await ask(mock.url, content)
    expect(completion).toMatchObject({ outcome: 'error', error: { kind, status } })
    if (retry) expect(again).toMatchObject(retry)
    else expect(again).toBeUndefined()
  })

  it('keeps what the API says about a wrong parameter', async () => {
    const { completion } = await ask(mock.url, 'wrong parameter')
    expect(completion.error?.message).toContain("'max_completion_tokens' instead")
  })
})

describe('chaos', () => {
  it.each([
    ['--chaos-drop', 'server_error'],
    ['--chaos-malformed', 'malformed'],
    ['--chaos-disconnect', 'connection'],
    ['--chaos-ratelimit', 'rate_limit'],
  ])('%s is %s, worth another attempt', async (flag, kind) => {
    const mock = await startAimock([flag, '1'])
    try {
      const { completion, retry } = await ask(mock.url, 'all the facts')
      expect(completion).toMatchObject({ outcome: 'error', error: { kind } })
      expect(retry).toBeDefined()
    } finally {
      await mock.stop()
    }
  })

  it('a slow answer ends with the signal as a timeout, and is waited for without', async () => {
    const mock = await startAimock(['--chaos-latency', '400'])
    try {
      const late = await provider(mock.url).ask(request('all the facts'), AbortSignal.timeout(100))
      expect(late.completion.outcome).toBe('timeout')
      expect(late.completion.latency_ms).toBeLessThan(390)
      const { completion } = await ask(mock.url, 'all the facts')
      expect(completion.outcome).toBe('answered')
      expect(completion.latency_ms).toBeGreaterThan(390)
    } finally {
      await mock.stop()
    }
  })
})
