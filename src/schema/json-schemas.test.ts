// The JSON Schemas in schema/ are those of the code (`npx vitest run -u` writes them), and they mean the same.
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import type * as z from 'zod'
import { jsonSchemas, type SchemaName } from './json-schemas.ts'
import { Lock } from './lock.ts'
import { LedgerRecord, ReleaseManifest } from './release.ts'

const schemas = jsonSchemas()
const names = Object.keys(schemas) as SchemaName[]

/** ajv-formats is CommonJS: its function hangs on `default`. */
function validator(name: SchemaName) {
  const ajv = new Ajv({ strict: false, allErrors: true })
  ;(addFormats as unknown as { default: (ajv: Ajv) => void }).default(ajv)
  return ajv.compile(schemas[name])
}

it.each(names)('schema/%s.schema.json is up to date', async (name) => {
  const text = `${JSON.stringify(schemas[name], null, 2)}\n`
  expect(schemas[name]).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#' })
  await expect(text).toMatchFileSnapshot(`../../schema/${name}.schema.json`)
})

const suite = `suite: support
version: 1.3.0
target: {prompt: support/answer@1.2.0, model: main}
trials: {min: 1, max: 3}
gate: {min_pass_rate: 0.85, max_regression: 5%, latency_p95: {max: 2000ms}}
assert: [{max_words: 120}, {not_contains: competitor, weight: 2}]
cases:
  - {id: tc_001, vars: {question: hello}, assert: [{contains: [a, b]}, {json_path: {path: $.a, equals: 1}}]}
`

it('an editor accepts a suite that the code accepts', () => {
  const validate = validator('suite')
  validate(parse(suite))
  expect(validate.errors ?? []).toEqual([])
})

it.each([
  ['unknown key', 'suite: support', 'siute: support'],
  ['unknown assertion', 'not_contains: competitor', 'not_contain: competitor'],
  ['wrong type', 'max_words: 120', 'max_words: many'],
  ['wrong version', 'version: 1.3.0', 'version: one'],
])('an editor marks: %s', (_, from, to) => {
  expect(suite).toContain(from)
  expect(validator('suite')(parse(suite.replace(from, to)))).toBe(false)
})

it('an editor accepts a configuration, cases and a front matter', () => {
  const config = `version: 1
providers: {openai: {type: openai, base_url: https://api.openai.com/v1, timeout: 30s}, replay: {type: replay}}
models: {main: {provider: openai, id: gpt-4o-2024-11-20, params: {temperature: 0}}}
budget: {max_cost_usd: $5}
`
  expect(validator('aigate')(parse(config))).toBe(true)
  expect(validator('aigate')(parse(config.replace('type: replay', 'type: reply')))).toBe(false)
  expect(validator('cases')([{ id: 'a', assert: [{ is_json: true }] }])).toBe(true)
  expect(validator('cases')([{ assert: [] }])).toBe(false)
  expect(validator('prompt')({ name: 'support/answer', version: '1.2.0', input: ['question'] })).toBe(true)
  expect(validator('prompt')({ name: '../answer', version: '1.2.0' })).toBe(false)
})

it('a program reads a manifest, a record of the ledger and a lock as the code does', () => {
  const release = {
    aigate: 'release',
    version: 1,
    id: '2026-11-21.1',
    env: 'production',
    at: '2026-11-21T10:00:00.000Z',
    by: 'Ada Lovelace',
    sentence: 'prompt answer 1.0.0 -> 1.1.0 (tone: “warm”)',
    git: null,
    container: 'app:1.4.2',
    prompts: [{ name: 'answer', version: '1.1.0', hash: 'a'.repeat(64), file: 'prompts/answer/1.1.0.md' }],
    models: [{ name: 'main', provider: 'api', id: 'test-2026-01-01', params: { temperature: 0 } }],
    components: { index: { version: 'kb-2026-11', note: '+50 docs' } },
    suites: [],
    verdicts: [{ suite: 'support', run: null, outcome: 'invalid', reason: 'no run of this suite is stored' }],
  }
  const chain = { prev: '0'.repeat(64), hash: 'f'.repeat(64) }
  const record = { aigate: 'ledger', version: 1, seq: 1, at: release.at, by: release.by, kind: 'release', ...chain }
  const status = { ...record, kind: 'status', component: { kind: 'index', name: 'kb-2026-10' }, status: 'archived' }
  const accepts = (name: SchemaName, schema: z.ZodType, value: unknown) => {
    const code = schema.safeParse(value).success
    expect(validator(name)(value)).toBe(code)
    return code
  }
  const manifest = (value: unknown) => accepts('release', ReleaseManifest, value)
  const line = (value: unknown) => accepts('ledger', LedgerRecord, value)
  expect(manifest(release)).toBe(true)
  for (const wrong of [{ id: '2026-11-21' }, { env: 'two\nlines' }, { version: 2 }, { at: 'today' }, { extra: 1 }])
    expect([wrong, manifest({ ...release, ...wrong })]).toEqual([wrong, false])
  expect(line({ ...record, manifest: release, manifest_sha256: 'b'.repeat(64) })).toBe(true)
  expect(line({ ...status, keep_until: '2026-12-31' })).toBe(true)
  for (const wrong of [{ status: 'production' }, { seq: 0 }, { keep_until: 'soon' }, { kind: 'release' }])
    expect([wrong, line({ ...status, ...wrong })]).toEqual([wrong, false])
  expect(accepts('lock', Lock, { aigate: 'lock', version: 1 })).toBe(true)
  expect(accepts('lock', Lock, { aigate: 'lock', version: 1, models: { main: 'gpt' } })).toBe(false)
})
