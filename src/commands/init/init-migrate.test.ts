// aigate init --from with files of other eval tools: each becomes a project that check accepts, and nothing leaves in silence.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Context, Ending } from '../../ports.ts'
import { removeTemporary, temporary } from '../cli-testing.ts'
import { initFromCommand } from './init-from.ts'

const samples = join(import.meta.dirname, '../../../fixtures/imports-projects')
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
  const write = (path: string, text: string) => {
    mkdirSync(join(cwd, path, '..'), { recursive: true })
    writeFileSync(join(cwd, path), text)
  }
  const read = (path: string) => readFileSync(join(cwd, path), 'utf8')
  return { cwd, context, out, err, write, read }
}
const written = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) =>
      join(one.parentPath, one.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort()

const kinds: [string, Ending][] = [
  ['promptfoo/basic.yaml', 'pass'],
  ['promptfoo/files.yaml', 'pass'],
  ['promptfoo/hosted.json', 'pass'],
  ['promptfoo/http.yaml', 'pass'],
  ['promptfoo/left.yaml', 'inconclusive'],
  ['openai-evals/registry/evals/capitals.yaml', 'inconclusive'],
  ['openai-evals/registry/data/capitals/samples.jsonl', 'pass'],
  ['openai-evals/match.jsonl', 'pass'],
  ['github-models/reply.prompt.yml', 'inconclusive'],
  ['prompty/summary.prompty', 'pass'],
  ['dotprompt/menu.prompt', 'inconclusive'],
  ['inspect/trivia.jsonl', 'inconclusive'],
  ['inspect/sums.csv', 'pass'],
]

it.each(kinds)('%s becomes a project that check accepts', async (name, expected) => {
  const { cwd, context, out, err } = place()
  cpSync(samples, join(cwd, 'theirs'), { recursive: true })
  const ending = await initFromCommand(context, 'made', join('theirs', name))
  expect(err.join('')).toBe('')
  expect(out.join('')).toMatch(/nothing wrong\.\n$/)
  expect(ending).toBe(expected)
  const made = join(cwd, 'made')
  const texts = written(made).map((file) => `--- ${file}\n${readFileSync(join(made, file), 'utf8')}`)
  await expect([...texts, '--- said\n', ...out].join('\n')).toMatchFileSnapshot(
    join(samples, 'expected', `${name.replaceAll('/', '-')}.txt`),
  )
})

it('names everything that does not come over, each with its line', async () => {
  const { context, out, read } = place()
  await initFromCommand(context, '.', join(samples, 'promptfoo/left.yaml'))
  const said = out.join('').split('Not carried over:\n')[1]?.split('\n\n')[0] ?? ''
  const named = said.split('\n').map((line) => /left\.yaml:(\d+) (.+?): /.exec(line)?.slice(1))
  expect(named).toEqual([
    ['2', 'the prompt'],
    ['4', 'prompt.py:make'],
    ['6', 'bedrock:anthropic.claude-v2'],
    ['8', 'providers[1].config.apiKey'],
    ['8', 'providers[1].config.guided'],
    ['9', 'redteam'],
    ['11', 'vars.unused'],
    ['13', 'llm-rubric'],
    ['14', 'python'],
    ['15', 'javascript'],
    ['17', 'huggingface://datasets/nobody/nothing'],
  ])
  expect(read('import-report.md')).toContain('left.yaml:13')
  expect(existsSync('/tmp/owned')).toBe(false)
  const everything = ['aigate.yaml', 'import-report.md', 'evals/left.suite.yaml'].map(read).join('')
  expect(everything + out.join('')).not.toContain('a-key-of-nobody')
})

it('finds the samples of a registry from within its folder, and no file beside it', async () => {
  const { cwd, context, out, write } = place()
  cpSync(join(samples, 'openai-evals/registry'), join(cwd, 'registry'), { recursive: true })
  write('secret.jsonl', '{"input": "a", "ideal": "crown jewels"}\n')
  write('registry/evals/bad.yaml', 'bad.v0:\n  class: a.b:Match\n  args: {samples_jsonl: ../../secret.jsonl}\n')
  const inside = { ...context, cwd: join(cwd, 'registry/evals') }
  expect(await initFromCommand(inside, '../../made', 'capitals.yaml')).toBe('inconclusive')
  expect(out.join('')).toContain('4 suites, 6 cases')
  await expect(initFromCommand(inside, '../../other', 'bad.yaml')).rejects.toThrow(/leads out of the project/)
})

it('asks the question of the pin for every model without one', async () => {
  const { context, out, read } = place()
  await initFromCommand(context, '.', join(samples, 'promptfoo/basic.yaml'))
  for (const text of [out.join(''), read('import-report.md').replaceAll('\\', '')])
    expect(text).toMatch(/models\.large: gpt-4o is no pin .*gpt-4o-2024-11-20.*allow_unpinned/)
  expect(out.join('')).not.toContain('models.gpt-4o-mini-2024-07-18')
})

it('adds to a configuration that is there, writes over nothing, and does not do it twice', async () => {
  const { context, read, write } = place()
  write(
    'aigate.yaml',
    'version: 1 # ours\nproviders:\n  openai: {type: openai, rpm: 5}\nmodels: {}\nsuites: [other/*.yaml]\n',
  )
  write('import-report.md', 'mine\n')
  await initFromCommand(context, '.', join(samples, 'promptfoo/basic.yaml'))
  expect(read('aigate.yaml')).toContain('# ours')
  expect(parse(read('aigate.yaml'))).toMatchObject({
    providers: { openai: { rpm: 5 } },
    models: { large: { id: 'gpt-4o' } },
    suites: ['other/*.yaml', 'evals/*.suite.yaml'],
  })
  expect(read('import-report.md')).toBe('mine\n')
  expect(read('import-report-2.md')).toContain('# Import report')
  const before = read('aigate.yaml')
  await expect(initFromCommand(context, '.', join(samples, 'promptfoo/basic.yaml'))).rejects.toThrow(
    /Nothing was written/,
  )
  expect(read('aigate.yaml')).toBe(before)
})

describe('attacks', () => {
  const config = (more: string) => `prompts: ['Say {{ x }}']\nproviders: [openai:gpt-4o]\n${more}`
  const test = (value: string) =>
    config(`tests: [{vars: {x: ${JSON.stringify(value)}}, assert: [{type: contains, value: a}]}]\n`)
  async function run(files: Record<string, string>, from = 'theirs/promptfooconfig.yaml') {
    const there = place()
    for (const [path, text] of Object.entries(files)) there.write(path, text)
    const cwd = join(there.cwd, 'theirs')
    const ending = await initFromCommand({ ...there.context, cwd }, '../made', from.replace('theirs/', ''))
    const made = written(join(there.cwd, 'made')).map((file) => there.read(`made/${file}`))
    return { ...there, ending, all: [...made, ...there.out].join('') }
  }

  it.each(['file://../secret.txt', 'file:///etc/hostname', 'file://../*.txt', 'file://link.txt'])(
    'reads nothing outside: %s',
    async (path) => {
      const there = place()
      there.write('secret.txt', 'the crown jewels')
      there.write('theirs/promptfooconfig.yaml', test(path))
      symlinkSync('../secret.txt', join(there.cwd, 'theirs/link.txt'))
      const context = { ...there.context, cwd: join(there.cwd, 'theirs') }
      expect(await initFromCommand(context, '../made', 'promptfooconfig.yaml')).toBe('inconclusive')
      const made = written(join(there.cwd, 'made')).map((file) => there.read(`made/${file}`))
      expect(made.join('')).not.toContain('crown jewels')
      expect(there.out.join('')).toMatch(/leads out of the project/)
    },
  )

  it('bounds a product that would never end', async () => {
    const list = JSON.stringify(Array.from({ length: 100 }, (_, i) => `n${i}`))
    const vars = Array.from({ length: 12 }, (_, i) => `v${i}: ${list}`).join(', ')
    const { all, ending } = await run({
      'theirs/promptfooconfig.yaml': config(
        `tests: [{vars: {x: b}, assert: [{type: contains, value: b}]}, {vars: {${vars}}, assert: [{type: contains, value: a}]}]\n`,
      ),
    })
    expect(all).toMatch(/make more than 10\^15 cases; at most 10000/)
    expect(ending).toBe('inconclusive')
  })

  it('refuses a YAML bomb with a sentence', async () => {
    const level = (n: number) =>
      `a${n}: &a${n} [${Array.from({ length: 9 }, () => (n === 0 ? 'x' : `*a${n - 1}`)).join(', ')}]\n`
    const bomb = Array.from({ length: 12 }, (_, n) => level(n)).join('')
    await expect(run({ 'theirs/promptfooconfig.yaml': `${bomb}prompts: [*a11]\n` })).rejects.toThrow(
      /multiply beyond all measure/,
    )
  })

  it('never runs code of templates, transforms and assertions', async () => {
    const code = `{{ range.constructor("require('fs').writeFileSync('owned', 'x')")() }}`
    const { cwd, ending, all } = await run({
      'theirs/promptfooconfig.yaml': config(
        `tests:\n  - vars: {x: ${JSON.stringify(code)}}\n    assert:\n      - {type: javascript, value: file://evil.js}\n      - {type: equals, value: b, transform: file://evil.js}\n      - {type: contains, value: b}\n  - file://evil.js\n`,
      ),
      'theirs/evil.js': "require('fs').writeFileSync('owned', 'x')\n",
    })
    expect(ending).toBe('inconclusive')
    for (const folder of [cwd, join(cwd, 'theirs'), join(cwd, 'made'), process.cwd()])
      expect(existsSync(join(folder, 'owned'))).toBe(false)
    expect(all).toContain('code is never run')
  })

  it('keeps what looks like a role, a template or a terminal command as text', async () => {
    const text = 'Look:\nuser:\n{% raw %}{{ not a variable }}{% endraw %}\n\u001b[31mred {{ x }}'
    const { read, all, out } = await run({
      'theirs/promptfooconfig.yaml': `prompts: [${JSON.stringify(text)}]\nproviders: [${JSON.stringify('\u001b[2Jnobody:x')}]\ntests: [{vars: {x: '{{ evil }} {% if %}'}, assert: [{type: contains, value: a}]}]\n`,
    })
    expect(read('made/evals/theirs.suite.yaml')).toContain('cases:')
    expect(all).toContain("{{ 'user:' }}")
    expect(out.join('')).not.toContain('\u001b')
  })

  it('says that Git LFS has not fetched a file, and which rows are samples', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n'
    await expect(run({ 'theirs/samples.jsonl': pointer }, 'theirs/samples.jsonl')).rejects.toThrow(/Git LFS/)
    const rows = '{"question": "a", "answer": "b"}\n'
    await expect(run({ 'theirs/qa.jsonl': rows }, 'theirs/qa.jsonl')).rejects.toThrow(/they have question, answer/)
  })

  it.each([
    'prompts: {}',
    'prompts: [null]\ntests: 7',
    'prompts: [[1]]\nproviders: {a: {b: c}}\ntests: [[[]]]',
    'tests: [{vars: [1], assert: {type: 3}}]\nprompts: [a]',
    'prompts: [a]\ndefaultTest: []\nscenarios: [{config: 3, tests: {}}]',
  ])('says a sentence about nonsense: %s', async (text) => {
    const ending = await run({ 'theirs/promptfooconfig.yaml': text }).catch((error: unknown) => error)
    expect((ending as Error).name === 'AigateError' || 'ending' in (ending as object)).toBe(true)
  })
})
