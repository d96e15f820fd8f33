// aigate init --from: what is written means what was meant. Every spelling is tried on made-up events, by the guard that it became.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { foldGuard } from '../../decide/guard/fold.ts'
import { boundOf } from '../../decide/rollout/criterion.ts'
import { GuardPlan } from '../../schema/guard.ts'
import { RolloutPlan } from '../../schema/rollout.ts'
import { readGuardJournal } from '../../store/guard-journal.ts'
import { removeTemporary, temporary } from '../cli-testing.ts'
import { contextOf, look, MINUTE, NOW } from '../guard/watch-testing.ts'
import { initFromCommand } from './init-from.ts'

afterAll(removeTemporary)

type Judged = { score?: number; label?: string }
/** What happens: half an hour of it, thirty requests a minute. `down`, `harm`: so many of all. */
type Events = {
  errors?: number
  ms?: number
  cost?: number
  down?: number
  harm?: number
  evals?: Record<string, Judged>
}
const MINUTES = 30
const FEW = 30

function logOf({ errors = 0, ms = 300, cost = 0.001, down = 0, harm = 0, evals = {} }: Events): string {
  const lines: object[] = []
  for (let i = 0; i < MINUTES * FEW; i += 1) {
    const ts = new Date(NOW - MINUTES * MINUTE + (i * MINUTE) / FEW).toISOString()
    const id = { ts, 'gen_ai.response.id': `r-${i}`, 'feature_flag.result.variant': 'primary' }
    const wrong = Math.floor((i + 1) * errors) > Math.floor(i * errors)
    lines.push({
      ...id,
      'feature_flag.context.id': `u-${i % 300}`,
      'error.type': wrong ? 'timeout' : null,
      duration_ms: ms,
      'aigate.cost_usd': cost,
    })
    // Not in the last minutes: those are not closed yet.
    const last = MINUTES * FEW - 1 - i - 2.5 * FEW
    const among = (count: number) => last >= 0 && last < count
    lines.push({ ...id, 'event.name': 'aigate.feedback', 'aigate.feedback': among(down) ? 'down' : 'up' })
    const judged = { safety: { label: among(harm) ? 'fail' : 'pass' }, ...evals }
    for (const [name, { score, label }] of Object.entries<Judged>(judged))
      lines.push({
        ...id,
        'event.name': 'gen_ai.evaluation.result',
        'gen_ai.evaluation.name': name,
        ...(score === undefined ? {} : { 'gen_ai.evaluation.score.value': score }),
        ...(label === undefined ? {} : { 'gen_ai.evaluation.score.label': label }),
      })
  }
  return `${lines.map((one) => JSON.stringify(one)).join('\n')}\n`
}

/** Imports a file into an empty folder; `check` must have accepted the result. */
async function imported(yaml: string, config?: string) {
  const folder = temporary()
  if (config !== undefined) {
    writeFileSync(join(folder, 'aigate.yaml'), config)
    const flag = { state: 'ENABLED', variants: { a: 'x@1.0.0' }, defaultVariant: 'a' }
    writeFileSync(join(folder, 'f.json'), JSON.stringify({ flags: { p: flag } }))
  }
  writeFileSync(join(folder, 'deployment.yaml'), yaml)
  const { context, out, err } = contextOf(folder)
  const ending = await initFromCommand(context, '.', 'deployment.yaml')
  expect(err.join('').replace(/^note: .*\n/gm, '')).toBe('')
  expect(ending).toBe('pass')
  const read = (file: string) => parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>
  return { folder, read, said: out.join('') }
}

