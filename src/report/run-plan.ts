// What a run would ask, use, cost and last, as a table for a terminal.
import type { RunPlan, Spending } from '../schema/run-plan.ts'
import { count, dollars, duration, plural } from './numbers.ts'
import { paint as paintFor } from './paint.ts'
import { oneLine } from './safe-text.ts'
import { wrap } from './wrap.ts'

type Pair = { least: Spending; most: Spending }

/** One value, or `from to` where further passes may be asked. */
function both({ least, most }: Pair, say: (spending: Spending) => string): string {
  const [low, high] = [say(least), say(most)]
  return low === high ? low : `${low} to ${high}`
}

const tokens = (value: number | null): string => (value === null ? '–' : count(value))
const about = (text: string): string => (text === '–' || text === '$0' || text === '0 ms' ? text : `~${text}`)

const cellsOf = (pair: Pair): string[] => [
  both(pair, ({ calls }) => count(calls)),
  both(pair, ({ input_tokens }) => tokens(input_tokens)),
  both(pair, ({ output_tokens }) => tokens(output_tokens)),
  both(pair, ({ cost_usd }) => about(dollars(cost_usd))),
  both(pair, ({ duration_ms }) => about(duration(duration_ms))),
]

/** The plan for people. `columns`: width of the terminal. */
export function runPlanText(plan: RunPlan, { color, columns }: { color: boolean; columns: number }): string {
  const paint = paintFor(color)
  const head = ['', 'calls', 'tokens in', 'tokens out', 'cost', 'time']
  const suites = plan.suites.map((suite) => [oneLine(`${suite.suite} ${suite.suite_version}`, 40), ...cellsOf(suite)])
  const models = plan.models.map((one) => [oneLine(`${one.provider} ${one.model ?? ''}`.trim(), 48), ...cellsOf(one)])
  const total = ['all', ...cellsOf(plan.total)]
  const rows = [head, ...suites, ...models, total]
  const widths = head.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)))
  const line = (row: string[]) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd()
  const said = (mark: string, texts: string[]) =>
    texts.flatMap((text) =>
      wrap(oneLine(text, 500), Math.max(20, columns - 2)).map((part, at) => `${at === 0 ? mark : ' '} ${part}`),
    )
  const limits = limitsOf(plan)
  return `${[
    paint.bold(line(head)),
    ...suites.map(line),
    ...(models.length > 0 ? ['', paint.dim('by model'), ...models.map(line)] : []),
    '',
    paint.bold(line(total)),
    '',
    ...plan.suites.flatMap((suite) => said('·', notesOf(suite))),
    ...said('!', plan.warnings),
    ...said('✗', plan.exceeded).map(paint.red),
    ...(plan.exceeded.length > 0 || limits === '' ? [] : [paint.green(`✓ within the budget: ${limits}`)]),
  ].join('\n')}\n`
}

function limitsOf({ budget }: RunPlan): string {
  const { max_calls, max_cost_usd, max_tokens, max_duration } = budget
  return [
    ...(max_calls === undefined ? [] : [plural(max_calls, 'call')]),
    ...(max_cost_usd === undefined ? [] : [dollars(max_cost_usd)]),
    ...(max_tokens === undefined ? [] : [plural(max_tokens, 'token')]),
    ...(max_duration === undefined ? [] : [duration(max_duration)]),
  ].join(', ')
}

/** Where the figures of a suite are from, when that is not plain. */
function notesOf({ suite, known, most, evidence, graders = [] }: RunPlan['suites'][number]): string[] {
  const saved =
    known.most === 0
      ? []
      : [
          `${plural(known.least, 'answer')}${known.most === known.least ? '' : ` to ${count(known.most)}`} known already, not asked`,
        ]
  const guessed =
    evidence.estimated === 0 ? [] : [`tokens of ${plural(evidence.estimated, 'case')} estimated from the texts`]
  const unpriced = most.calls > 0 && evidence.price === null ? ['no price known'] : []
  const untimed = most.calls > 0 && evidence.latency === null ? ['latency never measured'] : []
  const graded = graders.map(
    (one) =>
      `${one.what === 'judge' ? 'judges' : 'embeddings'} ${both(one, ({ calls }) => count(calls))} ${one.most.calls === 1 ? 'call' : 'calls'}, ${about(both(one, ({ cost_usd }) => dollars(cost_usd)))}`,
  )
  const all = [...graded, ...saved, ...guessed, ...unpriced, ...untimed]
  return all.length === 0 ? [] : [`${suite}: ${all.join(' · ')}`]
}
