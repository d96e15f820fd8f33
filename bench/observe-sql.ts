// How long a cold look at 1,000,000 events of 300 bytes takes through DuckDB, as JSON lines and as Parquet.
import { mkdtempSync, openSync, closeSync, rmSync, statSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sqlSource } from '../src/observe/sql/sql.ts'
import { RolloutPlan, type SourceConfig } from '../src/schema/rollout.ts'

const START = Date.parse('2026-11-21T10:00:00Z')
const GOAL = 2_000

export async function main(flags: readonly string[]): Promise<number> {
  const events = flags.includes('--quick') ? 100_000 : 1_000_000
  const folder = mkdtempSync(join(tmpdir(), 'aigate-bench-sql-'))
  try {
    const file = join(folder, 'events.jsonl')
    writeEvents(file, events)
    console.log(`${events} events, ${Math.round(statSync(file).size / events)} bytes each`)
    await asParquet(file)
    let slowest = 0
    for (const name of ['events.jsonl', 'events.parquet']) {
      const times: number[] = []
      for (let round = 0; round < 3; round += 1) times.push(await look(folder, join(folder, name), events))
      const best = Math.min(...times)
      slowest = Math.max(slowest, best)
      console.log(`${name}: ${times.map((time) => `${Math.round(time)} ms`).join(', ')}`)
    }
    console.log(`memory: ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`)
    return slowest <= GOAL ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function look(folder: string, from: string, events: number): Promise<number> {
  const plan = RolloutPlan.parse({
    rollout: 'bench',
    release: { prompt: 'answer@2.0.0' },
    baseline: { prompt: 'answer@1.0.0' },
    control: { type: 'flagd', path: 'flags.json' },
    source: { type: 'sql', engine: 'duckdb', from },
    stages: [{ traffic: '10%' }, { traffic: '100%' }],
    metrics: {
      error_rate: { bad: 'error.type != null' },
      latency: { value: 'duration_ms', tail_at: 'baseline.p95' },
      cost: { mean: 'cost_usd' },
    },
  })
  const source = sqlSource(plan.source as Extract<SourceConfig, { type: 'sql' }>, { root: process.cwd(), env: {} })
  const begun = performance.now()
  const reading = await source.read({
    plan,
    cursor: null,
    since: START,
    until: START + events * 80 + 120_000,
    closed: null,
    folder,
    changes: [{ at: START, generation: 1, ppm: 100_000 }],
    limits: { error_rate: [], latency: [2_000] },
    signal: new AbortController().signal,
  })
  const time = performance.now() - begun
  if (reading.events !== events) throw new Error(`${reading.events} events were read, not ${events}`)
  return time
}

function writeEvents(file: string, events: number): void {
  const handle = openSync(file, 'w')
  let lines: string[] = []
  for (let index = 0; index < events; index += 1) {
    const event = {
      ts: new Date(START + index * 80).toISOString(),
      trace_id: `4bf9${index}`,
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.response.id': `c-${index}`,
      'error.type': index % 50 === 0 ? 'timeout' : null,
      duration_ms: 500 + ((index * 7919) % 2000) / 3,
      'feature_flag.context.id': `user-${(index * 31) % 100_000}`,
      'aigate.arm': index % 10 === 0 ? 'candidate' : 'baseline',
      'aigate.cost_usd': 0.0041,
    }
    lines.push(`${JSON.stringify(event)}\n`)
    if (lines.length < 20_000 && index + 1 < events) continue
    writeSync(handle, lines.join(''))
    lines = []
  }
  closeSync(handle)
}

async function asParquet(file: string): Promise<void> {
  const path = createRequire(join(process.cwd(), 'package.json')).resolve('@duckdb/node-api')
  const { DuckDBInstance } = (await import(pathToFileURL(path).href)) as typeof import('@duckdb/node-api')
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(
    `COPY (SELECT * FROM read_json('${file}')) TO '${file.replace('.jsonl', '.parquet')}' (FORMAT parquet)`,
  )
  connection.closeSync()
}