/** What fires of a guard when these events happen: with the configuration of each of its actions. */
async function fired(guard: Record<string, unknown>, events: Events): Promise<Record<string, object[]>> {
  const folder = temporary()
  const plan = GuardPlan.parse(guard)
  const done = Object.fromEntries(Object.keys(plan.actions).map((name) => [name, { type: 'command', argv: ['true'] }]))
  const normal = { n: 5000, rate: 0.01, mean: 0.9, deviation: 0.05 }
  const reference = Object.fromEntries(
    Object.entries(plan.metrics).map(([name, metric]) => {
      const { rate, mean, ...rest } = normal
      return [name, 'mean' in metric ? { ...rest, mean } : { n: rest.n, rate }]
    }),
  )
  mkdirSync(join(folder, 'logs'))
  writeFileSync(join(folder, 'aigate.yaml'), 'version: 1\n')
  writeFileSync(join(folder, 'logs/a.jsonl'), logOf(events))
  const tried = { ...guard, actions: done, reference, source: { type: 'jsonl', path: 'logs/*.jsonl', lateness: '1s' } }
  writeFileSync(join(folder, 'guard.yaml'), JSON.stringify(tried))
  const { context, err } = contextOf(folder)
  const ending = await look(context)
  expect(err.filter((one) => one.includes('error'))).toEqual([])
  const { journal } = readGuardJournal(join(folder, '.aigate/guards', plan.guard))
  const { episodes } = foldGuard(journal.chain.records)
  expect(ending).toBe(episodes.length > 0 ? 'fail' : 'pass')
  return Object.fromEntries(
    episodes.map((one) => [one.cause, one.do.map((name) => plan.actions[name] as unknown as object)]),
  )
}

const back = (...components: string[]) => ({ type: 'rollback', components })
const kill = (scope: object = {}) => ({ type: 'kill', path: 'deploy/flags.json', ...scope })
const page = { type: 'pagerduty' }
const told = { type: 'webhook', format: 'json' }

const quality = (score: number): Events => ({ evals: { quality: { score } } })
const accuracy = (score: number): Events => ({ evals: { accuracy: { score } } })
const happy = (score: number): Events => ({ evals: { user_satisfaction: { score } } })

