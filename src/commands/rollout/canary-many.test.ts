// Several rollouts at once, and what is said of one that does not go on by itself.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { journalFile, rolloutFolder } from '../../store/rollout-journal.ts'
import { sayCommand, startCommand, statusCommand, tickCommand, verdictCommand } from './canary.ts'
import { asRunner } from './canary-session.ts'
import { bench, MINUTE, plan, projectFolder, traffic } from './canary-testing.ts'
import { openEdges, tick } from './canary-tick.ts'
import { removeTemporary } from '../cli-testing.ts'

afterAll(removeTemporary)
const first = 'support-1.3'
const planOf = (name: string) => plan.replaceAll('support-1.3', name).replace('flags.json', `${name}.json`)

it('looks at all rollouts that go on, and what is wrong with one stops no other', async () => {
  const files = { 'rollouts/b.rollout.yaml': planOf('b'), 'rollouts/c.rollout.yaml': planOf('c') }
  const one = await bench(projectFolder(files))
  for (const name of [first, 'b', 'c']) expect(await startCommand(one.context, name, {})).toBe('pass')
  expect(await sayCommand(one.context, 'abort', 'c', { reason: 'no' })).toBe('pass')
  one.clock.now += MINUTE
  one.out.length = 0
  await tickCommand(one.context, [], {})
  expect(one.out.join('')).toMatch(/ b: .*\n.* support-1\.3: /)
  expect(one.out.join('')).not.toContain(' c: ')
  writeFileSync(journalFile(rolloutFolder(one.project, 'b')), '{"damaged": true}\n{}\n')
  rmSync(join(rolloutFolder(one.project, 'b'), 'state.json'), { force: true })
  one.out.length = 0
  one.clock.now += MINUTE
  await tickCommand(one.context, [], {})
  expect(one.err.join('')).toContain('error: b: ')
  expect(one.out.join('')).toContain(` ${first}: `)
})

it('says no pass of a rollout that waits for a person, is paused, is not watched or was stopped', async () => {
  const waits = plan.replace('duration: 5m, gate: no-harm}', 'duration: 5m, gate: no-harm, approval: true}')
  const one = await bench(projectFolder({ 'rollouts/support.rollout.yaml': waits }))
  await startCommand(one.context, first, {})
  const look = () => {
    one.clock.now += MINUTE
    return asRunner(one.context, one.project, first, { who: 'runner' }, async (session) => {
      const edges = await openEdges(session)
      return tick(session, { ...edges, source: traffic({ baseline: 15, candidate: 5 }) })
    })
  }
  let done = await look()
  for (let i = 0; i < 20 && done.decision?.outcome !== 'pass'; i += 1) done = await look()
  expect(done).toMatchObject({ decision: { outcome: 'pass', next: 'hold' }, ending: 'inconclusive' })
  expect(await verdictCommand(one.context, first, {})).toBe('inconclusive')
  one.clock.now += 24 * 60 * MINUTE
  await statusCommand(one.context, first, {})
  expect(one.out.join('')).toContain('lease ended: the baseline is served')
  expect(one.out.join('')).toMatch(/warning: last look 24 h ago: nobody watches/)
  expect(await verdictCommand(one.context, first, {})).toBe('invalid')
  one.clock.now -= 24 * 60 * MINUTE
  await sayCommand(one.context, 'pause', first, { reason: 'lunch' })
  expect(await verdictCommand(one.context, first, {})).toBe('inconclusive')
  expect(one.out.join('')).toContain('Paused by Ada: lunch')
  await sayCommand(one.context, 'abort', first, { reason: 'no' })
  expect(await verdictCommand(one.context, first, {})).toBe('fail')
  expect((await look()).ending).toBe('fail')
  one.out.length = 0
  await statusCommand(one.context, first, {})
  const picture = one.out.join('')
  expect(picture).toContain('fail: ')
  expect(picture).not.toMatch(/▶|wanted: .*resume|pass: /)
  one.out.length = 0
  await statusCommand(one.context, first, { json: true })
  const data = JSON.parse(one.out.join('')) as object
  expect(data).toMatchObject({ mode: 'aborted', stage: 0, criteria: [], triggers: [], share: { served: 0 } })
  expect(data).toHaveProperty('looks')
  expect(data).toHaveProperty('generation')
})
