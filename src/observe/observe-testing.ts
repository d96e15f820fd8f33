// A plan, events and looks for the tests of the sources.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { Source, SourceRequest } from '../ports.ts'
import { RolloutPlan } from '../schema/rollout.ts'
import type { Block, Reading } from '../schema/rollout-journal.ts'

export const START = Date.parse('2026-11-21T10:00:00Z')

const folders: string[] = []
/** An empty folder of its own, gone when the tests of the file have ended. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aigate-observe-'))
  folders.push(folder)
  return folder
}
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A plan with a rate, a tail and a judged metric; `more` replaces its parts. */
export function planWith(more: Record<string, unknown> = {}): RolloutPlan {
  return RolloutPlan.parse({
    rollout: 'support',
    release: { prompt: 'answer@2.0.0' },
    baseline: { prompt: 'answer@1.0.0' },
    control: { type: 'flagd', path: 'flags.json', settle: 0 },
    source: { type: 'jsonl', path: 'app.log' },
    stages: [{ traffic: '50%' }, { traffic: '100%' }],
    metrics: {
      error_rate: { bad: 'error.type != null' },
      latency_p95: { value: 'duration_ms', tail_at: '2s' },
      hallucination: { bad: "eval.groundedness.label == 'fail'" },
    },
    ...more,
  })
}

/** A request of a unit; `seconds` after START. */
export function event(seconds: number, unit: string, arm: string | null, more: Record<string, unknown> = {}) {
  return {
    ts: new Date(START + seconds * 1000).toISOString(),
    'gen_ai.response.id': `${unit}-${seconds}`,
    'feature_flag.context.id': unit,
    ...(arm !== null && { 'aigate.arm': arm }),
    duration_ms: 100,
    ...more,
  }
}

export const lines = (events: readonly object[]): string => events.map((one) => `${JSON.stringify(one)}\n`).join('')

/** A folder with a source that is looked at again and again, each look going on where the last one ended. */
export function watcher(open: (root: string) => Source, plan: RolloutPlan, more: Partial<SourceRequest> = {}) {
  const root = newFolder()
  const folder = join(root, '.state')
  mkdirSync(folder)
  let cursor: Reading['cursor'] | null = null
  let closed: number | null = null
  const blocks: Block[] = []
  const look = async (seconds: number, now: Partial<SourceRequest> = {}): Promise<Reading> => {
    const reading = await open(root).read({
      plan,
      cursor,
      since: START,
      until: START + seconds * 1000,
      closed,
      folder,
      changes: [],
      limits: {},
      signal: AbortSignal.timeout(30_000),
      ...more,
      ...now,
    })
    cursor = JSON.parse(JSON.stringify(reading.cursor)) as Reading['cursor']
    closed = Date.parse(reading.until)
    blocks.push(...reading.blocks)
    return reading
  }
  return { root, folder, look, blocks, forget: () => void (cursor = null) }
}
