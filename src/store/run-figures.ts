// What earlier runs took, in sums: their records are read a line at a time, so that neither answers nor many cases weigh.
import { stat } from 'node:fs/promises'
import { AigateError } from '../errors.ts'
import type { RunHeader } from '../schema/run.ts'
import { parseJson, readLines } from './json-lines.ts'
import { findRuns, recentRunFolders } from './run-record.ts'

/** Of so many answers. */
export type Sum = { sum: number; count: number }
/** Of one case: what its answers took; sums of those that told it. */
export type CaseFigures = Record<'input' | 'output' | 'calls' | 'userCalls' | 'userCost' | 'cost' | 'ms', Sum>
/** Of one judge: questions, and the tokens of all of them. */
export type JudgeFigures = { model: string; calls: number; input: number; output: number }
/** Of one suite asked of one model (or application). */
export type SuiteFigures = {
  suite: string
  kind: string
  model: string | undefined
  cases: Map<string, CaseFigures>
}
export type Figures = { suites: SuiteFigures[]; judges: Map<string, JudgeFigures> }

/** No more than this of the newest records is read: what is older tells little more. */
const MOST_BYTES = 64_000_000

/** The figures of the last `most` invocations, of the suites named. A record that cannot be read tells nothing. */
export async function recentFigures(root: string, most: number, suites: readonly string[]): Promise<Figures> {
  const found: Figures = { suites: [], judges: new Map() }
  let left = MOST_BYTES
  for (const id of await recentRunFolders(root, most)) {
    for (const file of await findRuns(root, id).catch(() => [])) {
      const { size } = await stat(file)
      if (size > left) return found
      left -= size
      try {
        await addRecord(found, file, suites)
      } catch (error) {
        if (!(error instanceof AigateError)) throw error
      }
    }
  }
  return found
}

type Head = Pick<RunHeader, 'suite' | 'target' | 'judging'>
type Line = { type?: unknown; case?: unknown; completion?: Answer; scores?: { judged?: Judged }[] }
type Answer = {
  outcome?: unknown
  usage?: { input_tokens?: number; output_tokens?: number }
  cost_usd?: number
  latency_ms?: number
  conversation?: { calls?: number; user?: { calls?: number; cost_usd?: number } }
}
type Judged = Partial<Record<'calls' | 'replayed' | 'input_tokens' | 'output_tokens', number>> & {
  votes?: { judge?: string }[]
}

async function addRecord(found: Figures, file: string, suites: readonly string[]): Promise<void> {
  let head: Head | undefined
  let own: SuiteFigures | undefined
  for await (const { text } of readLines(file)) {
    // What is no line of a run is for those to say who judge it.
    const value = parseJson(text)
    if (typeof value !== 'object' || value === null) continue
    if (head === undefined || own === undefined) {
      head = value as Head
      if (typeof head.suite !== 'string' || !suites.includes(head.suite)) return
      own = figuresOf(found, head)
      continue
    }
    const line = value as Line
    if (line.type === 'answer') addAnswer(own, line)
    if (line.type === 'score') for (const { judged } of line.scores ?? []) addJudged(found, head, judged)
  }
}

function figuresOf(found: Figures, { suite, target }: Head): SuiteFigures {
  const { kind } = target
  const model = target.model?.id
  const known = found.suites.find((one) => one.suite === suite && one.kind === kind && one.model === model)
  if (known) return known
  const fresh: SuiteFigures = { suite, kind, model, cases: new Map() }
  found.suites.push(fresh)
  return fresh
}

function addAnswer({ cases }: SuiteFigures, { case: id, completion }: Line): void {
  const { outcome, usage, cost_usd, latency_ms, conversation } = completion ?? {}
  if (typeof id !== 'string' || outcome === undefined || outcome === 'error' || outcome === 'timeout') return
  const zero = (): Sum => ({ sum: 0, count: 0 })
  const own = cases.get(id) ?? {
    input: zero(),
    output: zero(),
    calls: zero(),
    userCalls: zero(),
    userCost: zero(),
    cost: zero(),
    ms: zero(),
  }
  cases.set(id, own)
  add(own.input, usage?.input_tokens)
  add(own.output, usage?.output_tokens)
  add(own.calls, conversation?.calls)
  add(own.userCalls, conversation?.user?.calls)
  add(own.userCost, conversation?.user?.cost_usd)
  add(own.cost, cost_usd)
  add(own.ms, latency_ms)
}

function add(to: Sum, value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value)) return
  to.sum += value
  to.count += 1
}

/** Of a jury nobody knows whose tokens they were. */
function addJudged(found: Figures, { judging }: Head, judged: Judged | undefined): void {
  const names = new Set(judged?.votes?.map(({ judge }) => judge))
  const [name] = names
  const model = name === undefined ? undefined : judging?.judges[name]?.model.id
  if (!judged || names.size !== 1 || name === undefined || model === undefined) return
  const known = found.judges.get(name)
  // The newest come first: what another model said before is another judge.
  if (known && known.model !== model) return
  const own = known ?? { model, calls: 0, input: 0, output: 0 }
  own.calls += (judged.calls ?? 0) + (judged.replayed ?? 0)
  own.input += judged.input_tokens ?? 0
  own.output += judged.output_tokens ?? 0
  found.judges.set(name, own)
}
