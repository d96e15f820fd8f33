// One look by a clock that runs days ahead closes nothing for good.
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { jsonlSource } from './jsonl.ts'
import { event, lines, planWith, START, watcher } from './observe-testing.ts'
import { sqlSource } from './sql/sql.ts'

const log = { type: 'jsonl', path: 'app.log', freshness: 600_000, lateness: 60_000, mapping: 'aigate' } as const
const table = { ...log, type: 'sql', engine: 'duckdb', from: 'app.log', columns: {} } as const
const minutes = (from: number, to: number) =>
  lines(Array.from({ length: (to - from) * 6 }, (_, i) => event(from * 60 + i * 10, `u${from}-${i}`, 'baseline')))

it.each([
  ['jsonl', (root: string) => jsonlSource({ ...log }, { root, env: {} })],
  ['sql', (root: string) => sqlSource({ ...table }, { root, env: {} })],
] as const)('%s', async (_, open) => {
  const changes = [{ at: START, generation: 1, ppm: 500_000 }]
  const { root, look } = watcher(open, planWith(), { changes })
  const file = join(root, 'app.log')
  let closed: number | null = null
  const requests: [number, number][] = []
  const at = async (minute: number) => {
    // What the fold keeps: the end of the last block that came.
    const { blocks } = await look(minute * 60, { closed })
    for (const block of blocks) requests.push([(block.start - START) / 60_000, block.arms.baseline.requests])
    closed = blocks.reduce((end, { start, length }) => Math.max(end, start + length), closed ?? 0) || null
  }
  writeFileSync(file, minutes(0, 5))
  await at(5)
  await at(2 * 24 * 60)
  appendFileSync(file, minutes(5, 10))
  await at(10)
  await at(12)
  expect(requests).toEqual(Array.from({ length: 10 }, (__, minute) => [minute, 6]))
})
