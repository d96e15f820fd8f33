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
  await expect(killOnCommand(at.context, { reason, file: 'flags.json' })).rejects.toThrow(
    /There is no flag file flags.json/,
  )
  expect(existsSync(join(folder, 'flags.json'))).toBe(false)
  expect(await killOnCommand(at.context, { reason, file: 'flags.json', create: true })).toBe('pass')
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
  expect(await killOnCommand(at.context, { reason, file: 'locked/flags.json', create: true })).toBe('action_failed')
  expect(existsSync(join(at.folder, planPath))).toBe(true)
})

it('refuses what reaches nothing: a file that is not there, a feature or a model that no flag knows', async () => {
  const at = await started()
  const before = flagText(at.folder)
  const on = (options: object) => killOnCommand(at.context, { reason, ...options })
  await expect(on({ file: 'deploy/flgas.json' })).rejects.toMatchObject({
    message: 'There is no flag file deploy/flgas.json.',
    mend: expect.stringContaining('--create makes it'),
  })
  for (const feature of ['suport', 'constructor', '__proto__', 'toString'])
    await expect(on({ feature })).rejects.toMatchObject({
      message: expect.stringContaining(`belongs to the feature ${feature}, and no application has a switch`),
      mend: expect.stringContaining('support-1.3-prompt'),
    })
  await expect(on({ model: 'support-mian' })).rejects.toThrow('the model support-mian')
  await expect(killOffCommand(at.context, { reason, file: 'deploy/flgas.json' })).rejects.toThrow(
    'There is no flag file',
  )
  expect(flagText(at.folder)).toBe(before)
  expect(await on({ feature: 'search', create: true })).toBe('pass')
  expect(out(at)).toContain('flags: none that asks the list; switches: aigate-kill, aigate-kill-search')
  // Its switch is there now, and was asked for.
  expect(await on({ feature: 'search' })).toBe('pass')
  expect(await killOffCommand(at.context, { reason, feature: 'serach' })).toBe('pass')
  expect(err(at)).toContain('warning: feature serach was not killed.')
})

it('is done and says action_failed where no flag asks for it, or one file of several is missing', async () => {
  const folder = temporary()
  const plane = '{type: flagd, path: other.json, flag: p}'
  writeFileSync(
    join(folder, 'aigate.yaml'),
    `version: 1\nproduction: {prompt: ${plane}, index: {type: flagd, path: f.json, flag: q}}\n`,
  )
  const flag = { state: 'ENABLED', variants: { a: 'a', b: 'b' }, defaultVariant: 'a' }
  writeFileSync(join(folder, 'f.json'), JSON.stringify({ flags: { q: flag } }))
  const at = await bench(folder)
  for (const _ of ['first', 'second']) expect(await killOnCommand(at.context, { reason })).toBe('action_failed')
  const said = err(at)
  expect(said).toContain('error: There is no flag file other.json. It was not written')
  expect(said).toContain('no flag asks for it')
  expect(readFileSync(join(folder, 'f.json'), 'utf8')).toContain(reason)
  expect(existsSync(join(folder, 'other.json'))).toBe(false)
  for (const flags of ['aigate-kill: on', 'q: b']) {
    writeFileSync(join(folder, 'aigate.yaml'), `version: 1\nkill: {path: f.json, flags: {${flags}}}\n`)
    expect(await killOnCommand((await bench(folder)).context, { reason })).toBe('pass')
  }
})
