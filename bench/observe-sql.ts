// How long a cold look at 1,000,000 events of 300 bytes takes through DuckDB, as JSON lines and as Parquet, and with feedback.
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
    // A judged metric joins its labels to their answers; every tenth event more is one.
    writeEvents(join(folder, 'labelled.jsonl'), events, 10)
    for (const name of ['events.jsonl', 'events.parquet', 'labelled.jsonl']) {
      const labels = name === 'labelled.jsonl' ? events / 10 : 0
      const times: number[] = []
      const before = process.cpuUsage()
      for (let round = 0; round < 3; round += 1) times.push(await look(folder, join(folder, name), events, labels))
      const user = process.cpuUsage(before).user / 3000
      const best = Math.min(...times)
      if (labels === 0) slowest = Math.max(slowest, best)
      const bare = await counted(join(folder, name))
      const shown = times.map((time) => `${Math.round(time)} ms`).join(', ')
      console.log(
        `${name}: ${shown} (CPU of the user ${Math.round(user)} ms each); select max(ts) alone: ${Math.round(bare)} ms, a look takes ${(best / bare).toFixed(1)} times as long`,
      )
    }
    console.log(`memory: ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`)
    return slowest <= GOAL ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Milliseconds for DuckDB to find the last time in a file and nothing else. */
async function counted(file: string): Promise<number> {
  const reader = file.endsWith('.parquet') ? 'read_parquet' : 'read_json'
  const connection = await (await loadDuckdb()).connect()
  const begun = performance.now()
  await connection.runAndReadAll(`SELECT count(*), max(ts) FROM ${reader}('${file}')`)
  const time = performance.now() - begun
  connection.closeSync()
  return time
}

async function look(folder: string, from: string, events: number, labels: number): Promise<number> {
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
      ...(labels > 0 && { down: { bad: "feedback == 'down'", delay: '1m' } }),
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
  if (reading.events !== events + labels) throw new Error(`${reading.events} events were read, not ${events + labels}`)
  return time
}

/** `every`: a feedback behind each so many requests; 0: none. */
function writeEvents(file: string, events: number, every = 0): void {
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
    if (every > 0 && index % every === 0) {
      const said = { ts: event.ts, 'event.name': 'aigate.feedback', 'gen_ai.response.id': `c-${index}` }
      lines.push(`${JSON.stringify({ ...said, 'aigate.feedback': index % 3 === 0 ? 'down' : 'up' })}\n`)
    }
    if (lines.length < 20_000 && index + 1 < events) continue
    writeSync(handle, lines.join(''))
    lines = []
  }
  closeSync(handle)
}

async function loadDuckdb() {
  const path = createRequire(join(process.cwd(), 'package.json')).resolve('@duckdb/node-api')
  const { DuckDBInstance } = (await import(pathToFileURL(path).href)) as typeof import('@duckdb/node-api')
  return DuckDBInstance.create(':memory:')
}

async function asParquet(file: string): Promise<void> {
  const connection = await (await loadDuckdb()).connect()
  await connection.run(
    `COPY (SELECT * FROM read_json('${file}')) TO '${file.replace('.jsonl', '.parquet')}' (FORMAT parquet)`,
  )
  connection.closeSync()
}
