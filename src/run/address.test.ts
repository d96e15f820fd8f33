// The address of a provider and of a target: what people see holds no secret, and what is compared tells all apart.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ResolvedTarget } from '../ports.ts'
import { ProviderConfig } from '../schema/config.ts'
import { addressOf, isHomemade, providerIdentity, providerKey } from './address.ts'

const provider = (written: object) => ProviderConfig.parse({ type: 'openai', ...written })

describe('a provider', () => {
  it('is told by type, address, version and names of headers, without a secret', () => {
    const secret = 'hunter2hunter2'
    const config = provider({
      base_url: `https://ada:${secret}@llm.example.org:8443/v1?key=${secret}&team=a`,
      api_version: '2026-01',
      headers: { 'X-Team': secret, Authorization: 'Bearer ${KEY}' },
    })
    const identity = providerIdentity(config)
    expect(identity).toEqual({
      type: 'openai',
      base_url: 'https://llm.example.org:8443/v1?key&team',
      api_version: '2026-01',
      headers: ['authorization', 'x-team'],
    })
    expect(JSON.stringify([identity, providerKey(config)])).not.toContain(secret)
  })
  it('behind recordings is the one that is recorded', () => {
    const of = { type: 'openai', base_url: 'https://a.example.org/v1' }
    expect(providerIdentity(provider({ type: 'replay', of }))).toEqual({
      type: 'replay',
      base_url: of.base_url,
      headers: [],
    })
    expect(providerIdentity(provider({ type: 'replay' }))).toEqual({ type: 'replay', headers: [] })
  })
  it('has a key of its own for every address, version and header, and none for limits', () => {
    const base = { base_url: 'https://a.example.org/v1' }
    const others = [
      base,
      { base_url: 'https://b.example.org/v1' },
      { ...base, api_version: '1' },
      { ...base, headers: { 'x-model': 'cheap' } },
      { ...base, headers: { 'x-model': 'dear' } },
      { type: 'replay', of: { type: 'openai', ...base } },
    ]
    expect(new Set(others.map((one) => providerKey(provider(one)))).size).toBe(others.length)
    expect(providerKey(provider({ ...base, retries: 1, concurrency: 2 }))).toBe(providerKey(provider(base)))
  })
  it.each([
    ['https://api.openai.com/v1', false],
    ['http://10.0.0.1/v1', false],
    ['https://localhost.example.org/v1', false],
    ['http://localhost:4010/v1', true],
    ['http://127.0.0.1:1/v1', true],
    ['http://[::1]:1/v1', true],
    ['http://0.0.0.0:1/v1', true],
  ])('%s: homemade is %s', (base_url, homemade) => {
    expect(isHomemade(provider({ base_url }))).toBe(homemade)
  })
})

describe('the target of a suite', () => {
  const root = join('/', 'repo')
  const limits = { timeout: 1, concurrency: 1 }
  const command = (words: string[]): ResolvedTarget => ({
    kind: 'command',
    target: { command: words, env: [], ...limits },
  })
  const module = (path: string): ResolvedTarget => ({
    kind: 'module',
    target: { module: path, export: 'default', ...limits },
  })
  const at = (target: ResolvedTarget, folder: string) => addressOf({ target, dir: join(root, folder) }, root)

  it('is the place of a module in the project, wherever the suite lies', () => {
    expect(at(module('../app.mjs'), 'evals')).toEqual(at(module('../../app.mjs'), join('evals', 'deep')))
    expect(at(module('../app.mjs'), 'evals').at).toBe('module app.mjs')
    expect(at(module('app.mjs'), 'evals').key).not.toBe(at(module('../app.mjs'), 'evals').key)
  })
  it('is the command and the folder that it runs in', () => {
    const { at: said, key } = at(command(['node', 'app.mjs']), 'evals')
    expect(said).toBe('command node app.mjs in evals')
    expect(at(command(['node', 'app.mjs']), 'canned').key).not.toBe(key)
    expect(at(command(['node', 'app.mjs', '--canned']), 'evals').key).not.toBe(key)
  })
  it('is an address without its query and password', () => {
    const http = {
      url: 'https://ada:pw@a.example.org/ask?key=hunter2',
      method: 'POST',
      headers: {},
      answer: '$',
    } as const
    const made = at({ kind: 'http', target: { http, ...limits } }, 'evals')
    expect(made.at).toBe('POST https://a.example.org/ask?…')
  })
})
