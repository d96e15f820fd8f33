// A good project, read: targets, policies, cases of all sources, hashes, overrides, prompts.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AigateError } from '../errors.ts'
import { Config } from '../schema/config.ts'
import { Suite } from '../schema/suite.ts'
import { readCases } from './case-files.ts'
import { checkProject } from './check.ts'
import { loadProject } from './project.ts'
import { errorsOf, folderWith, goodConfig, goodFiles, goodPrompt, goodSuite, problemsOf } from './project-testing.ts'
import { compareVersions, listPrompts, loadPrompt, readPrompt } from './prompts.ts'
import { scaffoldFiles, writeScaffold } from './scaffold.ts'
import { sourceFile } from './source-text.ts'
import { loadSuites, type SuiteOptions } from './suites.ts'
import { parseYaml } from './yaml.ts'

const SUITE = 'evals/support.suite.yaml'
const PROMPT = 'prompts/support/answer/1.2.0.md'

async function load(files: Record<string, string | Uint8Array> = {}, options: Partial<SuiteOptions> = {}) {
  const cwd = folderWith({ ...goodFiles, ...files })
  return loadSuites(await loadProject({ cwd }), { suites: [], ...options })
}
const only = async (...args: Parameters<typeof load>) => {
  const suites = await load(...args)
  expect(suites).toHaveLength(1)
  return suites[0]!
}
const edit = (from: string | RegExp, to: string) => {
  expect(goodSuite.replace(from, to)).not.toBe(goodSuite)
  return { [SUITE]: goodSuite.replace(from, to) }
}

describe('loadProject', () => {
  it('finds aigate.yaml above, up to the root of the repository', async () => {
    const root = folderWith({ ...goodFiles, 'a/b/c.txt': '', 'sub/.git/HEAD': '' })
    const project = await loadProject({ cwd: join(root, 'a/b') })
    expect(project).toMatchObject({ root, file: join(root, 'aigate.yaml') })
    expect((await errorsOf(loadProject({ cwd: join(root, 'sub') })))[0]!.code).toBe('config_missing')
  })

  it('takes another file, and its folder is the root', async () => {
    const root = folderWith({ 'x/other.yaml': goodConfig })
    expect(await loadProject({ cwd: root, config: 'x/other.yaml' })).toMatchObject({ root: join(root, 'x') })
    writeFileSync(join(root, 'x/other.yaml'), 'version: 1\nmodel: {}\n')
    expect(await problemsOf(loadProject({ cwd: root, config: 'x/other.yaml' }))).toEqual([
      'x/other.yaml:2:1 unknown key "model"; did you mean "models"?',
    ])
  })
})

