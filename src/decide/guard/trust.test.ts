// When a look of a guard is no pass although nothing fires; what a new plan and a wrong clock leave standing.
import { expect, it } from 'vitest'
import type { GuardPlan } from '../../schema/guard.ts'
import { GuardEntry } from '../../schema/guard-journal.ts'
import { blockAt, counts, guardWith, MINUTE, readingOf, runner, T0 } from './guard-testing.ts'
import { foldGuard } from './fold.ts'
import { decideGuard } from './look.ts'

const bad = (minute: number, rate = 0.5, n = 200) => blockAt(minute, { error_rate: counts(n, Math.round(n * rate)) })
const good = (minute: number) => bad(minute, 0.01)
const trigger = (more: object = {}) => ({
  id: 'errors',
  metric: 'error_rate',
  above: '5%',
  window: '2m',
  do: ['page'],
  ...more,
})
const plan = (more: object = {}) => guardWith({ triggers: [trigger(more)] })

function lookWith(run: ReturnType<typeof runner>, minute: number, reading: ReturnType<typeof readingOf>) {
  const made = decideGuard(run.state(), { now: T0 + minute * MINUTE, reading, failure: null })
  run.add(minute, { kind: 'look', reading, failure: null, ...made })
  return made
}

it('what came too late and was not counted is no pass, until a look counts what comes', () => {
  const run = runner(plan())
  run.look(1, [good(0)])
  const late = lookWith(run, 4, { ...readingOf([], 4), late: 90 })
  expect(late.outcome).toBe('invalid')
  expect(late.reasons.join()).toMatch(/90 of 90 events were not counted: .*`source\.lateness`/)
  expect(lookWith(run, 5, readingOf([], 5)).outcome).toBe('invalid')
  expect(lookWith(run, 6, readingOf([good(5)], 6)).outcome).toBe('pass')
})

it('a breaker whose events name no variant has no data', () => {
  const breakers = [
    {
      id: 'model',
      when: [{ metric: 'error_rate', above: '10%' }],
      flag: { path: 'f.json', name: 'model', variants: { main: 'a', previous: 'b' } },
    },
  ]
  const run = runner(guardWith({ triggers: [], breakers }))
  run.look(1, [bad(0)])
  const { outcome, reasons } = lookWith(run, 2, readingOf([bad(1)], 2))
  expect(outcome).toBe('invalid')
  expect(reasons.join()).toMatch(/Breaker model has no data: none of \d+ events .*feature_flag\.result\.variant.*main/)
  const named = blockAt(2, { error_rate: counts(200, 1), 'error_rate.of.model.main': counts(200, 1) })
  expect(lookWith(run, 3, readingOf([named], 3)).outcome).toBe('pass')
})

it('a clock that is hours ahead for one look does not blind the next ones, and is named', () => {
  const run = runner(plan())
  run.look(1, [good(0)])
  const ahead = { ...readingOf([good(1)], 2), until: new Date(T0 + 122 * MINUTE).toISOString() }
  expect(lookWith(run, 122, ahead).outcome).toBe('invalid')
  expect(run.state().closed).toBe(T0 + 2 * MINUTE)
  const next = lookWith(run, 3, readingOf([good(2)], 3))
  expect(next.outcome).toBe('pass')
  expect(next.reasons.join(' ')).toMatch(/The clock of the last look was .* ahead: its time was not kept/)
  expect(lookWith(run, 4, readingOf([good(3)], 4)).reasons).toEqual(['Nothing fires.'])
  expect(run.look(5, [bad(4)])).toBe('fail')
})

function replanned(run: ReturnType<typeof runner>, minute: number, next: GuardPlan) {
  run.add(minute, { kind: 'start', plan_hash: `h${minute}`, plan: next, since: T0 + minute * MINUTE })
}

