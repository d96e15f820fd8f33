// A trigger that rolls back: the right component, through the real verb, once, also when the process is killed in it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { removeTemporary } from '../cli-testing.ts'
import { place, program } from './rollback-testing.ts'
import { bundleWatch, contextOf, guard, log, look, startChild } from './watch-testing.ts'

beforeAll(bundleWatch, 60_000)
afterAll(removeTemporary)

async function guarded(planes: Record<string, string>) {
  const at = await place(planes)
  mkdirSync(join(at.folder, 'logs'), { recursive: true })
  writeFileSync(join(at.folder, 'guard.yaml'), guard({ type: 'rollback', components: ['prompt'] }))
  writeFileSync(
    join(at.folder, 'logs/app.jsonl'),
    log(20, (ago) => ago < 8),
  )
  const rollbacks = () => at.ledger().filter((one) => one.rollback !== undefined)
  const own = () => at.actions().filter((one) => one['run'] === 'watch-production')
  return { ...at, rollbacks, own }
}
const planes = {
  prompt: '{type: flagd, path: deploy/flags.json, flag: prompt}',
  model: '{type: git, path: deploy/values.yaml, pointer: /model}',
}

it('the prompt goes back, the model does not, and a second look does nothing', async () => {
  const at = await guarded(planes)
  const values = at.read('deploy/values.yaml')
  const { context } = contextOf(at.folder)
  expect([await look(context), await look(context)]).toEqual(['fail', 'fail'])
  expect(at.read('deploy/flags.json')).toMatch(/"defaultVariant": ?"old"/)
  expect(at.read('deploy/values.yaml')).toBe(values)
  expect(at.rollbacks().map((one) => one.rollback?.components)).toEqual([['prompt']])
  expect(at.own().map((one) => one['kind'])).toEqual(['intent', 'applied'])
})

it('killed after the rollback and before that was written down, it goes back no further', async () => {
  const at = await guarded(planes)
  const { context } = contextOf(at.folder)
  await look(context)
  const file = join(at.folder, '.aigate/actions/journal.jsonl')
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  expect(lines.at(-1)).toContain('"kind":"applied"')
  // What stands in the file when the process is killed right before its last append.
  writeFileSync(file, `${lines.slice(0, -1).join('\n')}\n`)
  expect(await look(context)).toBe('fail')
  expect(at.rollbacks()).toHaveLength(1)
  expect(at.own().map((one) => one['kind'])).toEqual(['intent', 'intent', 'applied'])
  expect(at.own().at(-1)).toMatchObject({ read_back: { rollback: 'done before' } })
})

it('kill -9 in the middle of the rollback: the next look finishes it', async () => {
  const at = await guarded({ prompt: program('prompt') })
  at.write('prompt.version', 'answer@1.2.0')
  // The program that is asked second kills whoever runs it.
  at.write(
    'before.cjs',
    `const fs = require('fs')
fs.appendFileSync('asked', 'x')
if (fs.readFileSync('asked', 'utf8').length === 2) process.kill(process.ppid, 'SIGKILL')`,
  )
  const { running, ended } = startChild(at.folder, {})
  await ended
  expect(running.signalCode).toBe('SIGKILL')
  expect(await startChild(at.folder, {}).ended).toBe('fail')
  expect(at.read('prompt.version')).toBe('answer@1.1.0')
  expect(at.rollbacks()).toHaveLength(1)
  expect(at.own().filter((one) => one['kind'] === 'applied')).toHaveLength(1)
}, 30_000)

it('a rollback that cannot be done is exit 5 and stays wanted', async () => {
  const at = await guarded({ prompt: '{type: command, set: ["false"], read: ["false"]}' })
  const { context, err, clock } = contextOf(at.folder)
  expect(await look(context)).toBe('action_failed')
  clock.now += 60_000
  expect(await look(context)).toBe('action_failed')
  expect(err.join('')).toContain('the rollback of prompt ended with action_failed')
}, 30_000)
