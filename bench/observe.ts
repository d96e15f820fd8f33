// Measures a look at a long log: time from cold, peak memory, and what the next look costs from its cursor.
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { jsonlSource } from '../src/observe/jsonl.ts'
import { RolloutPlan, type SourceConfig } from '../src/schema/rollout.ts'
import type { SourceRequest } from '../src/ports.ts'

const START = Date.parse('2026-11-21T00:00:00Z')
const BATCH = 10_000
const UNITS = 100_000
/** Requests a second of the application that is imitated. */
const RATE = 200

const source: Extract<SourceConfig, { type: 'jsonl' }> = {
  type: 'jsonl',
  path: 'app.log',
  mapping: 'aigate',
  freshness: 600_000,
  lateness: 60_000,
}
const plan = RolloutPlan.parse({
  rollout: 'bench',
  release: { prompt: 'answer@2.0.0' },
  baseline: { prompt: 'answer@1.0.0' },
  control: { type: 'flagd', path: 'flags.json' },
  source,
  stages: [{ traffic: '25%' }, { traffic: '100%' }],
  metrics: {
    error_rate: { bad: 'error.type != null' },
    latency_p95: { value: 'duration_ms' },
    cost: { mean: 'cost_usd' },
  },
})

function line(index: number): string {
  const unit = Math.imul(index, 2654435761) >>> 0
  const user = unit % UNITS
  const arm = user % 4 === 0 ? 'candidate' : 'baseline'
  const event = {
    ts: new Date(START + Math.floor((index * 1000) / RATE)).toISOString(),
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'gpt-4o-2024-11-20',
    'gen_ai.response.id': `c-${index}`,
    'gen_ai.usage.input_tokens': 812,
    'error.type': unit % 50 === 0 ? 'timeout' : null,
    duration_ms: 200 + (unit % 3000),
    'feature_flag.context.id': `user-${user}`,
    'aigate.arm': arm,
    'aigate.cost_usd': 0.0041,
  }
  return `${JSON.stringify(event)}\n`
}

function append(file: string, from: number, to: number): void {
  const fd = openSync(file, 'a')
  for (let at = from; at < to; at += BATCH) {
    const many = Array.from({ length: Math.min(BATCH, to - at) }, (_, index) => line(at + index))
    writeSync(fd, many.join(''))
  }
  closeSync(fd)
}

/** Seconds for nothing but JSON.parse of every line, in the same process: the load of the machine cancels out. */
function bareSeconds(file: string): number {
  const fd = openSync(file, 'r')
  const room = Buffer.allocUnsafe(1 << 18)
  const from = performance.now()
  let lines = 0
  for (let offset = 0; ; ) {
    const bytes = room.subarray(0, readSync(fd, room, 0, room.length, offset))
    const end = bytes.lastIndexOf(10)
    if (end === -1) break
    for (const text of bytes.toString('utf8', 0, end).split('\n'))
      lines += Object.hasOwn(JSON.parse(text), 'ts') ? 1 : 0
    offset += end + 1
  }
  closeSync(fd)
  return lines > 0 ? (performance.now() - from) / 1000 : Number.NaN
}

/** The same in a process that did nothing else before: bundling and writing the log take more memory than reading it. */
function apart(flags: readonly string[]): number {
  const program = `const { main } = await import(${JSON.stringify(import.meta.url)}); process.exitCode = await main(${JSON.stringify(flags)})`
  return spawnSync(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' }).status ?? 1
}

/** `--events=10000000` measures a longer log; `--prepare=<folder>` and `--only=<folder>` make it and read it apart. */
export async function main(flags: readonly string[]): Promise<number> {
  const value = (name: string) => flags.find((flag) => flag.startsWith(`--${name}=`))?.split('=')[1]
  const events = Number(value('events') ?? 1_000_000)
  const only = value('only')
  if (only !== undefined) return measure(only, events)
  const root = value('prepare') ?? mkdtempSync(join(tmpdir(), 'aigate-observe-bench-'))
  append(join(root, 'app.log'), 0, events)
  if (value('prepare') !== undefined) return 0
  try {
    return apart([...flags, `--only=${root}`])
  } finally {
    rmSync(root, { recursive: true })
  }
}

async function measure(root: string, events: number): Promise<number> {
  const file = join(root, 'app.log')
  const { size } = statSync(file)
  const request = (cursor: SourceRequest['cursor'], count: number): SourceRequest => ({
    plan,
    cursor,
    since: START,
    until: START + (count / RATE) * 1000 + 60_000,
    closed: null,
    folder: join(root, 'state'),
    changes: [{ at: START, generation: 1, ppm: 250_000 }],
    limits: {},
    signal: new AbortController().signal,
  })
  const timed = async (cursor: SourceRequest['cursor'], count: number) => {
    const [from, before] = [performance.now(), process.cpuUsage()]
    const reading = await jsonlSource(source, { root, env: {} }).read(request(cursor, count))
    const { user } = process.cpuUsage(before)
    return { reading, seconds: (performance.now() - from) / 1000, user: user / 1e6 }
  }
  console.log(`${events} events, ${(size / events).toFixed(0)} bytes each`)
  const cold = await timed(null, events)
  const peak = process.resourceUsage().maxRSS / 1024
  const before = process.cpuUsage()
  const bare = bareSeconds(file)
  const bareUser = process.cpuUsage(before).user / 1e6
  console.log(
    `cold: ${cold.seconds.toFixed(2)} s (CPU of the user ${cold.user.toFixed(2)} s), ${cold.reading.blocks.length} blocks, peak RSS ${peak.toFixed(0)} MB`,
  )
  console.log(
    `JSON.parse alone: ${bare.toFixed(2)} s (${bareUser.toFixed(2)} s); a look takes ${(cold.seconds / bare).toFixed(2)} times as long (${(cold.user / bareUser).toFixed(2)})`,
  )
  for (const fresh of [1000, 100_000]) {
    truncateSync(file, size)
    append(file, events, events + fresh)
    const warm = await timed(cold.reading.cursor, events + fresh)
    console.log(
      `${fresh} more from the cursor: ${(warm.seconds * 1000).toFixed(0)} ms (${(warm.user * 1000).toFixed(0)} ms), ${warm.reading.events} events read`,
    )
  }
  truncateSync(file, size)
  return 0
}
