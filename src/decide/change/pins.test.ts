// Pins, aliases and unknowns: every rule of every provider, with the names at its edges.
import { describe, expect, it } from 'vitest'
import { type PinState, pinState } from './pins.ts'

type Row = [id: string, state: PinState['state'], known?: string[]]
const hex = (n: number) => 'a1'.repeat(n / 2)
const gpt4o = ['gpt-4o-2024-11-20', 'gpt-4o-2024-08-06', 'gpt-4o-2024-05-13']

const openai: Row[] = [
  ['gpt-4o-2024-11-20', 'pinned'],
  ['o1-2024-12-17', 'pinned'],
  ['gpt-9-2031-01-31', 'pinned'],
  ['gpt-4-0613', 'pinned'],
  ['gpt-4-0125-preview', 'pinned'],
  ['gpt-3.5-turbo-16k-0613', 'pinned'],
  ['gpt-4-1106-vision-preview', 'pinned'],
  ['ft:gpt-4o-mini-2024-07-18:acme:support:9abc', 'pinned'],
  ['ft:gpt-4o-mini-2024-07-18:acme::9abc', 'pinned'],
  ['gpt-4o', 'alias', gpt4o],
  ['gpt-4', 'alias', ['gpt-4-0613', 'gpt-4-0314']],
  ['gpt-4-turbo-preview', 'alias', ['gpt-4-0125-preview', 'gpt-4-1106-preview']],
  ['gpt-4o-mini', 'alias', ['gpt-4o-mini-2024-07-18']],
  ['chatgpt-4o-latest', 'alias'],
  ['gpt-5-chat-latest', 'alias'],
  ['gpt-4o-latest', 'alias', gpt4o],
  ['gpt-5.6', 'alias'],
  ['gpt-5.6-sol', 'unknown'],
  ['gpt-6-terra', 'unknown'],
  ['gpt-5.4', 'unknown'],
  ['gpt-4o-2024-13-20', 'unknown'],
  ['gpt-4o-2024-11-32', 'unknown'],
  ['gpt-4-0614', 'unknown'],
  ['text-embedding-3-small', 'unknown'],
]
const anthropic: Row[] = [
  ['claude-sonnet-4-6', 'pinned'],
  ['claude-opus-5', 'pinned'],
  ['claude-opus-5-1', 'pinned'],
  ['claude-haiku-10', 'pinned'],
  ['claude-sonnet-4-5-20250929', 'pinned'],
  ['claude-3-5-sonnet-20241022', 'pinned'],
  ['anthropic.claude-3-5-sonnet-20241022-v2:0', 'pinned'],
  ['us.anthropic.claude-sonnet-4-6-v1:0', 'pinned'],
  ['claude-sonnet-4-5@20250929', 'pinned'],
  ['claude-sonnet-4-5', 'alias', ['claude-sonnet-4-5-20250929']],
  ['claude-opus-4-0', 'alias', ['claude-opus-4-20250514']],
  ['claude-opus-4', 'alias', ['claude-opus-4-20250514']],
  ['claude-3-5-sonnet', 'alias', ['claude-3-5-sonnet-20241022', 'claude-3-5-sonnet-20240620']],
  ['claude-3-opus-latest', 'alias', ['claude-3-opus-20240229']],
  ['claude-instant-1.2', 'alias'],
  ['claude-opus-latest', 'alias'],
  ['claude-opus-5-fast', 'unknown'],
  ['gpt-4o', 'unknown'],
]
const gemini: Row[] = [
  ['gemini-2.0-flash-001', 'pinned'],
  ['models/gemini-1.5-pro-002', 'pinned'],
  ['google/gemini-2.0-flash-001', 'pinned'],
  ['gemini-2.5-flash-preview-05-20', 'pinned'],
  ['gemini-2.5-flash-preview-09-2025', 'pinned'],
  ['gemini-2.5-flash-lite-preview-09-2025', 'pinned'],
  ['gemini-1.5-flash-exp-0827', 'pinned'],
  ['gemini-flash-latest', 'alias'],
  ['gemini-2.0-flash', 'unknown', ['gemini-2.0-flash-001']],
  ['gemini-2.5-pro', 'unknown'],
  ['gemini-3-pro-preview', 'unknown'],
  ['gemini-2.5-flash-preview-13-20', 'unknown'],
]
const mistral: Row[] = [
  ['mistral-large-2411', 'pinned'],
  ['ministral-8b-2410', 'pinned'],
  ['mistral-large-latest', 'alias', ['mistral-large-2512', 'mistral-large-2411', 'mistral-large-2407']],
  ['mistral-large', 'unknown', ['mistral-large-2512', 'mistral-large-2411', 'mistral-large-2407']],
  ['mistral-large-2413', 'unknown'],
  ['mistral-embed', 'unknown'],
]
const ollama: Row[] = [
  [`llama3@sha256:${hex(64)}`, 'pinned'],
  [`llama3@sha256:${hex(62)}`, 'alias'],
  ['llama3', 'alias'],
  ['llama3:8b', 'alias'],
  ['gpt-4o-2024-11-20', 'alias'],
]
const huggingface: Row[] = [
  [`meta-llama/Llama-3.1-8B@${hex(40)}`, 'pinned'],
  [`meta-llama/Llama-3.1-8B@${hex(38)}`, 'alias'],
  ['meta-llama/Llama-3.1-8B@main', 'alias'],
  ['meta-llama/Llama-3.1-8B', 'alias'],
]
const openrouter: Row[] = [
  ['openai/gpt-4o-2024-11-20', 'pinned'],
  ['anthropic/claude-sonnet-4.6', 'pinned'],
  ['anthropic/claude-sonnet-4.5', 'alias', ['claude-sonnet-4-5-20250929']],
  ['openai/gpt-4o', 'alias', gpt4o],
  ['openai/gpt-4o-2024-11-20:nitro', 'alias'],
  ['meta-llama/llama-3.1-8b:floor', 'alias'],
  ['meta-llama/llama-3.1-8b:free', 'alias'],
  ['openrouter/auto', 'alias'],
  ['meta-llama/llama-3.1-8b', 'unknown'],
]
/** Behind a proxy, on a server of one's own, and for recordings of nobody in particular. */
const other: Row[] = [
  ['gpt-4o-2024-11-20', 'pinned'],
  ['claude-sonnet-4-6', 'pinned'],
  ['gemini-2.0-flash-001', 'pinned'],
  ['mistral-large-2411', 'pinned'],
  ['scripted-assistant-2026-11-01', 'pinned'],
  [`org/name@${hex(40)}`, 'pinned'],
  [`name@sha256:${hex(64)}`, 'pinned'],
  [`gpt-4o@sha256:${hex(64)}`, 'unknown', ['gpt-4o-2024-11-20', 'gpt-4o-2024-08-06', 'gpt-4o-2024-05-13']],
  [`claude-sonnet-4-5@${hex(40)}`, 'unknown', ['claude-sonnet-4-5-20250929']],
  ['gpt-4o', 'alias', gpt4o],
  ['claude-sonnet-4-5', 'alias', ['claude-sonnet-4-5-20250929']],
  ['my-model-latest', 'alias'],
  ['llama3:latest', 'alias'],
  ['org/name@main', 'alias'],
  ['org/name', 'unknown'],
  ['my-model', 'unknown'],
  ['my-model-2026-13-01', 'unknown'],
]

