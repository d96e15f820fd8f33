// Who answers for which target, live, recorded and offline.
import { performance } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import type { AskRequest, LoadedSuite, Recordings, ResolvedTarget } from '../ports.ts'
import { ProviderConfig } from '../schema/config.ts'
import { defaultPolicy } from '../schema/gate.ts'
import type { Completion } from '../schema/run.ts'
import { Case, Suite } from '../schema/suite.ts'
import { buildProvider } from './build-provider.ts'

const clock = { monotonic: () => performance.now() }
const request: AskRequest = { key: 'k', case: Case.parse({ id: 'c1' }), trial: 1, messages: [] }
const command = [process.execPath, '-e', 'console.log("live")']

function suite(target: ResolvedTarget): LoadedSuite {
  const written = Suite.parse({ suite: 's', version: '1.0.0', target: { command } })
  return { suite: written, file: 's.suite.yaml', dir: process.cwd(), cases: [], target, policy: defaultPolicy }
}
const app = suite({ kind: 'command', target: { command, env: [], timeout: 5_000, concurrency: 2 } })
const prompt = (config: object) =>
  suite({
    kind: 'prompt',
    prompt: { name: 'p', version: '1.0.0', input: [], file: 'p.md', hash: 'h', messages: [] },
    model: { name: 'm', pin: { provider: 'ai', id: 'x', params: {}, price: { input: 1, output: 2 } } },
    params: {},
    provider: { name: 'ai', config: ProviderConfig.parse(config) },
  })

function memory(known?: Completion) {
  const added: string[] = []
  const recordings: Recordings = { find: () => known, add: ({ completion }) => void added.push(completion.text) }
  return { recordings, added }
}
const recorded: Completion = {
  outcome: 'answered',
  text: 'recorded',
  tool_calls: [],
  latency_ms: 5,
  attempts: 1,
  usage: { input_tokens: 1_000_000, output_tokens: 500_000 },
}
const build = (loaded: LoadedSuite, { recordings }: { recordings: Recordings }, more: object = {}) =>
  buildProvider(loaded, {
    env: { PATH: process.env['PATH'] },
    clock,
    recordings,
    record: false,
    offline: false,
    ...more,
  })
const text = async (provider: Promise<{ ask: Awaited<ReturnType<typeof build>>['ask'] }>) =>
  (await (await provider).ask(request, AbortSignal.timeout(5_000))).completion.text

describe('buildProvider', () => {
  it('asks an application live, records it, or replays it offline', async () => {
    expect(await text(build(app, memory(recorded)))).toBe('live')
    const record = memory()
    expect(await text(build(app, record, { record: true }))).toBe('live')
    expect(record.added).toEqual(['live'])
    expect(await text(build(app, memory(recorded), { offline: true }))).toBe('recorded')
  })

  it('replays for the type replay and for every prompt offline, with the price of the model', async () => {
    expect(await text(build(prompt({ type: 'openai' }), memory(recorded), { offline: true }))).toBe('recorded')
    const provider = await build(prompt({ type: 'replay' }), memory(recorded))
    const { completion } = await provider.ask(request, AbortSignal.timeout(1_000))
    expect(completion).toMatchObject({ text: 'recorded', replayed: true, cost_usd: 2 })
    expect(provider.name).toBe('ai')
  })

  it('asks the provider behind a replay when it records', async () => {
    const of = { type: 'openai', base_url: 'http://127.0.0.1:40999/v1', retries: 7 }
    const provider = await build(prompt({ type: 'replay', of }), memory(recorded), { record: true })
    expect(provider).toMatchObject({ name: 'ai', retries: 7 })
    const { completion } = await provider.ask(
      { ...request, model: { id: 'x', params: {} } },
      AbortSignal.timeout(5_000),
    )
    expect(completion.error?.kind).toBe('connection')
    const nobody = build(prompt({ type: 'replay' }), memory(), { record: true })
    await expect(nobody).rejects.toMatchObject({
      code: 'usage',
      outcome: 'usage',
      message: expect.stringContaining('ai'),
    })
  })
})
