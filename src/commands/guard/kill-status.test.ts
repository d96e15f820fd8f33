// aigate kill status: a flag that no kill switch reaches is a warning that says how to mend it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { removeTemporary, temporary } from '../cli-testing.ts'
import { killStatusCommand } from './kill.ts'
import { contextOf } from './watch-testing.ts'

afterAll(removeTemporary)

async function status(config: string): Promise<{ err: string; out: string }> {
  const folder = temporary()
  const flag = { state: 'ENABLED', variants: { new: 'a@1.1.0', old: 'a@1.0.0' }, defaultVariant: 'new' }
  mkdirSync(join(folder, 'deploy'))
  writeFileSync(join(folder, 'deploy/flags.json'), JSON.stringify({ flags: { prompt: flag } }))
  writeFileSync(join(folder, 'aigate.yaml'), `version: 1\n${config}`)
  const { context, out, err } = contextOf(folder)
  expect(await killStatusCommand(context, {})).toBe('pass')
  return { err: err.join(''), out: out.join('') }
}
const planes = 'production: {prompt: {type: flagd, path: deploy/flags.json, flag: prompt}}\n'

it('warns of a flag of production that does not ask the kill list, and says where to write its variant', async () => {
  const { err } = await status(planes)
  expect(err).toMatch(
    /^warning: no kill switch reaches the flag prompt in deploy\/flags\.json \(the plane prompt of production\)/,
  )
  expect(err).toContain('write its variant that is off under `kill.flags` of aigate.yaml')
})

it('is silent where that is written', async () => {
  expect((await status(`${planes}kill: {flags: {prompt: old}}\n`)).err).toBe('')
})