const tables: [string, string | undefined, Row[]][] = [
  ['OpenAI', 'https://api.openai.com/v1', openai],
  ['OpenAI in Europe', 'https://eu.api.openai.com/v1', openai],
  ['Anthropic', 'https://api.anthropic.com/v1/', anthropic],
  ['Gemini', 'https://generativelanguage.googleapis.com/v1beta/openai/', gemini],
  ['Vertex', 'https://europe-west1-aiplatform.googleapis.com/v1/openai', gemini],
  ['Mistral', 'https://api.mistral.ai/v1', mistral],
  ['Ollama', 'http://localhost:11434/v1', ollama],
  ['Hugging Face', 'https://router.huggingface.co/v1', huggingface],
  ['OpenRouter', 'https://openrouter.ai/api/v1', openrouter],
  ['a proxy', 'https://llm.example.com/v1', other],
  ['a host that only looks like OpenAI', 'https://api.openai.com.example.net/v1', other],
  ['nobody in particular', undefined, other],
]

describe.each(tables)('%s', (_, base_url, rows) => {
  it.each(rows)('%s: %s', (id, state, known) => {
    const found = pinState({ type: 'openai', base_url }, id)
    expect({ state: found.state, known: found.known }).toEqual({ state, known })
    expect(found.why).not.toBe('')
  })
})

describe('Azure', () => {
  it.each(['https://acme.openai.azure.com/openai/v1', 'https://acme.services.ai.azure.com/openai/v1'])(
    '%s',
    (base_url) => {
      expect(pinState({ type: 'openai', base_url }, 'gpt-4o-2024-11-20').state).toBe('unknown')
    },
  )
  it('is told from api_version as well', () => {
    const provider = { type: 'openai', base_url: 'https://gateway.example.com', api_version: '2024-10-21' }
    expect(pinState(provider, 'gpt-4o-2024-11-20').state).toBe('unknown')
  })
})

it('names only pinned models as known', () => {
  for (const [, base_url, rows] of tables)
    for (const [, , known = []] of rows)
      for (const id of known)
        if (!base_url?.includes('openrouter')) expect(pinState({ type: 'openai', base_url }, id).state).toBe('pinned')
})