describe('loadSuites', () => {
  it('looks up the target and joins the parameters', async () => {
    const { target, file, dir, suite } = await only(
      edit('model: main}', 'model: main, params: {temperature: 1, seed: 7}}'),
    )
    expect(target).toMatchObject({
      kind: 'prompt',
      prompt: { name: 'support/answer', version: '1.2.0', file: PROMPT },
      model: { name: 'main', pin: { id: 'gpt-4o-2024-11-20' } },
      params: { temperature: 1, seed: 7 },
      provider: { name: 'openai', config: { type: 'openai', base_url: 'https://api.openai.com/v1' } },
    })
    expect([file, dir.endsWith('evals'), suite.trials]).toEqual([SUITE, true, { min: 1, max: 3 }])
  })

  it('lays policies over each other: defaults, aigate.yaml, suite, overrides', async () => {
    const gate = edit(
      'cases:',
      'gate: {max_regression: 7%, latency_p95: {max: 5s}, categories: {summarise: {min_pass_rate: 1}}}\ncases:',
    )
    const { policy } = await only(gate, {
      overrides: { policy: { alpha: 0.01, categories: { summarise: { max_regression: 0.2 } } } },
    })
    expect(policy).toMatchObject({
      min_pass_rate: 0.8,
      max_regression: 0.07,
      alpha: 0.01,
      on_inconclusive: 'hold',
      latency_p95: { max: 5000, max_increase: 0.1 },
      categories: { summarise: { min_pass_rate: 1, max_regression: 0.2 } },
    })
  })

  it('keeps a category of aigate.yaml out of suites that do not have it', async () => {
    const categories = 'gate: {categories: {safety: {min_pass_rate: 1}, summarise: {min_pass_rate: 0.9}}, '
    const files = {
      'aigate.yaml': goodConfig.replace('gate: {', categories),
      'evals/b.suite.yaml': goodSuite.replace('suite: support', 'suite: b').replace('summarise', 'safety'),
    }
    const suites = await load(files)
    expect(suites.map(({ suite, policy }) => [suite.suite, Object.keys(policy.categories ?? {})])).toEqual([
      ['b', ['safety']],
      ['support', ['summarise']],
    ])
  })

  it('adds the assertions and the threshold of the suite to each case', async () => {
    const { cases } = await only(edit('cases:', 'threshold: 0.5\ncases:'))
    expect(cases.map((one) => [one.case.assert.map(({ type, not }) => [type, not]), one.case.threshold])).toEqual([
      [
        [
          ['contains', false],
          ['max_words', false],
        ],
        0.5,
      ],
      [
        [
          ['contains', false],
          ['contains', true],
          ['max_words', false],
        ],
        0.5,
      ],
    ])
    expect(cases.map(({ info }) => [info.id, info.file, info.line, info.critical, info.category, info.tags])).toEqual([
      ['tc_001', SUITE, 7, false, 'summarise', ['smoke']],
      ['tc_003', SUITE, 12, true, undefined, []],
    ])
  })

  it('reads cases of all sources in order, relative to the suite', async () => {
    const { cases } = await only({
      ...edit('cases:', 'cases_from: [cases/a.jsonl, cases/b.csv, ../more/c.yaml]\ncases:'),
      'evals/cases/a.jsonl':
        '{"id": "j1", "vars": {"question": "x"}}\r\n\r\n{"id": "j2", "vars": {"question": "y"}}\r\n',
      'evals/cases/b.csv':
        '\uFEFFid,question,assert,tags,critical,category\r\nc1,"two\r\nlines",{contains: refund},"smoke, slow",TRUE,safety\r\nc2,"a ""b"", c","[{contains: a}, {max_words: 3}]",,,\r\n',
      'more/c.yaml': '# cases\n- id: y1\n  vars: {question: z}\n',
    })
    expect(cases.slice(2).map(({ info }) => `${info.id} ${info.file}:${info.line}`)).toEqual([
      'j1 evals/cases/a.jsonl:1',
      'j2 evals/cases/a.jsonl:3',
      'c1 evals/cases/b.csv:2',
      'c2 evals/cases/b.csv:4',
      'y1 more/c.yaml:2',
    ])
    const [c1, c2] = cases.filter(({ info }) => info.file.endsWith('.csv'))
    expect(c1!.case).toMatchObject({
      vars: { question: 'two\nlines' },
      tags: ['smoke', 'slow'],
      critical: true,
      category: 'safety',
    })
    expect(c2!.case).toMatchObject({ vars: { question: 'a "b", c' }, tags: [], critical: false })
    expect(c2!.case.assert.map(({ type }) => type)).toEqual(['contains', 'max_words', 'max_words'])
  })

  it('a case is identified by what it asks and demands, and by nothing else', async () => {
    const hashes = async (files: Record<string, string>) => (await only(files)).cases.map(({ info }) => info.hash)
    const before = await hashes({})
    expect(before[0]).toMatch(/^[0-9a-f]{64}$/)
    expect(await hashes(edit('category: summarise\n    tags: [smoke]', 'category: other\n    tags: [a, b]'))).toEqual(
      before,
    )
    expect(await hashes(edit('    critical: true\n', ''))).toEqual(before)
    expect(await hashes(edit('model: main', 'model: prev'))).toEqual(before)
    expect(await hashes({ [PROMPT]: goodPrompt.replace('support agent', 'robot') })).toEqual(before)
    expect(await hashes({ [SUITE]: goodSuite.replaceAll('\n', '\r\n') })).toEqual(before)
    expect(await hashes(edit('{max_words: 120}', '{weight: 1, max_words: 120}'))).toEqual(before)
    for (const [from, to] of [
      ['up 32%', 'up 33%'],
      ['"4.2M"', '"4.3M"'],
    ] as const) {
      const after = await hashes(edit(from, to))
      expect([after[0] === before[0], after[1] === before[1]]).toEqual([false, true])
    }
    for (const [from, to] of [
      ['max_words: 120', 'max_words: 121'],
      ['cases:', 'threshold: 0.5\ncases:'],
    ] as const) {
      const after = await hashes(edit(from, to))
      expect([after[0] === before[0], after[1] === before[1]]).toEqual([false, false])
    }
  })

  it('honest anchors, merge keys and many aliases work', async () => {
    const many = Array.from({ length: 500 }, (_, i) => `  - {id: n${i}, <<: *base}`).join('\n')
    const suite = goodSuite.replace('cases:', `cases:\n  - &base\n    id: base\n    vars: {question: hi}\n${many}`)
    const { cases } = await only({ [SUITE]: suite })
    expect(cases).toHaveLength(503)
    expect(cases[400]).toMatchObject({ case: { id: 'n399', vars: { question: 'hi' } }, info: { line: 408 } })
  })

  it('CRLF and a byte order mark change nothing, not even places', async () => {
    const crlf = (text: string) => `\uFEFF${text.replaceAll('\n', '\r\n')}`
    const windows = Object.fromEntries(Object.entries(goodFiles).map(([name, text]) => [name, crlf(String(text))]))
    const strip = (suite: Awaited<ReturnType<typeof only>>) => ({ ...suite, dir: '' })
    expect(strip(await only(windows))).toEqual(strip(await only()))
    const broken = { ...windows, [SUITE]: crlf(goodSuite.replace('critical: true', 'crtical: true')) }
    const [error] = await errorsOf(load(broken))
    expect(error!.places).toEqual([
      {
        file: SUITE,
        line: 12,
        column: 5,
        frame: [
          '   11 |   - id: tc_003',
          '>  12 |     crtical: true',
          '      |     ^',
          '   13 |     vars: {question: "What is our refund policy?"}',
        ].join('\n'),
      },
    ])
  })

  it('an application as the target needs no variables', async () => {
    const suites = await load({
      ...edit(/target: .*/, 'target: {command: [node, app.mjs]}'),
      'evals/http.suite.yaml': goodSuite
        .replace('suite: support', 'suite: http')
        .replace(/target: .*/, 'target: {http: {url: "http://127.0.0.1:1/"}}'),
      'evals/module.suite.yaml': goodSuite
        .replace('suite: support', 'suite: module')
        .replace(/target: .*/, 'target: {module: app.ts}'),
      'evals/app.ts': '',
    })
    expect(suites.map(({ target }) => target.kind)).toEqual(['http', 'module', 'command'])
  })
})

