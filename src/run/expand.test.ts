// Requests: how prompts are rendered, and what the key of a request covers.
import { describe, expect, it } from 'vitest'
import type { LoadedPrompt, ResolvedTarget } from '../ports.ts'
import { OpenAiProvider } from '../schema/config.ts'
import { Case } from '../schema/suite.ts'
import { contentHash } from '../content-hash.ts'
import { expander } from './expand.ts'
import { snapshotTarget } from './snapshot.ts'

type PromptTarget = Extract<ResolvedTarget, { kind: 'prompt' }>
const config = OpenAiProvider.parse({ type: 'openai' })
const message = (template: string, line = 5): LoadedPrompt['messages'][number] => ({ role: 'user', template, line })

function target(template: string, more: Partial<PromptTarget> = {}): PromptTarget {
  return {
    kind: 'prompt',
    prompt: {
      name: 'a/b',
      version: '1.0.0',
      input: [],
      file: 'prompts/a/b/1.0.0.md',
      hash: 'h',
      messages: [message(template)],
    },
    model: { name: 'main', pin: { provider: 'openai', id: 'gpt-x', params: {} } },
    params: { temperature: 0 },
    provider: { name: 'openai', config },
    ...more,
  }
}
const testCase = (vars: Case['vars'], more: object = {}) => Case.parse({ id: 'c1', vars, ...more })
const render = async (template: string, vars: Case['vars']) =>
  (await expander(target(template)))(testCase(vars), 1).messages[0]?.content

describe('rendering', () => {
  it('never reads a value as a template', async () => {
    expect(await render('Q: {{ q }}', { q: '{{ evil }} {% raw %}' })).toBe('Q: {{ evil }} {% raw %}')
  })

  it('trims blank lines at the edges only, and writes objects as JSON', async () => {
    expect(await render('\n  \n  a\n\n{{ x }}\n\n', { x: { n: [1] } })).toBe('  a\n\n{"n":[1]}')
    expect(await render('\n \n', {})).toBe('')
  })

  it.each([
    ['{{ missing }}', 'undefined variable: missing'],
    ['{{ q | nofilter }}', 'undefined filter: nofilter'],
    ['{% include "/etc/passwd" %}', 'include'],
    ['{% render "/etc/passwd" %}', 'render'],
    ['{% layout "x" %}', 'layout'],
    ['{{ q.constructor }}', 'undefined variable: q.constructor'],
    ['{% for i in (1..1000000000) %}x{% endfor %}', 'limit exceeded'],
    ['{% if %', 'not closed'],
  ])('refuses %s', async (template, problem) => {
    const rendering = render(`first\n${template}`, { q: 'x' })
    await expect(rendering).rejects.toMatchObject({
      code: 'bad_template',
      outcome: 'usage',
      message: expect.stringContaining(problem),
      places: [{ file: 'prompts/a/b/1.0.0.md', line: 6 }],
    })
  })

  it('names the case that lacks a variable', async () => {
    await expect(render('{{ q }}', {})).rejects.toThrow('a/b@1.0.0 cannot be rendered for case c1')
  })

  it('adds the conversation of the case literally', async () => {
    const messages = [{ role: 'assistant', content: '{{ q }}' }]
    const request = (await expander(target('hi')))(testCase({}, { messages }), 1)
    expect(request.messages).toEqual([{ role: 'user', content: 'hi' }, ...messages])
  })
})

