// What the parts of a guard say of each other that cannot be: names that are nowhere, limits that are never or always true.
import { limitFaults } from './condition-limits.ts'
import type { BreakerCondition, GuardAction, GuardPlan, GuardTrigger } from './guard.ts'

const kinds = ['above', 'below', 'below_baseline', 'above_baseline', 'count_above', 'sum_above'] as const
const alone = ['changed', 'no_data_for'] as const
export const noticeTypes: ReadonlySet<GuardAction['type']> = new Set(['webhook', 'pagerduty', 'github-issue'])

/** What can tell of a failure. */
const tellerTypes: ReadonlySet<GuardAction['type']> = new Set([...noticeTypes, 'command'])

type Fault = { path: (string | number)[]; problem: string; mend?: string }
type Parts = Pick<GuardPlan, 'triggers' | 'breakers' | 'actions' | 'metrics' | 'on_failure'>

/** What the parts of a plan say of each other that cannot be. */
export function faults(plan: Parts): Fault[] {
  const names = Object.keys(plan.actions)
  const undone = (list: readonly string[], path: (string | number)[]): Fault[] =>
    list.flatMap((name, i) =>
      names.includes(name) ? [] : [{ path: [...path, i], problem: `there is no action "${name}" under actions` }],
    )
  const known = (metric: string | undefined, path: (string | number)[]): Fault[] =>
    metric === undefined || Object.hasOwn(plan.metrics, metric)
      ? []
      : [{ path, problem: `there is no metric "${metric}" under metrics` }]
  const tellers = plan.on_failure.flatMap((name, i) => {
    const action = plan.actions[name]
    if (!action || tellerTypes.has(action.type)) return []
    const able = names.filter((one) => tellerTypes.has(plan.actions[one]?.type ?? 'kill'))
    return [
      {
        path: ['on_failure', i],
        problem: `${name} is a ${action.type}: it tells nobody`,
        mend: `Name actions of type ${[...tellerTypes].join(', ')}${able.length > 0 ? `; here: ${able.join(', ')}` : ''}.`,
      },
    ]
  })
  return [
    ...undone(plan.on_failure, ['on_failure']),
    ...tellers,
    ...plan.triggers.flatMap((one, i) => [
      ...undone(one.do, ['triggers', i, 'do']),
      ...known(one.metric, ['triggers', i, 'metric']),
      ...triggerFaults(one, plan.metrics).map((problem) => ({ path: ['triggers', i], problem })),
      ...limits(one, plan.metrics, ['triggers', i]),
      ...(one.no_data_for === 0
        ? [
            {
              path: ['triggers', i, 'no_data_for'],
              problem: 'no_data_for 0 is always true',
              mend: 'Write a time such as 20m.',
            },
          ]
        : []),
    ]),
    ...plan.breakers.flatMap((one, i) => [
      ...undone(one.do, ['breakers', i, 'do']),
      ...one.when.flatMap((when, j) => [
        ...known(when.metric, ['breakers', i, 'when', j, 'metric']),
        ...breakerFaults(when, plan.metrics).map((problem) => ({ path: ['breakers', i, 'when', j], problem })),
        ...limits(when, plan.metrics, ['breakers', i, 'when', j]),
      ]),
      ...(one.probe_share > 0 && one.probe_share <= 1
        ? []
        : [
            {
              path: ['breakers', i, 'probe_share'],
              problem: 'this is no share of the users: it could never close again',
              mend: 'Write a share above 0 and up to 100%, such as 1%.',
            },
          ]),
      ...(Object.keys(one.flag.variants).length < 2
        ? [{ path: ['breakers', i, 'flag', 'variants'], problem: 'a breaker needs the primary and one fallback' }]
        : []),
    ]),
    ...twice(plan.triggers, 'triggers'),
    ...twice(plan.breakers, 'breakers'),
    ...Object.entries(plan.actions).flatMap(([name, action]) =>
      action.type === 'webhook' && (action.url === undefined) === (action.url_env === undefined)
        ? [{ path: ['actions', name], problem: 'a webhook needs url or url_env, one of them' }]
        : [],
    ),
  ]
}

function limits(
  one: GuardTrigger | BreakerCondition,
  metrics: GuardPlan['metrics'],
  path: (string | number)[],
): Fault[] {
  const metric = one.metric !== undefined && Object.hasOwn(metrics, one.metric) ? metrics[one.metric] : undefined
  return limitFaults(one, metric).map(({ key, ...fault }) => ({ path: [...path, key], ...fault }))
}

function twice(list: readonly { id: string }[], where: string): Fault[] {
  return list.flatMap(({ id }, i) =>
    list.findIndex((other) => other.id === id) < i
      ? [{ path: [where, i, 'id'], problem: `the id "${id}" is used twice` }]
      : [],
  )
}

function triggerFaults(one: GuardTrigger, metrics: GuardPlan['metrics']): string[] {
  const asked = [...kinds, ...alone].filter((kind) => one[kind] !== undefined)
  if (asked.length !== 1) return [`a trigger needs one of ${[...kinds, ...alone].join(', ')}`]
  const [kind = 'above'] = asked
  const isAlone = kind === 'changed' || kind === 'no_data_for'
  if (isAlone) return one.metric === undefined ? [] : [`${kind} asks for no metric`]
  if (one.metric === undefined) return [`${kind} needs a metric`]
  const metric = metrics[one.metric]
  if (metric === undefined) return []
  const problems: string[] = []
  if (kind === 'sum_above' && !('mean' in metric)) problems.push('sum_above needs a metric with `mean`')
  if (kind === 'count_above' && 'mean' in metric) problems.push('count_above needs a metric with `bad` or `value`')
  return problems
}

function breakerFaults(when: BreakerCondition, metrics: GuardPlan['metrics']): string[] {
  if ((when.above === undefined) === (when.below === undefined)) return ['a condition needs above or below']
  const metric = metrics[when.metric]
  if (metric && !('mean' in metric) && when.below !== undefined) return ['a rate of bad events needs above']
  return []
}