it('the project that `init` writes has no problems', async () => {
  const cwd = folderWith({})
  await writeScaffold(cwd, scaffoldFiles)
  const { suites, problems } = await checkProject(await loadProject({ cwd }))
  expect([suites.length > 0, problems]).toEqual([true, []])
})

describe('the choice of suites', () => {
  const second = { 'evals/second.suite.yaml': goodSuite.replace('suite: support', 'suite: second') }
  const names = async (suites: string[], files = {}) =>
    (await load({ ...second, ...files }, { suites })).map(({ suite }) => suite.suite)

  it('by name or by file, also outside the globs', async () => {
    expect(await names([])).toEqual(['second', 'support'])
    expect(await names(['support'])).toEqual(['support'])
    expect(await names([SUITE, 'support'])).toEqual(['support'])
    expect(await names(['x/y.yaml'], { 'x/y.yaml': goodSuite.replace('suite: support', 'suite: y') })).toEqual(['y'])
  })

  it('another suite that is broken does not stop the one that was asked for', async () => {
    expect(await names(['support'], { 'evals/broken.suite.yaml': 'suite: [' })).toEqual(['support'])
  })

  it('says what does not match', async () => {
    expect(await problemsOf(names(['suport']))).toEqual(['no suite matches "suport"; did you mean "support"?'])
    expect(await problemsOf(names(['evals/none.suite.yaml']))).toEqual(['evals/none.suite.yaml there is no such file'])
    const config = { 'aigate.yaml': `${goodConfig}suites: [none/*.yaml]\n` }
    expect(await problemsOf(names([], config))).toEqual(['no file matches `suites` of aigate.yaml: none/*.yaml'])
  })
})

