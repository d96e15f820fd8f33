// aigate init --from: every sample becomes plans that `aigate check` accepts, and nothing of it is dropped in silence.
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { parse, parseDocument, isScalar, visit } from 'yaml'
import { AigateError } from '../../errors.ts'
import type { Context } from '../../ports.ts'
import { ExperimentPlan } from '../../schema/experiment.ts'
import { GuardPlan } from '../../schema/guard.ts'
import { RolloutPlan } from '../../schema/rollout.ts'
import { ShadowPlan } from '../../schema/shadow.ts'
import { planImport } from '../../store/deployment/import-deployment.ts'
import { removeTemporary, temporary } from '../cli-testing.ts'
import { initFromCommand } from './init-from.ts'

const samples = join(import.meta.dirname, '../../../fixtures/deployment')
const names = readdirSync(samples)
  .filter((name) => name.endsWith('.yaml') && name !== 'nothing.yaml')
  .sort()

afterAll(removeTemporary)

function place() {
  const cwd = temporary()
  const out: string[] = []
  const err: string[] = []
  const context: Context = {
    cwd,
    env: {},
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    now: () => new Date('2026-11-21T10:00:00.000Z'),
    monotonic: () => 0,
    signal: new AbortController().signal,
    toolVersion: '0.0.0',
  }
  return { cwd, context, out, err }
}
const schemas = { rollout: RolloutPlan, guard: GuardPlan, experiment: ExperimentPlan, shadow: ShadowPlan }

it.each(names)('%s becomes plans that check accepts', async (name) => {
  const { cwd, context, out, err } = place()
  copyFileSync(join(samples, name), join(cwd, name))
  const ending = await initFromCommand(context, '.', name)
  expect(err.join('').replace(/^note: .*\n/gm, '')).toBe('')
  expect(ending).toBe('pass')
  const written = readdirSync(cwd, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml') && file !== name)
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
  for (const file of written) {
    const kind = /(\w+)\.yaml$/.exec(file)?.[1] ?? ''
    if (kind in schemas) {
      const read = schemas[kind as keyof typeof schemas].safeParse(parse(readFileSync(join(cwd, file), 'utf8')))
      expect(read.error?.issues ?? []).toEqual([])
    }
  }
  const texts = written.map((file) => `--- ${file}\n${readFileSync(join(cwd, file), 'utf8')}`)
  const whole = [...texts, '--- said\n', out.join('')].join('\n')
  await expect(whole).toMatchFileSnapshot(join(samples, 'expected', name.replace('.yaml', '.txt')))
})

it('says of every value where it went: what is in no plan is in a note', async () => {
  const { context } = place()
  const file = join(samples, 'triggers-words.yaml')
  const { notes } = await planImport({ path: file, shown: 'triggers-words.yaml' }, context.now())
  const said = notes.filter(({ kind }) => kind === 'left').map(({ place: { line }, what }) => [line, what])
  expect(said).toEqual([
    [2, 'deployment.name'],
    [9, 'deployment.rollback.conditions.4'],
    [14, 'deployment.rollback.actions.2'],
  ])
})

it.each(names)('%s: a value that nobody understands is reported, wherever it stands', async (name) => {
  const text = readFileSync(join(samples, name), 'utf8')
  const doc = parseDocument(text)
  const places: (string | number)[][] = []
  visit(doc, {
    Map(_, node, path) {
      const steps = path.flatMap((one) => ('key' in one && isScalar(one.key) ? [String(one.key.value)] : []))
      // A map below a list has no path of names alone; its holder is tried.
      if (path.every((one) => !('items' in one) || one.constructor.name === 'YAMLMap') && node.items.length > 0)
        places.push(steps)
    },
  })
  for (const path of places) {
    const changed = parseDocument(text)
    changed.setIn([...path, 'zz_unheard_of'], 'zz_unheard_of')
    const { cwd, context } = place()
    const file = join(cwd, 'd.yaml')
    writeFileSync(file, changed.toString())
    const { notes, ...made } = await planImport({ path: file, shown: 'd.yaml' }, context.now())
    const told = notes.some(
      ({ kind, what }) => kind === 'left' && [...path, 'zz_unheard_of'].join('.').startsWith(what),
    )
    const carried = JSON.stringify(made).includes('zz_unheard_of')
    expect(told || carried, path.join('.')).toBe(true)
  }
})

it('adds to a configuration that is there, keeps its comments, and writes over nothing', async () => {
  const { cwd, context, out } = place()
  writeFileSync(
    join(cwd, 'aigate.yaml'),
    'version: 1 # ours\nproviders:\n  openai: {type: openai, rpm: 5}\nmodels: {}\nsuites: []\n',
  )
  expect(await initFromCommand(context, '.', join(samples, 'full.yaml'))).toBe('pass')
  const config = readFileSync(join(cwd, 'aigate.yaml'), 'utf8')
  expect(config).toContain('version: 1 # ours')
  expect(parse(config)).toMatchObject({
    providers: { openai: { rpm: 5 } },
    models: { 'support-v2': { id: 'gpt-4o-2024-11-20', rollback_to: 'support-v1' } },
  })
  expect(out.join('')).toContain('on_call')
  await expect(initFromCommand(context, '.', join(samples, 'full.yaml'))).rejects.toThrow(/Nothing was written/)
  expect(readFileSync(join(cwd, 'aigate.yaml'), 'utf8')).toBe(config)
})

it.each([
  ['nothing.yaml', /no block that aigate knows/],
  ['missing.yaml', /no such file/],
])('refuses %s and writes nothing', async (name, problem) => {
  const { cwd, context } = place()
  await expect(initFromCommand(context, '.', join(samples, name))).rejects.toThrow(problem)
  expect(existsSync(join(cwd, 'aigate.yaml'))).toBe(false)
})

it('never throws anything but a sentence, whatever the values are', async () => {
  const base = parse(readFileSync(join(samples, 'full.yaml'), 'utf8')) as Record<string, unknown>
  const odd = [null, 7, '', 'x', [], [null], {}, { a: null }, [[1]], true]
  for (const key of Object.keys(base))
    for (const value of odd) {
      const { cwd, context } = place()
      writeFileSync(join(cwd, 'd.yaml'), JSON.stringify({ ...base, [key]: value }))
      const ending = await initFromCommand(context, 'made', 'd.yaml').catch((error: unknown) => error)
      expect(
        ending instanceof AigateError || ending === 'pass',
        `${key}: ${JSON.stringify(value)} ${String(ending)}`,
      ).toBe(true)
    }
}, 60_000)