/** Of one trigger: what is written, what must fire it, what must not, and what is done then. */
const triggers: [string, Events, Events, object[]][] = [
  // One harmful answer is enough.
  ['{metric: harmful_content, threshold: 1, action: kill_switch}', { harm: 1 }, {}, [kill()]],
  ['{metric: harmful_content, operator: ">", threshold: 0, action: kill_switch}', { harm: 1 }, {}, [kill()]],
  ['{metric: harmful_content, operator: ">=", threshold: 1, action: kill_switch}', { harm: 1 }, {}, [kill()]],
  ['{metric: harmful_content_detected, threshold: any, action: kill_switch}', { harm: 1 }, {}, [kill()]],
  ['{metric: harmful_outputs, condition: "> 0", action: emergency_stop}', { harm: 1 }, {}, [kill()]],
  ['{metric: toxic_responses, threshold: true, action: kill_switch}', { harm: 1 }, {}, [kill()]],
  ['{metric: harmful_content, operator: ">", threshold: 1, action: kill_switch}', { harm: 2 }, { harm: 1 }, [kill()]],
  ['{metric: harmful_content, threshold: 3, action: kill_switch}', { harm: 3 }, { harm: 2 }, [kill()]],
  ['{metric: harmful_rate, threshold: 5%, action: alert}', { harm: 140 }, { harm: 1 }, [told]],
  // A drop is a distance from what is normal (0.9).
  ['{metric: accuracy_drop, threshold: 0.1, action: rollback}', accuracy(0.75), accuracy(0.85), [back()]],
  ['{metric: accuracy_drop, operator: ">", threshold: 0.1, action: rollback}', accuracy(0.75), accuracy(0.85), [back()]],
  ['{metric: accuracy_drop, threshold: 10%, action: rollback}', accuracy(0.75), accuracy(0.85), [back()]],
  ['{metric: accuracy, drop: 0.1, action: rollback}', accuracy(0.75), accuracy(0.85), [back()]],
  ['{metric: accuracy, operator: drops_by, threshold: 0.1, action: rollback}', accuracy(0.75), accuracy(0.85), [back()]],
  ['{metric: accuracy, below_baseline: 0.1, action: rollback}', accuracy(0.75), accuracy(0.85), [back()]],
  ['{metric: accuracy, threshold: 0.1, compare_to: baseline, action: rollback}', accuracy(0.75), accuracy(0.85), [back()]],
  ['{metric: quality_degradation, threshold: 0.1, action: rollback}', quality(0.75), quality(0.85), [back()]],
  ['{metric: quality_score, condition: "< baseline - 0.1", action: rollback}', quality(0.75), quality(0.85), [back()]],
  ['{condition: "quality_score < baseline - 10%", action: rollback}', quality(0.75), quality(0.85), [back()]],
  ['{metric: error_rate_increase, threshold: 0.05, action: rollback}', { errors: 0.3 }, { errors: 0.02 }, [back()]],
  ['{metric: success_rate_drop, threshold: 0.05, action: rollback}', { errors: 0.3 }, { errors: 0.02 }, [back()]],
  // Scores.
  ['{metric: quality_score, threshold: 0.8, action: rollback}', quality(0.7), quality(0.9), [back()]],
  ['{metric: quality_score, operator: less_than, threshold: 80%, action: rollback}', quality(0.7), quality(0.9), [back()]],
  ['{metric: quality_score, min: 0.8, action: rollback}', quality(0.7), quality(0.9), [back()]],
  ['{metric: quality_score, threshold: 4, action: rollback}', quality(3.5), quality(4.5), [back()]],
  ['{metric: quality_score, threshold: "7/10", action: rollback}', quality(6), quality(8), [back()]],
  ['{metric: user_satisfaction, threshold: 3.5/5, action: alert}', happy(3), happy(4.2), [told]],
  ['{metric: user_satisfaction, operator: "<", threshold: 3.5, action: alert}', happy(3), happy(4.2), [told]],
  ['{metric: user_satisfaction, threshold: 80%, action: alert}', { down: 300 }, { down: 20 }, [told]],
  ['{metric: toxicity_score, threshold: 0.5, action: alert}', { evals: { toxicity: { score: 0.8 } } }, { evals: { toxicity: { score: 0.1 } } }, [told]],
  ['{metric: drift_score, threshold: 0.5, action: alert}', { evals: { drift: { score: 0.8 } } }, { evals: { drift: { score: 0.1 } } }, [told]],
  ['{metric: confidence_score, threshold: 0.6, action: alert}', { evals: { confidence: { score: 0.4 } } }, { evals: { confidence: { score: 0.8 } } }, [told]],
  // Rates.
  ['{metric: error_rate, threshold: 5%, window: 5m, action: rollback}', { errors: 0.2 }, { errors: 0.01 }, [back()]],
  ['{metric: error_rate, threshold: 5, action: rollback}', { errors: 0.2 }, { errors: 0.01 }, [back()]],
  ['{metric: error_rate, threshold: 0.05, operator: gt, action: rollback}', { errors: 0.2 }, { errors: 0.01 }, [back()]],
  ['{condition: "error_rate > 5% for 5m", action: rollback}', { errors: 0.2 }, { errors: 0.01 }, [back()]],
  ['{error_rate: "> 5%", window: 5m, action: rollback}', { errors: 0.2 }, { errors: 0.01 }, [back()]],
  ['{condition: error_rate, operator: ">", threshold: 5%, action: rollback}', { errors: 0.2 }, { errors: 0.01 }, [back()]],
  ['{metric: success_rate, threshold: 95%, action: rollback}', { errors: 0.2 }, { errors: 0.01 }, [back()]],
  ['{metric: availability, operator: below, threshold: 0.95, action: rollback}', { errors: 0.2 }, { errors: 0.01 }, [back()]],
  ['{metric: hallucination_rate, threshold: 0.05, action: rollback}', { evals: { groundedness: { label: 'fail' } } }, { evals: { groundedness: { label: 'pass' } } }, [back()]],
  // Times and money.
  ['{metric: latency_p95, threshold: 3, action: alert}', { ms: 4000 }, { ms: 900 }, [told]],
  ['{metric: p99_latency, condition: "> 5000ms", duration: 10m, action: alert}', { ms: 7000 }, { ms: 900 }, [told]],
  ['{metric: latency, threshold: 2 seconds, action: alert}', { ms: 4000 }, { ms: 900 }, [told]],
  ['{metric: latency_p95_ms, threshold: 2000, action: alert}', { ms: 4000 }, { ms: 900 }, [told]],
  ['{metric: cost_per_request, threshold: $0.05, action: alert}', { cost: 0.2 }, { cost: 0.001 }, [told]],
  ['{metric: cost_per_day, threshold: $500, action: alert}', { cost: 1 }, { cost: 0.01 }, [told]],
  ['{metric: daily_cost, threshold: 500, action: alert}', { cost: 1 }, { cost: 0.01 }, [told]],
  ['{metric: cost_per_hour, threshold: 50, action: alert}', { cost: 1 }, { cost: 0.01 }, [told]],
  ['{metric: total_cost, threshold: 500, window: 1d, action: alert}', { cost: 1 }, { cost: 0.01 }, [told]],
  // Numbers.
  ['{metric: user_complaints, threshold: 10, window: 1h, action: page_oncall}', { down: 10 }, { down: 9 }, [page]],
  ['{metric: user_complaints, operator: ">", threshold: 10, window: 1h, action: page_oncall}', { down: 11 }, { down: 10 }, [page]],
  ['{condition: "user_complaints >= 10", window: 1h, action: page_oncall}', { down: 10 }, { down: 9 }, [page]],
] // biome-ignore format: one table