describe('overrides', () => {
  const older = { 'prompts/support/answer/1.1.0.md': goodPrompt.replace('version: 1.2.0', 'version: 1.1.0') }

  it('choose another version, model and number of trials', async () => {
    const overrides = { prompt: 'support/answer@1.1.0', model: 'prev', trials: { min: 5, max: 5 } }
    const { target, suite } = await only(older, { overrides })
    expect(target).toMatchObject({ prompt: { version: '1.1.0' }, model: { name: 'prev' } })
    expect(suite).toMatchObject({
      target: { prompt: 'support/answer@1.1.0', model: 'prev' },
      trials: { min: 5, max: 5 },
    })
  })

  it.each<[SuiteOptions['overrides'], string]>([
    [{ prompt: 'other@1.0.0' }, '--prompt other@1.0.0 does not fit suite "support": its prompt is "support/answer"'],
    [
      { prompt: 'support/answer@3.0.0' },
      '--prompt: prompt "support/answer" has no version 3.0.0; there are 1.1.0, 1.2.0',
    ],
    [{ prompt: 'support/answer' }, '--prompt: "support/answer" names no prompt version'],
    [{ model: 'mian' }, '--model: unknown model "mian"; did you mean "main"?'],
  ])('%j', async (overrides, expected) => {
    expect(await problemsOf(load(older, overrides ? { overrides } : {}))).toEqual([expected])
  })

  it('do not fit an application', async () => {
    const files = edit(/target: .*/, 'target: {command: [node, app.mjs]}')
    expect(await problemsOf(load(files, { overrides: { model: 'main' } }))).toEqual([
      '--model main does not fit suite "support": its target is no prompt',
    ])
  })
})

describe('prompts', () => {
  const version = (number: string) => ({ [`prompts/support/answer/${number}.md`]: goodPrompt.replace('1.2.0', number) })

  it('are split at their roles, with the line on which each text begins', async () => {
    const text = goodPrompt.replace(
      'user:\n',
      'assistant:\n\n\n  Hello.\n\ndeveloper: \n{% raw %}{{ x }}{% endraw %}\nuser:\nhttp: system: no role\n',
    )
    const project = await loadProject({ cwd: folderWith({ ...goodFiles, [PROMPT]: text }) })
    const prompt = await loadPrompt(project, 'support/answer@1.2.0')
    expect(prompt.messages).toEqual([
      { role: 'system', template: 'You are a support agent.', line: 7 },
      { role: 'assistant', template: '  Hello.', line: 12 },
      { role: 'developer', template: '{% raw %}{{ x }}{% endraw %}', line: 15 },
      { role: 'user', template: 'http: system: no role\n{{ question }}', line: 17 },
    ])
    expect(prompt).toMatchObject({ input: ['question'], file: PROMPT })
  })

  it('know the variables of every construct', async () => {
    const body =
      '{% for d in docs %}{{ d.title | append: suffix }} {{ forloop.index }}{% endfor %}{% assign x = a.b %}{{ x }}{% if m[k] == true %}{{ question }}{% endif %}'
    const text = goodPrompt.replace('{{ question }}', body).replace('[question]', '[docs, suffix, a, m, k, question]')
    const project = await loadProject({ cwd: folderWith({ ...goodFiles, [PROMPT]: text }) })
    expect((await loadPrompt(project, 'support/answer@1.2.0')).input).toHaveLength(6)
  })

  it('latest is the highest version', async () => {
    const files = {
      ...goodFiles,
      ...version('1.10.0'),
      ...version('1.9.0'),
      ...version('2.0.0-rc.1'),
      'prompts/README.md': '#',
    }
    const project = await loadProject({ cwd: folderWith(files) })
    expect((await listPrompts(project)).map((one) => one.version)).toEqual(['1.2.0', '1.9.0', '1.10.0', '2.0.0-rc.1'])
    expect((await loadPrompt(project, 'support/answer@latest')).version).toBe('2.0.0-rc.1')
  })

  it('the order of versions is the one of semver.org', () => {
    const inOrder = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.0.1',
      '1.1.0',
      '2.0.0',
    ]
    expect([...inOrder].reverse().sort(compareVersions)).toEqual(inOrder)
  })

  it('names cannot leave the folder', async () => {
    const project = await loadProject({ cwd: folderWith({ ...goodFiles, 'secret/1.0.0.md': goodPrompt }) })
    expect(await problemsOf(loadPrompt(project, '../secret@1.0.0'))).toEqual(['unknown prompt "../secret"'])
  })
})

