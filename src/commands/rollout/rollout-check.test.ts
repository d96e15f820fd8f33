// What `aigate check` finds in rollout plans: each fault with its place, and nothing in a good one.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { flatten } from '../../store/faults.ts'
import { loadPlan } from '../../store/rollout-plan.ts'
import { oneLine, problemsOf } from '../../store/project-testing.ts'
import { bench, plan, planPath, projectFolder } from './canary-testing.ts'
import { removeTemporary } from '../cli-testing.ts'
import { fieldNotes } from './field-notes.ts'
import { allRolloutProblems } from './rollout-check.ts'

afterAll(removeTemporary)

async function problems(text: string, files: Record<string, string> = {}): Promise<string[]> {
  const folder = projectFolder({ ...files, [planPath]: text })
  const { context, project } = await bench(folder)
  const found = await allRolloutProblems(context, project)
  return flatten(found.problems).map(oneLine)
}

it('a good plan has no problem', async () => {
  expect(await problems(plan)).toEqual([])
})

it('notes fields whose names are nearly those that events have', async () => {
  const notes = async (text: string) => {
    const { project } = await bench(projectFolder({ [planPath]: text }))
    return fieldNotes((await loadPlan(project, undefined)).plan)
  }
  expect(await notes(plan)).toEqual([])
  expect(await notes(plan.replace('error.type != null', 'eror.type != null && error.kind != 1'))).toEqual([
    'error_rate asks for the field eror.type, which is nearly error.type',
  ])
})

it.each([
  ['an unknown key', 'metrics:', 'metrcs: {}\nmetrics:', /:\d+:\d+ .*metrcs/],
  ['a criterion without metric', 'gate: no-harm}', 'gate: no-harm, success: [speed < 1%]}', /speed/],
  [
    'a condition that cannot be read',
    'error.type != null',
    'error.type !=',
    /:\d+:\d+ metrics\.error_rate\.bad: .*position/,
  ],
  ['stages that shrink', 'traffic: 50%', 'traffic: 5%', /less than the stage before/],
  [
    'a prompt that is not there',
    'support/answer@1.3.0',
    'support/answer@1.9.0',
    /has no version 1\.9\.0; there are 1\.2\.0, 1\.3\.0/,
  ],
  [
    'an unknown component',
    '{prompt: support/answer@1.3.0}',
    '{prompt: support/answer@1.3.0, index: kb-2}',
    /release\.index: unknown component "index"/,
  ],
  [
    'an unknown model',
    'release: {prompt: support/answer@1.3.0}\nbaseline: {',
    'release: {prompt: support/answer@1.3.0, model: x}\nbaseline: {model: y, ',
    /release\.model: unknown model "x"/,
  ],
  ['nothing new', 'support/answer@1.3.0', 'support/answer@1.2.0', /the release is the baseline/],
  ['a flag file in a file', 'deploy/flags.json', 'aigate.yaml/flags.json', /control\.path: .*cannot be written/],
])('%s', async (_, from, to, says) => {
  expect(plan).toContain(from)
  const found = await problems(plan.replace(from, to))
  expect(found.join('\n')).toMatch(says)
  for (const one of found) expect(one).toMatch(/^rollouts\/support\.rollout\.yaml:\d+:\d+ /)
})

it('a baseline that differs from what is committed cannot be gone back to', async () => {
  const folder = projectFolder()
  const file = join(folder, 'prompts/support/answer/1.2.0.md')
  const { context, project } = await bench(folder)
  const now = await import('node:fs').then(({ readFileSync }) => readFileSync(file, 'utf8'))
  writeFileSync(file, now.replace('support agent', 'sales agent'))
  const found = await allRolloutProblems(context, project)
  expect(found.problems.map(oneLine)).toEqual([expect.stringContaining('is not published as it stands')])
})

it('a plan is found by its name or its file, and its hash is that of its meaning', async () => {
  const folder = projectFolder({ 'rollouts/other.rollout.yaml': plan.replace('support-1.3', 'other') })
  const { project } = await bench(folder)
  const one = await loadPlan(project, 'support-1.3')
  expect((await loadPlan(project, planPath)).hash).toBe(one.hash)
  expect(await problemsOf(loadPlan(project, 'suport-1.3'))).toEqual([
    'no rollout is called "suport-1.3"; did you mean "support-1.3"?',
  ])
  expect(await problemsOf(loadPlan(project))).toEqual(['there are 2 rollouts: other, support-1.3'])
  writeFileSync(join(folder, planPath), `# a word\ndescription: for people\n${plan.replace('25%', '0.25')}`)
  expect((await loadPlan(project, 'support-1.3')).hash).toBe(one.hash)
  writeFileSync(join(folder, planPath), plan.replace('25%', '26%'))
  expect((await loadPlan(project, 'support-1.3')).hash).not.toBe(one.hash)
  writeFileSync(join(folder, 'rollouts/third.rollout.yaml'), plan)
  expect(await problemsOf(loadPlan(project, 'support-1.3'))).toEqual([
    expect.stringContaining('the rollout name "support-1.3" is used twice'),
  ])
})

it('what the checks of a blue-green rollout name must be there', async () => {
  const text = plan
    .replace(
      'release:',
      'strategy: blue-green\npre_check: {gate: [suport], shadow: s}\nwarm_up: {suite: gone}\nrelease:',
    )
    .replace(
      /stages:[\s\S]*?metrics:/,
      'stages: [{traffic: 0%}, {traffic: 100%, bake: 1h, success: [error_rate < 5%]}]\nmetrics:',
    )
  const found = (await problems(text)).join('\n')
  expect(found).toMatch(/:\d+:\d+ pre_check\.gate\.0: no suite is called "suport"/)
  expect(found).toContain('pre_check.shadow: no shadow plan is called "s"')
  expect(found).toContain('warm_up.suite: no suite is called "gone"')
})

it('one component going back alone needs a plane that can send it back', async () => {
  const two = plan
    .replace('release: {prompt: support/answer@1.3.0}', 'release: {prompt: support/answer@1.3.0, index: kb-2}')
    .replace('baseline: {prompt: support/answer@1.2.0}', 'baseline: {prompt: support/answer@1.2.0, index: kb-1}')
    .concat('on_degradation: {rollback: [prompt]}\n')
  const config = { 'aigate.yaml': 'version: 1\ncomponents: {index: {version: kb-1}}\n' }
  expect(await problems(two, config)).toEqual([])
  const git = two.replace(/^control: .*$/m, 'control: {type: git, path: deploy/values.yaml, pointer: /percent}')
  const files = { ...config, 'deploy/values.yaml': 'percent: 0\n' }
  expect((await problems(git, files)).join('\n')).toMatch(/:\d+:\d+ .*type git has one share for the whole release/)
  expect(await problems(git.replace('[prompt]', '[prompt, index]'), files)).toEqual([])
})
