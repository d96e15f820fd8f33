// aigate drift --live on real log files: learns a week, then looks at a day in which something moved, or nothing did.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { randomFrom } from '../../statistics/draws.ts'
import { removeTemporary, temporary } from '../cli-testing.ts'
import { driftLiveCommand } from './drift-live.ts'
import { contextOf } from './watch-testing.ts'

afterAll(removeTemporary)
const HOUR = 3_600_000
const NOW = Date.parse('2026-11-21T00:00:30.000Z')
const START = NOW - 8 * 24 * HOUR

const plan = (more: object = {}) =>
  JSON.stringify({
    drift: 'production',
    source: { type: 'jsonl', path: 'logs/*.jsonl', lateness: '1s' },
    window: '1d',
    learn: '7d',
    watch: {
      input_length: { value: 'gen_ai.usage.input_tokens' },
      output_length: { value: 'gen_ai.usage.output_tokens' },
      language: { mix: 'language', values: ['de', 'en'] },
      refusals: { rate: 'refused == true' },
      judge: { value: 'eval.quality.score' },
    },
    ...more,
  })

type Day = { long?: number; german?: number; refused?: number; score?: number; model?: string; every?: number }

/** A day of events, more in the daytime; what `day` says is otherwise. */
function events(start: number, random: () => number, day: Day = {}): string {
  const lines: string[] = []
  for (let minute = 0; minute < 24 * 60; minute += day.every ?? 1) {
    const many = minute > 480 && minute < 1200 ? 2 : 1
    for (let i = 0; i < many; i++) {
      const at = start + minute * 60_000 + i * 1000
      const id = `${at}-${i}`
      lines.push(
        JSON.stringify({
          ts: new Date(at).toISOString(),
          'gen_ai.response.id': id,
          'gen_ai.request.model': 'gpt-pin',
          'gen_ai.response.model': day.model ?? 'gpt-pin',
          'gen_ai.usage.input_tokens': Math.round(100 * (0.5 + random()) * (day.long ?? 1)),
          'gen_ai.usage.output_tokens': Math.round(50 + 100 * random()),
          language: random() < (day.german ?? 0.3) ? 'de' : random() < 0.95 ? 'en' : 'fr',
          refused: random() < (day.refused ?? 0.02),
        }),
      )
      if (i === 0)
        lines.push(
          JSON.stringify({
            ts: new Date(at + 500).toISOString(),
            'event.name': 'gen_ai.evaluation.result',
            'gen_ai.response.id': id,
            'gen_ai.evaluation.name': 'quality',
            'gen_ai.evaluation.score.value': Math.min(1, Math.max(0, (day.score ?? 0.8) + 0.2 * (random() - 0.5))),
          }),
        )
    }
  }
  return `${lines.join('\n')}\n`
}

/** A project with a log of a week. */
function project(text = plan()): string {
  const root = temporary()
  const random = randomFrom(3)
  const log = Array.from({ length: 7 }, (_, day) => events(START + day * 24 * HOUR, random))
  for (const [name, content] of [
    ['aigate.yaml', 'version: 1\n'],
    ['drift.yaml', text],
    ['logs/app.jsonl', log.join('')],
  ] as const) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), content)
  }
  return root
}

/** Learns the week, and a day goes by. */
async function weekAnd(day: Day): Promise<string> {
  const root = project()
  expect((await run(root, { learn: true }, NOW - 24 * HOUR)).ending).toBe('pass')
  appendFileSync(join(root, 'logs/app.jsonl'), events(NOW - 24 * HOUR, randomFrom(4), day))
  return root
}

async function run(root: string, options: { learn?: boolean; for?: number } = {}, at = NOW) {
  const { context, out } = contextOf(root, {}, { now: at })
  const ending = await driftLiveCommand(context, 'drift.yaml', { json: true, env: 'production', ...options })
  const text = out.join('')
  return { ending, look: options.learn ? null : JSON.parse(text), text }
}
const moved = (look: { rows: { name: string; outcome: string }[] }) =>
  look.rows.filter(({ outcome }) => outcome === 'fail').map(({ name }) => name)

describe('live drift', () => {
  it('learns a week, and finds nothing in a day like it', async () => {
    const root = await weekAnd({})
    expect(JSON.parse(readFileSync(join(root, 'production.reference.json'), 'utf8'))).toMatchObject({
      aigate: 'drift-reference',
      version: 1,
    })
    const { ending, look } = await run(root)
    expect(look.rows.map(({ name, outcome }: { name: string; outcome: string }) => `${name} ${outcome}`)).toEqual([
      'input_length pass',
      'output_length pass',
      'language pass',
      'refusals pass',
      'judge pass',
    ])
    expect(ending).toBe('pass')
  })

  it.each([
    ['input_length', { long: 1.5 }],
    ['language', { german: 0.6 }],
    ['refusals', { refused: 0.15 }],
    ['judge', { score: 0.6 }],
  ])('%s alone moved', async (name, day) => {
    const root = await weekAnd(day)
    const { ending, look } = await run(root)
    expect(moved(look)).toEqual([name])
    expect(ending).toBe('fail')
  })

  it('names a model that answers for another one: a fact, whatever the numbers say', async () => {
    const root = await weekAnd({ model: 'gpt-other' })
    const { ending, look } = await run(root)
    expect(moved(look)).toEqual([])
    expect(look.swaps).toEqual([expect.stringContaining('gpt-other')])
    expect(ending).toBe('fail')
  })

  it('says not measured where there are too few events, never no drift', async () => {
    const root = await weekAnd({ every: 60 })
    const { ending, look } = await run(root)
    expect(ending).toBe('invalid')
    expect(look.reasons.join(' ')).toContain('Not measured')
  })

  it('asks for a reference, and for a new one where something else is watched', async () => {
    await expect(run(project())).rejects.toThrow(/no reference/)
    const root = await weekAnd({})
    writeFileSync(join(root, 'drift.yaml'), plan({ watch: { refusals: { rate: 'refused == null' } } }))
    await expect(run(root)).rejects.toThrow(/changed since/)
    writeFileSync(join(root, 'drift.yaml'), plan())
    const file = join(root, 'production.reference.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace('"version":1', '"version":2'))
    await expect(run(root)).rejects.toThrow(/written by a newer aigate/)
  })

  it('watches after a release only: without one there is nothing to watch', async () => {
    const root = await weekAnd({})
    await expect(run(root, { for: 14 * 24 * HOUR })).rejects.toThrow(/Nothing was released/)
  })
})
