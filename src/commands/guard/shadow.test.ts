// aigate shadow in a folder: recorded outputs become pairs, pairs a report and a verdict; embeddings come over real HTTP.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, it } from 'vitest'
import { AigateError } from '../../errors.ts'
import { bench } from '../rollout/canary-testing.ts'
import { removeTemporary, temporary } from '../cli-testing.ts'
import { shadowPairsCommand, shadowReportCommand, shadowVerdictCommand } from './shadow.ts'

afterAll(removeTemporary)

const plan = `shadow: support-1.3
pairs: {path: "logs/pairs*.jsonl*"}
min_pairs: 200
criteria:
  similarity: {below: 0.7, max_share: 10%}
  latency: {max_increase: 20%}
  cost: {max_increase: 20%}
  errors: {max_increase: 5%}
  winner: {}
`
function folderWith(files: Record<string, string | Buffer>): string {
  const folder = temporary()
  for (const [name, text] of Object.entries({ 'aigate.yaml': 'version: 1\n', ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

/** Recorded outputs of `n` requests; `change` says what the candidate does otherwise. */
function records(n: number, change: (i: number) => object = () => ({})): string {
  const one = (i: number) => ({
    id: i,
    ts: new Date(Date.UTC(2026, 10, 21, 9) + i * 1000).toISOString(),
    output: `Order ${i} ships on Monday and arrives on Friday`,
    latency_ms: 900 + (i % 7) * 30,
    cost_usd: 0.004,
    ...change(i),
  })
  return Array.from({ length: n }, (_, i) => `${JSON.stringify(one(i))}\n`).join('')
}

const said = (made: { out: string[] }) => made.out.splice(0).join('')

it('records, pairs, report, verdict: a good candidate passes', async () => {
  const good = (i: number) => ({ latency_ms: 905 + (i % 5) * 35, winner: i % 2 === 0 ? 'candidate' : 'baseline' })
  const folder = folderWith({
    'rollouts/support.shadow.yaml': plan,
    'a.jsonl': records(1500),
    'b.jsonl': records(1502, good),
    'logs/other.jsonl': 'not read\n',
  })
  const made = await bench(folder)
  const options = { baseline: 'a.jsonl', candidate: 'b.jsonl', out: 'logs/pairs.jsonl', measure: 'auto' as const }
  expect(await shadowPairsCommand(made.context, options)).toBe('pass')
  expect(made.err.join('')).toContain('1500 pairs; left out: 2 without an answer of the other side')
  expect(await shadowVerdictCommand(made.context, undefined, {})).toBe('pass')
  expect(said(made)).toBe('support-1.3: pass\n  Every criterion is proven.\n')
  expect(await shadowReportCommand(made.context, 'support-1.3', {})).toBe('pass')
  const text = said(made)
  expect(text).toContain('1500 pairs, 200 are asked for')
  for (const name of ['errors', 'winner', 'similarity', 'latency', 'cost']) expect(text).toContain(`✓ ${name} proven`)
  // The same pairs once more, packed, count once.
  writeFileSync(
    join(folder, 'logs/pairs.1.jsonl.gz'),
    gzipSync(`\n${readFileSync(join(folder, 'logs/pairs.jsonl'), 'utf8')}`),
  )
  await shadowReportCommand(made.context, undefined, { json: true })
  expect(JSON.parse(said(made))).toMatchObject({ pairs: 1500, outcome: 'pass' })
})

it('a dearer candidate fails by its cost alone, and says so', async () => {
  const dearer = () => ({ cost_usd: 0.009, latency_ms: 300, winner: 'candidate' })
  const recorded = plan.replace(/^pairs: .*$/m, 'recorded: {baseline: a.jsonl, candidate: b.jsonl}')
  const made = await bench(
    folderWith({ 'rollouts/s.shadow.yaml': recorded, 'a.jsonl': records(1500), 'b.jsonl': records(1500, dearer) }),
  )
  expect(await shadowVerdictCommand(made.context, undefined, { json: true })).toBe('fail')
  const { reasons } = JSON.parse(said(made)) as { reasons: string[] }
  expect(reasons).toHaveLength(1)
  expect(reasons[0]).toMatch(/^cost: \+\$0\.005 in the mean of 1500 pairs; at most 20 % of the baseline may be/)
})

it('failures of the candidate count as errors and as unlike answers, not as fast ones', async () => {
  const failing = (i: number) => (i % 4 === 0 ? { error: 'timeout', output: undefined, latency_ms: 1 } : {})
  const recorded = plan.replace(/^pairs: .*$/m, 'recorded: {baseline: a.jsonl, candidate: b.jsonl}')
  const made = await bench(
    folderWith({ 'rollouts/s.shadow.yaml': recorded, 'a.jsonl': records(2000), 'b.jsonl': records(2000, failing) }),
  )
  await shadowReportCommand(made.context, undefined, { json: true })
  const { criteria } = JSON.parse(said(made)) as { criteria: { name: string; state: string; pairs: number }[] }
  const of = (name: string) => criteria.find((one) => one.name === name)
  expect(of('errors')?.state).toBe('broken')
  expect(of('similarity')).toMatchObject({ state: 'broken', pairs: 2000 })
  expect(of('latency')?.pairs).toBe(1500)
})

it('events of another rollout, torn lines and impossible values are told apart', async () => {
  const event = (more: object) =>
    `${JSON.stringify({ 'event.name': 'aigate.shadow.pair', 'aigate.rollout': 'r', ...more })}\n`
  const log =
    event({ 'aigate.similarity': 0.9 }) +
    event({ 'aigate.rollout': 'other', 'aigate.similarity': 0.1 }) +
    event({ 'aigate.similarity': 3 }) +
    event({ 'aigate.winner': 'both' }) +
    `${JSON.stringify({ 'event.name': 'aigate.feedback', ts: 1 })}\n` +
    '{"event.name":"aigate.shadow.pair","aigate.simil\n'
  const made = await bench(folderWith({ 'rollouts/s.shadow.yaml': `${plan}rollout: r\n`, 'logs/pairs.jsonl': log }))
  await shadowReportCommand(made.context, undefined, { json: true })
  const value = JSON.parse(said(made)) as { pairs: number; warnings: string[] }
  expect(value.pairs).toBe(1)
  expect(value.warnings).toContain('3 lines could not be read.')
})

it('no file is not measured, a plan without criteria is refused', async () => {
  const made = await bench(folderWith({ 'rollouts/s.shadow.yaml': plan }))
  await expect(shadowVerdictCommand(made.context, undefined, {})).rejects.toMatchObject({ outcome: 'invalid' })
  const empty = await bench(folderWith({ 'rollouts/s.shadow.yaml': plan, 'logs/pairs.jsonl': '' }))
  expect(await shadowVerdictCommand(empty.context, undefined, {})).toBe('invalid')
  const bare = await bench(folderWith({ 'rollouts/s.shadow.yaml': plan.replace(/criteria:[\s\S]*/, 'criteria: {}\n') }))
  await expect(shadowVerdictCommand(bare.context, undefined, {})).rejects.toThrow(/criterion/)
})

it('embeddings come from a model of the registry; without its key nothing is sent, and no key is shown', async () => {
  const KEY = 'sk-canary-7f3a9c21e5b8d046aa11'
  const batches: string[][] = []
  let status = 200
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const { input, model } = JSON.parse(text) as { input: string[]; model: string }
      batches.push(input)
      const data = input.map((one, index) => ({
        object: 'embedding',
        index,
        embedding: one.includes('Monday') ? [1, 0] : [0, 1],
      }))
      const body = status === 200 ? { object: 'list', model, data } : { error: { message: `bad key ${KEY}` } }
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    const config = `version: 1\nproviders:\n  p: {type: openai, base_url: "http://127.0.0.1:${port}/v1", api_key_env: P_KEY}\nmodels:\n  embed: {provider: p, id: embed-3}\n`
    const folder = folderWith({
      'aigate.yaml': config,
      'a.jsonl': records(100),
      'b.jsonl': records(100, (i) => (i < 10 ? { output: `Order ${i} is lost` } : {})),
    })
    const options = { baseline: 'a.jsonl', candidate: 'b.jsonl', measure: 'auto' as const, embeddingModel: 'embed' }
    const keyless = await bench(folder)
    await expect(shadowPairsCommand(keyless.context, options)).rejects.toThrow(/P_KEY is not set/)
    expect(batches).toEqual([])
    const made = await bench(folder, { P_KEY: KEY })
    expect(await shadowPairsCommand(made.context, options)).toBe('pass')
    const events = said(made)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, number>)
    expect(events.filter((one) => one['aigate.similarity'] === 0)).toHaveLength(10)
    expect(events.filter((one) => one['aigate.similarity'] === 1)).toHaveLength(90)
    expect(batches.flat()).toHaveLength(110)
    status = 401
    const failed = await shadowPairsCommand(made.context, options).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(AigateError)
    expect(String(failed)).not.toContain(KEY)
    await expect(shadowPairsCommand(made.context, { ...options, embeddingModel: 'nobody' })).rejects.toThrow(
      /unknown model/,
    )
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
