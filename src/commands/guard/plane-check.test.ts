// aigate check on planes and kill switches that cannot work: each with its line in aigate.yaml.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { loadProject } from '../../store/project.ts'
import { removeTemporary, temporary } from '../cli-testing.ts'
import { planeProblems } from './plane-check.ts'

afterAll(removeTemporary)

const flag = { state: 'ENABLED', variants: { a: '1', b: '2' }, defaultVariant: 'a' }

async function problems(yaml: string): Promise<string[]> {
  const folder = temporary()
  mkdirSync(join(folder, 'deploy'))
  mkdirSync(join(folder, 'ops'))
  writeFileSync(
    join(folder, 'deploy/flags.json'),
    JSON.stringify({ flags: { p: flag, bare: { ...flag, variants: {} } } }),
  )
  writeFileSync(join(folder, 'deploy/torn.json'), '{"flags"')
  writeFileSync(join(folder, 'deploy/values.yaml'), 'model: m-1\nlist: [1]\n')
  writeFileSync(join(folder, 'ops/alias'), '')
  writeFileSync(join(folder, 'aigate.yaml'), `version: 1\n${yaml}\n`)
  const project = await loadProject({ cwd: folder })
  return (await planeProblems(project)).map(
    ({ places, message }) => `${places[0]?.file}:${places[0]?.line} ${message.split('\n')[0]}`,
  )
}

it.each([
  ['a flag', 'production:\n  prompt: {type: flagd, path: deploy/flags.json, flag: p}'],
  ['a value', 'production:\n  model: {type: git, path: deploy/values.yaml, pointer: /model}'],
  [
    'a value that only the remote has',
    'production:\n  model: {type: git, path: none.yaml, pointer: /model, push: true}',
  ],
  ['programs', 'production:\n  index: {type: command, set: [./ops/alias, set], read: [cat, v]}'],
  ['kill switches', 'kill: {path: deploy/flags.json, flags: {p: b}, features: {support: [p]}}'],
  ['nothing of it', 'models: {}'],
])('is content with %s', async (_, yaml) => {
  expect(await problems(yaml)).toEqual([])
})

const plane = (text: string) => `production:\n  prompt: ${text}`
it.each([
  [plane('{type: flagd, path: deploy/flgas.json, flag: p}'), 3, 'production.prompt: there is no deploy/flgas.json.'],
  [plane('{type: flagd, path: deploy/flags.json, flag: constructor}'), 3, 'has no flag constructor.'],
  [
    plane('{type: flagd, path: deploy/flags.json, flag: bare}'),
    3,
    'the flag bare in deploy/flags.json has no variants.',
  ],
  [plane('{type: flagd, path: deploy/torn.json, flag: p}'), 3, 'torn.json is not JSON'],
  [plane('{type: git, path: deploy/none.yaml, pointer: /model}'), 3, 'there is no deploy/none.yaml.'],
  [plane('{type: git, path: deploy/values.yaml, pointer: /list}'), 3, 'has no text at /list'],
  [plane('{type: command, set: [./ops/set], read: [./ops/alias]}'), 3, 'there is no program ./ops/set.'],
  [
    'environments:\n  staging:\n    prompt: {type: flagd, path: none.json, flag: p}',
    4,
    'environments.staging.prompt: there is no none.json.',
  ],
  ['kill:\n  path: none.json\n  flags: {p: b}', 3, 'kill: there is no none.json: a kill would reach nobody.'],
  [
    'kill:\n  path: deploy/flags.json\n  flags:\n    summary: b',
    5,
    'kill.flags: no flag summary is in deploy/flags.json',
  ],
  ['kill:\n  path: deploy/flags.json\n  flags:\n    p: c', 5, 'the flag p has no variant c; it has a, b.'],
  ['kill:\n  path: deploy/flags.json\n  features:\n    support: [p, q]', 5, 'kill.features.support: no flag q is in'],
])('finds what cannot work: %s', async (yaml, line, said) => {
  expect(await problems(yaml)).toEqual([expect.stringContaining(said)])
  expect(await problems(yaml)).toEqual([expect.stringMatching(new RegExp(`^aigate\\.yaml:${line} `))])
})