describe('key', () => {
  const keyOf = async (of: ResolvedTarget, trial = 1, vars: Case['vars'] = { q: '1' }) =>
    (await expander(of))(testCase(vars), trial).key

  it('is the same for the same question, whatever the order, the trial and the limits', async () => {
    const base = await keyOf(target('{{ q }}', { params: { a: 1, b: 2 } }))
    expect(base).toMatch(/^[0-9a-f]{64}$/)
    expect(await keyOf(target('{{ q }}', { params: { b: 2, a: 1 } }), 4)).toBe(base)
    const slow = { ...config, timeout: 1, concurrency: 1, headers: { 'x-key': '${KEY}' }, api_key_env: 'OTHER' }
    expect(await keyOf(target('{{ q }}', { params: { a: 1, b: 2 }, provider: { name: 'openai', config: slow } }))).toBe(
      base,
    )
  })

  it('is the same however often and whenever it is looked at, and in a copy', async () => {
    const request = (await expander(target('{{ q }}')))(testCase({ q: '1' }), 1)
    const { key } = request
    expect([request.key, { ...request }.key, Object.keys(request).includes('key')]).toEqual([key, key, true])
    // As it was before keys came late: recordings and caches are found by it.
    expect(key).toBe(
      contentHash({
        provider: 'openai',
        model: 'gpt-x',
        params: { temperature: 0 },
        messages: [{ role: 'user', content: '1' }],
      }),
    )
  })

  it('changes with everything that decides the answer', async () => {
    const variants = [
      target('{{ q }}'),
      target('{{ q }}!'),
      target('{{ q }}', { params: {} }),
      target('{{ q }}', { tools: [{ name: 't' }] }),
      target('{{ q }}', { response_format: { type: 'json_object' } }),
      target('{{ q }}', { provider: { name: 'azure', config } }),
      target('{{ q }}', { model: { name: 'main', pin: { provider: 'openai', id: 'gpt-y', params: {} } } }),
    ]
    const keys = await Promise.all([...variants.map((one) => keyOf(one)), keyOf(target('{{ q }}'), 1, { q: '2' })])
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('of an application covers its command, not its limits', async () => {
    const app = (command: string[], timeout: number): ResolvedTarget => ({
      kind: 'command',
      target: { command, env: [], timeout, concurrency: 4 },
    })
    expect(await keyOf(app(['a'], 1))).toBe(await keyOf(app(['a'], 2)))
    expect(await keyOf(app(['a'], 1))).not.toBe(await keyOf(app(['b'], 1)))
  })

  it('of an application covers the id of the case, which it is told; a prompt is told none', async () => {
    const asked = async (of: ResolvedTarget, id: string) =>
      (await expander(of))(Case.parse({ id, vars: { q: '1' } }), 1).key
    const limits = { timeout: 1, concurrency: 1 }
    const http = { url: 'http://x/{{ id }}', method: 'GET', headers: {}, answer: '$' } as const
    const apps: ResolvedTarget[] = [
      { kind: 'command', target: { command: ['a'], env: [], ...limits } },
      { kind: 'http', target: { http, ...limits } },
      { kind: 'module', target: { module: './app.mjs', export: 'default', ...limits } },
    ]
    for (const app of apps) expect(await asked(app, 'c1')).not.toBe(await asked(app, 'c2'))
    expect(await asked(target('{{ q }}'), 'c1')).toBe(await asked(target('{{ q }}'), 'c2'))
  })
})

describe('snapshot', () => {
  it('says what was asked and hashes what decides', () => {
    const snapshot = snapshotTarget(target('x'))
    expect(snapshot.label).toBe('a/b@1.0.0 with main (gpt-x)')
    expect(snapshot.hash).not.toBe(snapshotTarget(target('x', { params: {} })).hash)
    expect(snapshot.hash).toBe(snapshotTarget(target('x', { tools: undefined })).hash)
  })

  it('labels applications', () => {
    const http = { url: 'http://x/${KEY}', method: 'POST', headers: {}, answer: '$' } as const
    const snapshot = snapshotTarget({ kind: 'http', target: { http, timeout: 1, concurrency: 1 } })
    expect(snapshot).toMatchObject({ kind: 'http', label: 'POST http://x/${KEY}' })
  })

  it('hashes the same content to the same text', () => {
    expect(contentHash({ a: [1, { c: 1, b: undefined }] })).toBe(contentHash({ a: [1, { b: undefined, c: 1 }] }))
  })
})