it.each(triggers)('%s', async (text, bad, good, done) => {
  const { read } = await imported(`auto_rollback:\n  triggers:\n    - ${text}\n`)
  const guard = read('guard.yaml')
  expect(Object.values(await fired(guard, bad)).map((list) => list)).toMatchObject([done])
  expect(await fired(guard, good)).toEqual({})
  expect((guard['on_failure'] as string[]).length).toBeGreaterThan(0)
})

const REGISTRY = 'model_registry: {models: [{name: new, model_id: gpt-4o-2024-11-20, status: production, rollback_target: old}, {name: old, model_id: gpt-4o-2024-08-06}]}\n' // biome-ignore format: one line
const FLAGS = 'feature_flags: {summary: {rollout: [{percentage: 10}]}}\n'
const TWO = 'feature_flags: {summary: {rollout: [{percentage: 10}]}, search: {rollout: [{percentage: 10}]}}\n'

/** What an action becomes; a text: it is refused, and said so. */
const deeds: [string, string, string, object[] | RegExp][] = [
  ['rollback', '', 'rollback', [back()]],
  ['rollback_to_previous', '', 'rollback_to_previous', [back()]],
  ['automatic full rollback', '', '"automatic full rollback"', [back()]],
  ['the model', REGISTRY, 'rollback_model', [back('model')]],
  ['the model, as a map', REGISTRY, '{type: rollback, component: model}', [back('model')]],
  ['a target that says nothing', '', '{type: rollback, target: previous_version}', [back()]],
  ['the prompt, where nothing is known of production', '', 'rollback_prompt', [back('prompt')]],
  ['the prompt, where production has none', REGISTRY, 'rollback_prompt', /production has no prompt/],
  ['something that is no component', '', 'rollback_weather', /"weather" is no component/],
  ['the only flag', FLAGS, 'disable_feature_flag', [kill({ feature: 'summary' })]],
  ['a named flag of two', TWO, '{type: disable_flag, flag: search}', [kill({ feature: 'search' })]],
  ['a named flag, short', TWO, '[disable_feature_flag: search]', [kill({ feature: 'search' })]],
  ['one of two flags', TWO, 'disable_feature_flag', /does not say which flag or feature \(the file has summary, search\)/],
  ['no flag', '', 'disable_feature_flag', /the file has no feature flag/],
  ['everything', '', 'kill_switch', [kill()]],
  ['a kill switch of one feature', '', '{type: kill_switch, feature: search}', [kill({ feature: 'search' })]],
  ['a model', '', '{type: disable_model, model: gpt-4o-2024-11-20}', [kill({ model: 'gpt-4o-2024-11-20' })]],
  ['several', '', '[kill_switch, create_incident]', [kill(), page]],
  ['Slack with its channel', '', '[notify_slack: "#llm"]', [{ type: 'webhook', format: 'slack' }]],
  ['Teams', '', 'teams_notification', [{ type: 'webhook', format: 'teams' }]],
  ['a fallback', '', 'switch_to_fallback', /a trigger has no fallback/],
  ['a revert', '', 'open_revert_pull_request', /with its repository/],
  ['an issue', '', 'create_github_issue', /with its repository/],
  ['blocking a user', '', 'block_user', /has no counterpart/],
  ['a pigeon', '', 'send_pigeon', /the action "send_pigeon" has no counterpart/],
] // biome-ignore format: one table

