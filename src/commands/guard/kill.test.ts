// aigate kill, in process: the flag file, the journal, every status, and what happens where something is in the way.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { actionsFolder, readActions, withActions } from '../../store/action-journal.ts'
import { bench, type Bench, flagFile, flagText, planPath, projectFolder } from '../rollout/canary-testing.ts'
import { startCommand, statusCommand } from '../rollout/canary.ts'
import { removeTemporary, temporary } from '../cli-testing.ts'
import { killOffCommand, killOnCommand, killStatusCommand } from './kill.ts'

afterAll(removeTemporary)
const reason = 'answers are wrong'
const out = ({ out }: Bench) => out.splice(0).join('')
const err = ({ err }: Bench) => err.splice(0).join('')

async function started() {
  const at = await bench(projectFolder())
  expect(await startCommand(at.context, undefined, {})).toBe('pass')
  out(at)
  return at
}

it('goes on, is shown, is journaled, and goes off', async () => {
  const at = await started()
  expect(await killOnCommand(at.context, { feature: 'support', reason, until: '2h' })).toBe('pass')
  expect(out(at)).toMatch(
    /KILLED feature support until 2026-11-21 12:00 UTC \(Ada, 2026-11-21 10:00 UTC: answers are wrong\)\n.*flags: support-1.3-prompt; switches: aigate-kill, aigate-kill-support/,
  )
  await statusCommand(at.context, undefined, {})
  expect(out(at)).toContain('KILLED: feature support until 2026-11-21 12:00 UTC')
  await statusCommand(at.context, undefined, { json: true })
  expect(JSON.parse(out(at))).toMatchObject({ kills: [expect.stringContaining('feature support')] })
  const { records } = readActions(actionsFolder(at.project))
  expect(records.map(({ kind, by }) => [kind, by])).toEqual(
    ['begun', 'intent', 'applied', 'ended'].map((kind) => [kind, 'Ada']),
  )
  at.clock.now += 3 * 3_600_000
  await statusCommand(at.context, undefined, {})
  expect(out(at)).not.toContain('KILLED')
  expect(await killStatusCommand(at.context, { json: true })).toBe('pass')
  expect(JSON.parse(out(at))).toMatchObject({ aigate: 'kills', killed: false, files: [{ kills: [{ over: true }] }] })
  expect(await killOffCommand(at.context, { feature: 'support', reason: 'fixed' })).toBe('pass')
  expect(out(at)).toContain('nothing is killed')
  expect(err(at)).toBe('')
})

it('the same kill twice is one, and taking back what is not on changes nothing', async () => {
  const at = await started()
  await killOnCommand(at.context, { reason })
  const once = flagText(at.folder)
  await killOnCommand(at.context, { reason })
  expect(flagText(at.folder)).toBe(once)
  await killOffCommand(at.context, { user: 'u9', reason })
  expect(flagText(at.folder)).toBe(once)
  await killOnCommand(at.context, { user: 'u9', reason })
  await killOffCommand(at.context, { all: true, reason })
  expect(out(at)).toMatch(/nothing is killed.\n$/)
})

it.each([
  ['no reason', { reason: ' ' }, /needs a reason/],
  ['an end in the past', { reason, until: '2020-01-01T00:00:00Z' }, /no end within a year/],
  ['an end that is none', { reason, until: 'soon' }, /no end within a year/],
  ['a name of two lines', { reason, user: 'a\nb' }, /--user/],
])('refuses %s and touches nothing', async (_, options, problem) => {
  const at = await started()
  const before = flagText(at.folder)
  await expect(killOnCommand(at.context, options)).rejects.toThrow(problem)
  expect(flagText(at.folder)).toBe(before)
})

it('needs no project: the flag file is enough', async () => {
  const folder = temporary()
  writeFileSync(join(folder, 'aigate.yaml'), 'version: 1\n')
  const at = await bench(folder)
  await expect(killOnCommand(at.context, { reason })).rejects.toThrow(/No flag file is known/)
  expect(await killOnCommand(at.context, { reason, file: 'flags.json' })).toBe('pass')
  writeFileSync(join(folder, 'aigate.yaml'), 'version: 1\nkill: {path: flags.json}\n')
  expect(await killStatusCommand((await bench(folder)).context, {})).toBe('pass')
  expect(out(at)).toContain('KILLED everything')
})

it('works while a broken plan lies beside, and while the journal is held or cannot be written', async () => {
  const at = await started()
  writeFileSync(join(at.folder, 'rollouts/broken.rollout.yaml'), 'rollout: [')
  let free = () => {}
  const held = withActions(actionsFolder(at.project), 'runner', () => new Promise<void>((go) => (free = go)))
  expect(await killOnCommand(at.context, { reason })).toBe('pass')
  expect(err(at)).toMatch(/warning: The kill is not in the journal of actions: Another runner/)
  free()
  await held
  const journal = join(actionsFolder(at.project), 'journal.jsonl')
  writeFileSync(journal, '{"aigate":"actions"}\n')
  expect(await killOffCommand(at.context, { reason })).toBe('pass')
  expect(err(at)).toMatch(/not in the journal of actions: Record 1/)
  expect(readFileSync(flagFile(at.folder), 'utf8')).not.toContain(reason)
})

it('says action_failed where the file cannot be used or a flag cannot obey', async () => {
  const at = await started()
  const text = flagText(at.folder)
  writeFileSync(flagFile(at.folder), '{')
  expect(await killOnCommand(at.context, { reason })).toBe('action_failed')
  expect(err(at)).toMatch(/error: .*not JSON/)
  expect(await killStatusCommand(at.context, {})).toBe('invalid')
  writeFileSync(flagFile(at.folder), text.replace('ENABLED', 'DISABLED'))
  expect(await killOnCommand(at.context, { reason })).toBe('action_failed')
  expect(err(at)).toMatch(/support-1.3-prompt is not ENABLED/)
  const { records } = readActions(actionsFolder(at.project))
  expect(records.filter(({ kind }) => kind === 'failed')).toHaveLength(2)
  if (process.getuid?.() === 0) return
  mkdirSync(join(at.folder, 'locked'))
  chmodSync(join(at.folder, 'locked'), 0o500)
  expect(await killOnCommand(at.context, { reason, file: 'locked/flags.json' })).toBe('action_failed')
  expect(existsSync(join(at.folder, planPath))).toBe(true)
})

it('warns where a flag file is made, and where what is taken back was never killed', async () => {
  const at = await started()
  expect(await killOnCommand(at.context, { reason, file: 'deploy/flgas.json' })).toBe('pass')
  expect(err(at)).toContain('warning: There was no flag file deploy/flgas.json')
  expect(await killOffCommand(at.context, { reason, feature: 'serach' })).toBe('pass')
  expect(err(at)).toContain('warning: feature serach was not killed.')
})