it('another limit judges what was counted before; what is counted otherwise begins anew and is no pass', () => {
  const run = runner(plan({ above: '90%', window: '5m' }))
  expect(run.look(2, [bad(0), bad(1)])).toBe('pass')
  replanned(run, 2, plan({ above: '5%', window: '5m' }))
  expect(lookWith(run, 3, readingOf([], 3)).outcome).toBe('pass')
  expect(run.look(4, [blockAt(3, { error_rate: counts(1, 0) })])).toBe('fail')
  replanned(run, 4, guardWith({ triggers: [trigger()], metrics: { error_rate: { bad: "error.type == 'x'" } } }))
  const fresh = lookWith(run, 5, readingOf([], 5))
  expect(fresh.outcome).toBe('invalid')
  expect(fresh.reasons).toEqual(['Nothing was counted yet for errors.'])
})

it('what was over before anybody looked is told with its value when it fired', () => {
  const run = runner(plan({ window: '1m' }))
  run.look(6, [bad(0), good(1), good(2), good(3)])
  expect(run.state().episodes[0]).toMatchObject({ late: true, value: 0.5 })
  expect(run.state().episodes[0]?.text).toMatch(/error_rate is 50% .* It was over before anybody looked/)
})

it('a state of before, without anything new in it, goes on', () => {
  const run = runner(plan())
  run.look(1, [bad(0)])
  const state = JSON.parse(JSON.stringify(run.state())) as ReturnType<typeof run.state>
  for (const one of Object.values(state.triggers)) delete one.fired_value
  delete state.late
  const frame = { aigate: 'guard', version: 1, seq: 1, at: new Date(state.at).toISOString(), by: 'x' } as const
  const carried = foldGuard([{ ...frame, kind: 'carry', state: state as never, from: 'a', prev: '', hash: '' }])
  expect(decideGuard(carried, { now: T0 + 2 * MINUTE, reading: readingOf([bad(1)], 2), failure: null }).outcome).toBe(
    'fail',
  )
})

it.each([
  [{ above: 5 }, /above 500% of a rate.*never true/],
  [{ above: '150%' }, /never true/],
  [{ above: -1 }, /always true/],
  [{ above: undefined, below: 0 }, /below 0% of a rate.*never true/],
  [{ above: undefined, below: -0.1 }, /never true/],
  [{ window: '0s' }, /a window of 0 holds no event/],
  [{ above: undefined, above_baseline: -0.1 }, /always true/],
])('refuses %j', (more, problem) => {
  expect(() => plan(more)).toThrow(problem)
})

it('a mean with a range, a probe of nobody, and a breaker above everything are refused', () => {
  const metrics = { quality: { mean: 'q', range: [0, 1] }, error_rate: { bad: 'x == 1' } }
  expect(() => guardWith({ metrics, triggers: [trigger({ metric: 'quality', above: 1 })] })).toThrow(/between 0 and 1/)
  const breaker = (when: object, more: object = {}) => ({
    metrics,
    triggers: [],
    breakers: [{ id: 'm', when: [when], flag: { path: 'f', name: 'm', variants: { a: 1, b: 2 } }, ...more }],
  })
  expect(() => guardWith(breaker({ metric: 'error_rate', above: 2 }))).toThrow(/never true/)
  expect(() => guardWith(breaker({ metric: 'error_rate', above: 0.1 }, { probe_share: 0 }))).toThrow(/never close/)
})

it('a command may tell of a failure; what tells nobody is refused with what may', () => {
  const actions = {
    page: { type: 'pagerduty', routing_key_env: 'KEY' },
    tell: { type: 'command', argv: ['true'] },
    back: { type: 'rollback' },
  }
  const of = (on_failure: string[]) => guardWith({ triggers: [trigger()], actions, on_failure })
  expect(of(['tell']).on_failure).toEqual(['tell'])
  expect(() => of(['back'])).toThrow(/Name actions of type webhook, pagerduty, github-issue, command; here: page, tell/)
})

it('a journal keeps a plan with a limit that was allowed once', () => {
  const old = { ...plan(), triggers: [{ ...plan().triggers[0], above: 5 }] }
  const entry = { kind: 'start', plan_hash: 'h', plan: JSON.parse(JSON.stringify(old)) as object, since: 0 }
  expect(GuardEntry.safeParse(entry).success).toBe(true)
})