it.each(deeds)('an action: %s', async (_, more, action, done) => {
  const alert = '    - {metric: latency_p95, threshold: 3s, action: alert}\n'
  const { read, said } = await imported(
    `${more}auto_rollback:\n  triggers:\n    - {metric: error_rate, threshold: 5%, action: ${action}}\n${alert}`,
  )
  const made = await fired(read('guard.yaml'), { errors: 0.3 })
  if (done instanceof RegExp) {
    expect(made).toEqual({})
    expect(said).toMatch(done)
    expect(said).toContain('none of its actions can be carried over')
  } else expect(made).toMatchObject({ error_rate: done })
})

it('the own action of a trigger wins over those of the block', async () => {
  const { read } = await imported(`auto_rollback:
  triggers:
    - {metric: latency_p95, threshold: 2s, action: alert}
    - {metric: error_rate, threshold: 5%}
  actions: [rollback, notify_slack: "#x", create_incident]
`)
  const made = await fired(read('guard.yaml'), { errors: 0.3, ms: 9000 })
  expect(made['latency_p95']).toMatchObject([told])
  expect(made['error_rate']).toMatchObject([back(), { format: 'slack' }, page])
  expect(made['latency_p95']).toHaveLength(1)
})

it('planes that are there decide what can go back by itself', async () => {
  const config = 'version: 1\nsuites: []\nproduction: {prompt: {type: flagd, path: f.json, flag: p}}\n'
  const text = (what: string) => `auto_rollback: [{metric: error_rate, threshold: 5%, action: ${what}}, {metric: latency_p95, threshold: 2s, action: alert}]\n` // biome-ignore format: one line
  expect(await fired((await imported(text('rollback_prompt'), config)).read('guard.yaml'), { errors: 0.3 })).toMatchObject({ error_rate: [back('prompt')] }) // biome-ignore format: one line
  const refused = await imported(text('rollback_model'), config)
  expect(refused.said).toContain('production has no model that could go back by itself')
  expect(Object.keys(refused.read('aigate.yaml')['production'] as object)).toEqual(['prompt'])
})

it('what is about another flag or component does not stop a rollout', async () => {
  const { read } = await imported(`${REGISTRY}${FLAGS}canary_stages: [{percentage: 5, duration: 1h}, {percentage: 100}]
auto_rollback:
  - {metric: error_rate, threshold: 5%, action: disable_feature_flag}
  - {metric: latency_p95, threshold: 2s, action: rollback_model}
`)
  const ids = (file: string) =>
    (read(file)['triggers'] as { id: string; do: string[] }[]).map((one) => [one.id, one.do])
  expect(ids('rollouts/summary.rollout.yaml')).toEqual([['error_rate', ['kill']], ['latency_p95', ['rollback']]]) // biome-ignore format: one line
  expect(ids('rollouts/deployment-canary.rollout.yaml')).toEqual([['latency_p95', ['rollback']]])
})

const slow: Events = { ms: 9000 }
const breakers: [string, string, Events, Events, object][] = [
  ['a list', '- {name: b, conditions: [{metric: latency_p95, operator: ">", threshold: 5s, duration: 2m}], fallback: small}', slow, {}, { primary: 'primary', fallback: 'small' }],
  ['flat, the condition is the name', '- {name: b, condition: latency_p95, operator: greater_than, threshold: 5000, duration: 60, fallback: small}', slow, {}, { fallback: 'small' }],
  ['flat, the condition is a text', '- {name: b, condition: "latency_p95 > 5s", duration: 60, fallback: small}', slow, {}, { fallback: 'small' }],
  ['flat, with a metric', 'b: {metric: latency_p95, operator: gt, threshold: 5, duration: 1m, fallback: small}', slow, {}, { fallback: 'small' }],
  ['by keys', 'b: {conditions: {error_rate: {operator: gte, threshold: 0.5, duration: 30s}}, fallback: [small, human]}', { errors: 0.9 }, { errors: 0.05 }, { 'fallback': 'small', 'fallback-2': 'human' }],
  ['a threshold in its key', 'b: {error_rate_threshold: 0.5, recovery_timeout: 30, fallback: small}', { errors: 0.9 }, { errors: 0.05 }, { fallback: 'small' }],
  ['quality', 'b: {conditions: [{metric: confidence_score, operator: "<", threshold: 0.7, duration: 10m}], action: route_to_human}', { evals: { confidence: { score: 0.3 } } }, { evals: { confidence: { score: 0.9 } } }, { fallback: 'human' }],
  ['a cached answer', 'b: {metric: quality_score, threshold: 0.6, action: use_cached_response}', quality(0.3), quality(0.9), { fallback: 'cached_response' }],
] // biome-ignore format: one table

