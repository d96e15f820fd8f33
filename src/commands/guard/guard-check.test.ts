// What `aigate check` finds in guards, experiments and shadow plans: each fault with its place, and nothing in good ones.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { flatten } from '../../store/faults.ts'
import { oneLine } from '../../store/project-testing.ts'
import { bench, projectFolder } from '../rollout/canary-testing.ts'
import { checkCommand } from '../check.ts'
import { removeTemporary } from '../cli-testing.ts'
import { guardFindings } from './guard-check.ts'
import { killOnCommand } from './kill.ts'

afterAll(removeTemporary)

const config = `version: 1
suites: []
production:
  prompt: {type: flagd, path: deploy/flags.json, flag: support-prompt}
`
const flags = JSON.stringify({
  flags: {
    'support-prompt': {
      state: 'ENABLED',
      variants: { old: 'support/answer@1.2.0', new: 'support/answer@1.3.0' },
      defaultVariant: 'new',
    },
  },
})
const guard = `guard: production
source: {type: jsonl, path: "logs/*.jsonl"}
metrics:
  error_rate: {bad: "error.type != null"}
triggers:
  - {id: errors, metric: error_rate, above: 5%, do: [back, off, stop, run]}
actions:
  back: {type: rollback, components: [prompt]}
  off: {type: disable-flag, path: deploy/flags.json, flag: support-prompt, variant: old}
  stop: {type: kill}
  run: {type: command, argv: [echo, "{{trigger}}"]}
`
const experiment = `experiment: short
hypothesis: Shorter answers make fewer people ask again.
variants:
  control: {share: 50%, components: {prompt: support/answer@1.2.0}}
  short: {share: 50%, components: {prompt: support/answer@1.3.0}}
source: {type: jsonl, path: events.jsonl}
metrics:
  asked_again: {bad: "app.asked_again == true"}
primary: {metric: asked_again, effect: {abs: 5%}, direction: decrease}
horizon: {start: "2026-10-05T00:00:00Z", units_per_variant: 1500}
`
const shadow = 'shadow: s\npairs: {path: pairs.jsonl}\ncriteria: {winner: {}}\n'
const good = {
  'aigate.yaml': config,
  'deploy/flags.json': flags,
  'guard.yaml': guard,
  'experiments/short.experiment.yaml': experiment,
  'rollouts/s.shadow.yaml': shadow,
}

async function found(files: Record<string, string>) {
  const { project } = await bench(projectFolder({ ...good, ...files }))
  const { problems, notes, counts } = await guardFindings(project)
  return { problems: flatten(problems).map(oneLine), notes, counts }
}

it('good plans have no problem', async () => {
  const { problems, counts } = await found({})
  expect(problems).toEqual([])
  expect(counts).toEqual({ guards: 1, experiments: 1, shadows: 1 })
})

it.each([
  ['an unknown metric', 'metric: error_rate', 'metric: eror_rate', /^guard\.yaml:6:\d+ .*eror_rate/],
  ['an action that is not there', 'do: [back,', 'do: [bak,', /^guard\.yaml:6:\d+ .*bak/],
  [
    'a condition that cannot be read',
    'error.type != null',
    'error.type !=',
    /:4:\d+ metrics\.error_rate\.bad: .*position/,
  ],
  [
    'a component without a plane',
    '[prompt]',
    '[model]',
    /:8:\d+ actions\.back cannot go back: There is no plane for model/,
  ],
  [
    'an environment without planes',
    'components: [prompt]',
    'env: staging',
    /:8:\d+ actions\.back cannot go back: .*versions of staging/,
  ],
  [
    'a flag that is not there',
    'flag: support-prompt,',
    'flag: suport,',
    /:9:\d+ .*deploy\/flags\.json has no flag suport/,
  ],
  ['a variant that is not there', 'variant: old', 'variant: odl', /:9:\d+ .*no variant odl; it has old, new/],
  [
    'a program that is not there',
    'argv: [echo,',
    'argv: [./gone,',
    /:11:\d+ actions\.run\.argv: there is no program \.\/gone/,
  ],
  ['a reference of nothing', 'triggers:', 'reference: {speed: {n: 3}}\ntriggers:', /:5:\d+ reference\.speed/],
  [
    'a breaker on counters',
    'source: {type: jsonl, path: "logs/*.jsonl"}',
    'source: {type: prometheus, url: "http://127.0.0.1:9090", requests: requests_total}\nbreakers: [{id: b, when: [{metric: error_rate, above: 5%}], flag: {path: f.json, name: f, variants: {a: 1, b: 2}}}]',
    /^guard\.yaml:3:\d+ Breaker b needs events, and a source of type prometheus has counters only/,
  ],
])('guard: %s', async (_, from, to, says) => {
  expect(guard).toContain(from)
  const { problems } = await found({ 'guard.yaml': guard.replace(from, to) })
  expect(problems.join('\n')).toMatch(says)
  for (const one of problems) expect(one).toMatch(/^guard\.yaml:\d+:\d+ /)
})

