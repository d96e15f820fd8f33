// What lies between two baselines of one suite, as data and as text.
import type { Baseline, CaseTally } from '../../schema/baseline.ts'
import { byText, counted, dollars, fixed, milliseconds, names, percent } from '../words.ts'
import { mean } from '../gate/cost.ts'
import { median } from '../gate/latency.ts'

type Rate = { passes: number; trials: number }
type Side = {
  pass_rate: number | null
  trials: number
  latency_ms: number | null
  cost_usd: number | null
  first_token_ms: number | null
}

/** `before` null: there was none. Rates are shares; `moved` names the cases of the same content whose pass rate differs. */
export type BaselineDiff = {
  suite: string
  target: { before: string | null; after: string; changed: boolean }
  response_models: { before: string[]; after: string[] }
  sides: { before: Side | null; after: Side }
  added: string[]
  removed: string[]
  changed: string[]
  moved: { id: string; before: Rate; after: Rate }[]
}

/** Compares two baselines case by case, by id and content hash. Shows, and tests nothing: that is for the gate. */
export function diffBaselines(before: Baseline | null, after: Baseline): BaselineDiff {
  const old = new Map(before?.cases.map((tally) => [tally.id, tally]))
  const now = new Map(after.cases.map((tally) => [tally.id, tally]))
  const ids = [...now.keys()].sort(byText)
  const same = ids.filter((id) => old.get(id)?.hash === now.get(id)?.hash)
  return {
    suite: after.suite,
    target: {
      before: before?.target.label ?? null,
      after: after.target.label,
      changed: before !== null && before.target.hash !== after.target.hash,
    },
    response_models: { before: before?.response_models ?? [], after: after.response_models },
    sides: { before: before && sideOf(before), after: sideOf(after) },
    added: ids.filter((id) => !old.has(id)),
    removed: [...old.keys()].filter((id) => !now.has(id)).sort(byText),
    changed: ids.filter((id) => old.has(id) && !same.includes(id)),
    moved: same.flatMap((id) => {
      const [a, b] = [old.get(id), now.get(id)]
      return a && b && rateOf(a) !== rateOf(b) ? [{ id, before: count(a), after: count(b) }] : []
    }),
  }
}

const count = ({ passes, trials }: CaseTally): Rate => ({ passes, trials })
const rateOf = ({ passes, trials }: Rate): number | null => (trials > 0 ? passes / trials : null)

function sideOf({ cases }: Baseline): Side {
  const rates = cases.flatMap((tally) => rateOf(tally) ?? [])
  const latencies = cases.flatMap(({ latencies_ms }) => latencies_ms)
  const firsts = cases.flatMap(({ first_tokens_ms = [] }) => first_tokens_ms)
  const costs = cases.flatMap(({ costs_usd }) => (costs_usd.length > 0 ? [mean(costs_usd)] : []))
  return {
    pass_rate: rates.length > 0 ? mean(rates) : null,
    trials: cases.reduce((sum, { trials }) => sum + trials, 0),
    latency_ms: latencies.length > 0 ? median(latencies) : null,
    first_token_ms: firsts.length > 0 ? median(firsts) : null,
    cost_usd: costs.length > 0 ? mean(costs) : null,
  }
}

/** The difference for people, one fact a line; ends with a line break. */
export function baselineDiffText(diff: BaselineDiff): string {
  const { sides, target, response_models: models } = diff
  const was = sides.before
  const line = (what: string, before: string | null, after: string) =>
    before === null || before === after ? `${what} ${after}` : `${what} ${before} -> ${after}`
  const say = (value: number | null | undefined, text: (value: number) => string) =>
    value === null || value === undefined ? 'unknown' : text(value)
  const both = (what: string, pick: (side: Side) => number | null, text: (value: number) => string) =>
    line(what, was && say(pick(was), text), say(pick(sides.after), text))
  const listed = ([what, ids]: readonly [string, readonly string[]]) =>
    ids.length > 0 ? [`${what} ${counted(ids.length, 'case')}: ${names(ids)}`] : []
  const content = target.changed && target.before === target.after ? ['target: same name, other content'] : []
  return `${[
    `baseline of ${diff.suite}${was ? '' : ' (the first one)'}`,
    line('target:', target.before, target.after),
    ...content,
    line('answered by:', was && models.before.join(', '), models.after.join(', ') || 'unknown'),
    both('pass rate:', ({ pass_rate }) => pass_rate, percent),
    both(
      'trials:',
      ({ trials }) => trials,
      (value) => fixed(value, 0),
    ),
    both('median latency:', ({ latency_ms }) => latency_ms, milliseconds),
    ...(sides.after.first_token_ms === null && (was?.first_token_ms ?? null) === null
      ? []
      : [both('median time to first token:', ({ first_token_ms }) => first_token_ms, milliseconds)]),
    both('mean cost of a case:', ({ cost_usd }) => cost_usd, dollars),
    ...(
      [
        ['added', was ? diff.added : []],
        ['removed', diff.removed],
        ['changed', diff.changed],
      ] as const
    ).flatMap(listed),
    ...diff.moved.map(({ id, before, after }) => `${id}: ${ratio(before)} -> ${ratio(after)}`),
  ].join('\n')}\n`
}

const ratio = ({ passes, trials }: Rate) => `${passes}/${trials}`

/** A baseline for people: what it is of, who accepted it and why, what it knows; ends with a line break. */
export function baselineText(baseline: Baseline): string {
  const { suite, suite_version, target, accepted, runs, cases, response_models: models } = baseline
  const side = sideOf(baseline)
  const trials = cases.map((tally) => tally.trials)
  const [least, most] = [Math.min(...trials), Math.max(...trials)]
  const commit = runs.at(-1)?.git?.commit.slice(0, 12)
  const say = (value: number | null, text: (value: number) => string) => (value === null ? 'unknown' : text(value))
  const each = cases.length === 0 ? '' : `, ${least === most ? least : `${least} to ${most}`} trials a case`
  return `${[
    `baseline of ${suite} ${suite_version}`,
    `target: ${target.label}`,
    `answered by: ${models.join(', ') || 'unknown'}`,
    `accepted: ${accepted.at} by ${accepted.by}: ${accepted.reason}`,
    `from ${counted(runs.length, 'run')}${commit === undefined ? '' : `, the last at commit ${commit}`}`,
    `${counted(cases.length, 'case')}${each}`,
    `pass rate: ${say(side.pass_rate, percent)}`,
    `median latency: ${say(side.latency_ms, milliseconds)}`,
    ...(side.first_token_ms === null ? [] : [`median time to first token: ${milliseconds(side.first_token_ms)}`]),
    `mean cost of a case: ${say(side.cost_usd, dollars)}`,
  ].join('\n')}\n`
}