it.each(breakers)('a breaker: %s', async (_, text, bad, good, variants) => {
  const { read } = await imported(`circuit_breakers:\n  ${text}\n`)
  const guard = read('guard.yaml')
  expect(guard).toMatchObject({ breakers: [{ id: 'b', flag: { variants } }] })
  expect(Object.keys(await fired(guard, bad))).toEqual(['b'])
  expect(await fired(guard, good)).toEqual({})
})

it('a breaker that goes to the previous model takes it from the registry', async () => {
  const { read } = await imported(
    `${REGISTRY}circuit_breakers: {b: {metric: error_rate, threshold: 50%, action: fallback_to_previous_model}}\n`,
  )
  expect(read('guard.yaml')).toMatchObject({ breakers: [{ flag: { variants: { primary: 'new', fallback: 'old' } } }] })
})

/** Of one criterion of a stage: what it comes to, or a margin, or that it is refused. */
const criteria: [string, unknown][] = [
  ['"error_rate < 1%"', { kind: 'rate', metric: 'error_rate', limit: 0.01 }],
  ['{metric: error_rate, operator: less_than, threshold: 1}', { kind: 'rate', metric: 'error_rate', limit: 0.01 }],
  ['{max_error_rate: 0.01}', { kind: 'rate', metric: 'error_rate', limit: 0.01 }],
  ['{error_rate: "< 1%"}', { kind: 'rate', metric: 'error_rate', limit: 0.01 }],
  ['"success_rate > 99%"', { kind: 'rate', metric: 'error_rate', limit: 0.01 }],
  ['"latency_p95 < 2s"', { kind: 'quantile', metric: 'latency_p95', value: 2000, limit: 0.05 }],
  ['{p99_latency: {max: 3000}}', { kind: 'quantile', metric: 'latency_p99', value: 3000, limit: 0.01 }],
  ['"quality_score > 0.85"', { kind: 'mean', metric: 'quality_score', limit: 0.85, side: 'above' }],
  ['{min_quality_score: 85%}', { kind: 'mean', metric: 'quality_score', limit: 0.85, side: 'above' }],
  ['"user_satisfaction > 4.5/5"', { kind: 'mean', metric: 'user_satisfaction', limit: 4.5, side: 'above' }],
  ['{user_satisfaction: 4.5}', { kind: 'mean', metric: 'user_satisfaction', limit: 4.5, side: 'above' }],
  ['"user_satisfaction > 90%"', { kind: 'rate', metric: 'thumbs_down', limit: 0.1 }],
  ['{metric: accuracy_drop, max: 0.02}', { margin: { abs: 0.02 } }],
  ['"accuracy > baseline - 2%"', { margin: { rel: 0.02 } }],
  ['"error_rate < 1.5x baseline"', { margin: { risk_ratio: 1.5 } }],
  ['"latency_p95 < baseline + 20%"', { margin: { risk_ratio: 1.2 } }],
  ['"accuracy > baseline + 2%"', 'left'],
  ['"quality_score > 1.1x baseline"', 'left'],
  ['{harmful_content: 1}', 'left'],
  ['{user_complaints: "< 5"}', 'left'],
  ['"good_vibes > 3"', 'left'],
]