it('a kill without a flag file, and a guard that watches for nothing', async () => {
  const { problems } = await found({
    'aigate.yaml': 'version: 1\n',
    'rollouts/support.rollout.yaml': '',
    'guard.yaml': guard,
  })
  expect(problems.join('\n')).toContain('actions.stop: no flag file is known')
  const idle = await found({ 'guard.yaml': 'guard: g\nsource: {type: jsonl, path: a}\nmetrics: {}\n' })
  expect(idle.problems.join('\n')).toContain('The guard watches for nothing.')
})

it('a flag file that is not there yet is a note', async () => {
  const folder = projectFolder({
    ...good,
    'guard.yaml': guard.replace('path: deploy/flags.json', 'path: deploy/later.json'),
  })
  const { project } = await bench(folder)
  const { problems, notes } = await guardFindings(project)
  expect(problems).toEqual([])
  expect(notes.join('\n')).toContain('deploy/later.json is not there yet')
})

it.each([
  ['an unknown metric', 'metric: asked_again,', 'metric: asked,', /:9:\d+ .*asked/],
  [
    'a condition that cannot be read',
    'app.asked_again == true',
    'app.asked_again ==',
    /:8:\d+ metrics\.asked_again\.bad/,
  ],
  [
    'a prompt that is not there',
    'answer@1.3.0',
    'answer@1.9.0',
    /:5:\d+ variants\.short\.components\.prompt: .*1\.9\.0/,
  ],
  [
    'a source that knows no units',
    'type: jsonl, path: events.jsonl',
    'type: sql, engine: duckdb, from: a',
    /:6:\d+ .*which unit/,
  ],
  ['a source that is read once', 'path: events.jsonl', 'path: "-"', /:6:\d+ .*only once/],
])('experiment: %s', async (_, from, to, says) => {
  expect(experiment).toContain(from)
  const { problems } = await found({ 'experiments/short.experiment.yaml': experiment.replace(from, to) })
  expect(problems.join('\n')).toMatch(says)
  for (const one of problems) expect(one).toMatch(/^experiments\/short\.experiment\.yaml:\d+:\d+ /)
})

it('a shadow plan that is broken, and names that are used twice', async () => {
  const { problems } = await found({ 'rollouts/s.shadow.yaml': shadow.replace('winner', 'winer') })
  expect(problems.join('\n')).toMatch(/s\.shadow\.yaml:3:\d+ .*winer/)
  const twice = await found({
    'ops/b.guard.yaml': guard,
    'b.experiment.yaml': experiment,
    'rollouts/t.shadow.yaml': shadow,
  })
  expect(twice.problems).toHaveLength(3)
  for (const one of twice.problems)
    expect(one).toMatch(/:1:\d+ the (guard|experiment|shadow) name .* is used twice, first in/)
})

it('leaves the plans of a project inside this one alone', async () => {
  const folder = projectFolder(good)
  for (const [name, text] of Object.entries({
    'aigate.yaml': config,
    'guard.yaml': 'guard: [\n',
    'a.experiment.yaml': 'x: 1\n',
  })) {
    mkdirSync(dirname(join(folder, 'examples/one', name)), { recursive: true })
    writeFileSync(join(folder, 'examples/one', name), text)
  }
  const { project } = await bench(folder)
  expect((await guardFindings(project)).problems).toEqual([])
})

it('says which flags no kill switch reaches, at the check and at a kill that would concern them', async () => {
  const breaker = guard.replace(
    'actions:',
    'breakers:\n  - {id: main, when: [{metric: error_rate, above: 20%}], flag: {path: deploy/flags.json, name: answer-model, variants: {a: x, b: y}}}\nactions:',
  )
  const both = JSON.parse(flags) as { flags: Record<string, unknown> }
  both.flags['answer-model'] = both.flags['support-prompt']
  const folder = projectFolder({ ...good, 'guard.yaml': breaker, 'deploy/flags.json': JSON.stringify(both) })
  const { context, err, out } = await bench(folder)
  expect(await checkCommand(context, {})).toBe('pass')
  expect(err.join('')).toContain(
    'note: no kill switch reaches the flag support-prompt in deploy/flags.json (the plane prompt of production)',
  )
  expect(err.join('')).toContain('the flag answer-model in deploy/flags.json (the breaker main of production)')
  expect(out.join('')).toContain('1 rollout, 1 guard, 1 experiment, 1 shadow plan: nothing wrong.')

  err.length = 0
  expect(await killOnCommand(context, { feature: 'search', create: true, reason: 'r' })).toBe('pass')
  expect(err.join('')).toBe('')
  expect(await killOnCommand(context, { feature: 'answer-model', reason: 'r' })).toBe('action_failed')
  expect(err.join('')).toMatch(
    /^warning: no kill switch reaches the flag answer-model .*\nerror: The kill is written, but no flag/,
  )
  err.length = 0
  expect(await killOnCommand(context, { reason: 'r' })).toBe('action_failed')
  expect(err.join('').match(/^warning: no kill switch reaches/gm)).toHaveLength(2)

  writeFileSync(
    join(folder, 'aigate.yaml'),
    `${config}kill: {flags: {support-prompt: old, answer-model: old}, path: deploy/flags.json}\n`,
  )
  err.length = 0
  expect(await killOnCommand(context, { reason: 'r' })).toBe('pass')
  expect(err.join('')).toBe('')
})