describe('garbage', () => {
  const onlyAigateErrors = async (work: () => unknown) => {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      for (const one of [error, ...error.more]) {
        expect(one.message).not.toBe('')
        expect(one.mend).not.toBe('')
      }
    }
  }
  const scraps = [
    ...goodSuite.split(/(\s|[:,{}[\]"])/),
    '\t',
    '---',
    '*a',
    '&a',
    '!!set',
    '? ',
    '|',
    '>',
    '%',
    "'",
    '\0',
    '<<',
    '__proto__',
    '.nan',
    '1e999',
  ]
  const yamlish = fc.array(fc.constantFrom(...scraps), { maxLength: 60 }).map((parts) => parts.join(''))
  const text = fc.oneof(yamlish, fc.string({ unit: 'binary' }), fc.json())

  it('in YAML ends in an AigateError or in a value', async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom(Suite, Config), (content, schema) =>
        onlyAigateErrors(() => parseYaml(content, 'x.yaml', schema, 'suite')),
      ),
      { numRuns: 600 },
    )
  })

  it('in a suite whose parts are swapped for other values', async () => {
    const good = parseYaml(goodSuite, 'x.yaml', Suite, 'suite')
    expect(good.value.suite).toBe('support')
    const json = fc.jsonValue({ maxDepth: 1 })
    const keys = ['suite', 'version', 'target', 'trials', 'gate', 'assert', 'threshold', 'cases', 'cases_from', 'x']
    const assertion = fc.dictionary(
      fc.constantFrom('contains', 'max_words', 'similar', 'weight', 'json_path', 'x'),
      json,
    )
    const value = fc.oneof(
      json,
      fc.array(assertion, { maxLength: 4 }),
      fc.array(fc.record({ id: json, assert: fc.array(assertion, { maxLength: 4 }) })),
    )
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...keys), value), (suite) =>
        onlyAigateErrors(() => parseYaml(JSON.stringify(suite), 'x.yaml', Suite, 'suite')),
      ),
      { numRuns: 400 },
    )
  })

  it('in files of cases and in prompts', async () => {
    const folder = folderWith({})
    mkdirSync(join(folder, 'a'), { recursive: true })
    const row = fc.array(
      fc.constantFrom(
        'id',
        'a',
        ',',
        ',',
        '\n',
        '\n',
        '"',
        'assert',
        '{contains: x}',
        '{"id":"a"}',
        'critical',
        'true',
      ),
      { maxLength: 40 },
    )
    const entry = { name: 'a', version: '1.0.0', file: 'a/1.0.0.md' }
    const prompt = fc.array(
      fc.constantFrom(
        '---\n',
        'name: a\n',
        'version: 1.0.0\n',
        'input: [a]\n',
        'user:\n',
        '{{ a }}',
        '{{',
        '{% if a %}',
        '{% endif %}',
        'a',
        '\n',
      ),
      { maxLength: 30 },
    )
    const body = fc.oneof(
      text,
      row.map((parts) => parts.join('')),
      prompt.map((parts) => parts.join('')),
    )
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom('a.jsonl', 'a.csv', 'a.yaml', 'a/1.0.0.md'), async (content, name) => {
        writeFileSync(join(folder, name), content)
        const file = sourceFile(folder, name)
        await onlyAigateErrors(() => (name.endsWith('.md') ? readPrompt(file, entry) : readCases(file)))
      }),
      { numRuns: 800 },
    )
  })
})