it.each(criteria)('a criterion: %s', async (text, meant) => {
  const { read, said } = await imported(`canary_stages:
  - {percentage: 5, duration: 1h, success_criteria: [${text}]}
  - {percentage: 100}
`)
  const plan = RolloutPlan.parse(read('rollouts/deployment-canary.rollout.yaml'))
  const written = plan.stages[0]?.success ?? []
  if (meant === 'left') {
    expect(written).toEqual([])
    expect(Object.values(plan.metrics).filter(({ margin }) => margin?.rel !== undefined || margin?.abs !== undefined)).toEqual([]) // biome-ignore format: one line
    expect(said).toMatch(/Not carried over:\n.*success_criteria/)
  } else if ('margin' in (meant as object)) expect(Object.values(plan.metrics)).toMatchObject([meant])
  else expect(written.map((one) => boundOf(plan, one))).toMatchObject([meant])
  if (text.includes('4.5')) expect(plan.metrics['user_satisfaction']).toMatchObject({ range: [1, 5] })
})

const stages: [string, string[]][] = [
  ['[{percentage: 1, duration: 1h}, {percentage: 25, duration: 2h}, {percentage: 100}]', ['1%', '25%', '100%']],
  ['[{weight: "5%"}, {weight: "50%"}, {weight: "100%"}]', ['5%', '50%', '100%']],
  ['[{traffic: 0.05}, {traffic: 0.5}, {traffic: 1}]', ['5%', '50%', '100%']],
  ['[1, 10, 50]', ['1%', '10%', '50%', '100%']],
  ['{canary: {traffic_percentage: 5, duration: 30 minutes}, full: {traffic_percentage: 100}}', ['5%', '100%']],
]
it.each(stages)('stages: %s', async (text, shares) => {
  const { read } = await imported(`canary_stages: ${text}\n`)
  const plan = read('rollouts/deployment-canary.rollout.yaml') as { stages: { traffic: string }[] }
  expect(plan.stages.map(({ traffic }) => traffic)).toEqual(shares)
})

const flags: [string, object][] = [
  ['{f: {rollout: [{percentage: 1}, {percentage: 100}], targeting: {segments: [beta, internal]}}}', { first: ['beta', 'internal'] }],
  ['[{name: f, stages: [{percentage: 1}, {percentage: 100}], target: [beta]}]', { first: ['beta'] }],
  ['{flags: [{key: f, rollout_stages: [{percentage: 1}], targeting: {exclude: [enterprise]}}]}', { exclude: ['enterprise'] }],
  ['{f: {stages: [{percentage: 1, segment: internal}, {percentage: 100}]}}', { first: ['internal'] }],
  ['{f: {stages: [{percentage: 1}], targeting: {rules: [{attribute: plan, operator: in, values: [pro]}]}}}', { first: ['pro'] }],
] // biome-ignore format: one table
it.each(flags)('a flag: %s', async (text, segments) => {
  const { read } = await imported(`feature_flags: ${text}\n`)
  expect(read('rollouts/f.rollout.yaml')).toMatchObject({ rollout: 'f', segments, stages: [{ traffic: '1%' }, { traffic: '100%' }] }) // biome-ignore format: one line
})

it('a flag with a share and no stages is a rollout of that share; one that is off is said', async () => {
  const { read, said } = await imported('feature_flags: {f: {rollout_percentage: 10}, g: {enabled: false, rollout_percentage: 5}}\n') // biome-ignore format: one line
  expect(read('rollouts/f.rollout.yaml')).toMatchObject({ stages: [{ traffic: '10%' }, { traffic: '100%' }] })
  expect(said).toContain('feature_flags.g: it is not enabled')
})

const models: [string, object][] = [
  ['{production: {name: gpt-4o-2024-11-20, provider: openai, temperature: 0.3, rollback_target: gpt-4o-2024-08-06}}', { 'production': { id: 'gpt-4o-2024-11-20', params: { temperature: 0.3 }, status: 'production', rollback_to: 'gpt-4o-2024-08-06' }, 'gpt-4o-2024-08-06': { id: 'gpt-4o-2024-08-06', provider: 'openai' } }],
  ['{models: [{name: main, version: gpt-4o-2024-11-20, provider: openai, parameters: {max_tokens: 3}}]}', { main: { id: 'gpt-4o-2024-11-20', params: { max_tokens: 3 } } }],
  ['{models: [{name: gpt-4o, version: 2024-11-20, provider: openai}]}', { 'gpt-4o': { id: 'gpt-4o-2024-11-20' } }],
  ['{current: {model: claude-3-5-sonnet-20241022, provider: anthropic}, previous: {model: claude-3-5-sonnet-20240620, provider: anthropic}, rollback_target: previous}', { current: { id: 'claude-3-5-sonnet-20241022', rollback_to: 'previous' } }],
  ['{models: {a: {provider: openai, model_id: gpt-4o-2024-11-20, version: "2.0"}, b: {provider: openai, model_id: gpt-4o-2024-08-06, version: "1.9"}}, current: "2.0", rollback_target: "1.9"}', { a: { rollback_to: 'b' } }],
] // biome-ignore format: one table
it.each(models)('a registry: %s', async (text, known) => {
  const { read, said } = await imported(`model_registry: ${text}\n`)
  expect(read('aigate.yaml')['models']).toMatchObject(known)
  expect(said).not.toContain('Not carried over')
})

const shadows: [string, object][] = [
  ['{min_similarity: 0.9}', { similarity: { below: 0.9 } }],
  ['{similarity: "> 0.9"}', { similarity: { below: 0.9 } }],
  ['["similarity > 90%"]', { similarity: { below: 0.9 } }],
  ['[{metric: similarity, operator: gte, threshold: 0.9}]', { similarity: { below: 0.9 } }],
  ['{latency_increase: "< 10%", cost_increase: 0.05}', { latency: { max_increase: '10%' }, cost: { max_increase: '5%' } }],
  ['{error_rate_increase: 1%, confidence_drop: 0.05}', { errors: { max_increase: 0.01 }, confidence: { max_drop: 0.05 } }],
] // biome-ignore format: one table
it.each(shadows)('a shadow: %s', async (text, meant) => {
  const { read, said } = await imported(`shadow_deployment: {promotion_criteria: ${text}, min_requests: 500}\n`)
  expect(read('rollouts/deployment-shadow.shadow.yaml')).toMatchObject({ criteria: meant, min_pairs: 500 })
  expect(said).not.toContain('Not carried over')
})

it.each([
  '{latency_p95: "< 2s", similarity: 0.9}',
  '{quality_score: "> 0.9", similarity: 0.9}',
  '{similarity: "< 0.9", latency_increase: 10%}',
])('a shadow: what its pairs cannot say is listed: %s', async (text) => {
  const { said } = await imported(`shadow_deployment: {promotion_criteria: ${text}}\n`)
  expect(said).toMatch(/Not carried over:\n.*promotion_criteria/)
})

const experiments: [string, object][] = [
  ['{variants: [control, warm], metrics: {primary: user_satisfaction, guardrails: [error_rate]}, success_criteria: {min_improvement: 5%, confidence: 0.95}, duration: 14d}', { control: 'control', primary: { effect: { rel: 0.05 }, direction: 'increase', alpha: 0.05 }, guardrails: { error_rate: {} } }],
  ['{variants: {a: 50, b: 50}, primary_metric: error_rate, mde: 0.1, sample_size: 500}', { control: 'a', primary: { direction: 'decrease', effect: { rel: 0.1 } }, horizon: { units_per_variant: 500 } }],
  ['{variants: [{name: control, weight: 80}, {name: b, weight: 20}], metrics: [{name: latency_p95, role: primary}], duration_days: 7}', { variants: { control: { share: 0.8 }, b: { share: 0.2 } }, primary: { metric: 'latency_p95', direction: 'decrease' } }],
  ['{variants: [control, b], metrics: [task_completion, cost], success_criteria: {p_value: "< 0.01"}, duration: 2 weeks}', { primary: { metric: 'task_completion', alpha: 0.01 }, secondary: ['cost'] }],
] // biome-ignore format: one table
it.each(experiments)('an experiment: %s', async (text, meant) => {
  const { read, said } = await imported(`experiment:\n  name: tone\n  hypothesis: warmer is better\n  ${text.slice(1, -1).replaceAll(/, (?=(variants|metrics|primary_metric|success_criteria|duration|mde|sample_size|duration_days):)/g, '\n  ')}\n`) // biome-ignore format: one line
  expect(read('experiments/tone.experiment.yaml')).toMatchObject(meant)
  expect(said).not.toContain('Not carried over')
})
